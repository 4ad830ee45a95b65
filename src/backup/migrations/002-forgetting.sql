-- Snapshots that were forgotten. Their rows stay, hidden, until a sweep no longer counts what they need as live.
CREATE TABLE tombstones (
  id BLOB PRIMARY KEY,
  -- seq of the first own head that names it, and when that head was out; NULL until then
  seq INTEGER,
  published INTEGER
) STRICT, WITHOUT ROWID;

-- Newest head seen of each other device of the vault: one that was there once may not be missing when stripes are released.
CREATE TABLE other_heads (
  device TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
