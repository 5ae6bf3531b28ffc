//! Roles, and sets of permissions.

use std::fmt;
use std::str::FromStr;

use super::Flag;

/// Who somebody is inside a tenant; the last three are outside of any tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Admin,
    Operator,
    Viewer,
    Auditor,
    PrivacyOfficer,
    /// Signs in to the platform console; has no way into a tenant's data.
    PlatformAdmin,
    /// Somebody with a shell on the machine, through the CLI.
    LocalOperator,
    /// A scheduled job.
    System,
}

impl Role {
    /// The roles that a member or an API key of a tenant can have.
    pub const TENANT: [Self; 6] = [
        Self::Owner,
        Self::Admin,
        Self::Operator,
        Self::Viewer,
        Self::Auditor,
        Self::PrivacyOfficer,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::PrivacyOfficer => "privacy-officer",
            Self::PlatformAdmin => "platform-admin",
            Self::LocalOperator => "local-operator",
            Self::System => "system",
        }
    }

    pub fn permissions(self) -> Permissions {
        Flag::ALL.iter().filter(|flag| flag.roles().contains(&self)).copied().collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    /// Reads a tenant role; underscores pass for hyphens.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase().replace('_', "-");
        Self::TENANT.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("unknown role: use owner, admin, operator, viewer, auditor or privacy-officer")]
pub struct UnknownRole;

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u128);

impl Permissions {
    pub fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u32) != 0
    }

    /// Whether everything in `self` is in `other` too: nobody may give away more than they have.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl FromIterator<Flag> for Permissions {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().fold(0, |set, flag| set | 1 << flag as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_has_everything_that_any_other_member_has() {
        for role in Role::TENANT {
            assert!(role.permissions().is_within(Role::Owner.permissions()), "{role}");
        }
        assert!(!Role::Owner.permissions().is_within(Role::Admin.permissions()));
    }

    #[test]
    fn a_platform_administrator_has_no_way_into_a_tenants_data() {
        for flag in Flag::ALL {
            let platform = flag.roles().contains(&Role::PlatformAdmin);
            assert!(!platform || flag.is_platform(), "{}", flag.name());
        }
    }
}
