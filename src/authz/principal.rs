//! Who asks: the outcome of authentication.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Permissions, Role};
use crate::kernel::id::{AdminId, ApiKeyId, KeyId, RequestId, SessionId, TenantId, UserId};

/// Somebody who has proven who they are. A credential embeds its tenant, so no path chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An application with an API key.
    ApiKey {
        tenant: TenantId,
        id: ApiKeyId,
        name: Arc<str>,
        role: Role,
    },
    /// A person in the console.
    User {
        tenant: TenantId,
        id: UserId,
        session: SessionId,
        subject: KeyId,
        name: String,
        role: Role,
    },
    PlatformAdmin {
        id: AdminId,
        session: SessionId,
        subject: KeyId,
        name: String,
    },
    /// A scheduled job.
    System {
        job: &'static str,
    },
    /// Somebody with a shell on the machine.
    LocalOperator {
        uid: u32,
    },
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

    pub fn role(&self) -> Role {
        match self {
            Self::ApiKey { role, .. } | Self::User { role, .. } => *role,
            Self::PlatformAdmin { .. } => Role::PlatformAdmin,
            Self::System { .. } => Role::System,
            Self::LocalOperator { .. } | Self::SetupLink => Role::LocalOperator,
        }
    }

    pub fn permissions(&self) -> Permissions {
        self.role().permissions()
    }

    /// Nobody gives away more rights than they have; the machine's operator may make an owner.
    pub fn may_give(&self, role: Role) -> bool {
        let outside = matches!(self, Self::LocalOperator { .. } | Self::SetupLink);
        outside || role.permissions().is_within(self.permissions())
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
        Actor { kind, id, name, role: self.role(), subject }
    }
}

/// A principal as the log names it.
pub struct Actor {
    pub kind: &'static str,
    pub id: String,
    pub name: Option<String>,
    pub role: Role,
    /// The subject key of the person, under which their personal data is sealed.
    pub subject: Option<KeyId>,
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub id: RequestId,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// A principal with the request that it makes.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub request: RequestContext,
}
