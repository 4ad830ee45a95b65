-- Remotes: directories, on a disk or a NAS, that keep a copy of everything. The id also lies in the directory itself.
CREATE TABLE remotes (
  no INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  path TEXT NOT NULL UNIQUE,
  added INTEGER NOT NULL,
  -- ms: when it was last there
  seen INTEGER NOT NULL,
  -- ms: when it last held everything, and the catalogue's revision its head showed then
  completed INTEGER,
  revision INTEGER,
  head_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Shards whose file and name are durable there. unneeded: ms, since when nothing needs it.
CREATE TABLE remote_shards (
  remote INTEGER NOT NULL REFERENCES remotes (no) ON DELETE CASCADE,
  shard INTEGER NOT NULL REFERENCES shards (no) ON DELETE CASCADE,
  unneeded INTEGER,
  PRIMARY KEY (remote, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_shards_by_shard ON remote_shards (shard);
