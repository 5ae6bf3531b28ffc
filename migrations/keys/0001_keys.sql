-- Wrapped keys of one owner. Rows are deleted for good: secure_delete is on for this file.
CREATE TABLE keys (
    id      BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    purpose TEXT NOT NULL,
    version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created INTEGER NOT NULL
);
