-- Targets that continuous archiving ever sent changes to: unlike archives, its objects are in no
-- catalogue, and one that is taken out of the settings must not be forgotten.

CREATE TABLE archive_targets (
    target TEXT PRIMARY KEY,
    since  INTEGER NOT NULL,
    last   INTEGER NOT NULL
) WITHOUT ROWID;
