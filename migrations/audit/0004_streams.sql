-- Streams to other systems. Settings and secrets are sealed (crypto::classification).
CREATE TABLE streams (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    state    TEXT NOT NULL CHECK (state IN ('active', 'paused')),
    settings BLOB NOT NULL,
    secrets  BLOB,
    -- Rises with every change, so that a stream that runs with older settings is noticed.
    revision INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL
);

-- How far each has come. System writes, in a table of their own.
CREATE TABLE stream_cursors (
    stream  BLOB PRIMARY KEY NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    -- The log whose entries are counted: after a restore it may be another.
    log     BLOB NOT NULL CHECK (length(log) = 16),
    -- Every entry up to this one is delivered, or was skipped.
    through INTEGER NOT NULL,
    sent    INTEGER NOT NULL DEFAULT 0,
    -- Entries that retention removed before they were sent.
    skipped INTEGER NOT NULL DEFAULT 0,
    moved   INTEGER,
    -- When the failure that is still going on was reported.
    alarmed INTEGER
);

-- In the platform's file alone: the tenants to open after a start, because they have streams.
CREATE TABLE stream_tenants (
    tenant BLOB PRIMARY KEY NOT NULL CHECK (length(tenant) = 16)
);

-- In the platform's file alone: the highest checkpoint of each log at each place that checkpoints
-- are published to.
CREATE TABLE publications (
    place  TEXT NOT NULL,
    log    BLOB NOT NULL CHECK (length(log) = 16),
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    -- 1 once the log's own file says that this checkpoint is kept for ever.
    marked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (place, log)
);
