-- What the careful clock said at the last look at it, and since when the clock is in doubt.

CREATE TABLE retention_clock (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    looked INTEGER NOT NULL,
    leapt  INTEGER
);
