-- What administrators were told about backups, so that nobody is told twice: that none is made any
-- more, that none is tried. A row goes when it is over.

CREATE TABLE backup_alarms (
    name  TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) WITHOUT ROWID;
