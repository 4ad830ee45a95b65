-- What this node knows of other members, and what it placed where. One owner: the node.
CREATE TABLE peer (
  peer TEXT PRIMARY KEY,                       -- libp2p peer id, base58
  vault TEXT,                                  -- hex; from the peer's own signed certificate
  name TEXT NOT NULL DEFAULT '',
  addresses TEXT NOT NULL DEFAULT '[]',        -- JSON array of multiaddrs without /p2p, at most 8
  vouched INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  quota_bytes INTEGER,                         -- what this peer's vault may store here; NULL: the default
  offer TEXT,                                  -- JSON, as last answered
  offer_time INTEGER,                          -- ms since 1970
  first_seen INTEGER NOT NULL,
  last_seen INTEGER,                           -- ms since 1970; NULL: never reached
  successes INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  last_fault TEXT,
  bytes_stored INTEGER NOT NULL DEFAULT 0,     -- what it took from us
  bytes_fetched INTEGER NOT NULL DEFAULT 0     -- what it served to us
) STRICT, WITHOUT ROWID;
CREATE INDEX peer_vault ON peer (vault);

CREATE TABLE placement_group (
  id TEXT PRIMARY KEY,                         -- hex
  version INTEGER NOT NULL,
  body TEXT NOT NULL,                          -- JSON
  current INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
  token_hash TEXT PRIMARY KEY,                 -- hex SHA-256 of the token
  created INTEGER NOT NULL,                    -- ms since 1970
  expires INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE circle (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL DEFAULT '',
  key TEXT,                                    -- hex pre-shared key; NULL: none
  joined INTEGER NOT NULL,                     -- ms since 1970
  bootstrap TEXT NOT NULL DEFAULT '[]',        -- JSON array of multiaddrs learned when joining
  pending TEXT                                 -- invite code to present once the node is in this circle
) STRICT, WITHOUT ROWID;
