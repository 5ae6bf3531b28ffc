//! Statements about identity providers, and about whom they speak for.

use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::find::Found;
use super::links::Linked;
use super::{Protocol, Provider, ProviderSettings, ProviderState, SsoError};
use crate::args;
use crate::authn::sso::Vouched;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, SessionId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, WriteTx};

const COLUMNS: &str =
    "SELECT id, state, settings, secrets, created, changed FROM identity_providers";

struct Sealed {
    id: ProviderId,
    on: bool,
    settings: Vec<u8>,
    secret: Option<Vec<u8>>,
    created: Timestamp,
    changed: Timestamp,
}

fn sealed(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        id: row.get(0)?,
        on: row.get::<String>(1)? == ProviderState::On.name(),
        settings: row.get(2)?,
        secret: row.get(3)?,
        created: row.get(4)?,
        changed: row.get(5)?,
    })
}

fn open(tx: &impl RealmTx, row: Sealed) -> Result<Found, DoorError> {
    let settings = tx.open(Field::ProviderSettings, row.id.bytes(), &row.settings)?;
    let settings: ProviderSettings = serde_json::from_slice(&settings)
        .map_err(|_| StoreError::Sql("unreadable settings of an identity provider".into()))?;
    let secret = match &row.secret {
        Some(secret) => tx.open_text(Field::ProviderSecrets, row.id.bytes(), secret)?,
        None => None,
    };
    let state = if row.on { ProviderState::On } else { ProviderState::Off };
    let (has_secret, created_at, changed_at) = (secret.is_some(), row.created, row.changed);
    let provider = Provider { id: row.id, state, settings, has_secret, created_at, changed_at };
    Ok(Found { provider, secret: secret.map(SecretString::from) })
}

/// The oldest first.
pub fn all(tx: &impl RealmTx) -> Result<Vec<Found>, DoorError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY id"), &[], sealed)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

pub fn find(tx: &impl RealmTx, id: ProviderId) -> Result<Option<Found>, DoorError> {
    let row = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], sealed)?;
    row.map(|row| open(tx, row)).transpose()
}

pub fn find_issuer(tx: &impl RealmTx, issuer: &Issuer<'_>) -> Result<Option<Found>, DoorError> {
    let (kind, hash) = (issuer.kind(), issuer.hash(tx)?);
    let sql = format!("{COLUMNS} WHERE issuer_hash = $1 AND kind = $2");
    let row = tx.query_one(&sql, args![&hash, kind], sealed)?;
    row.map(|row| open(tx, row)).transpose()
}

/// The provider that people with addresses of this domain are sent to.
pub fn of_domain(tx: &impl Sql, domain: &str) -> Result<Option<ProviderId>, StoreError> {
    let sql = "SELECT provider FROM provider_domains WHERE domain = $1";
    tx.query_one(sql, args![domain], |row| row.get(0))
}

pub fn count(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM identity_providers", &[])
}

/// How many others sign people in.
pub fn others_on(tx: &impl Sql, id: ProviderId) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM identity_providers WHERE state = 'on' AND id <> $1";
    tx.count(sql, args![id])
}

/// Whether a provider has signed anybody in.
pub fn has_links(tx: &impl Sql, id: ProviderId) -> Result<bool, StoreError> {
    Ok(tx.count("SELECT count(*) FROM identities WHERE provider = $1", args![id])? > 0)
}

/// What a provider calls itself, and knows this service as.
#[derive(PartialEq, Eq)]
pub enum Issuer<'a> {
    Saml { entity_id: &'a str },
    Oidc { issuer: &'a str, client_id: &'a str },
}

impl<'a> Issuer<'a> {
    pub fn of(settings: &'a ProviderSettings) -> Self {
        match &settings.protocol {
            Protocol::Saml(saml) => Self::Saml { entity_id: &saml.entity_id },
            Protocol::Oidc(oidc) => Self::Oidc { issuer: &oidc.issuer, client_id: &oidc.client_id },
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Saml { .. } => "saml",
            Self::Oidc { .. } => "oidc",
        }
    }

    /// Blind indexes take capitals for small letters; these names mean them.
    fn hash(&self, tx: &impl RealmTx) -> Result<[u8; 32], DoorError> {
        let name = match self {
            Self::Saml { entity_id } => (*entity_id).to_owned(),
            Self::Oidc { issuer, client_id } => format!("{issuer}\n{client_id}"),
        };
        let name = HEXLOWER.encode(&Sha256::digest(name.as_bytes()));
        Ok(tx.lookup_hash("sso-issuer", &format!("{}\n{name}", self.kind()))?)
    }
}

