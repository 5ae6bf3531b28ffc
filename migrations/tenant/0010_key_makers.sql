-- The member who was shown a key's secret, and the one who was shown the secret before it: what they
-- had goes with them when everything of theirs is taken away. Null for keys that an application or
-- somebody outside of the tenant has made, and for those that are older than these columns.
ALTER TABLE api_keys ADD COLUMN made_by BLOB;
ALTER TABLE api_keys ADD COLUMN former_by BLOB;
