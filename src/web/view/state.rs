//! States that pages show as badges, and notices that pages show after something was done.

/// How something looks: its colour, never its only sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    Neutral,
    Good,
    Warning,
    Bad,
    Accent,
}

impl Tone {
    /// The CSS class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Accent => "accent",
        }
    }

    /// The icon beside the text of a callout.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Warning | Self::Bad => "alert",
            Self::Neutral | Self::Accent => "info",
        }
    }
}

/// An enumeration whose members have a code (in URLs and forms), a message and a tone.
macro_rules! labelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])*
        $member:ident: $code:literal, $message:literal, $tone:ident;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$member_doc])* $member),+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$member),+];

            /// As written in URLs and forms.
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$member => $code),+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().find(|member| member.code() == code).copied()
            }

            /// The message that names it.
            pub const fn message(&self) -> &'static str {
                match self { $(Self::$member => $message),+ }
            }

            pub const fn tone(&self) -> Tone {
                match self { $(Self::$member => Tone::$tone),+ }
            }
        }
    };
}

labelled! {
    TenantState {
        Active: "active", "tenant-state-active", Good;
        Frozen: "frozen", "tenant-state-frozen", Warning;
        Suspended: "suspended", "tenant-state-suspended", Bad;
        Closed: "closed", "tenant-state-closed", Neutral;
    }
}

labelled! {
    /// Where a restore stands.
    RestoreStanding {
        Running: "running", "restore-state-running", Accent;
        /// In place, neither confirmed nor undone.
        Restored: "restored", "restore-state-restored", Warning;
        Confirmed: "confirmed", "restore-state-confirmed", Good;
        Undone: "undone", "restore-state-undone", Neutral;
        Failed: "failed", "restore-state-failed", Bad;
    }
}

labelled! {
    /// What the doctor found.
    CheckState {
        Fail: "fail", "doctor-state-fail", Bad;
        Warn: "warn", "doctor-state-warn", Warning;
        Ok: "ok", "doctor-state-ok", Good;
        NotApplicable: "not-applicable", "doctor-state-none", Neutral;
    }
}

labelled! {
    /// Who decides about a setting.
    SettingOwner {
        /// Whoever wrote the file, the environment or the command line.
        Locked: "locked", "setting-locked", Accent;
        Default: "default", "setting-default", Neutral;
    }
}

labelled! {
    /// How far the end of the server's certificate is away.
    CertificateEnd {
        Valid: "valid", "certificate-valid", Good;
        Soon: "soon", "certificate-soon", Warning;
        Expired: "expired", "certificate-expired", Bad;
    }
}

labelled! {
    /// Whether a place for backups takes them.
    TargetStanding {
        Well: "well", "target-well", Good;
        Failing: "failing", "target-failing", Bad;
        /// Nothing was sent there yet.
        Untried: "untried", "target-untried", Neutral;
    }
}

labelled! {
    ConversationState {
        Open: "open", "conversation-state-open", Good;
        Closed: "closed", "conversation-state-closed", Neutral;
    }
}

labelled! {
    MemberState {
        Active: "active", "member-state-active", Good;
        Disabled: "disabled", "member-state-disabled", Neutral;
    }
}

labelled! {
    /// Whether somebody can show more than a password.
    SecondFactorState {
        On: "on", "factor-on", Good;
        Off: "off", "factor-off", Neutral;
        /// Asked for, and not set up yet.
        Missing: "missing", "factor-missing", Warning;
    }
}

impl SecondFactorState {
    /// The message that says what it means.
    pub const fn explained(&self) -> &'static str {
        match self {
            Self::On => "factor-on-text",
            Self::Off => "factor-off-text",
            Self::Missing => "factor-missing-text",
        }
    }
}

labelled! {
    KeyState {
        Active: "active", "key-state-active", Good;
        Expired: "expired", "key-state-expired", Warning;
        Revoked: "revoked", "key-state-revoked", Neutral;
    }
}

