-- Large exports, which run as jobs. The file of one is exports/<id>.db beside this one; its key is
-- in spool_key, sealed, and gone as soon as the file is.
CREATE TABLE exports (
    id        BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    requester TEXT NOT NULL,
    request   BLOB NOT NULL,
    state     TEXT NOT NULL CHECK (
        state IN ('waiting', 'writing', 'ready', 'cancelled', 'failed', 'interrupted', 'expired')
    ),
    created   INTEGER NOT NULL,
    finished  INTEGER,
    expires   INTEGER,
    entries   INTEGER NOT NULL DEFAULT 0,
    bytes     INTEGER NOT NULL DEFAULT 0,
    problem   TEXT,
    spool_key BLOB
);
CREATE INDEX exports_by_state ON exports (state);
