-- Retention policies, their runs, legal holds. Blobs named in crypto::classification are sealed.

-- How long data of a class is kept, in days; nothing in `days` keeps it until somebody deletes it.
-- A class without a row is kept as long as the default says.
CREATE TABLE retention_policies (
    class   TEXT PRIMARY KEY NOT NULL,
    days    INTEGER CHECK (days BETWEEN 1 AND 36525),
    changed INTEGER NOT NULL
);

-- What must not be deleted, whatever the policies say. A hold is in force until `lifted`, its end
-- included: a wrong clock lifts nothing by itself.
CREATE TABLE legal_holds (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    scope    TEXT NOT NULL CHECK (scope IN ('tenant', 'data-subject', 'member', 'conversation')),
    -- The person's key (data_subjects.id, users.subject) or the conversation; nothing for the tenant.
    target   BLOB CHECK ((target IS NULL) = (scope = 'tenant')),
    reason   BLOB NOT NULL,
    -- Who set it, and who lifted it why.
    details  BLOB NOT NULL,
    created  INTEGER NOT NULL,
    -- When it ends by itself, and when somebody is to look at it again.
    ends     INTEGER,
    review   INTEGER,
    lifted   INTEGER
);
CREATE INDEX legal_holds_in_force ON legal_holds (scope, target) WHERE lifted IS NULL;
CREATE INDEX legal_holds_by_end ON legal_holds (ends) WHERE lifted IS NULL AND ends IS NOT NULL;

-- Runs that deleted something or that somebody asked for. A run without an end was interrupted: the
-- next one takes it up.
CREATE TABLE retention_runs (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    started  INTEGER NOT NULL,
    finished INTEGER,
    -- What was deleted so far; rewritten with every batch, in its transaction.
    report   BLOB NOT NULL
);
CREATE INDEX retention_runs_unfinished ON retention_runs (started) WHERE finished IS NULL;

-- Keys of persons whose last conversation a run deleted, until they are destroyed. A key that could
-- not be destroyed (no backup target took the ledger's line) is tried again by the next run.
CREATE TABLE retention_keys (
    key     BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 16),
    run     BLOB NOT NULL CHECK (length(run) = 16),
    retired INTEGER NOT NULL
);

-- When retention last looked at the clock, and when that last leapt.
CREATE TABLE retention_clock (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    looked INTEGER NOT NULL,
    leapt  INTEGER
);

-- Messages that retention has removed from a conversation; `messages` goes on counting all that
-- were ever added, because the next one is numbered by it.
ALTER TABLE conversations ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;

CREATE INDEX conversations_by_end ON conversations (closed) WHERE closed IS NOT NULL;
CREATE INDEX messages_by_time ON messages (sent);
