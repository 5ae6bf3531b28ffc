//! What was sent to a provider and waits for its answer. The first answer takes it away, and only in
//! the browser that was sent: nobody is signed in by somebody else's answer.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::SsoError;
use crate::args;
use crate::authn::sso::Refusal;
use crate::authz::Realm;
use crate::crypto::{Field, mac};
use crate::kernel::id::{ProviderId, SessionId, SsoRequestId};
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, SystemWrite, Tenant, Tenants};

/// What somebody was sent to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    /// An administrator tries the provider out; nothing comes of it but a report.
    Test,
    /// Somebody who is signed in proves again who they are.
    Confirm,
    Logout,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::SignIn, Self::Test, Self::Confirm, Self::Logout];

    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Test => "test",
            Self::Confirm => "confirm",
            Self::Logout => "logout",
        }
    }
}

/// What the answer is held against.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expected {
    /// SAML: the ID of the request.
    pub request: Option<String>,
    /// OpenID Connect.
    pub nonce: Option<String>,
    /// OpenID Connect: PKCE's code verifier.
    pub verifier: Option<String>,
    /// The path of this console to go on to.
    pub next: Option<String>,
}

pub struct NewRequest {
    pub provider: ProviderId,
    pub purpose: Purpose,
    /// The value of the cookie that marks the browser.
    pub browser: Zeroizing<String>,
    /// Of whoever is signed in already.
    pub session: Option<SessionId>,
    pub expected: Expected,
}

/// A request whose answer has come.
pub struct Pending {
    pub id: SsoRequestId,
    pub provider: ProviderId,
    pub purpose: Purpose,
    pub session: Option<SessionId>,
    pub expected: Expected,
    pub created: Timestamp,
}

/// Writes down what is sent. Gives what the answer has to bring back, as `state` or `RelayState`
/// (43 characters; SAML allows 80).
pub async fn remember(
    tenants: &Tenants,
    tenant: &Tenant,
    new: NewRequest,
) -> Result<Zeroizing<String>, SsoError> {
    let runtime = tenants.runtime();
    let state = Zeroizing::new(BASE64URL_NOPAD.encode(&runtime.bytes::<32>()));
    let (id, now) = (runtime.id::<SsoRequestId>(), runtime.now());
    let (hash, browser) = (digest(&state), digest(&new.browser));
    let text = serde_json::to_vec(&new.expected).map_err(unwritable)?;
    let realm = Realm::Tenant(tenant.id);
    let write = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        let sealed = tx.seal(Field::SsoRequestState, id.bytes(), None, &text)?;
        tx.execute(
            "INSERT INTO sso_requests
                 (id, state_hash, provider, browser, purpose, session, state, created, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                id,
                &hash,
                new.provider,
                &browser,
                new.purpose.name(),
                new.session,
                &sealed,
                now,
                now.plus(limits::SSO_REQUEST_LIFE)
            ],
        )?;
        Ok(())
    });
    write.await?;
    Ok(state)
}

/// Takes the request away that an answer belongs to.
///
/// # Errors
/// [`Refusal::Over`] when there is none (any more), [`Refusal::OtherBrowser`] when another browser was
/// sent; then the request stays for that one.
pub async fn take(
    tenants: &Tenants,
    tenant: &Tenant,
    state: &str,
    browser: Option<&str>,
) -> Result<Result<Pending, Refusal>, SsoError> {
    let (hash, browser) = (digest(state), browser.map(digest));
    let (realm, now) = (Realm::Tenant(tenant.id), tenants.runtime().now());
    let write = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        let sql = "SELECT id, browser, provider, purpose, session, state, created
                   FROM sso_requests WHERE state_hash = $1 AND expires > $2";
        let row = tx.query_one(sql, args![&hash, now], |row| {
            let who = (row.get::<Vec<u8>>(1)?, row.get(2)?, row.get::<String>(3)?);
            Ok((row.get::<SsoRequestId>(0)?, who, row.get(4)?, row.get::<Vec<u8>>(5)?, row.get(6)?))
        })?;
        let Some((id, (sent, provider, purpose), session, sealed, created)) = row else {
            return Ok(Err(Refusal::Over));
        };
        if !browser.is_some_and(|browser| mac::same(&browser, &sent)) {
            return Ok(Err(Refusal::OtherBrowser));
        }
        tx.execute("DELETE FROM sso_requests WHERE id = $1", args![id])?;
        let text = tx.open(Field::SsoRequestState, id.bytes(), &sealed)?;
        let expected = serde_json::from_slice(&text).map_err(unreadable)?;
        let purpose = Purpose::ALL.into_iter().find(|known| known.name() == purpose);
        let purpose = purpose.ok_or_else(|| StoreError::Sql("unknown purpose".into()))?;
        Ok(Ok(Pending { id, provider, purpose, session, expected, created }))
    });
    Ok(write.await?)
}

/// Forgets what nobody has answered, old reports, and the messages that would not work again anyway.
pub fn expire(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sso_requests WHERE expires <= $1", args![now])?;
    tx.execute("DELETE FROM sso_seen WHERE expires <= $1", args![now])?;
    super::reports::expire(tx, now)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn unwritable(error: serde_json::Error) -> DoorError {
    StoreError::Sql(error.to_string().into()).into()
}

fn unreadable(_: serde_json::Error) -> DoorError {
    StoreError::Sql("unreadable request of single sign-on".into()).into()
}
