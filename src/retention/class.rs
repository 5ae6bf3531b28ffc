//! Classes of data, and how long each may be kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::limits;

/// What is kept together, and as long.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Conversations with their messages, from when they were closed.
    ClosedConversations,
    /// Messages, from when they were sent; their conversation stays.
    Messages,
    /// Files. There is no place for files yet, so nothing of this class is stored.
    Files,
    /// Browsers and networks that people signed in from, reports of refused single sign-ons.
    SignInRecords,
    /// The audit log, by its own rule.
    AuditLog,
    /// Backups, by the installation's settings.
    Backups,
    /// Tenants that were closed, by the installation's settings.
    ClosedTenants,
}

/// What a class may be set to, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub min: u32,
    pub max: u32,
    pub default: Option<u32>,
    /// Whether it can be kept until somebody deletes it.
    pub may_be_off: bool,
}

/// Two years from closing: 730 days of 24 hours, whatever the calendar says.
const CONVERSATIONS_DAYS: u32 = 730;
/// A week is what it takes to look into a sign-in that somebody does not recognise.
const SIGN_IN_DAYS_MIN: u32 = 7;
const DEVICE_DAYS: u32 = (limits::DEVICE_LIFE.as_secs() / 86_400) as u32;

impl Class {
    pub const ALL: [Self; 7] = [
        Self::ClosedConversations,
        Self::Messages,
        Self::Files,
        Self::SignInRecords,
        Self::AuditLog,
        Self::Backups,
        Self::ClosedTenants,
    ];
    /// Those that a run deletes from, in this order.
    pub const DELETED: [Self; 3] = [Self::ClosedConversations, Self::Messages, Self::SignInRecords];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ClosedConversations => "closed-conversations",
            Self::Messages => "messages",
            Self::Files => "files",
            Self::SignInRecords => "sign-in-records",
            Self::AuditLog => "audit-log",
            Self::Backups => "backups",
            Self::ClosedTenants => "closed-tenants",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What a tenant may choose; nothing for what is decided elsewhere.
    pub const fn bounds(self) -> Option<Bounds> {
        match self {
            Self::ClosedConversations => Some(Bounds {
                min: 1,
                max: limits::RETENTION_DAYS_MAX,
                default: Some(CONVERSATIONS_DAYS),
                may_be_off: true,
            }),
            Self::Messages => Some(Bounds {
                min: 1,
                max: limits::RETENTION_DAYS_MAX,
                default: None,
                may_be_off: true,
            }),
            Self::SignInRecords => Some(Bounds {
                min: SIGN_IN_DAYS_MIN,
                max: DEVICE_DAYS,
                default: Some(DEVICE_DAYS),
                may_be_off: false,
            }),
            Self::Files | Self::AuditLog | Self::Backups | Self::ClosedTenants => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_read_back_by_its_name_and_its_default_is_within_its_bounds() {
        for class in Class::ALL {
            assert_eq!(Class::parse(class.name()), Some(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
            let Some(bounds) = class.bounds() else { continue };
            assert!(
                bounds.default.map_or(bounds.may_be_off, |days| {
                    (bounds.min..=bounds.max).contains(&days)
                })
            );
        }
        for class in Class::DELETED {
            assert!(class.bounds().is_some());
        }
    }
}
