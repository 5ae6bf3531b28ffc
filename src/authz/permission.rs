//! The table of permissions. Each is a type, so that code that needs one says so in its signature.

use super::Role;

/// A permission as a type.
pub trait Permission: Send + Sync + 'static {
    const FLAG: Flag;
}

/// A permission under which something may be changed.
pub trait Writes: Permission {}

/// A permission under which rights can be taken away. That goes on in a frozen tenant: an incident
/// is what tenants are frozen for.
pub trait Withdraws: Writes {}

macro_rules! permissions {
    ($($domain:literal: { $($flag:ident $name:literal $kind:ident [$($role:ident)*] $description:literal;)+ })+) => {
        /// A permission as a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Flag { $($($flag),+),+ }

        impl Flag {
            /// In the order of the table.
            pub const ALL: &[Flag] = &[$($(Flag::$flag),+),+];

            pub const fn name(self) -> &'static str {
                match self { $($(Flag::$flag => $name),+),+ }
            }

            /// The part of the product that it belongs to.
            pub const fn domain(self) -> &'static str {
                match self { $($(Flag::$flag => $domain),+),+ }
            }

            pub const fn description(self) -> &'static str {
                match self { $($(Flag::$flag => $description),+),+ }
            }

            pub const fn writes(self) -> bool {
                match self { $($(Flag::$flag => permissions!(@writes $kind)),+),+ }
            }

            /// Whether rights can be taken away under it, in a frozen tenant too.
            pub const fn withdraws(self) -> bool {
                match self { $($(Flag::$flag => permissions!(@withdraws $kind)),+),+ }
            }

            /// The built-in roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $($(Flag::$flag => &[$(permissions!(@role $role)),*]),+),+ }
            }
        }

        $($(
            #[doc = $description]
            pub struct $flag;

            impl Permission for $flag {
                const FLAG: Flag = Flag::$flag;
            }

            permissions!(@impl $kind $flag);
        )+)+
    };
    (@writes read) => { false };
    (@writes write) => { true };
    (@writes withdraw) => { true };
    (@withdraws withdraw) => { true };
    (@withdraws $other:ident) => { false };
    (@impl read $flag:ident) => {};
    (@impl write $flag:ident) => { impl Writes for $flag {} };
    (@impl withdraw $flag:ident) => {
        impl Writes for $flag {}
        impl Withdraws for $flag {}
    };
    (@role O) => { Role::Owner };
    (@role A) => { Role::Admin };
    (@role P) => { Role::Operator };
    (@role V) => { Role::Viewer };
    (@role U) => { Role::Auditor };
    (@role R) => { Role::PrivacyOfficer };
    (@role X) => { Role::PlatformAdmin };
    (@role Y) => { Role::PlatformAuditor };
    (@role Z) => { Role::PlatformSupport };
    (@role L) => { Role::LocalOperator };
    (@role S) => { Role::System };
}

