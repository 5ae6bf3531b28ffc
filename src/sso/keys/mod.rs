//! The key pairs with which a tenant, as a SAML service provider, signs its messages and opens what
//! was encrypted for it. The first is made when somebody asks for the metadata. To replace it, the
//! next one is published beside it, put to use when every provider knows it, and the former one kept
//! until no provider encrypts for it any more.

mod change;
mod error;
mod repo;
mod service;

use schemars::JsonSchema;
use serde::Serialize;

use crate::authz::Grant;
use crate::authz::permission::SsoRead;
use crate::kernel::Timestamp;
use crate::kernel::id::SsoKeyId;
use crate::tenants::Tenants;

pub use change::{make_next, put_to_use, remove};
pub use error::SsoKeyError;
pub use service::{ServiceKeys, of_service, service_names};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, and not used yet.
    Next,
    /// Signs.
    Current,
    /// Not published any more; what was encrypted for it is still opened.
    Former,
}

impl KeyState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Former => "former",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Former].into_iter().find(|state| state.name() == name)
    }
}

/// A key pair without its private half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SsoKey {
    pub id: SsoKeyId,
    pub state: KeyState,
    /// PEM.
    pub certificate: String,
    /// SHA-256 of the certificate, in lower-case hex.
    pub fingerprint: String,
    pub created_at: Timestamp,
    /// When the certificate ends. Providers may refuse what is signed with it from then on.
    pub expires_at: Timestamp,
}

/// All, in the order of their making.
pub async fn list(tenants: &Tenants, grant: &Grant<SsoRead>) -> Result<Vec<SsoKey>, SsoKeyError> {
    tenants.read(grant, repo::all).await
}
