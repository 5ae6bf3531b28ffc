-- Derived from the audit log; may be dropped and rebuilt at any time.
-- `hash` is the entry's at `indexed_through`: another one means another history, such as a restored
-- log that went on. `pruned_through`: entries up to there were taken out again.
CREATE TABLE cursor (
    log             BLOB NOT NULL PRIMARY KEY,
    indexed_through INTEGER NOT NULL,
    hash            BLOB,
    pruned_through  INTEGER NOT NULL DEFAULT 0
);

-- Which entries of a chunk (65,536 of them, seq / 65536) have a value in a field. A key is the
-- field's number and the value; `seqs` are the low 16 bits of the numbers.
CREATE TABLE postings (
    chunk INTEGER NOT NULL,
    key   BLOB NOT NULL,
    count INTEGER NOT NULL,
    seqs  BLOB NOT NULL,
    PRIMARY KEY (chunk, key)
) WITHOUT ROWID;

-- Chunks whose frequent words are among the postings.
CREATE TABLE worded (chunk INTEGER PRIMARY KEY);

-- The tables of the full text, text_0 and so on, are made as the log grows: 524,288 entries each.
-- Text was taken out of an unclean one, and it may still have to be written anew.
CREATE TABLE parts (part INTEGER PRIMARY KEY, unclean INTEGER NOT NULL DEFAULT 0);
