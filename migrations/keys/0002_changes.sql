-- What has happened to this store so far, so that archives of keys can tell what they lack.
CREATE TABLE changes (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    -- Keys that were ever put in.
    made INTEGER NOT NULL,
    -- Keys that were ever taken out.
    gone INTEGER NOT NULL
);
INSERT INTO changes (one, made, gone) SELECT 1, count(*), 0 FROM keys;
-- The how manieth key it was; 0: older than this count.
ALTER TABLE keys ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
CREATE INDEX keys_by_number ON keys (number);
