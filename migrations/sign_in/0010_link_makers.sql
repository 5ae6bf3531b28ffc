-- Who handed a link out to somebody else: what is taken away from them takes it along. Null where
-- people asked for the link themselves, for links from a shell, and for older ones.
ALTER TABLE links ADD COLUMN made_by BLOB;
