-- Logs that this file's log follows: a restore that takes a log back to fewer entries than were
-- known begins a new one. The file of each is logs/<id>.db beside this one, and holds the log alone.
CREATE TABLE audit_past_logs (
    id      BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    origin  TEXT NOT NULL,
    -- Entries that its file has, and the RFC 6962 root over them.
    size    INTEGER NOT NULL,
    root    BLOB NOT NULL CHECK (length(root) = 32),
    -- Entries that it is known to have had: more, when some could not be brought back.
    known   INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    restore BLOB NOT NULL CHECK (length(restore) = 16)
);
CREATE TRIGGER audit_past_logs_no_update BEFORE UPDATE ON audit_past_logs
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_past_logs_no_delete BEFORE DELETE ON audit_past_logs
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
