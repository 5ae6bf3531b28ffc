-- Derived from the audit log; may be dropped and rebuilt at any time.
CREATE TABLE cursor (log BLOB NOT NULL, indexed_through INTEGER NOT NULL);

CREATE TABLE entries (
    seq           INTEGER PRIMARY KEY,
    time          INTEGER NOT NULL,
    action        TEXT NOT NULL,
    actor_type    TEXT,
    actor_id      TEXT,
    actor_name    TEXT,
    resource_type TEXT,
    resource_id   TEXT,
    outcome       TEXT NOT NULL,
    ip            TEXT,
    request_id    TEXT
);
CREATE INDEX entries_by_action ON entries (action, seq);
CREATE INDEX entries_by_actor ON entries (actor_id, seq);
CREATE INDEX entries_by_resource ON entries (resource_id, seq);
CREATE INDEX entries_by_outcome ON entries (outcome, seq);
CREATE INDEX entries_by_time ON entries (time, seq);
CREATE INDEX entries_by_request ON entries (request_id) WHERE request_id IS NOT NULL;
