-- Who vouches for somebody whose sign-in waits for one more factor.
ALTER TABLE sign_ins ADD COLUMN provider BLOB;
