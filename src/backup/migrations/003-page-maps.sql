-- What the pages of databases held at their last backup and where that is stored; see sources/sqlite/page-segment.ts.
-- name: keyed hash of the path. used: ms since 1970, the last backup that wrote it.

CREATE TABLE page_maps (
  no INTEGER PRIMARY KEY,
  name BLOB NOT NULL UNIQUE,
  page_bytes INTEGER NOT NULL,
  used INTEGER NOT NULL
) STRICT;

CREATE TABLE page_segments (
  map INTEGER NOT NULL REFERENCES page_maps (no) ON DELETE CASCADE,
  no INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (map, no)
) STRICT;
