-- Settings of this tenant (or of the platform) that are changed in the console: one JSON object each.
CREATE TABLE settings (
    name    TEXT PRIMARY KEY NOT NULL,
    value   TEXT NOT NULL,
    changed INTEGER NOT NULL
);
