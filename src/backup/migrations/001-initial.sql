-- The catalogue: what this device has stored and where. It commits last, so that nothing in it is ever missing elsewhere.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- queued: not all shards have receipts · placed: all have, or were adopted · retired: replaced, to be released · released
CREATE TABLE stripes (
  no INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  k INTEGER NOT NULL,
  n INTEGER NOT NULL,
  -- n ids of 32 bytes: data, then parity; with k = 1 all are the same
  ids BLOB NOT NULL,
  group_id BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'placed', 'retired', 'released')),
  -- the index root that describes it to other devices; NULL: it is described in the head itself
  root INTEGER
) STRICT;
CREATE INDEX stripes_by_state ON stripes (state);

-- kind: 0 parity or not yet opened, else as in the shard. prefixes: first 16 bytes of each chunk id.
CREATE TABLE shards (
  no INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  parity INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL,
  prefixes BLOB NOT NULL,
  stripe INTEGER REFERENCES stripes (no),
  position INTEGER,
  in_outbox INTEGER NOT NULL,
  lost INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX shards_by_stripe ON shards (stripe, position);
CREATE INDEX shards_in_outbox ON shards (no) WHERE in_outbox = 1;

CREATE TABLE receipts (
  stripe INTEGER NOT NULL REFERENCES stripes (no),
  position INTEGER NOT NULL,
  host TEXT NOT NULL,
  number INTEGER NOT NULL,
  time INTEGER NOT NULL,
  signed BLOB NOT NULL,
  PRIMARY KEY (stripe, position)
) STRICT, WITHOUT ROWID;

-- shards: sorted big-endian 32-bit numbers of the shards it needs, 0 = chunks that ride in the head.
CREATE TABLE snapshots (
  no INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  time INTEGER NOT NULL,
  chunk BLOB NOT NULL,
  body BLOB NOT NULL,
  shards BLOB,
  shards_root BLOB NOT NULL,
  shard_count INTEGER NOT NULL,
  -- the list of older snapshots that holds it; NULL: the head names it
  list INTEGER REFERENCES older_lists (no)
) STRICT;
CREATE INDEX snapshots_by_time ON snapshots (time);

-- Sealed under the epoch key: contents never lie in clear here.
CREATE TABLE inline_frames (
  no INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  box BLOB NOT NULL
) STRICT;

CREATE TABLE roots (
  no INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE older_lists (
  no INTEGER PRIMARY KEY,
  chunk BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE heads (
  seq INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  notice BLOB NOT NULL,
  sealed BLOB NOT NULL,
  sealed_hash BLOB NOT NULL,
  published INTEGER NOT NULL
) STRICT;
