//! Who asks: the outcome of authentication.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{Permissions, Rights, Role};
use crate::kernel::id::{AdminId, ApiKeyId, KeyId, RequestId, SessionId, TenantId, UserId};

/// Somebody who has proven who they are. A credential embeds its tenant, so no path chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An application with an API key.
    ApiKey { tenant: TenantId, id: ApiKeyId, name: Arc<str>, rights: Rights },
    /// A person in the console.
    User {
        tenant: TenantId,
        id: UserId,
        session: SessionId,
        subject: KeyId,
        name: String,
        rights: Rights,
    },
    /// A person in the platform console, in one of the platform's roles.
    PlatformAdmin { id: AdminId, session: SessionId, subject: KeyId, name: String, role: Role },
    /// A scheduled job.
    System { job: &'static str },
    /// Somebody with a shell on the machine.
    LocalOperator { uid: u32 },
    /// Whoever holds the one-time link that such a person was given.
    SetupLink,
}

impl Principal {
    /// The tenant that the credential is bound to.
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::ApiKey { tenant, .. } | Self::User { tenant, .. } => Some(*tenant),
            _ => None,
        }
    }

    /// The code of the role.
    pub fn role(&self) -> &str {
        match self {
            Self::ApiKey { rights, .. } | Self::User { rights, .. } => rights.role(),
            Self::PlatformAdmin { role, .. } => role.name(),
            Self::System { .. } => Role::System.name(),
            Self::LocalOperator { .. } | Self::SetupLink => Role::LocalOperator.name(),
        }
    }

    pub fn permissions(&self) -> Permissions {
        match self {
            Self::ApiKey { rights, .. } | Self::User { rights, .. } => rights.permissions(),
            Self::PlatformAdmin { role, .. } => role.permissions(),
            Self::System { .. } => Role::System.permissions(),
            Self::LocalOperator { .. } | Self::SetupLink => Role::LocalOperator.permissions(),
        }
    }

    /// Nobody gives away more rights than they have; the machine's operator may make an owner.
    /// What everybody may do about their own account is no right to be given.
    pub fn may_give(&self, permissions: Permissions) -> bool {
        let outside = matches!(self, Self::LocalOperator { .. } | Self::SetupLink);
        outside || permissions.without(Permissions::own_account()).is_within(self.permissions())
    }

    /// As it is written in the log.
    pub fn actor(&self) -> Actor {
        let (kind, id, name, subject) = match self {
            Self::ApiKey { id, name, .. } => {
                ("api_key", id.to_string(), Some(name.to_string()), None)
            }
            Self::User { id, name, subject, .. } => {
                ("user", id.to_string(), Some(name.clone()), Some(*subject))
            }
            Self::PlatformAdmin { id, name, subject, .. } => {
                ("platform_admin", id.to_string(), Some(name.clone()), Some(*subject))
            }
            Self::System { job } => ("system", (*job).to_owned(), None, None),
            Self::LocalOperator { uid } => ("local_operator", format!("uid:{uid}"), None, None),
            Self::SetupLink => ("setup_link", "setup".to_owned(), None, None),
        };
        Actor { kind, id, name, role: self.role().to_owned(), subject }
    }
}

/// A principal as the log names it.
pub struct Actor {
    pub kind: &'static str,
    pub id: String,
    pub name: Option<String>,
    /// The role's code.
    pub role: String,
    /// The subject key of the person, under which their personal data is sealed.
    pub subject: Option<KeyId>,
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub id: RequestId,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// What a browser brought with a request that may begin a session.
    pub browser: Option<Arc<Browser>>,
}

impl RequestContext {
    /// Of what nobody asked for over a network.
    pub const fn local(id: RequestId) -> Self {
        Self { id, ip: None, user_agent: None, browser: None }
    }

    /// The cookie that marks the browser.
    pub fn device(&self) -> Option<&str> {
        self.browser.as_ref()?.device.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The cookie of the session that the browser has had until now.
    pub fn former_session(&self) -> Option<&str> {
        self.browser.as_ref()?.session.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// What a browser has kept from earlier sign-ins: secrets, whether they are worth something or not.
#[derive(Clone, Debug)]
pub struct Browser {
    pub device: Option<SecretString>,
    pub session: Option<SecretString>,
}

/// A principal with the request that it makes.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub request: RequestContext,
}
