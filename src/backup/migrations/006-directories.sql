-- What backups remember of directories, so that unchanged files are not read again; see unchanged/unchanged.ts.
-- name: keyed hash of the path. seen: ms since 1970, to about a day. bytes: compressed and sealed.

CREATE TABLE directories (
  name BLOB NOT NULL PRIMARY KEY,
  seen INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

CREATE INDEX directories_seen ON directories (seen);
