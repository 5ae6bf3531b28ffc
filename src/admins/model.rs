//! What a platform administrator is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authz::Role;
use crate::kernel::Timestamp;
use crate::kernel::id::AdminId;
use crate::users::{MemberState, SecondFactor};

/// Somebody who signs in to the platform.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Admin {
    pub id: AdminId,
    /// Null once the person was erased.
    pub name: Option<String>,
    pub email: Option<String>,
    /// `platform-admin`, `platform-auditor` or `platform-support`.
    pub role: String,
    pub state: MemberState,
    pub second_factor: SecondFactor,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
}

/// A role of the platform by its code; the prefix `platform-` may be left out.
pub fn role(code: &str) -> Option<Role> {
    let code = code.to_ascii_lowercase().replace('_', "-");
    Role::PLATFORM.into_iter().find(|role| {
        role.name() == code || role.name().strip_prefix("platform-") == Some(code.as_str())
    })
}
