-- What targets keep beyond the time that certificates promise, because they refuse to delete it: a
-- lock on objects, a credential without the right. One row for archives, one for changes.

CREATE TABLE backup_overdue (
    target  TEXT NOT NULL,
    source  TEXT NOT NULL,
    objects INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    looked  INTEGER NOT NULL,
    PRIMARY KEY (target, source)
) WITHOUT ROWID;