/// # Errors
/// [`SsoError::IssuerTaken`], [`SsoError::DomainTaken`]
pub fn insert<P>(tx: &mut WriteTx<'_, P>, new: &Found) -> Result<(), SsoError> {
    let provider = &new.provider;
    let issuer = Issuer::of(&provider.settings);
    let (settings, secret) = seal(tx, new)?;
    let inserted = tx.execute(
        "INSERT INTO identity_providers
             (id, kind, issuer_hash, state, settings, secrets, created, changed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            provider.id,
            issuer.kind(),
            &issuer.hash(tx)?,
            provider.state.name(),
            &settings,
            secret.as_deref(),
            provider.created_at,
            provider.changed_at
        ],
    );
    taken(inserted, || SsoError::IssuerTaken)?;
    set_domains(tx, provider)
}

/// Writes state, settings and secret.
///
/// # Errors
/// As [`insert`].
pub fn update<P>(tx: &mut WriteTx<'_, P>, found: &Found) -> Result<(), SsoError> {
    let provider = &found.provider;
    let issuer = Issuer::of(&provider.settings);
    let (settings, secret) = seal(tx, found)?;
    let updated = tx.execute(
        "UPDATE identity_providers SET kind = $1, issuer_hash = $2, state = $3, settings = $4,
             secrets = $5, changed = $6 WHERE id = $7",
        args![
            issuer.kind(),
            &issuer.hash(tx)?,
            provider.state.name(),
            &settings,
            secret.as_deref(),
            provider.changed_at,
            provider.id
        ],
    );
    taken(updated, || SsoError::IssuerTaken)?;
    tx.execute("DELETE FROM provider_domains WHERE provider = $1", args![provider.id])?;
    set_domains(tx, provider)
}

fn set_domains<P>(tx: &mut WriteTx<'_, P>, provider: &Provider) -> Result<(), SsoError> {
    for domain in &provider.settings.domains {
        let sql = "INSERT INTO provider_domains (domain, provider) VALUES ($1, $2)";
        let inserted = tx.execute(sql, args![domain, provider.id]);
        taken(inserted, || SsoError::DomainTaken(domain.clone()))?;
    }
    Ok(())
}

fn taken(
    done: Result<usize, StoreError>,
    error: impl FnOnce() -> SsoError,
) -> Result<(), SsoError> {
    match done {
        Err(StoreError::Constraint(_)) => Err(error()),
        other => Ok(other.map(|_| ())?),
    }
}

type SealedParts = (Vec<u8>, Option<Vec<u8>>);

fn seal<P>(tx: &WriteTx<'_, P>, found: &Found) -> Result<SealedParts, SsoError> {
    let id = found.provider.id.bytes();
    let settings = serde_json::to_vec(&found.provider.settings)
        .map_err(|error| StoreError::Sql(error.to_string().into()))?;
    let settings = tx.seal(Field::ProviderSettings, id, None, &settings)?;
    let secret = found
        .secret
        .as_ref()
        .map(|secret| tx.seal(Field::ProviderSecrets, id, None, secret.expose_secret().as_bytes()));
    Ok((settings, secret.transpose()?))
}

/// Removes a provider, with everything that hangs on it.
pub fn delete(tx: &mut impl SqlMut, id: ProviderId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM identity_providers WHERE id = $1", args![id]).map(|_| ())
}

/// Ends whatever stands on a provider's word; the number of sessions.
pub fn end_sessions(tx: &mut impl SqlMut, id: ProviderId) -> Result<usize, StoreError> {
    end_all_waiting(tx)?;
    let requests = "DELETE FROM sso_requests WHERE provider = $1 AND purpose <> 'test'";
    tx.execute(requests, args![id])?;
    let sql = "DELETE FROM sessions
               WHERE id IN (SELECT session FROM sso_sessions WHERE provider = $1)";
    tx.execute(sql, args![id])
}

/// Whether a provider signs people in now.
pub fn is_on(tx: &impl Sql, id: ProviderId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM identity_providers WHERE id = $1 AND state = 'on'";
    Ok(tx.count(sql, args![id])? > 0)
}

/// The member that somebody at a provider is.
pub fn linked(
    tx: &impl RealmTx,
    provider: ProviderId,
    subject: &str,
) -> Result<Option<UserId>, DoorError> {
    let hash = Vouched::subject_hash(tx, provider, subject)?;
    let sql = "SELECT user FROM identities WHERE provider = $1 AND subject_hash = $2";
    Ok(tx.query_one(sql, args![provider, &hash], |row| row.get(0))?)
}

/// Whether a member is somebody at this provider already.
pub fn has_link(tx: &impl Sql, provider: ProviderId, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM identities WHERE provider = $1 AND user = $2";
    Ok(tx.count(sql, args![provider, user])? > 0)
}