labelled! {
    WitnessState {
        Active: "active", "witness-state-active", Good;
        Removed: "removed", "witness-state-removed", Neutral;
    }
}

labelled! {
    /// How an audited act ended.
    Outcome {
        Success: "success", "outcome-success", Good;
        /// Tried and not achieved, such as a wrong password.
        Failure: "failure", "outcome-failure", Bad;
        /// Refused for want of a right.
        Denied: "denied", "outcome-denied", Warning;
        /// Something broke.
        Error: "error", "outcome-error", Bad;
    }
}

labelled! {
    AuthorType {
        Customer: "customer", "author-customer", Accent;
        Agent: "agent", "author-agent", Neutral;
        System: "system", "author-system", Neutral;
    }
}

labelled! {
    JobResult {
        NeverRun: "never_run", "job-never-run", Neutral;
        Running: "running", "job-running", Accent;
        Completed: "completed", "job-completed", Good;
        Failed: "failed", "job-failed", Bad;
        Interrupted: "interrupted", "job-interrupted", Warning;
        Cancelled: "cancelled", "job-cancelled", Neutral;
        NotSetUp: "not-set-up", "job-not-set-up", Neutral;
    }
}

labelled! {
    /// A legal hold.
    HoldState {
        InForce: "in-force", "hold-in-force", Accent;
        Lifted: "lifted", "hold-lifted", Neutral;
    }
}

labelled! {
    /// A run of retention.
    RetentionRunState {
        Running: "running", "retention-run-running", Accent;
        Completed: "completed", "retention-run-completed", Good;
        Interrupted: "interrupted", "retention-run-interrupted", Warning;
    }
}

labelled! {
    /// What became of a request for approval.
    ApprovalState {
        Waiting: "waiting", "approval-state-waiting", Accent;
        Approved: "approved", "approval-state-approved", Good;
        Refused: "refused", "approval-state-refused", Bad;
        Withdrawn: "withdrawn", "approval-state-withdrawn", Neutral;
        Expired: "expired", "approval-state-expired", Warning;
    }
}

labelled! {
    /// How an erasure is getting on.
    ErasureState {
        Running: "running", "erasure-running", Accent;
        Done: "done", "erasure-done", Good;
    }
}

labelled! {
    /// What became of the closing of a tenant.
    ClosingState {
        Closed: "closed", "closing-state-closed", Warning;
        Reopened: "reopened", "closing-state-reopened", Good;
        Destroying: "destroying", "closing-state-destroying", Bad;
        Destroyed: "destroyed", "closing-state-destroyed", Neutral;
    }
}

labelled! {
    /// How an export is getting on.
    ExportState {
        Waiting: "waiting", "export-waiting", Neutral;
        Writing: "writing", "export-writing", Accent;
        Ready: "ready", "export-ready", Good;
        Cancelled: "cancelled", "export-cancelled", Neutral;
        Failed: "failed", "export-failed", Bad;
        Interrupted: "interrupted", "export-interrupted", Warning;
        Expired: "expired", "export-expired", Neutral;
    }
}

labelled! {
    /// How a stream to another system is.
    StreamHealth {
        Current: "current", "stream-current", Good;
        Sending: "sending", "stream-sending", Accent;
        Retrying: "retrying", "stream-retrying", Warning;
        Failing: "failing", "stream-failing", Bad;
        Paused: "paused", "stream-paused", Neutral;
        Resting: "resting", "stream-resting", Neutral;
    }
}

labelled! {
    /// An identity provider, or a certificate of one.
    SsoState {
        On: "on", "sso-state-on", Good;
        Off: "off", "sso-state-off", Neutral;
        Fine: "fine", "sso-certificate-fine", Good;
        Expiring: "expiring", "sso-state-expiring", Warning;
        Expired: "expired", "sso-state-expired", Bad;
    }
}

labelled! {
    /// What a key pair of single sign-on is for.
    SsoKeyState {
        Next: "next", "sso-key-next", Accent;
        Current: "current", "sso-key-current", Good;
        Former: "former", "sso-key-former", Neutral;
    }
}

