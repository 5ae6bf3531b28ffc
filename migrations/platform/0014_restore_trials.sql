-- When each owner's backups were last restored in a test, and last with success: with many tenants
-- they take turns.

CREATE TABLE restore_trials (
    owner  TEXT PRIMARY KEY,
    tried  INTEGER NOT NULL,
    passed INTEGER
) WITHOUT ROWID;
