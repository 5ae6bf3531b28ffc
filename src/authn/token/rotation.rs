//! Replacing the key that signs access tokens, so that nobody who checks tokens notices: published
//! first, then signing, then kept until the last token that it signed is over.

use std::sync::Arc;
use std::time::Duration;

use super::keys::{JWKS_MAX_AGE, TokenKey, thumbprint};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::AuthnError;
use crate::authz::permission::PlatformKeyRotate;
use crate::authz::{Caller, Grant, Principal, Realm, RequestContext};
use crate::crypto::signing::VerifyingKey;
use crate::kernel::id::KeyId;
use crate::kernel::{ErrorKind, Fault, Timestamp, limits};
use crate::store::{Sql, SqlMut};
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants, WriteTx};

/// Whose doing it is when the server makes a key by itself.
pub const BY_ITSELF: &str = "tokens.rotate-key";
/// A key signs for this long.
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// A key is published for this long before it signs.
const AHEAD: Duration = Duration::from_secs(2 * JWKS_MAX_AGE.as_secs());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The new key is published now and signs once everybody has it.
    Announced,
    /// The new key signs at once and what older ones signed counts no more: one may have leaked.
    Now,
}

/// The new key.
#[derive(Clone, Debug)]
pub struct Rotated {
    pub kid: String,
    pub signs_from: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(
        "a new key is published already and signs from {0}: wait, or replace all keys at once with --now"
    )]
    UnderWay(Timestamp),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(RotationError);

impl Fault for RotationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnderWay(_) => ErrorKind::Conflict,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnderWay(_) => "rotation-under-way",
            Self::Door(error) => error.code(),
        }
    }
}

/// # Errors
/// [`RotationError::UnderWay`] when a new key waits to sign already.
pub async fn rotate(
    tenants: &Tenants,
    grant: &Grant<PlatformKeyRotate>,
    when: When,
) -> Result<Rotated, RotationError> {
    let (id, key) = tenants.new_token_key().await?;
    let public = key.verifying_key();
    let written = tenants.write(grant, move |tx| replace(tx, id, public, when)).await;
    // For nothing else: where the outcome is unknown, the key may be needed.
    if let Err(RotationError::UnderWay(_)) = &written {
        tenants.destroy_token_key(id).await?;
    }
    let rotated = written?.value;
    sweep(tenants).await?;
    Ok(rotated)
}

fn replace(
    tx: &mut WriteTx<'_, PlatformKeyRotate>,
    id: KeyId,
    public: VerifyingKey,
    when: When,
) -> Result<(Rotated, AuditEvents), RotationError> {
    let now = tx.runtime().now();
    let keys = tx.query(TokenKey::COLUMNS, &[], TokenKey::read)?;
    let signing = keys.iter().any(|key| key.signs(now));
    let signs_from = match when {
        When::Announced if signing => now.plus(AHEAD),
        When::Announced | When::Now => now,
    };
    match when {
        When::Announced => {
            if let Some(waiting) = keys.iter().find(|key| key.signs_from > now) {
                return Err(RotationError::UnderWay(waiting.signs_from));
            }
            let accepted = signs_from.plus(limits::ACCESS_TOKEN_MAX);
            let sql = "UPDATE token_keys SET signs_until = $1, accepted_until = $2
                       WHERE signs_until IS NULL";
            tx.execute(sql, args![signs_from, accepted])?;
        }
        When::Now => {
            let sql = "UPDATE token_keys SET signs_until = $1, accepted_until = $2
                       WHERE accepted_until IS NULL OR accepted_until > $3";
            tx.execute(sql, args![now, now, now])?;
        }
    }
    let sql = "INSERT INTO token_keys (id, public, created, signs_from) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![id, public.bytes(), now, signs_from])?;
    let kid = thumbprint(public.bytes());
    let event = rotated(&kid, signs_from, when);
    Ok((Rotated { kid, signs_from }, event.into()))
}

fn rotated(kid: &str, signs_from: Timestamp, when: When) -> Event {
    let mut event = Event::new(catalogue::KEY_ROTATED);
    event.resource = Some(Resource::new("token_key", kid));
    event.custom_fields.insert("signsFrom".into(), signs_from.to_string().into());
    event.custom_fields.insert("formerKeysWithdrawn".into(), (when == When::Now).into());
    event
}

/// Rotates when the newest key has signed for long enough; the new key, if there is one.
pub async fn rotate_when_due(
    tenants: &Tenants,
    grant: &Grant<PlatformKeyRotate>,
) -> Result<Option<Rotated>, RotationError> {
    let newest = tenants.read(grant, |tx| {
        let keys = tx.query(TokenKey::COLUMNS, &[], TokenKey::read)?;
        Ok::<_, RotationError>(keys.last().map(|key| key.created))
    });
    match newest.await? {
        Some(created) if tenants.runtime().now().since(created) >= LIFE => {
            rotate(tenants, grant, When::Announced).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// The first key of an installation: nobody knows another one, so it signs at once.
pub(super) async fn first(tenants: &Tenants) -> Result<(), AuthnError> {
    let request =
        RequestContext { id: tenants.runtime().id(), ip: None, user_agent: None, browser: None };
    let principal = Principal::System { job: BY_ITSELF };
    let caller = Arc::new(Caller { principal, request });
    let grant = tenants.authorize_platform(&caller, BY_ITSELF).await.map_err(DoorError::from)?;
    match rotate(tenants, &grant, When::Announced).await {
        Ok(_) | Err(RotationError::UnderWay(_)) => Ok(()),
        Err(RotationError::Door(error)) => Err(error.into()),
    }
}

/// Destroys private keys that have signed their last, and forgets keys whose last token is over.
/// Answers with how many private keys it destroyed.
pub async fn sweep(tenants: &Tenants) -> Result<u64, RotationError> {
    let now = tenants.runtime().now();
    let done = tenants.credentials(Realm::Platform, move |tx| {
        let sql = "SELECT id FROM token_keys WHERE signs_until <= $1";
        Ok::<_, DoorError>(tx.query(sql, args![now], |row| row.get::<KeyId>(0))?)
    });
    let mut destroyed = 0;
    for id in done.await? {
        destroyed += u64::from(tenants.destroy_token_key(id).await?);
    }
    let forget = tenants.system_write(Realm::Platform, SystemWrite::Expiry, move |tx| {
        tx.execute("DELETE FROM token_keys WHERE accepted_until <= $1", args![now])?;
        Ok(())
    });
    forget.await?;
    Ok(destroyed)
}
