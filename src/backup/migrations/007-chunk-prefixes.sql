-- Prefixes of chunk ids leave `shards`: up to a hundred KiB a shard, they stood before columns that every look-up reads.
-- bytes: the first 16 bytes of each chunk id. Shards that hold none, or of which none are known, have no row.
CREATE TABLE chunk_prefixes (
  shard INTEGER PRIMARY KEY REFERENCES shards (no) ON DELETE CASCADE,
  bytes BLOB NOT NULL
) STRICT;
INSERT INTO chunk_prefixes (shard, bytes) SELECT no, prefixes FROM shards WHERE length(prefixes) > 0;
ALTER TABLE shards DROP COLUMN prefixes;
