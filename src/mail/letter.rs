//! What a mail says, before it has words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::id::KeyId;
use crate::kernel::{Timestamp, limits};

/// Who gets a mail.
#[derive(Clone)]
pub struct Recipient {
    pub address: String,
    /// The person's key, under which the mail is sealed; none for somebody who is not known.
    pub subject: Option<KeyId>,
}

/// Everything that Strongroom writes to anybody. Of what strangers type, nothing is in a mail that
/// they cause: nobody sends their own words through it.
///
/// A `link` is a path with its query on this installation; it holds a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Letter {
    /// So that an administrator sees whether mail works.
    Test,
    /// A link to sign in with. It goes to unknown addresses too, and tells them so when opened.
    SignIn {
        link: String,
    },
    /// A link to choose a new password; to unknown addresses too.
    PasswordReset {
        link: String,
    },
    /// A link to become a member.
    Invitation {
        link: String,
        by: Option<String>,
    },
    /// A link that proves an address, for somebody who registers.
    Verification {
        link: String,
    },
    /// A link that proves the new address of somebody who changes it.
    NewAddress {
        link: String,
    },
    /// Somebody signed in on a device for the first time.
    NewDevice {
        at: Timestamp,
        browser: String,
        ip: String,
    },
    PasswordChanged {
        at: Timestamp,
    },
    /// Second factors were taken away.
    FactorsReset {
        at: Timestamp,
    },
    /// To the address that it was before.
    EmailChanged {
        at: Timestamp,
    },
    /// To the other owners: the emergency account came in past single sign-on.
    EmergencyUsed {
        at: Timestamp,
        browser: String,
        ip: String,
    },
    /// A certificate or the metadata of single sign-on ends.
    ProviderExpiring {
        at: Timestamp,
        provider: String,
    },
    /// To administrators of the platform: a backup target takes no backups.
    BackupTargetFailing {
        at: Timestamp,
        target: String,
    },
    /// To administrators of the platform: no backup was made since then.
    BackupOverdue {
        at: Timestamp,
    },
    /// To administrators of the platform: no restore test went well since then.
    RestoreTestOverdue {
        at: Timestamp,
    },
    /// To administrators of the platform: the certificate of the server ends at this time.
    CertificateExpiring {
        at: Timestamp,
    },
}

impl Letter {
    /// What its words are called.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::SignIn { .. } => "sign-in",
            Self::PasswordReset { .. } => "password-reset",
            Self::Invitation { by: Some(_), .. } => "invitation",
            Self::Invitation { by: None, .. } => "invitation-unsigned",
            Self::Verification { .. } => "verification",
            Self::NewAddress { .. } => "new-address",
            Self::NewDevice { .. } => "new-device",
            Self::PasswordChanged { .. } => "password-changed",
            Self::FactorsReset { .. } => "factors-reset",
            Self::EmailChanged { .. } => "email-changed",
            Self::EmergencyUsed { .. } => "emergency-used",
            Self::ProviderExpiring { .. } => "provider-expiring",
            Self::BackupTargetFailing { .. } => "backup-target-failing",
            Self::BackupOverdue { .. } => "backup-overdue",
            Self::RestoreTestOverdue { .. } => "restore-test-overdue",
            Self::CertificateExpiring { .. } => "certificate-expiring",
        }
    }

    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::SignIn { link }
            | Self::PasswordReset { link }
            | Self::Invitation { link, .. }
            | Self::Verification { link }
            | Self::NewAddress { link } => Some(link),
            _ => None,
        }
    }

    pub(super) const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::NewDevice { at, .. }
            | Self::EmergencyUsed { at, .. }
            | Self::ProviderExpiring { at, .. }
            | Self::BackupTargetFailing { at, .. }
            | Self::BackupOverdue { at }
            | Self::RestoreTestOverdue { at }
            | Self::CertificateExpiring { at }
            | Self::PasswordChanged { at }
            | Self::FactorsReset { at }
            | Self::EmailChanged { at } => Some(*at),
            _ => None,
        }
    }

    /// How long it is worth sending: nobody needs a link that no longer opens.
    pub(super) const fn life(&self) -> Duration {
        match self {
            Self::SignIn { .. } => limits::SIGN_IN_LINK_LIFE,
            Self::PasswordReset { .. } => limits::RESET_LINK_LIFE,
            _ => limits::MAIL_LIFE,
        }
    }
}
