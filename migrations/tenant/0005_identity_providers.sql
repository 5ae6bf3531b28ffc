-- Identity providers that the tenant trusts.
CREATE TABLE identity_providers (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind        TEXT NOT NULL CHECK (kind IN ('saml', 'oidc')),
    -- Blind index of what it calls itself: SAML entity id; OIDC issuer and client id.
    issuer_hash BLOB NOT NULL UNIQUE,
    state       TEXT NOT NULL CHECK (state IN ('on', 'off')),
    settings    BLOB NOT NULL,
    secrets     BLOB,
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL
);

-- Domains of e-mail addresses for which a provider is asked, and believed.
CREATE TABLE provider_domains (
    domain   TEXT PRIMARY KEY NOT NULL,
    provider BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE
);
CREATE INDEX provider_domains_by_provider ON provider_domains (provider);

-- Key pairs with which this tenant, as a service provider, signs requests and opens what was
-- encrypted for it. The next one is published before it is used, the former one still opens.
CREATE TABLE sso_keys (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    state       TEXT NOT NULL CHECK (state IN ('next', 'current', 'former')),
    certificate BLOB NOT NULL,
    private     BLOB NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL
);
