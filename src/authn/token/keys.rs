//! The keys that sign access tokens, as they are now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::OnceCell;

use super::Tokens;
use super::rotation::first;
use crate::authn::AuthnError;
use crate::authz::Realm;
use crate::crypto::mac;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;
use crate::store::{Row, Sql, StoreError};
use crate::tenants::Tenants;

/// How long whoever checks tokens may keep the published keys. A new key is published for twice as
/// long before it signs.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(3600);

/// A key that signs, has signed or will sign.
pub(super) struct TokenKey {
    pub id: KeyId,
    pub kid: String,
    public: [u8; 32],
    pub created: Timestamp,
    pub signs_from: Timestamp,
    pub signs_until: Option<Timestamp>,
    pub accepted_until: Option<Timestamp>,
    signer: OnceCell<EncodingKey>,
}

impl TokenKey {
    pub const COLUMNS: &str =
        "SELECT id, public, created, signs_from, signs_until, accepted_until FROM token_keys
         ORDER BY signs_from, id";

    pub fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let public: Vec<u8> = row.get(1)?;
        let public = public.try_into().map_err(|_| StoreError::Sql("a short token key".into()))?;
        Ok(Self {
            id: row.get(0)?,
            kid: thumbprint(&public),
            public,
            created: row.get(2)?,
            signs_from: row.get(3)?,
            signs_until: row.get(4)?,
            accepted_until: row.get(5)?,
            signer: OnceCell::new(),
        })
    }

    pub fn signs(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.signs_until.is_none_or(|until| now < until)
    }

    /// Whether its signature counts. One that has not begun to sign has signed nothing.
    fn counts(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.is_published(now)
    }

    fn is_published(&self, now: Timestamp) -> bool {
        self.accepted_until.is_none_or(|until| now < until)
    }

    pub fn decoding_key(&self) -> DecodingKey {
        DecodingKey::from_ed_der(&self.public)
    }

    /// The private half, read from the key store once.
    pub async fn encoding_key(&self, tenants: &Tenants) -> Result<&EncodingKey, AuthnError> {
        let read = || async {
            let der = tenants.token_key(self.id).await?.pkcs8();
            let der = der.map_err(crate::tenants::DoorError::from)?;
            Ok(EncodingKey::from_ed_der(&der))
        };
        self.signer.get_or_try_init(read).await
    }
}

/// RFC 7638: SHA-256 over the members of the key that RFC 8037 requires, in the order of their names.
pub(super) fn thumbprint(public: &[u8; 32]) -> String {
    let x = BASE64URL_NOPAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64URL_NOPAD.encode(&mac::sha256(members.as_bytes()))
}

/// Read again whenever they may have changed.
#[derive(Default)]
pub(super) struct TokenKeys {
    known: Mutex<Option<(u64, Known)>>,
    /// Held by who makes the first one.
    making: tokio::sync::Mutex<()>,
}

type Known = Arc<Vec<Arc<TokenKey>>>;

impl TokenKeys {
    pub async fn all(&self, tenants: &Tenants) -> Result<Known, AuthnError> {
        let generation = tenants.credentials_generation(Realm::Platform).await?;
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((read_at, keys)) = known.as_ref().filter(|(at, _)| *at == generation) {
                let _ = read_at;
                return Ok(keys.clone());
            }
        }
        let read = tenants.credentials(Realm::Platform, |tx| {
            Ok::<_, AuthnError>(tx.query(TokenKey::COLUMNS, &[], TokenKey::read)?)
        });
        let keys: Known = Arc::new(read.await?.into_iter().map(Arc::new).collect());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((generation, keys.clone()));
        Ok(keys)
    }

    /// The one that signs now; made when there never was one.
    pub async fn signing(&self, tenants: &Tenants) -> Result<Arc<TokenKey>, AuthnError> {
        if let Some(key) = self.now_signing(tenants).await? {
            return Ok(key);
        }
        let _turn = self.making.lock().await;
        if self.now_signing(tenants).await?.is_none() {
            first(tenants).await?;
        }
        self.now_signing(tenants).await?.ok_or(AuthnError::NoTokenKey)
    }

    async fn now_signing(&self, tenants: &Tenants) -> Result<Option<Arc<TokenKey>>, AuthnError> {
        let now = tenants.runtime().now();
        Ok(self.all(tenants).await?.iter().rev().find(|key| key.signs(now)).cloned())
    }

    pub async fn by_kid(
        &self,
        tenants: &Tenants,
        kid: &str,
    ) -> Result<Option<Arc<TokenKey>>, AuthnError> {
        let now = tenants.runtime().now();
        let found = |key: &&Arc<TokenKey>| key.kid == kid && key.counts(now);
        Ok(self.all(tenants).await?.iter().find(found).cloned())
    }
}

/// The public keys of this installation's access tokens (JWK Set, RFC 7517).
#[derive(Serialize, JsonSchema)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Serialize, JsonSchema)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    /// The 32 bytes, base64url.
    x: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    /// RFC 7638 thumbprint.
    kid: String,
}

impl Tokens {
    /// What whoever checks tokens by themselves needs: the keys that signed what may still be
    /// valid, the one that signs, and the one that soon will.
    pub async fn jwks(&self, tenants: &Tenants) -> Result<Jwks, AuthnError> {
        self.keys.signing(tenants).await?;
        let now = tenants.runtime().now();
        let all = self.keys.all(tenants).await?;
        let keys = all.iter().filter(|key| key.is_published(now)).map(|key| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            x: BASE64URL_NOPAD.encode(&key.public),
            usage: "sig",
            alg: "EdDSA",
            kid: key.kid.clone(),
        });
        Ok(Jwks { keys: keys.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3.
    #[test]
    fn a_key_is_named_by_its_rfc_7638_thumbprint() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public: [u8; 32] = BASE64URL_NOPAD.decode(x.as_bytes()).unwrap().try_into().unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