impl SsoKeyState {
    /// The message that says what it means.
    pub const fn explained(&self) -> &'static str {
        match self {
            Self::Next => "sso-key-next-text",
            Self::Current => "sso-key-current-text",
            Self::Former => "sso-key-former-text",
        }
    }
}

labelled! {
    /// How a sign-in at a provider went that there is a report of.
    TestOutcome {
        Passed: "passed", "sso-test-passed", Good;
        Failed: "failed", "sso-test-failed", Bad;
    }
}

labelled! {
    /// What a page says once after a form was handled. The code travels over the redirect, so a
    /// link can only ever show one of these texts.
    Notice {
        ConversationCreated: "conversation-created", "notice-conversation-created", Good;
        ConversationClosed: "conversation-closed", "notice-conversation-closed", Good;
        ConversationReopened: "conversation-reopened", "notice-conversation-reopened", Good;
        ConversationDeleted: "conversation-deleted", "notice-conversation-deleted", Good;
        MessageAdded: "message-added", "notice-message-added", Good;
        MemberAdded: "member-added", "notice-member-added", Good;
        Joined: "joined", "notice-joined", Good;
        Invited: "invited", "notice-invited", Good;
        InvitationWithdrawn: "invitation-withdrawn", "notice-invitation-withdrawn", Good;
        EmailAsked: "email-asked", "notice-email-asked", Good;
        EmailChanged: "email-changed", "notice-email-changed", Good;
        MemberRoleChanged: "member-role", "notice-member-role", Good;
        MemberRenamed: "member-renamed", "notice-member-renamed", Good;
        MemberDisabled: "member-disabled", "notice-member-disabled", Good;
        MemberUnlinked: "member-unlinked", "notice-member-unlinked", Good;
        MemberEnabled: "member-enabled", "notice-member-enabled", Good;
        RoleCreated: "role-created", "notice-role-created", Good;
        RoleChanged: "role-changed", "notice-role-changed", Good;
        RoleDeleted: "role-deleted", "notice-role-deleted", Good;
        AdminRoleChanged: "admin-role", "notice-admin-role", Good;
        AdminDisabled: "admin-disabled", "notice-admin-disabled", Good;
        AdminEnabled: "admin-enabled", "notice-admin-enabled", Good;
        KeyRevoked: "key-revoked", "notice-key-revoked", Good;
        PasswordChanged: "password-changed", "notice-password-changed", Good;
        PasswordSet: "password-set", "notice-password-set", Good;
        SessionEnded: "session-ended", "notice-session-ended", Good;
        SessionsEnded: "sessions-ended", "notice-sessions-ended", Good;
        DeviceForgotten: "device-forgotten", "notice-device-forgotten", Good;
        SignedOut: "signed-out", "notice-signed-out", Good;
        SignedOutEverywhere: "signed-out-everywhere", "notice-signed-out-everywhere", Good;
        SignedOutHere: "signed-out-here", "notice-signed-out-here", Warning;
        SessionExpired: "session-expired", "notice-session-expired", Warning;
        SignInEnded: "sign-in-ended", "notice-sign-in-ended", Warning;
        SetUpEnded: "set-up-ended", "notice-set-up-ended", Warning;
        SecondFactorOff: "second-factor-off", "notice-second-factor-off", Good;
        MemberFactorsReset: "member-factors-reset", "notice-member-factors-reset", Good;
        PasskeyAdded: "passkey-added", "notice-passkey-added", Good;
        PasskeyRenamed: "passkey-renamed", "notice-passkey-renamed", Good;
        PasskeyRemoved: "passkey-removed", "notice-passkey-removed", Good;
        PasskeyObligatory: "passkey-obligatory", "notice-passkey-obligatory", Warning;
        TenantCreated: "tenant-created", "notice-tenant-created", Good;
        JobStarted: "job-started", "notice-job-started", Good;
        JobCancelled: "job-cancelled", "notice-job-cancelled", Good;
        JobScheduled: "job-scheduled", "notice-job-scheduled", Good;
        TenantFrozen: "tenant-frozen", "notice-tenant-frozen", Good;
        TenantUnfrozen: "tenant-unfrozen", "notice-tenant-unfrozen", Good;
        ReadOnlyOn: "read-only-on", "notice-read-only-on", Warning;
        ReadOnlyOff: "read-only-off", "notice-read-only-off", Good;
        TokenKeyReplaced: "token-key-replaced", "notice-token-key-replaced", Good;
        TenantClosed: "tenant-closed", "notice-tenant-closed", Good;
        TenantReopened: "tenant-reopened", "notice-tenant-reopened", Good;
        PersonErased: "person-erased", "notice-person-erased", Good;
        TenantSuspended: "tenant-suspended", "notice-tenant-suspended", Good;
        TenantResumed: "tenant-resumed", "notice-tenant-resumed", Good;
        RestoreStarted: "restore-started", "notice-restore-started", Neutral;
        RestoreConfirmed: "restore-confirmed", "notice-restore-confirmed", Good;
        RestoreUndone: "restore-undone", "notice-restore-undone", Good;
        WitnessAdded: "witness-added", "notice-witness-added", Good;
        WitnessRemoved: "witness-removed", "notice-witness-removed", Good;
        CheckpointWitnessed: "checkpoint-witnessed", "notice-checkpoint-witnessed", Good;
        PoliciesChanged: "policies-changed", "notice-policies-changed", Good;
        RetentionBegun: "retention-begun", "notice-retention-begun", Good;
        HoldSet: "hold-set", "notice-hold-set", Good;
        HoldChanged: "hold-changed", "notice-hold-changed", Good;
        HoldLifted: "hold-lifted", "notice-hold-lifted", Good;
        RetentionChanged: "retention-changed", "notice-retention-changed", Good;
        IndexRebuilt: "index-rebuilt", "notice-index-rebuilt", Good;
        AuditDestroyed: "audit-destroyed", "notice-audit-destroyed", Good;
        SearchSaved: "search-saved", "notice-search-saved", Good;
        SearchDeleted: "search-deleted", "notice-search-deleted", Good;
        ExportStarted: "export-started", "notice-export-started", Good;
        ExportCancelled: "export-cancelled", "notice-export-cancelled", Good;
        StreamCreated: "stream-created", "notice-stream-created", Good;
        StreamChanged: "stream-changed", "notice-stream-changed", Good;
        StreamPaused: "stream-paused", "notice-stream-paused", Good;
        StreamResumed: "stream-resumed", "notice-stream-resumed", Good;
        StreamDeleted: "stream-deleted", "notice-stream-deleted", Good;
        ApprovalRequested: "approval-requested", "notice-approval-requested", Good;
        ApprovalGranted: "approval-granted", "notice-approval-granted", Good;
        ApprovalRefused: "approval-refused", "notice-approval-refused", Good;
        ApprovalWithdrawn: "approval-withdrawn", "notice-approval-withdrawn", Good;
        SettingsSaved: "settings-saved", "notice-settings-saved", Good;
        ProviderCreated: "provider-created", "notice-provider-created", Good;
        ProviderChanged: "provider-changed", "notice-provider-changed", Good;
        ProviderOn: "provider-on", "notice-provider-on", Good;
        ProviderOff: "provider-off", "notice-provider-off", Good;
        ProviderDeleted: "provider-deleted", "notice-provider-deleted", Good;
        SsoKeyMade: "sso-key-made", "notice-sso-key-made", Good;
        SsoKeyUsed: "sso-key-used", "notice-sso-key-used", Good;
        SsoKeyRemoved: "sso-key-removed", "notice-sso-key-removed", Good;
        NothingChanged: "nothing-changed", "notice-nothing-changed", Neutral;
    }
}