// Owner, Admin, oPerator, Viewer, aUditor, pRivacy officer; platform administrator (X), its auditor
// (Y), its support (Z), Local operator, System.
permissions! {
    "account": {
        AccountRead "account.read" read [O A P V U R] "See one's own account and sessions";
        AccountWrite "account.write" write [O A P V U R] "Change one's own password and second factors";
        AccountWithdraw "account.withdraw" withdraw [O A P V U R] "End one's own sessions, forget one's own devices";
    }
    "conversations": {
        ConversationRead "conversation.read" read [O A P V R] "See conversations: who, when, state; not what was said";
        ConversationCreate "conversation.create" write [O A P] "Start conversations";
        ConversationUpdate "conversation.update" write [O A P] "Tag and assign conversations";
        ConversationClose "conversation.close" write [O A P] "Close conversations";
        ConversationReopen "conversation.reopen" write [O A P] "Reopen closed conversations";
        ConversationDelete "conversation.delete" write [O A] "Delete conversations for good";
        ConversationExport "conversation.export" read [O A R L] "Export conversations with their messages";
        MessageRead "message.read" read [O A P V R] "Read what was said; each reading is recorded";
        MessageAppend "message.append" write [O A P] "Add messages to conversations";
    }
    "files": {
        FileRead "file.read" read [O A P V R] "List and download files";
        FileUpload "file.upload" write [O A P] "Upload files";
        FileDelete "file.delete" write [O A] "Delete files for good";
        FileScan "file.scan" write [O A P R] "Look for personal data in files";
        FileRemediate "file.remediate" write [O A R] "Make cleaned copies of files";
    }
    "records": {
        RecordRead "record.read" read [O A P V R] "Read records in collections";
        RecordWrite "record.write" write [O A P] "Write records in collections";
        RecordSchema "record.schema" write [O A] "Define collections and their fields";
    }
    "secrets": {
        SecretList "secret.list" read [O A U] "See which integration secrets exist, not their values";
        SecretRead "secret.read" read [O] "Read the value of an integration secret";
        SecretWrite "secret.write" write [O A] "Store and replace integration secrets";
        SecretDelete "secret.delete" write [O A] "Delete integration secrets";
    }
    "privacy": {
        SubjectRead "subject.read" read [O A R L] "See which persons' data is stored";
        SubjectExport "subject.export" read [O R] "Export everything about a person";
        SubjectRectify "subject.rectify" write [O R] "Correct a person's data";
        SubjectErase "subject.erase" write [O R L S] "Destroy a person's key: their data is gone for good";
        SubjectRestrict "subject.restrict" write [O R] "Restrict the processing of a person's data";
        RetentionRead "retention.read" read [O A U R L] "See retention policies and previews";
        RetentionManage "retention.manage" write [O R L S] "Change retention policies, run retention";
        HoldManage "hold.manage" write [O R L S] "Set and lift legal holds";
        ConsentManage "consent.manage" write [O R] "Give and revoke consent to processing elsewhere";
    }
    "audit": {
        AuditRead "audit.read" read [O A U R] "Read and search the audit log";
        AuditIngest "audit.ingest" write [O A P] "Append an application's own events to the audit log";
        AuditVerify "audit.verify" read [O A U R L S] "Check that the audit log is unbroken";
        AuditExport "audit.export" read [O A U R L] "Export the audit log";
        AuditReindex "audit.reindex" read [O A L] "Build the search index of the audit log anew";
        AuditSearchSave "audit.search.save" write [O A U R] "Save searches of the audit log for the whole tenant";
        AuditStreamRead "audit.stream.read" read [O A U] "See the streams of the audit log and how far they have come";
        AuditStreamSend "audit.stream.send" read [S] "Send the audit log's entries to the streams that were set up";
        AuditStream "audit.stream" write [O A S] "Stream the audit log to other systems";
        AuditWitness "audit.witness" write [O A U L] "Name witnesses and store their signatures under checkpoints";
        AuditShred "audit.shred" write [O L] "Destroy the key of the audit log's contents";
    }
    "members": {
        UserRead "user.read" read [O A U R L] "See the members and their roles";
        UserCreate "user.create" write [O A L] "Add members";
        UserUpdate "user.update" write [O A L] "Rename members, make links for a new password";
        UserInvite "user.invite" write [O A L] "Invite people, withdraw invitations";
        UserFactorReset "user.factor.reset" withdraw [O A L] "Take away a member's second factors";
        UserDisable "user.disable" withdraw [O A L] "Disable and enable members";
        UserRole "user.role" write [O A L] "Change a member's role, up to one's own";
        RoleRead "role.read" read [O A P V U R L] "See the roles and what they permit";
        RoleManage "role.manage" write [O L] "Define roles of the tenant's own, up to one's own rights";
        SessionRead "session.read" read [O A U L] "See who is signed in, from where";
        SessionRevoke "session.revoke" withdraw [O A L] "End other people's sessions";
        AccessRevoke "access.revoke" withdraw [O A L] "Take away all sessions, links and keys of a member, or of the whole tenant";
    }
    "integrations": {
        ApiKeyRead "api_key.read" read [O A U L] "See the API keys, not their secrets";
        ApiKeyCreate "api_key.create" write [O A L] "Make API keys, up to one's own rights";
        ApiKeyUpdate "api_key.update" write [O A L] "Change what an API key may do and from where, replace its secret";
        ApiKeyRevoke "api_key.revoke" withdraw [O A L] "Revoke API keys";
        WebhookRead "webhook.read" read [O A U] "See webhooks and deliveries";
        WebhookManage "webhook.manage" write [O A] "Set up webhooks";
        AlertRead "alert.read" read [O A U R] "See alerts";
        AlertManage "alert.manage" write [O A] "Set up alert rules, acknowledge alerts";
        SsoRead "sso.read" read [O A U L] "See the identity providers, not their secrets";
        SsoManage "sso.manage" write [O L S] "Set up identity providers and provisioning: decides who can be whom";
        ScimProvision "scim.provision" write [O] "Keep members and groups as an identity provider has them (SCIM)";
        SettingsRead "settings.read" read [O A U R L] "See the tenant's settings";
        SettingsManage "settings.manage" write [O A] "Change the tenant's settings";
        SignInManage "sign_in.manage" write [O L] "Change who has to sign in how, and whether acts need a second person";
    }
    "approvals": {
        ApprovalRead "approval.read" read [O A U R L] "See what waits for a second person's approval";
        ApprovalRequest "approval.request" write [O A U R L S] "Ask for a second person's approval";
        ApprovalDecide "approval.decide" write [O A R] "Approve or refuse what somebody else has asked for, with the right to do it oneself";
    }
    "keys": {
        KeyRotate "key.rotate" write [O S] "Rotate the tenant's encryption keys";
    }
    "compliance": {
        ComplianceRead "compliance.read" read [O A U R] "See controls and evidence";
        ComplianceManage "compliance.manage" write [O A] "Keep the register of attestations";
    }
    "platform": {
        TenantRead "tenant.read" read [X Y Z L S] "See the tenants";
        TenantCreate "tenant.create" write [X L] "Create tenants";
        TenantState "tenant.state" write [X L] "Freeze, unfreeze, suspend and resume tenants";
        PlatformAuditRead "platform.audit.read" read [X Y] "Read and search the platform's audit log";
        PlatformAuditVerify "platform.audit.verify" read [X Y L S] "Check that the platform's audit log is unbroken";
        PlatformAuditExport "platform.audit.export" read [X Y L] "Export the platform's audit log";
        PlatformAuditReindex "platform.audit.reindex" read [X L] "Build the search index of the platform's audit log anew";
        PlatformAuditSearchSave "platform.audit.search.save" write [X Y] "Save searches of the platform's audit log";
        PlatformAuditStreamRead "platform.audit.stream.read" read [X Y] "See the streams of the platform's audit log";
        PlatformAuditStreamSend "platform.audit.stream.send" read [S] "Send the platform's audit log's entries to its streams";
        PlatformAuditStream "platform.audit.stream" write [X S] "Stream the platform's audit log to other systems";
        PlatformAuditWitness "platform.audit.witness" write [X L] "Name witnesses of the platform's log and store their signatures";
        PlatformAuditRecord "platform.audit.record" write [L S] "Record in the platform's log what was done to a tenant";
        PlatformRetentionManage "platform.retention.manage" write [X L S] "Change how long the platform's log is kept, remove what is past it";
        PlatformJobRead "platform.job.read" read [X Y Z L] "See scheduled jobs and their runs";
        PlatformJobRun "platform.job.run" write [S] "Record the runs of scheduled jobs";
        PlatformJobControl "platform.job.control" write [X L] "Start and cancel jobs, change when they run";
        PlatformDoctorRun "platform.doctor.run" read [X Y L] "Check whether the installation is as it should be";
        PlatformDoctorMend "platform.doctor.mend" withdraw [X L] "Mend what the health checks mend by themselves: permissions, and what a killed process left";
        PlatformBackupRead "platform.backup.read" read [X Y Z L S] "See backups, their targets and what was tested";
        PlatformBackupRun "platform.backup.run" write [X L S] "Make, check and remove backups";
        PlatformRestoreRun "platform.restore.run" write [X L S] "Restore tenants from backups";
        TenantClose "platform.tenant.close" write [X L S] "Close tenants, take it back within the time of grace";
        PlatformAdminRead "platform.admin.read" read [X Y L] "See who signs in to the platform, in which role";
        PlatformAdminManage "platform.admin.manage" write [X L] "Add and reset platform administrators, change their roles";
        PlatformAccessRevoke "platform.access.revoke" withdraw [X L] "Take away all sessions, links and keys of a tenant, or of the whole installation";
        PlatformReadOnly "platform.read_only" write [X L] "Stop all changes of data, and allow them again";
        PlatformAdminDisable "platform.admin.disable" withdraw [X L] "Disable platform administrators, end their sessions";
        PlatformSettingsRead "platform.settings.read" read [X Y] "See the platform's settings";
        PlatformSettingsManage "platform.settings.manage" write [X L S] "Change the platform's settings, send a test mail";
        PlatformKeyRotate "platform.key.rotate" write [X L S] "Replace the root key, and the key that signs access tokens";
        PlatformAccountRead "platform.account.read" read [X Y Z] "See one's own account and sessions";
        PlatformAccountWrite "platform.account.write" write [X Y Z] "Change one's own password and second factors";
        PlatformAccountWithdraw "platform.account.withdraw" withdraw [X Y Z] "End one's own sessions, forget one's own devices";
    }
}

impl Flag {
    /// The permission of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.name() == name)
    }

    /// Whether something can be kept from being deleted under it, in a frozen tenant too: what undoes
    /// that is refused behind the door.
    pub const fn preserves(self) -> bool {
        matches!(self, Self::HoldManage)
    }

    /// Whether it is about the platform and not about one tenant.
    pub const fn is_platform(self) -> bool {
        matches!(self.domain().as_bytes(), b"platform")
    }
}

const _: () = assert!(Flag::ALL.len() >= 51 && Flag::ALL.len() <= 128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_a_name_of_its_own_and_somebody_who_has_it() {
        for (i, a) in Flag::ALL.iter().enumerate() {
            assert!(!a.roles().is_empty(), "{}", a.name());
            assert!(Flag::ALL[i + 1..].iter().all(|b| a.name() != b.name()), "{}", a.name());
        }
    }
}
