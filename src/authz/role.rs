//! Roles, and sets of permissions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Flag;

/// The roles that are built in; the last five are outside of any tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Admin,
    Operator,
    Viewer,
    Auditor,
    PrivacyOfficer,
    /// Signs in to the platform console; has no way into a tenant's data, as the two below.
    PlatformAdmin,
    /// Sees everything about the platform, its log included, and changes nothing.
    PlatformAuditor,
    /// Sees whether tenants and jobs are well, not the log.
    PlatformSupport,
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

    /// The roles that somebody who signs in to the platform can have.
    pub const PLATFORM: [Self; 3] =
        [Self::PlatformAdmin, Self::PlatformAuditor, Self::PlatformSupport];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::PrivacyOfficer => "privacy-officer",
            Self::PlatformAdmin => "platform-admin",
            Self::PlatformAuditor => "platform-auditor",
            Self::PlatformSupport => "platform-support",
            Self::LocalOperator => "local-operator",
            Self::System => "system",
        }
    }

    /// As people call it, in English.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Operator => "Operator",
            Self::Viewer => "Viewer",
            Self::Auditor => "Auditor",
            Self::PrivacyOfficer => "Privacy officer",
            Self::PlatformAdmin => "Platform administrator",
            Self::PlatformAuditor => "Platform auditor",
            Self::PlatformSupport => "Platform support",
            Self::LocalOperator => "Operator at the machine",
            Self::System => "System",
        }
    }

    /// What it is for, in a sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Everything in the tenant, owners and roles included.",
            Self::Admin => "Runs the tenant: members, keys, streams, settings.",
            Self::Operator => {
                "Works with conversations, files and records; what applications need."
            }
            Self::Viewer => "Reads conversations, files and records, and changes nothing.",
            Self::Auditor => "Reads the audit log and the settings, not what customers said.",
            Self::PrivacyOfficer => {
                "Answers for personal data: exports, erasures, retention, holds."
            }
            Self::PlatformAdmin => "Makes and freezes tenants; has no way into their data.",
            Self::PlatformAuditor => "Sees all of the platform, its log included; changes nothing.",
            Self::PlatformSupport => "Sees whether tenants and jobs are well, not the log.",
            Self::LocalOperator => "Somebody with a shell on the machine.",
            Self::System => "A scheduled job.",
        }
    }

    pub fn permissions(self) -> Permissions {
        Flag::ALL.iter().filter(|flag| flag.roles().contains(&self)).copied().collect()
    }
}

/// What somebody may do, under the name that it goes by: a built-in role, one of the tenant's own,
/// or what a key was limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    role: Arc<str>,
    permissions: Permissions,
}

impl Rights {
    pub fn new(role: impl Into<Arc<str>>, permissions: Permissions) -> Self {
        Self { role: role.into(), permissions }
    }

    /// The role's code.
    pub fn role(&self) -> &str {
        &self.role
    }

    pub fn permissions(&self) -> Permissions {
        self.permissions
    }
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self::new(role.name(), role.permissions())
    }
}

impl From<Role> for String {
    /// The role's code.
    fn from(role: Role) -> Self {
        role.name().to_owned()
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

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Flag::name)).finish()
    }
}

impl Permissions {
    /// In the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }

    /// What every member may do about themselves, whatever their role is.
    pub fn own_account() -> Self {
        [Flag::AccountRead, Flag::AccountWrite, Flag::AccountWithdraw].into_iter().collect()
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not there.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

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
    fn nobody_at_the_platform_has_more_than_its_administrators() {
        for role in Role::PLATFORM {
            assert!(role.permissions().is_within(Role::PlatformAdmin.permissions()), "{role}");
        }
    }

    #[test]
    fn a_platform_administrator_has_no_way_into_a_tenants_data() {
        for flag in Flag::ALL {
            let platform = Role::PLATFORM.iter().any(|role| flag.roles().contains(role));
            assert!(!platform || flag.is_platform(), "{}", flag.name());
        }
    }
}
