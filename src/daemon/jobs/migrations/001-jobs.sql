-- Long work of the daemon. Times are milliseconds since 1970, documents are JSON.
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
  title TEXT NOT NULL,
  request TEXT NOT NULL,
  -- 1: its input is a stream that a restart cannot bring back.
  streams INTEGER NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER,
  ended INTEGER,
  -- Once a job waits this holds what it has reached; once it is done, its summary.
  summary TEXT,
  error TEXT,
  -- Number of the job's newest event.
  seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX jobs_unfinished ON jobs (state) WHERE state IN ('queued', 'running', 'waiting');

-- Notes and the newest reached state; progress is not kept.
CREATE TABLE job_events (
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;
