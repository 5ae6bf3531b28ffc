-- Retention and destruction of the log's contents (docs/audit-format.md, "Pruning").

-- How long entries are kept, in days; without a row, the default of seven years. The floor is two
-- years, of which one may be a leap year.
CREATE TABLE log_retention (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    days INTEGER NOT NULL CHECK (days BETWEEN 731 AND 36525)
);

-- Cuts: entries up to `through` are removed. A row is written with its entry audit.pruned; from
-- then on those entries are gone for every reader, and their rows may be deleted.
CREATE TABLE audit_pruned (
    -- A checkpoint's size. Tiles prove what was there.
    through    INTEGER PRIMARY KEY CHECK (through > 0),
    -- That checkpoint, a signed note, kept here for ever.
    checkpoint TEXT NOT NULL,
    time       INTEGER NOT NULL
);

CREATE TRIGGER audit_pruned_no_update BEFORE UPDATE ON audit_pruned
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_pruned_no_delete BEFORE DELETE ON audit_pruned
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_pruned_rises BEFORE INSERT ON audit_pruned
WHEN NEW.through <= (SELECT coalesce(max(through), 0) FROM audit_pruned)
BEGIN SELECT RAISE(ABORT, 'the log is cut there already'); END;
CREATE TRIGGER audit_pruned_signed BEFORE INSERT ON audit_pruned
WHEN NOT EXISTS (SELECT 1 FROM checkpoints
                 WHERE size = NEW.through AND note = NEW.checkpoint)
BEGIN SELECT RAISE(ABORT, 'the log is cut at the size of a checkpoint only'); END;
CREATE TRIGGER audit_pruned_proven BEFORE INSERT ON audit_pruned
WHEN NOT EXISTS (SELECT 1 FROM audit_tiles WHERE level = 0 AND idx = (NEW.through - 1) / 256)
BEGIN SELECT RAISE(ABORT, 'the log is cut where full tiles prove it only'); END;
-- 731 days in microseconds, by the times of the log itself: its clock only goes forward.
CREATE TRIGGER audit_pruned_floor BEFORE INSERT ON audit_pruned
WHEN coalesce((SELECT time FROM audit_entries WHERE seq = NEW.through)
              > min(NEW.time, (SELECT time FROM audit_entries ORDER BY seq DESC LIMIT 1))
                - 63158400000000, 1)
BEGIN SELECT RAISE(ABORT, 'entries are kept for two years at least'); END;

DROP TRIGGER audit_entries_no_delete;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
WHEN OLD.seq > (SELECT coalesce(max(through), 0) FROM audit_pruned)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Destructions of the key of a log's contents. In the platform's file one row for each, from its
-- beginning on, so that one that was interrupted is taken up again; in the tenant's file the
-- certificate, for its own people.
CREATE TABLE log_shreds (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    tenant      BLOB NOT NULL CHECK (length(tenant) = 16),
    -- The keys that are destroyed, as JSON.
    keys        TEXT NOT NULL,
    -- Who asked for it, as JSON: type and id.
    actor       TEXT NOT NULL,
    begun       INTEGER NOT NULL,
    finished    INTEGER,
    -- A signed note; empty until it is finished.
    certificate TEXT NOT NULL DEFAULT ''
);
