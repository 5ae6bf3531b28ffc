-- What a suspended tenant goes back to: one that was frozen stays frozen.
ALTER TABLE tenants ADD COLUMN before_suspension TEXT;
