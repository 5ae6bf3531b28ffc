//! What a role is, and what is asked of a new one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approvals::ApprovalError;
use crate::authz::{Flag, Permissions, Role};
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

/// A role, built in or the tenant's own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// What members, keys and invitations are given.
    pub code: String,
    pub name: String,
    pub description: String,
    /// Built-in roles cannot be changed.
    pub built_in: bool,
    /// Names of permissions, in the order of the table.
    pub permissions: Vec<String>,
    /// Members who have it, disabled ones included.
    pub members: u64,
    /// API keys that have it and are not revoked.
    pub api_keys: u64,
}

impl RoleView {
    pub(super) fn built_in(role: Role) -> Self {
        Self {
            code: role.into(),
            name: role.title().to_owned(),
            description: role.description().to_owned(),
            built_in: true,
            permissions: names(role.permissions()),
            members: 0,
            api_keys: 0,
        }
    }

    /// The same as a set.
    pub fn set(&self) -> Permissions {
        self.permissions.iter().filter_map(|name| Flag::parse(name)).collect()
    }
}

pub(super) fn names(permissions: Permissions) -> Vec<String> {
    permissions.iter().map(|flag| flag.name().to_owned()).collect()
}

/// All roles, and what the permissions in them mean.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Roles {
    /// Built-in ones first.
    pub items: Vec<RoleView>,
    /// Every permission that a role of a tenant can have.
    pub permissions: Vec<PermissionWords>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionWords {
    pub name: String,
    /// The part of the product that it belongs to.
    pub domain: String,
    /// What it permits, in a sentence.
    pub description: String,
    /// Whether something can be changed under it.
    pub writes: bool,
}

/// A role to be defined.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRole {
    /// 2 to 40 of `a-z`, `0-9` and `-`; not the name of a built-in role.
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// Names of permissions. What everybody may do about their own account is always in it.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The code of a role whose permissions it gets as well.
    #[serde(default)]
    pub copy_of: Option<String>,
}

/// What of a role is to be different.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleChanges {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    /// All that it is to have.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error(
        "a role's code has 2 to 40 of the characters a-z, 0-9 and -, begins with a letter and is not the name of a built-in role"
    )]
    Code,
    #[error("there is a role with this code already: choose another")]
    Taken,
    #[error("a role needs a name of 1 to {} bytes without control characters", limits::LINE_BYTES)]
    Name,
    #[error("a description has at most {} bytes and no control characters", limits::LINE_BYTES)]
    Description,
    #[error("there is no permission {0:?} that a member could have: GET …/roles lists them")]
    Permission(String),
    #[error("you cannot give away more rights than you have")]
    TooMuch,
    #[error("unknown role: use a built-in one or one that this tenant has defined")]
    Unknown,
    #[error("there is no such role")]
    NotFound,
    #[error("built-in roles are the same everywhere: copy it into a role of your own")]
    BuiltIn,
    #[error(
        "the role is in use (members: {members}, API keys: {api_keys}, invitations: {invitations}): give them another one first"
    )]
    InUse { members: u64, api_keys: u64, invitations: u64 },
    #[error("a tenant has at most {0} roles of its own: delete one first")]
    TooMany(u64),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(RoleError);

impl From<ApprovalError> for RoleError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl Fault for RoleError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Code | Self::Name | Self::Description | Self::Permission(_) | Self::Unknown => {
                ErrorKind::Invalid
            }
            Self::Taken | Self::BuiltIn | Self::InUse { .. } | Self::TooMany(_) => {
                ErrorKind::Conflict
            }
            Self::TooMuch => ErrorKind::Denied,
            Self::NotFound => ErrorKind::NotFound,
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Code => "role-code-invalid",
            Self::Taken => "role-code-taken",
            Self::Name => "name-invalid",
            Self::Description => "description-invalid",
            Self::Permission(_) => "permission-unknown",
            Self::TooMuch => "forbidden",
            Self::Unknown => "role-unknown",
            Self::NotFound => "role-not-found",
            Self::BuiltIn => "role-built-in",
            Self::InUse { .. } => "role-in-use",
            Self::TooMany(_) => "too-many-roles",
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Code | Self::Taken => Some("code"),
            Self::Name => Some("name"),
            Self::Description => Some("description"),
            Self::Permission(_) => Some("permissions"),
            Self::Unknown => Some("role"),
            _ => None,
        }
    }
}
