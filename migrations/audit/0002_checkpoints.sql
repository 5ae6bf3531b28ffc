-- Checkpoints, witnesses and their signatures (docs/audit-format.md, "Checkpoints").

-- What the log calls itself in checkpoints: strongroom/<installation>/<log id>. It moves with the
-- log. Empty in a log that is older than checkpoints: then it follows from the installation.
ALTER TABLE audit_log ADD COLUMN origin TEXT NOT NULL DEFAULT '';

-- Signed notes: each proves itself, so rows may go (they are thinned) but none can be made up.
CREATE TABLE checkpoints (
    -- Entries that it covers.
    size INTEGER PRIMARY KEY CHECK (size > 0),
    -- RFC 6962 root of the tree over them, as in the note.
    root BLOB NOT NULL CHECK (length(root) = 32),
    -- When it was signed, in microseconds.
    time INTEGER NOT NULL,
    -- The note with the log's own signature; cosignatures are in their own table.
    note TEXT NOT NULL,
    -- 1 when it was published or witnessed: somebody else may hold it, so it is kept for ever.
    kept INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1))
);
CREATE INDEX checkpoints_time ON checkpoints (time);

-- Who may witness this log's checkpoints.
CREATE TABLE witnesses (
    -- C2SP verifier key of kind 0x04: name+key id+base64. The name is what people see.
    key     TEXT PRIMARY KEY NOT NULL,
    name    TEXT NOT NULL,
    added   INTEGER NOT NULL,
    -- When it was removed; what it signed before stays checkable.
    removed INTEGER
);

-- What witnesses signed.
CREATE TABLE cosignatures (
    -- The checkpoint's.
    size    INTEGER NOT NULL,
    -- witnesses.key
    witness TEXT NOT NULL,
    -- When the witness says that it signed, in microseconds.
    time    INTEGER NOT NULL,
    -- The note's signature line, without the line feed.
    line    TEXT NOT NULL,
    PRIMARY KEY (size, witness)
);

-- Signed checkpoints that the log was found not to fit, so that each is an entry only once.
CREATE TABLE contradictions (
    size    INTEGER NOT NULL,
    root    BLOB NOT NULL,
    -- The first entry that was missing then, if entries were.
    missing INTEGER,
    found   INTEGER NOT NULL,
    PRIMARY KEY (size, root)
);

-- Roots of full subtrees with 256^level leaves (level from 1): what the tiles of that level are
-- made of, stored as it comes so that the right edge is read without the tiles below it.
CREATE TABLE audit_subtrees (
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
);
CREATE TRIGGER audit_subtrees_no_update BEFORE UPDATE ON audit_subtrees
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_subtrees_no_delete BEFORE DELETE ON audit_subtrees
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Times at which the log stood still because the wall clock was behind, so that each is an entry
-- only once.
CREATE TABLE clock_set_back (
    -- The log's time then, in microseconds.
    log_time INTEGER PRIMARY KEY,
    found    INTEGER NOT NULL
);
