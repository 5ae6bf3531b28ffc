//! Making tokens for somebody who was let in.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::Tokens;
use super::claims::{Claims, amr};
use super::standing::Standing;
use super::verify::seconds;
use crate::authn::{AuthnError, SessionPolicy, SignedIn};
use crate::authz::{Principal, Realm};
use crate::kernel::id::UserId;
use crate::store::Value;
use crate::tenants::Tenants;

/// What refresh tokens begin with, so that secret scanners can recognise them.
pub(super) const REFRESH_PREFIX: &str = "srr_";

/// An access token, and what the next one is asked for with.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    #[serde(serialize_with = "reveal")]
    #[schemars(with = "String")]
    access_token: Zeroizing<String>,
    /// `Bearer`
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    /// Works once.
    #[serde(serialize_with = "reveal")]
    #[schemars(with = "String")]
    refresh_token: Zeroizing<String>,
    /// Seconds without a request after which it is over.
    refresh_expires_in: u64,
}

fn reveal<S: Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

impl Tokens {
    /// The first tokens of a session that has just begun, as [`Client::Api`](crate::authn::Client).
    pub async fn issue(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        signed_in: SignedIn,
    ) -> Result<TokenPair, AuthnError> {
        let Principal::User { tenant, session, .. } = signed_in.principal else {
            return Err(AuthnError::Unauthenticated);
        };
        let now = tenants.runtime().now();
        let look = tenants.credentials(Realm::Tenant(tenant), move |tx| {
            Standing::read(tx, tenant, "id", Value::Id(*session.bytes()), policy, now)
        });
        let refresh = Zeroizing::new(format!("{REFRESH_PREFIX}{}", *signed_in.cookie));
        self.pair(tenants, &look.await?, refresh).await
    }

    pub(super) async fn pair(
        &self,
        tenants: &Tenants,
        standing: &Standing,
        refresh_token: Zeroizing<String>,
    ) -> Result<TokenPair, AuthnError> {
        let Some(tid) = standing.who.principal.tenant() else {
            return Err(AuthnError::Unauthenticated);
        };
        let key = self.keys.signing(tenants).await?;
        let now = tenants.runtime().now();
        let (iat, life) = (seconds(now), standing.access_life(now).as_secs());
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience(),
            sub: UserId::from_bytes(standing.person),
            tid,
            sid: standing.session,
            jti: uuid::Uuid::from_bytes(*tenants.runtime().id::<UserId>().bytes()),
            iat,
            nbf: iat,
            exp: iat.saturating_add(i64::try_from(life).unwrap_or(0)),
            amr: amr(&standing.factors),
            auth_time: seconds(standing.who.proven),
        };
        let access_token = claims.sign(&key.kid, key.encoding_key(tenants).await?)?;
        Ok(TokenPair {
            access_token: Zeroizing::new(access_token),
            token_type: "Bearer",
            expires_in: life,
            refresh_token,
            refresh_expires_in: standing.refresh_life(now).as_secs(),
        })
    }

    /// Whom tokens are meant for.
    pub(super) fn audience(&self) -> String {
        format!("{}:api", self.issuer)
    }
}
