-- Several devices of one vault: what the others' heads name is known here, and kept apart from what this device made.

-- own: made here; only these are ever rewritten or released. used: another device's that snapshots of this one need.
ALTER TABLE stripes ADD COLUMN own INTEGER NOT NULL DEFAULT 1;
ALTER TABLE stripes ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
-- own: this device's head names it, whoever else does.
ALTER TABLE snapshots ADD COLUMN own INTEGER NOT NULL DEFAULT 1;
ALTER TABLE older_lists ADD COLUMN own INTEGER NOT NULL DEFAULT 1;

-- The newest head of each other device. custody: nobody else will name any more what it names, so this device's head does.
CREATE TABLE others (
  device TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  time INTEGER NOT NULL,
  -- of the sealed head; of a fork, of both sides
  hashes BLOB NOT NULL,
  custody INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What that head names, by number. kind: 1 stripe · 2 its last one, which it may replace · 3 snapshot · 4 list of older
-- snapshots · 5 index root
CREATE TABLE named (
  device TEXT NOT NULL REFERENCES others (device) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  no INTEGER NOT NULL,
  PRIMARY KEY (device, kind, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_by_no ON named (kind, no);

-- Index roots of others that were read, with the numbers (32 bits, big-endian) of the stripes they describe.
CREATE TABLE other_roots (
  no INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL UNIQUE,
  stripes BLOB NOT NULL
) STRICT;

-- Chunks that ride in others' heads, sealed like inline_frames.
CREATE TABLE other_frames (
  no INTEGER PRIMARY KEY,
  device TEXT NOT NULL REFERENCES others (device) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  box BLOB NOT NULL
) STRICT;

-- Every head this device ever signed or took over as its own: a seq with another hash out there is a fork.
CREATE TABLE chain (
  seq INTEGER NOT NULL,
  sealed_hash BLOB NOT NULL,
  PRIMARY KEY (seq, sealed_hash)
) STRICT, WITHOUT ROWID;
INSERT INTO chain (seq, sealed_hash) SELECT seq, sealed_hash FROM heads;
