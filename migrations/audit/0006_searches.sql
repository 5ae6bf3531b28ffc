-- Searches of the log that are kept for everybody who may read it. Names and queries are sealed;
-- name_hash is a blind index of the name in lower case.
CREATE TABLE saved_searches (
    id        BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name_hash BLOB NOT NULL UNIQUE,
    name      BLOB NOT NULL,
    query     BLOB NOT NULL,
    created   INTEGER NOT NULL
);
