-- Erasures of persons, each from its beginning on, so that one that was interrupted is completed.
-- A person is the key that their data is sealed under: an opaque id, which outlives the key itself.
CREATE TABLE erasures (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    -- One person is erased once.
    subject     BLOB NOT NULL UNIQUE CHECK (length(subject) = 16),
    kind        TEXT NOT NULL CHECK (kind IN ('data-subject', 'member')),
    -- Who asked for it, as JSON: type and id.
    actor       TEXT NOT NULL,
    -- Why, and how much there was; sealed under the tenant's key.
    details     BLOB NOT NULL,
    begun       INTEGER NOT NULL,
    finished    INTEGER,
    -- A signed note; empty until it is finished.
    certificate TEXT NOT NULL DEFAULT ''
);
CREATE INDEX erasures_by_time ON erasures (begun);