/// Writes down who somebody at a provider is.
pub fn link<P>(
    tx: &mut WriteTx<'_, P>,
    provider: ProviderId,
    subject: &str,
    user: UserId,
) -> Result<(), DoorError> {
    let (hash, now) = (Vouched::subject_hash(tx, provider, subject)?, tx.runtime().now());
    let key =
        tx.query_one("SELECT subject FROM users WHERE id = $1", args![user], |row| row.get(0))?;
    let sealed = tx.seal(Field::IdentitySubject, user.bytes(), key, subject.as_bytes())?;
    tx.execute(
        "INSERT INTO identities (provider, subject_hash, user, subject, created, seen)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![provider, &hash, user, &sealed, now, now],
    )?;
    Ok(())
}

/// The members that a provider signs in.
pub fn links(tx: &impl Sql, provider: ProviderId) -> Result<Vec<Linked>, StoreError> {
    let sql =
        "SELECT user, created, seen FROM identities WHERE provider = $1 ORDER BY created, user";
    tx.query(sql, args![provider], |row| {
        Ok(Linked { user: row.get(0)?, linked_at: row.get(1)?, seen_at: row.get(2)? })
    })
}

/// Whether there was such a link.
pub fn unlink(
    tx: &mut impl SqlMut,
    provider: ProviderId,
    user: UserId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM identities WHERE provider = $1 AND user = $2";
    Ok(tx.execute(sql, args![provider, user])? > 0)
}

/// Ends a member's sessions, and sign-ins that wait, that stand on a provider's word; the number of
/// sessions.
pub fn end_sessions_of(
    tx: &mut impl SqlMut,
    provider: ProviderId,
    user: UserId,
) -> Result<usize, StoreError> {
    end_waiting(tx, user)?;
    let sql = "DELETE FROM sessions WHERE user = $1
                   AND id IN (SELECT session FROM sso_sessions WHERE provider = $2)";
    tx.execute(sql, args![user, provider])
}

/// Notes that somebody was seen.
pub fn seen<P>(
    tx: &mut WriteTx<'_, P>,
    provider: ProviderId,
    user: UserId,
) -> Result<(), StoreError> {
    let (sql, now) =
        ("UPDATE identities SET seen = $1 WHERE provider = $2 AND user = $3", tx.runtime().now());
    tx.execute(sql, args![now, provider, user]).map(|_| ())
}

/// Whether a message was used before.
pub fn was_used(tx: &impl Sql, provider: ProviderId, message: &str) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM sso_seen WHERE provider = $1 AND message = $2";
    Ok(tx.count(sql, args![provider, &digest(message)])? > 0)
}

/// Uses a message up; whether it was not used before.
pub fn use_up(
    tx: &mut impl SqlMut,
    provider: ProviderId,
    message: &str,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO sso_seen (provider, message, expires) VALUES ($1, $2, $3)
               ON CONFLICT (provider, message) DO NOTHING";
    Ok(tx.execute(sql, args![provider, &digest(message), until])? == 1)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Sessions that stand on a provider's word for this person, or that it calls by one of these names,
/// with whose they are. One that has no name there is meant by the person's alone.
pub fn sessions_of(
    tx: &impl RealmTx,
    provider: ProviderId,
    subject: Option<&str>,
    indexes: &[String],
) -> Result<Vec<(SessionId, UserId)>, DoorError> {
    const SESSIONS: &str = "SELECT s.id, s.user FROM sso_sessions v
        JOIN sessions s ON s.id = v.session WHERE v.provider = $1";
    let subject =
        subject.map(|subject| Vouched::subject_hash(tx, provider, subject)).transpose()?;
    let subject = subject.as_ref().map(<[u8; 32]>::as_slice);
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    if indexes.is_empty() {
        let sql = format!("{SESSIONS} AND v.subject_hash = $2 ORDER BY s.user, s.id");
        return Ok(tx.query(&sql, args![provider, subject], read)?);
    }
    let mut found = Vec::new();
    for index in indexes {
        let index = Vouched::index_hash(tx, provider, index)?;
        let sql = format!(
            "{SESSIONS} AND (v.index_hash = $2 OR (v.index_hash IS NULL AND $3 IS NOT NULL))
                 AND ($3 IS NULL OR v.subject_hash = $3) ORDER BY s.user, s.id"
        );
        found.extend(tx.query(&sql, args![provider, &index, subject], read)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Ends the sign-ins of a person that a provider has begun, and that wait for one more factor.
pub fn end_waiting(tx: &mut impl SqlMut, person: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM sign_ins WHERE person = $1 AND provider IS NOT NULL";
    tx.execute(sql, args![person]).map(|_| ())
}

/// The same of everybody. Whose word a sign-in that waits stands on is sealed: those few begin anew.
pub fn end_all_waiting(tx: &mut impl SqlMut) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_ins WHERE provider IS NOT NULL", &[]).map(|_| ())
}
