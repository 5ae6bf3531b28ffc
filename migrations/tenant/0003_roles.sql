-- Roles of the tenant's own; `permissions` are names, separated by blanks.
CREATE TABLE roles (
    code        TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL
);
