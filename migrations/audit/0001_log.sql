-- The audit log, version 1 (docs/audit-format.md). Append-only: the writing connection's
-- authorizer refuses UPDATE and DELETE here for the application itself, these triggers refuse
-- them for whoever opens the file with another program.
CREATE TABLE audit_log (
    id      BLOB NOT NULL CHECK (length(id) = 16),
    created INTEGER NOT NULL
);

CREATE TABLE audit_entries (
    seq      INTEGER PRIMARY KEY CHECK (seq > 0),
    time     INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    hash     BLOB NOT NULL CHECK (length(hash) = 32)
);

-- Full tiles of the RFC 6962 tree: 256 hashes each, level 0 are the entries' hashes.
CREATE TABLE audit_tiles (
    level  INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, idx)
);

CREATE TRIGGER audit_log_single BEFORE INSERT ON audit_log
WHEN (SELECT count(*) FROM audit_log) > 0
BEGIN SELECT RAISE(ABORT, 'a file holds one audit log'); END;
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_tiles_no_update BEFORE UPDATE ON audit_tiles
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_tiles_no_delete BEFORE DELETE ON audit_tiles
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- REPLACE deletes too. It asks the triggers above on connections with recursive_triggers = ON, as
-- ours are; a trigger on INSERT would ask on all, and make every append a third slower.

-- System writes append no entry; this one settles what a failed commit left behind.
CREATE TABLE store_state (heartbeat INTEGER NOT NULL);
INSERT INTO store_state (heartbeat) VALUES (0);

-- Answers to repeated calls, sealed, for 24 hours.
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    route     TEXT NOT NULL,
    key       TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    row_id    BLOB NOT NULL,
    answer    BLOB NOT NULL,
    created   INTEGER NOT NULL,
    PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_created ON idempotency (created);
