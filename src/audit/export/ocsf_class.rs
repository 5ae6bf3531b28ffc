//! From actions to OCSF's classes and activities: one table, which `docs/audit-export.md` repeats.

use crate::audit::catalogue::{self as c, Action};

/// The classes of events that entries become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    AccountChange,
    Authentication,
    AuthorizeSession,
    EntityManagement,
    UserAccess,
    GroupManagement,
    ApiActivity,
    DatastoreActivity,
}

/// What an action is in OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    pub class: Class,
    /// `activity_id`; 99 is "Other".
    pub activity: u16,
}

impl Class {
    pub const fn uid(self) -> u16 {
        match self {
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::EntityManagement => 3004,
            Self::UserAccess => 3005,
            Self::GroupManagement => 3006,
            Self::ApiActivity => 6003,
            Self::DatastoreActivity => 6005,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountChange => "Account Change",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::EntityManagement => "Entity Management",
            Self::UserAccess => "User Access Management",
            Self::GroupManagement => "Group Management",
            Self::ApiActivity => "API Activity",
            Self::DatastoreActivity => "Datastore Activity",
        }
    }

    /// `category_uid` and its caption.
    pub const fn category(self) -> (u16, &'static str) {
        match self {
            Self::ApiActivity | Self::DatastoreActivity => (6, "Application Activity"),
            _ => (3, "Identity & Access Management"),
        }
    }

    const fn activities(self) -> &'static [(u16, &'static str)] {
        match self {
            Self::AccountChange => &[
                (1, "Create"),
                (2, "Enable"),
                (3, "Password Change"),
                (4, "Password Reset"),
                (5, "Disable"),
                (10, "MFA Factor Enable"),
                (11, "MFA Factor Disable"),
            ],
            Self::Authentication => &[(1, "Logon"), (2, "Logoff")],
            Self::AuthorizeSession | Self::UserAccess => &[(1, "Assign Privileges")],
            Self::EntityManagement => &[
                (1, "Create"),
                (2, "Read"),
                (3, "Update"),
                (4, "Delete"),
                (12, "Suspend"),
                (13, "Resume"),
            ],
            Self::GroupManagement => {
                &[(3, "Add User"), (4, "Remove User"), (5, "Delete"), (6, "Create")]
            }
            Self::ApiActivity => &[(1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")],
            Self::DatastoreActivity => &[
                (1, "Read"),
                (2, "Update"),
                (4, "Query"),
                (5, "Write"),
                (6, "Create"),
                (7, "Delete"),
                (8, "List"),
            ],
        }
    }
}

impl Classified {
    pub fn of(action: &str) -> Self {
        let known = TABLE.iter().find(|(known, ..)| known.name == action);
        match known {
            Some(&(_, class, activity)) => Self { class, activity },
            None => by_verb(action),
        }
    }

    pub fn activity_name(self) -> &'static str {
        let found = self.class.activities().iter().find(|(id, _)| *id == self.activity);
        found.map_or("Other", |(_, name)| name)
    }
}

/// An application's own action: about a group, or else something done through an API.
fn by_verb(action: &str) -> Classified {
    let (domain, verb) = action.rsplit_once('.').unwrap_or(("", action));
    let is = |verbs: &[&str]| verbs.contains(&verb);
    let activity = if domain == "group" {
        match verb {
            "member_added" | "user_added" => 3,
            "member_removed" | "user_removed" => 4,
            "deleted" => 5,
            "created" => 6,
            _ => OTHER,
        }
    } else {
        OTHER
    };
    if activity != OTHER {
        return Classified { class: Class::GroupManagement, activity };
    }
    let activity = if is(&["created", "added", "uploaded", "issued", "sent", "imported"]) {
        1
    } else if is(&["read", "viewed", "access", "accessed", "listed", "searched", "exported"]) {
        2
    } else if is(&["updated", "changed", "renamed", "enabled", "disabled", "closed", "reopened"]) {
        3
    } else if is(&["deleted", "removed", "revoked"]) {
        4
    } else {
        OTHER
    };
    Classified { class: Class::ApiActivity, activity }
}

