-- Mails that wait for the operator's mail server. A row is deleted once it was taken or given up.
CREATE TABLE mail (
    id        BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    recipient BLOB NOT NULL,
    content   BLOB NOT NULL,
    created   INTEGER NOT NULL,
    -- When it is tried next, and when it is given up.
    due       INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX mail_by_due ON mail (due);
