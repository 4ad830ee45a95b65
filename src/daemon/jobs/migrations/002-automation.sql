-- What the daemon does by itself. Times are milliseconds since 1970, documents are JSON.
CREATE TABLE sources (
  name TEXT PRIMARY KEY,
  -- A backup's request without what belongs to one run.
  definition TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By source, or `default`.
CREATE TABLE policies (
  scope TEXT PRIMARY KEY,
  policy TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL REFERENCES sources (name) ON DELETE CASCADE,
  cron TEXT NOT NULL,
  zone TEXT NOT NULL,
  jitter INTEGER NOT NULL,
  -- What follows a run that ended well: 'nothing', 'forget' or 'prune'.
  afterwards TEXT NOT NULL CHECK (afterwards IN ('nothing', 'forget', 'prune')),
  paused INTEGER NOT NULL,
  created INTEGER NOT NULL,
  -- The next run: when it was planned, the time the expression names, and that time with jitter.
  planned INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  due INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule INTEGER NOT NULL REFERENCES schedules (number) ON DELETE CASCADE,
  -- The time it was due by the expression; null when it was asked for.
  slot INTEGER,
  begun INTEGER NOT NULL,
  ended INTEGER,
  -- Null until the job is made.
  job TEXT,
  state TEXT NOT NULL CHECK (state IN ('running', 'ok', 'partial', 'failed', 'cancelled', 'skipped')),
  snapshot TEXT,
  code TEXT,
  text TEXT,
  -- The job that forgets afterwards.
  tidy TEXT
) STRICT;

CREATE INDEX runs_by_schedule ON runs (schedule, number);
CREATE INDEX runs_running ON runs (state) WHERE state = 'running';

-- Alarms that hold: a restart must not make an old one new.
CREATE TABLE alarms (
  code TEXT NOT NULL,
  about TEXT NOT NULL,
  since INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (code, about)
) STRICT, WITHOUT ROWID;

-- Who is told: a webhook or a local command.
CREATE TABLE targets (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'command')),
  -- The URL, or the argument vector as JSON.
  address TEXT NOT NULL,
  -- Signs what a webhook gets; never shown again.
  secret TEXT NOT NULL,
  -- 'alarms', 'runs' or 'all'.
  wants TEXT NOT NULL CHECK (wants IN ('alarms', 'runs', 'all')),
  created INTEGER NOT NULL,
  delivered INTEGER,
  -- Of the newest attempt that failed, until one succeeds.
  failed INTEGER,
  error TEXT
) STRICT, WITHOUT ROWID;

-- What waits to be told, oldest first.
CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  target TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due INTEGER NOT NULL
) STRICT;
