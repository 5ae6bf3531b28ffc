//! The acts that a second person may have to approve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Event;
use crate::authz::Flag;
use crate::kernel::Timestamp;
use crate::kernel::id::{HoldId, KeyId, UserId};
use crate::retention::PolicyStep;
use crate::retention::holds::HoldChanges;
use crate::sso::TrustedProvider;
use crate::trail::export::ExportRequest;

/// An act with everything that decides what it does: what is performed is what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Act {
    /// Destroy what the audit log says.
    ShredAudit,
    /// Export the whole audit log.
    ExportAudit(ExportRequest),
    /// Give somebody a role with which they can approve.
    ChangeRole { member: UserId, from: String, to: String },
    /// Do without a second person from now on.
    FourEyesOff,
    /// Believe an identity provider, or believe it for something else than before.
    TrustProvider(Box<TrustedProvider>),
    /// Let people in without an identity provider again, or name another emergency account.
    #[serde(rename_all = "camelCase")]
    SingleSignOn { only: bool, break_glass: Option<UserId> },
    /// Destroy the key of a person's data; `request` is the number of their request.
    ErasePerson { subject: KeyId, request: Option<String> },
    /// Keep classes of data for a shorter time; all that was changed together.
    ShortenRetention { policies: Vec<PolicyStep> },
    /// Keep entries of the audit log for fewer days.
    ShortenAuditRetention { from: u32, to: u32 },
    /// Lift a legal hold.
    LiftHold { hold: HoldId },
    /// Let a legal hold end earlier than before, or at all.
    #[serde(rename_all = "camelCase")]
    ShortenHold {
        hold: HoldId,
        /// What is changed: who changes it again until the approval makes another act of it.
        ends_at: Option<Timestamp>,
        #[serde(default)]
        review_at: Option<Timestamp>,
        changes: HoldChanges,
    },
}

impl Act {
    /// As the log and the console name it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ShredAudit => "shred-audit",
            Self::ExportAudit(_) => "export-audit",
            Self::ChangeRole { .. } => "change-role",
            Self::FourEyesOff => "four-eyes-off",
            Self::TrustProvider(_) => "trust-provider",
            Self::SingleSignOn { .. } => "single-sign-on",
            Self::ErasePerson { .. } => "erase-person",
            Self::ShortenRetention { .. } => "shorten-retention",
            Self::ShortenAuditRetention { .. } => "shorten-audit-retention",
            Self::LiftHold { .. } => "lift-hold",
            Self::ShortenHold { .. } => "shorten-hold",
        }
    }

    /// What both persons need to do it themselves.
    pub const fn permission(&self) -> Flag {
        match self {
            Self::ShredAudit => Flag::AuditShred,
            Self::ExportAudit(_) => Flag::AuditExport,
            Self::ChangeRole { .. } => Flag::UserRole,
            Self::FourEyesOff | Self::SingleSignOn { .. } => Flag::SignInManage,
            Self::TrustProvider(_) => Flag::SsoManage,
            Self::ErasePerson { .. } => Flag::SubjectErase,
            Self::ShortenRetention { .. } | Self::ShortenAuditRetention { .. } => {
                Flag::RetentionManage
            }
            Self::LiftHold { .. } | Self::ShortenHold { .. } => Flag::HoldManage,
        }
    }

    /// Whether the reason is the one that the act itself takes and keeps sealed: then it is not in
    /// the log either.
    pub(super) const fn seals_its_reason(&self) -> bool {
        matches!(self, Self::LiftHold { .. })
    }

    /// Writes what was asked for into an entry.
    pub(super) fn describe(&self, event: &mut Event) {
        let value = match self {
            Self::TrustProvider(trusted) => trusted.summary(),
            act => serde_json::to_value(act).unwrap_or_default(),
        };
        event.custom_fields.insert("act".into(), value);
    }
}