pub const OTHER: u16 = 99;

use Class::{
    AccountChange as Account, ApiActivity as Api, Authentication as Authn, AuthorizeSession,
    DatastoreActivity as Data, EntityManagement as Entity, GroupManagement as Group, UserAccess,
};

/// Every action of the catalogue (a test counts).
pub const TABLE: &[(Action, Class, u16)] = &[
    (c::LOGIN_SUCCEEDED, Authn, 1),
    (c::LOGIN_FAILED, Authn, 1),
    (c::LOGOUT, Authn, 2),
    (c::SESSION_CREATED, AuthorizeSession, 1),
    (c::SESSION_ENDED, Authn, 2),
    (c::EMAIL_VERIFIED, Account, OTHER),
    (c::PASSWORD_CHANGED, Account, 3),
    (c::TWO_FACTOR_ENABLED, Account, 10),
    (c::TWO_FACTOR_DISABLED, Account, 11),
    (c::LOGIN_PENDING, Authn, OTHER),
    (c::TWO_FACTOR_FAILED, Authn, 1),
    (c::TWO_FACTOR_RESET, Account, 11),
    (c::RECOVERY_CODES_CREATED, Account, 10),
    (c::RECOVERY_CODE_USED, Authn, OTHER),
    (c::PASSKEY_ADDED, Account, 10),
    (c::PASSKEY_RENAMED, Account, OTHER),
    (c::PASSKEY_REMOVED, Account, 11),
    (c::SIGN_IN_LINK_REQUESTED, Authn, OTHER),
    (c::PASSWORD_RESET_REQUESTED, Account, 4),
    (c::EMAIL_VERIFICATION_REQUESTED, Account, OTHER),
    (c::EMAIL_CHANGED, Account, OTHER),
    (c::SESSION_CONFIRMED, Authn, OTHER),
    (c::DEVICE_REMEMBERED, Account, OTHER),
    (c::DEVICE_FORGOTTEN, Account, OTHER),
    (c::IDENTITY_LINKED, Account, OTHER),
    (c::IDENTITY_UNLINKED, Account, OTHER),
    (c::BREAK_GLASS_USED, Authn, OTHER),
    (c::SSO_REFUSED, Authn, OTHER),
    (c::SSO_TESTED, Authn, OTHER),
    (c::SSO_LOGOUT, Authn, 2),
    (c::PROVIDER_CREATED, Entity, 1),
    (c::PROVIDER_CHANGED, Entity, 3),
    (c::PROVIDER_DELETED, Entity, 4),
    (c::SSO_KEY_CHANGED, Entity, 3),
    (c::GROUP_CREATED, Group, 6),
    (c::GROUP_CHANGED, Group, OTHER),
    (c::GROUP_DELETED, Group, 5),
    (c::PROVIDER_EXPIRING, Api, OTHER),
    (c::PROVIDER_REFRESHED, Entity, 3),
    (c::TOKEN_ISSUED, AuthorizeSession, 1),
    (c::TOKEN_REFRESHED, AuthorizeSession, 1),
    (c::TOKEN_REUSED, Authn, 2),
    (c::ACCESS_DENIED, Api, OTHER),
    (c::RATE_LIMITED, Api, OTHER),
    (c::CONVERSATION_LISTED, Data, 8),
    (c::CONVERSATION_SEARCHED, Data, 4),
    (c::CONVERSATION_ACCESS, Data, 1),
    (c::MESSAGE_ACCESS, Data, 1),
    (c::AUDIT_VIEWED, Data, 1),
    (c::AUDIT_SEARCHED, Data, 4),
    (c::AUDIT_VERIFIED, Data, 1),
    (c::AUDIT_EXPORTED, Data, 1),
    (c::AUDIT_TAILED, Data, 1),
    (c::AUDIT_EXPORT_REQUESTED, Api, 1),
    (c::AUDIT_EXPORT_CANCELLED, Api, 4),
    (c::AUDIT_EXPORT_DOWNLOADED, Data, 1),
    (c::DATA_EXPORTED, Data, 1),
    (c::ERASURE_PREVIEWED, Data, 1),
    (c::RETENTION_PREVIEWED, Data, 1),
    (c::TENANT_EXPORTED, Data, 1),
    (c::CONVERSATION_CREATED, Data, 6),
    (c::CONVERSATION_UPDATED, Data, 2),
    (c::CONVERSATION_CLOSED, Data, 2),
    (c::CONVERSATION_REOPENED, Data, 2),
    (c::CONVERSATION_DELETED, Data, 7),
    (c::MESSAGE_APPENDED, Data, 5),
    (c::FILE_UPLOADED, Data, 6),
    (c::FILE_DELETED, Data, 7),
    (c::FILE_REJECTED_RAW_PASSWORD, Data, 6),
    (c::ERASURE_REQUESTED, Api, 1),
    (c::ERASURE_COMPLETED, Data, 7),
    (c::RETENTION_COMPLETED, Data, 7),
    (c::TENANT_DESTROYED, Data, 7),
    (c::RESTORE_COMPLETED, Data, 2),
    (c::RESTORE_UNDONE, Data, 2),
    (c::ADMIN_PANEL_ACCESS, Api, 2),
    (c::TENANT_CREATED, Entity, 1),
    (c::TENANT_RENAMED, Entity, 3),
    (c::TENANT_FROZEN, Entity, 3),
    (c::TENANT_UNFROZEN, Entity, 3),
    (c::TENANT_SUSPENDED, Entity, 12),
    (c::TENANT_RESUMED, Entity, 13),
    (c::ACCOUNT_CLOSED, Entity, 4),
    (c::ACCESS_REVOKED, Entity, 4),
    (c::READ_ONLY_STARTED, Entity, 3),
    (c::READ_ONLY_ENDED, Entity, 3),
    (c::SETUP_LINK_CREATED, Entity, 1),
    (c::SETUP_COMPLETED, Entity, 3),
    (c::PLATFORM_ADMIN_CREATED, Account, 1),
    (c::PLATFORM_ADMIN_RESET, Account, 4),
    (c::PLATFORM_ADMIN_CHANGED, Account, OTHER),
    (c::PLATFORM_ADMIN_DISABLED, Account, 5),
    (c::PLATFORM_ADMIN_ENABLED, Account, 2),
    (c::USER_REGISTERED, Account, 1),
    (c::USER_CREATED, Account, 1),
    (c::USER_UPDATED, Account, OTHER),
    (c::USER_INVITED, Account, 1),
    (c::INVITATION_WITHDRAWN, Entity, 4),
    (c::USER_DISABLED, Account, 5),
    (c::USER_ENABLED, Account, 2),
    (c::ROLE_CHANGED, UserAccess, 1),
    (c::ROLE_CREATED, Entity, 1),
    (c::ROLE_UPDATED, Entity, 3),
    (c::ROLE_DELETED, Entity, 4),
    (c::APPROVAL_REQUESTED, Entity, 1),
    (c::APPROVAL_GRANTED, Entity, 3),
    (c::APPROVAL_REFUSED, Entity, 3),
    (c::APPROVAL_WITHDRAWN, Entity, 4),
    (c::APPROVAL_EXPIRED, Entity, 4),
    (c::SETTINGS_CHANGED, Entity, 3),
    (c::INTEGRATION_CHANGED, Entity, 3),
    (c::API_KEY_CREATED, Entity, 1),
    (c::API_KEY_UPDATED, Entity, 3),
    (c::API_KEY_ROTATED, Entity, 3),
    (c::API_KEY_REVOKED, Entity, 4),
    (c::SEARCH_SAVED, Entity, 1),
    (c::SEARCH_DELETED, Entity, 4),
    (c::STREAM_CREATED, Entity, 1),
    (c::STREAM_CHANGED, Entity, 3),
    (c::STREAM_DELETED, Entity, 4),
    (c::STREAM_TESTED, Api, OTHER),
    (c::WITNESS_ADDED, Entity, 1),
    (c::WITNESS_REMOVED, Entity, 4),
    (c::CHECKPOINT_WITNESSED, Entity, 3),
    (c::TENANT_DESTROY_BEGUN, Data, OTHER),
    (c::AUDIT_SHRED_BEGUN, Data, OTHER),
    (c::AUDIT_SHREDDED, Data, 7),
    (c::TENANT_REOPENED, Entity, 13),
    (c::RETENTION_CHANGED, Entity, 3),
    (c::HOLD_SET, Entity, 1),
    (c::HOLD_CHANGED, Entity, 3),
    (c::HOLD_LIFTED, Entity, 4),
    (c::JOB_REQUESTED, Api, 1),
    (c::JOB_CANCELLED, Api, 4),
    (c::JOB_SCHEDULED, Api, 3),
    (c::DOCTOR_RUN, Api, 2),
    (c::RESTORE_CONFIRMED, Data, OTHER),
    (c::GDPR_CHECK_DISABLED, Entity, 3),
    (c::CREDITS_ADDED, Entity, 3),
    (c::CERTIFICATE_ISSUED, Entity, 1),
    (c::REMEDIATION_APPLIED, Data, 2),
    (c::JOB_CREATED, Api, 1),
    (c::JOB_STARTED, Api, OTHER),
    (c::JOB_COMPLETED, Api, OTHER),
    (c::JOB_FAILED, Api, OTHER),
    (c::RESTORE_STARTED, Data, OTHER),
    (c::RESTORE_FAILED, Data, OTHER),
    (c::RESTORE_TESTED, Data, OTHER),
    (c::ERASURES_REPLAYED, Data, 7),
    (c::BACKUP_COMPLETED, Data, OTHER),
    (c::BACKUP_FAILED, Data, OTHER),
    (c::BACKUP_VERIFIED, Data, OTHER),
    (c::BACKUP_DELETED, Data, OTHER),
    (c::BACKUP_TARGET_FAILING, Api, OTHER),
    (c::BACKUP_TARGET_RECOVERED, Api, OTHER),
    (c::BACKUP_OVERDUE, Data, OTHER),
    (c::RESTORE_TEST_OVERDUE, Data, OTHER),
    (c::ARCHIVE_GAP, Data, OTHER),
    (c::KEY_ROTATED, Entity, 3),
    (c::ROOT_KEY_ADDED, Entity, 1),
    (c::ROOT_KEY_RETIRED, Entity, 4),
    (c::KEY_DESTROYED, Entity, 4),
    (c::CONFIG_RELOADED, Api, 3),
    (c::CONFIG_REFUSED, Api, OTHER),
    (c::CERTIFICATE_EXPIRING, Api, OTHER),
    (c::CERTIFICATE_RENEWED, Api, 3),
    (c::CERTIFICATE_NOT_RENEWED, Api, OTHER),
    (c::MAIL_FAILED, Api, OTHER),
    (c::MAIL_TESTED, Api, OTHER),
    (c::LOG_OPENED, Data, 6),
    (c::AUDIT_PRUNED, Data, 7),
    (c::INDEX_REBUILT, Data, 2),
    (c::CHECKPOINT_CONTRADICTED, Data, OTHER),
    (c::STREAM_FAILING, Api, OTHER),
    (c::STREAM_RECOVERED, Api, OTHER),
    (c::STREAM_GAP, Data, OTHER),
    (c::CLOCK_SET_BACK, Api, OTHER),
    (c::ENTRY_DESTROYED, Data, OTHER),
    (c::ENTRY_UNREADABLE, Data, OTHER),
    (c::CLOCK_JUMP, Api, OTHER),
];
