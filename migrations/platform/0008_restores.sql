-- Restores and restore tests.

CREATE TABLE restores (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    tenant   BLOB NOT NULL CHECK (length(tenant) = 16),
    state    TEXT NOT NULL CHECK (state IN ('running', 'restored', 'confirmed', 'undone', 'failed')),
    -- The moment that was restored.
    moment   INTEGER NOT NULL,
    -- The archive, and where it lay.
    backup   TEXT NOT NULL,
    target   TEXT NOT NULL,
    started  INTEGER NOT NULL,
    finished INTEGER,
    -- Entries of the log from before that the restored state does not have.
    lost     INTEGER NOT NULL DEFAULT 0,
    -- The log from before, when a new one began.
    past     BLOB CHECK (past IS NULL OR length(past) = 16),
    -- Why it failed.
    problem  TEXT
);
CREATE INDEX restores_by_time ON restores (started);
CREATE INDEX restores_by_state ON restores (state);

CREATE TABLE restore_tests (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    started  INTEGER NOT NULL,
    millis   INTEGER NOT NULL,
    passed   INTEGER NOT NULL CHECK (passed IN (0, 1)),
    -- Archives that were restored, and how large what was in them is, in bytes.
    archives INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    problem  TEXT,
    -- What it found, a signed note.
    note     TEXT NOT NULL
);
CREATE INDEX restore_tests_by_time ON restore_tests (started);
