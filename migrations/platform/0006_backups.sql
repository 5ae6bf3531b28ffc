-- Backups: what lies in which target, and how the targets are.

-- One row for each archive. The manifest beside it in the target says the same, signed.
CREATE TABLE backups (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind     TEXT NOT NULL CHECK (kind IN ('data', 'blobs', 'keys', 'keys-delta', 'root')),
    -- The tenant; NULL for the platform.
    owner    BLOB CHECK (length(owner) = 16),
    taken    INTEGER NOT NULL,
    path     TEXT NOT NULL UNIQUE,
    bytes    INTEGER NOT NULL,
    -- A signed note.
    manifest TEXT NOT NULL
);
CREATE INDEX backups_by_owner ON backups (owner, kind, taken);
CREATE INDEX backups_by_time ON backups (taken);

CREATE TABLE backup_placements (
    backup   BLOB NOT NULL REFERENCES backups (id) ON DELETE CASCADE,
    target   TEXT NOT NULL,
    -- 'missing': it could not be written there yet.
    state    TEXT NOT NULL CHECK (state IN ('stored', 'missing', 'damaged')),
    since    INTEGER NOT NULL,
    -- When it was last read back and found whole.
    verified INTEGER,
    PRIMARY KEY (backup, target)
);
CREATE INDEX backup_placements_by_state ON backup_placements (target, state);

CREATE TABLE backup_targets (
    target        TEXT PRIMARY KEY NOT NULL,
    last_success  INTEGER,
    failing_since INTEGER,
    alarmed       INTEGER NOT NULL DEFAULT 0,
    error         TEXT,
    -- Lines of the ledger of erasures that are there.
    ledger        INTEGER NOT NULL DEFAULT 0
);
