-- Logs from before restores whose entries were all past their retention: their files are removed.
-- A row is written with the entry audit.pruned of the log that follows them.
CREATE TABLE audit_past_removed (
    id         BLOB PRIMARY KEY NOT NULL REFERENCES audit_past_logs (id),
    -- The signed note over all that it had, kept here for ever.
    checkpoint TEXT NOT NULL,
    time       INTEGER NOT NULL
);
CREATE TRIGGER audit_past_removed_no_update BEFORE UPDATE ON audit_past_removed
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_past_removed_no_delete BEFORE DELETE ON audit_past_removed
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- 731 days in microseconds, by the times of the logs themselves: their clock only goes forward.
CREATE TRIGGER audit_past_removed_floor BEFORE INSERT ON audit_past_removed
WHEN coalesce((SELECT ended FROM audit_past_logs WHERE id = NEW.id)
              > min(NEW.time, (SELECT time FROM audit_entries ORDER BY seq DESC LIMIT 1))
                - 63158400000000, 1)
BEGIN SELECT RAISE(ABORT, 'entries are kept for two years at least'); END;
