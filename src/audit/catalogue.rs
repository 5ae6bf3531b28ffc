//! The event types that the server itself writes: one table, from which documentation, filters
//! and checks are made. Applications may post any other name.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

/// What an event is about, in the terms of auditors.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Authentication,
    DataAccess,
    DataModification,
    Administration,
    System,
}

impl Category {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::DataAccess => "data access",
            Self::DataModification => "data modification",
            Self::Administration => "administration",
            Self::System => "system",
        }
    }
}

/// One event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Action {
    /// `domain.verb`.
    pub name: &'static str,
    pub category: Category,
    /// One line in English.
    pub description: &'static str,
    /// Other names that are read as this one: those with underscores are ORCA's.
    pub aliases: &'static [&'static str],
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.name.to_owned()
    }
}

/// The whole table, in the order of the documentation.
pub fn all() -> &'static [Action] {
    ALL
}

/// The type with this name or alias.
pub fn find(name: &str) -> Option<&'static Action> {
    static BY_NAME: LazyLock<HashMap<&str, &Action>> = LazyLock::new(|| {
        let names = |action: &'static Action| action.aliases.iter().copied().chain([action.name]);
        ALL.iter().flat_map(|action| names(action).map(move |name| (name, action))).collect()
    });
    BY_NAME.get(name).copied()
}

/// The name that is stored for `name`: aliases are resolved, anything else stays as it is.
pub fn canonical_name(name: &str) -> &str {
    find(name).map_or(name, |action| action.name)
}

macro_rules! catalogue {
    ($($category:ident { $($constant:ident $name:literal $([$($alias:literal),+])? $text:literal;)+ })+) => {
        $($(
            #[doc = $text]
            pub const $constant: Action = Action {
                name: $name,
                category: Category::$category,
                description: $text,
                aliases: &[$($($alias),+)?],
            };
        )+)+
        const ALL: &[Action] = &[$($($constant),+),+];
    };
}

catalogue! {
    Authentication {
        LOGIN_SUCCEEDED "login.succeeded" ["login", "login_succeeded", "login_success"] "Somebody signed in.";
        LOGIN_PENDING "login.pending" ["login_pending"] "A first factor was right; the sign-in waits for another one.";
        LOGIN_FAILED "login.failed" ["login_failed"] "A sign-in was refused.";
        LOGOUT "session.logout" ["logout"] "Somebody signed out.";
        SESSION_CREATED "session.created" ["session_created"] "A session began.";
        SESSION_ENDED "session.ended" ["session_ended"] "A session ended: signed out, expired or revoked.";
        EMAIL_VERIFIED "email.verified" ["email_verified"] "An e-mail address was confirmed by its owner.";
        PASSWORD_CHANGED "password.changed" ["password_changed"] "A password was changed or reset.";
        TWO_FACTOR_ENABLED "two_factor.enabled" ["2fa_enabled", "2fa.enabled", "two_factor_enabled"] "A second factor was set up.";
        TWO_FACTOR_DISABLED "two_factor.disabled" ["2fa_disabled", "2fa.disabled", "two_factor_disabled"] "A second factor was removed.";
        TWO_FACTOR_FAILED "two_factor.failed" ["two_factor_failed"] "A second factor was refused.";
        TWO_FACTOR_RESET "two_factor.reset" ["two_factor_reset"] "Somebody took away a person's second factors.";
        RECOVERY_CODES_CREATED "recovery_codes.created" ["recovery_codes_created"] "Recovery codes were made; older ones stopped working.";
        RECOVERY_CODE_USED "recovery_code.used" ["recovery_code_used"] "A recovery code took the place of a second factor.";
        PASSKEY_ADDED "passkey.added" ["passkey_added"] "A passkey was registered.";
        PASSKEY_RENAMED "passkey.renamed" ["passkey_renamed"] "A passkey was renamed.";
        PASSKEY_REMOVED "passkey.removed" ["passkey_removed"] "A passkey was removed.";
        SIGN_IN_LINK_REQUESTED "sign_in_link.requested" ["sign_in_link_requested"] "A link to sign in with was asked for.";
        PASSWORD_RESET_REQUESTED "password.reset_requested" ["password_reset_requested"] "A link to choose a new password was asked for.";
        EMAIL_VERIFICATION_REQUESTED "email.verification_requested" ["email_verification_requested"] "A link to confirm an e-mail address was asked for.";
        EMAIL_CHANGED "email.changed" ["email_changed"] "A person's e-mail address was changed.";
        SESSION_CONFIRMED "session.confirmed" ["session_confirmed"] "Somebody proved again who they are, for a sensitive act.";
        DEVICE_REMEMBERED "device.remembered" ["device_remembered"] "Somebody signed in on a device for the first time.";
        DEVICE_FORGOTTEN "device.forgotten" ["device_forgotten"] "A device that somebody had signed in on was forgotten.";
        IDENTITY_LINKED "identity.linked" ["identity_linked"] "A person at an identity provider was linked to a member.";
        IDENTITY_UNLINKED "identity.unlinked" ["identity_unlinked"] "A person at an identity provider was unlinked from a member.";
        BREAK_GLASS_USED "break_glass.used" ["break_glass_used"] "The emergency account signed in past single sign-on.";
        SSO_REFUSED "sso.refused" ["sso_refused"] "A message of an identity provider was refused.";
        SSO_TESTED "sso.tested" ["sso_tested"] "A sign-in at an identity provider was tried, without signing in.";
        SSO_LOGOUT "sso.logout" ["sso_logout"] "An identity provider ended a person's sessions.";
        TOKEN_ISSUED "token.issued" ["token_issued"] "An access token and a refresh token were issued.";
        TOKEN_REFRESHED "token.refreshed" ["token_refreshed"] "A refresh token was exchanged for new tokens.";
        TOKEN_REUSED "token.reused" ["token_reused"] "A refresh token was used twice: its session was ended.";
        ACCESS_DENIED "access.denied" ["access_denied"] "A caller tried something without the right to it.";
        RATE_LIMITED "rate.limited" ["rate_limited"] "A caller was slowed down for sending too much.";
    }
    DataAccess {
        CONVERSATION_LISTED "conversation.listed" ["conversation_listed"] "Conversations were listed.";
        CONVERSATION_SEARCHED "conversation.searched" ["conversation_searched"] "Conversations were searched.";
        CONVERSATION_ACCESS "conversation.access" ["conversation_access"] "A conversation's metadata was read.";
        MESSAGE_ACCESS "message.access" ["message_access"] "Messages were read.";
        AUDIT_VIEWED "audit.viewed" ["audit_viewed"] "Audit entries were read.";
        AUDIT_SEARCHED "audit.searched" ["audit_searched"] "The audit log was searched.";
        AUDIT_VERIFIED "audit.verified" ["audit_verified"] "The audit log was verified.";
        AUDIT_EXPORTED "audit.exported" ["audit_exported"] "Audit entries were exported.";
        AUDIT_TAILED "audit.tailed" ["audit_tailed"] "Somebody watched entries arrive.";
        AUDIT_EXPORT_REQUESTED "audit.export_requested" ["audit_export_requested"] "An export of audit entries was asked for.";
        AUDIT_EXPORT_CANCELLED "audit.export_cancelled" ["audit_export_cancelled"] "An export of audit entries was cancelled.";
        AUDIT_EXPORT_DOWNLOADED "audit.export_downloaded" ["audit_export_downloaded"] "An export of audit entries was downloaded.";
        DATA_EXPORTED "data.exported" ["data_exported"] "Data was exported.";
        ERASURE_PREVIEWED "erasure.previewed" ["erasure_previewed"] "What the erasure of a person would remove was looked at.";
        RETENTION_PREVIEWED "retention.previewed" ["retention_previewed"] "What retention would remove was looked at.";
        TENANT_EXPORTED "tenant.exported" ["tenant_exported"] "All data of a tenant was exported.";
    }
    DataModification {
        CONVERSATION_CREATED "conversation.created" ["conversation_created"] "A conversation was created.";
        CONVERSATION_UPDATED "conversation.updated" ["conversation_updated"] "A conversation's metadata was changed.";
        CONVERSATION_CLOSED "conversation.closed" ["conversation_closed"] "A conversation was closed.";
        CONVERSATION_REOPENED "conversation.reopened" ["conversation_reopened"] "A conversation was opened again.";
        CONVERSATION_DELETED "conversation.deleted" ["conversation_deleted"] "A conversation was deleted.";
        MESSAGE_APPENDED "message.appended" ["message_appended"] "Messages were added to a conversation.";
        FILE_UPLOADED "file.uploaded" ["file_uploaded"] "A file was stored.";
        FILE_DELETED "file.deleted" ["file_deleted", "files_deleted"] "Files were deleted.";
        FILE_REJECTED_RAW_PASSWORD "file.rejected_raw_password" ["file_rejected_raw_password"] "A file was refused because it holds passwords in clear.";
        ERASURE_REQUESTED "erasure.requested" ["erasure_requested"] "The erasure of a person's data was requested.";
        ERASURE_COMPLETED "erasure.completed" ["erasure_completed", "erasure.done", "erasure_done"] "A person's data was erased.";
        RETENTION_COMPLETED "retention.completed" ["retention_completed"] "What was past its retention was deleted.";
        TENANT_DESTROYED "tenant.destroyed" ["tenant_destroyed"] "A closed tenant's keys and files were destroyed.";
        RESTORE_COMPLETED "restore.completed" ["restore_completed"] "Data was restored from a backup.";
        RESTORE_UNDONE "restore.undone" ["restore_undone"] "A restore was undone: the state before it is back.";
    }
    Administration {
        ADMIN_PANEL_ACCESS "admin_panel.access" ["admin_panel_access"] "Somebody opened the administration pages.";
        TENANT_CREATED "tenant.created" ["tenant_created"] "A tenant was created.";
        TENANT_RENAMED "tenant.renamed" ["tenant_renamed"] "A tenant was renamed.";
        TENANT_FROZEN "tenant.frozen" ["tenant_frozen"] "A tenant was made read-only.";
        TENANT_UNFROZEN "tenant.unfrozen" ["tenant_unfrozen"] "A tenant takes changes again.";
        TENANT_SUSPENDED "tenant.suspended" ["tenant_suspended"] "A tenant was locked for everybody.";
        TENANT_RESUMED "tenant.resumed" ["tenant_resumed"] "A suspended tenant was opened again.";
        ACCOUNT_CLOSED "account.closed" ["account_closed"] "A tenant's account was closed.";
        ACCESS_REVOKED "access.revoked" ["access_revoked"] "Sessions, links and keys were taken away at one stroke.";
        READ_ONLY_STARTED "read_only.started" ["read_only_started"] "The installation takes no changes of data from now on.";
        READ_ONLY_ENDED "read_only.ended" ["read_only_ended"] "The installation takes changes again.";
        SETUP_LINK_CREATED "setup_link.created" ["setup_link_created"] "A link for setting up an administrator was made.";
        SETUP_COMPLETED "setup.completed" ["setup_completed"] "The installation was set up.";
        PLATFORM_ADMIN_CREATED "platform_admin.created" ["platform_admin_created"] "A platform administrator was added.";
        PLATFORM_ADMIN_RESET "platform_admin.reset" ["platform_admin_reset"] "A platform administrator's sign-in was reset.";
        PLATFORM_ADMIN_CHANGED "platform_admin.changed" ["platform_admin_changed"] "A platform administrator's name or role was changed.";
        PLATFORM_ADMIN_DISABLED "platform_admin.disabled" ["platform_admin_disabled"] "A platform administrator may no longer sign in.";
        PLATFORM_ADMIN_ENABLED "platform_admin.enabled" ["platform_admin_enabled"] "A platform administrator may sign in again.";
        USER_REGISTERED "user.registered" ["register", "user_registered"] "A person registered.";
        USER_CREATED "user.created" ["user_created"] "A member was added.";
        USER_UPDATED "user.updated" ["user_updated"] "A member's name was changed.";
        USER_INVITED "user.invited" ["user_invited"] "Somebody was invited to become a member.";
        INVITATION_WITHDRAWN "invitation.withdrawn" ["invitation_withdrawn"] "An invitation was withdrawn.";
        USER_DISABLED "user.disabled" ["user_disabled"] "A member may no longer sign in.";
        USER_ENABLED "user.enabled" ["user_enabled"] "A member may sign in again.";
        ROLE_CHANGED "role.changed" ["role_changed"] "A member's role was changed.";
        ROLE_CREATED "role.created" ["role_created"] "A role of the tenant's own was defined.";
        ROLE_UPDATED "role.updated" ["role_updated"] "A role of the tenant's own was changed.";
        ROLE_DELETED "role.deleted" ["role_deleted"] "A role of the tenant's own was deleted.";
        APPROVAL_REQUESTED "approval.requested" ["approval_requested"] "Somebody asked a second person to approve an act.";
        APPROVAL_GRANTED "approval.granted" ["approval_granted"] "A second person approved an act.";
        APPROVAL_REFUSED "approval.refused" ["approval_refused"] "A second person refused an act.";
        APPROVAL_WITHDRAWN "approval.withdrawn" ["approval_withdrawn"] "Somebody took back what they had asked approval for.";
        APPROVAL_EXPIRED "approval.expired" ["approval_expired"] "Nobody approved an act in time.";
        SETTINGS_CHANGED "settings.changed" ["settings_changed"] "Settings were changed.";
        PROVIDER_CREATED "identity_provider.created" ["identity_provider_created"] "An identity provider was set up.";
        PROVIDER_CHANGED "identity_provider.changed" ["identity_provider_changed"] "An identity provider's settings were changed, or it was turned on or off.";
        PROVIDER_DELETED "identity_provider.deleted" ["identity_provider_deleted"] "An identity provider was removed.";
        SSO_KEY_CHANGED "sso_key.changed" ["sso_key_changed"] "A key of single sign-on was made, put to use or removed.";
        GROUP_CREATED "group.created" ["group_created"] "A group was created by provisioning.";
        GROUP_CHANGED "group.changed" ["group_changed"] "A group's name or members were changed by provisioning.";
        GROUP_DELETED "group.deleted" ["group_deleted"] "A group was deleted by provisioning.";
        INTEGRATION_CHANGED "integration.changed" ["integration_changed"] "An integration was added, changed or removed.";
        API_KEY_CREATED "api_key.created" ["api_key_created"] "An API key was created.";
        API_KEY_UPDATED "api_key.updated" ["api_key_updated"] "An API key's name, rights, networks or expiry were changed.";
        API_KEY_ROTATED "api_key.rotated" ["api_key_rotated"] "An API key got a new secret.";
        API_KEY_REVOKED "api_key.revoked" ["api_key_revoked"] "An API key was revoked.";
        SEARCH_SAVED "search.saved" ["search_saved"] "A search of the audit log was saved for the tenant.";
        SEARCH_DELETED "search.deleted" ["search_deleted"] "A saved search was deleted.";
        STREAM_CREATED "stream.created" ["stream_created"] "The audit log streams to another system.";
        STREAM_CHANGED "stream.changed" ["stream_changed"] "A stream to another system was changed, paused or resumed.";
        STREAM_DELETED "stream.deleted" ["stream_deleted"] "A stream to another system was removed.";
        STREAM_TESTED "stream.tested" ["stream_tested"] "A test message was sent to a stream's receiver.";
        WITNESS_ADDED "witness.added" ["witness_added"] "The key of a witness was added.";
        WITNESS_REMOVED "witness.removed" ["witness_removed"] "The key of a witness was removed.";
        CHECKPOINT_WITNESSED "checkpoint.witnessed" ["checkpoint_witnessed"] "A witness's signature under a checkpoint was stored.";
        TENANT_DESTROY_BEGUN "tenant.destroy_begun" ["tenant_destroy_begun"] "The destruction of a closed tenant began.";
        AUDIT_SHRED_BEGUN "audit.shred_begun" ["audit_shred_begun"] "The destruction of the key of an audit log's contents began.";
        AUDIT_SHREDDED "audit.shredded" ["audit_shredded"] "The key of an audit log's contents was destroyed.";
        TENANT_REOPENED "tenant.reopened" ["tenant_reopened"] "The closing of a tenant was taken back.";
        RETENTION_CHANGED "retention.changed" ["retention_changed"] "How long data is kept was changed.";
        HOLD_SET "hold.set" ["hold_set"] "A legal hold was set.";
        HOLD_CHANGED "hold.changed" ["hold_changed"] "A legal hold was changed.";
        HOLD_LIFTED "hold.lifted" ["hold_lifted"] "A legal hold was lifted, or its time ended.";
        JOB_REQUESTED "job.requested" ["job_requested"] "Somebody started a job.";
        JOB_CANCELLED "job.cancelled" ["job_cancelled"] "Somebody cancelled a job's run.";
        JOB_SCHEDULED "job.scheduled" ["job_scheduled"] "When a job runs was changed.";
        DOCTOR_RUN "doctor.run" ["doctor_run"] "Somebody had the installation checked.";
        RESTORE_CONFIRMED "restore.confirmed" ["restore_confirmed"] "A restore was confirmed: the state before it was deleted.";
        GDPR_CHECK_DISABLED "gdpr_check.disabled" ["gdpr_check_disabled"] "A data protection check was turned off.";
        CREDITS_ADDED "credits.added" ["credits_added"] "Credits were added to an account.";
        CERTIFICATE_ISSUED "certificate.issued" ["certificate_issued"] "A certificate was issued.";
        REMEDIATION_APPLIED "remediation.applied" ["remediation_applied"] "A finding was remedied.";
    }
    System {
        JOB_CREATED "job.created" ["job_created"] "A job was created.";
        JOB_STARTED "job.started" ["job_started"] "A job began to run.";
        JOB_COMPLETED "job.completed" ["job_completed"] "A job ended well.";
        JOB_FAILED "job.failed" ["job_failed"] "A job failed.";
        RESTORE_STARTED "restore.started" ["restore_started"] "A restore from a backup began.";
        RESTORE_FAILED "restore.failed" ["restore_failed"] "A restore failed; everything is as before.";
        RESTORE_TESTED "restore.tested" ["restore_tested"] "Restoring from a backup was tested.";
        ERASURES_REPLAYED "erasures.replayed" ["erasures_replayed"] "Erasures were repeated on restored data.";
        BACKUP_COMPLETED "backup.completed" ["backup_completed"] "A backup was made and checked.";
        BACKUP_FAILED "backup.failed" ["backup_failed"] "A backup could not be made.";
        BACKUP_VERIFIED "backup.verified" ["backup_verified"] "Backups were checked where they lie.";
        BACKUP_DELETED "backup.deleted" ["backup_deleted"] "Backups past their time were deleted.";
        BACKUP_TARGET_FAILING "backup_target.failing" ["backup_target_failing"] "A backup target does not take backups.";
        BACKUP_TARGET_RECOVERED "backup_target.recovered" ["backup_target_recovered"] "A backup target takes backups again.";
        BACKUP_OVERDUE "backup.overdue" ["backup_overdue"] "No backup was made at its time.";
        RESTORE_TEST_OVERDUE "restore_test.overdue" ["restore_test_overdue"] "No backup was restored in a test for too long.";
        ARCHIVE_GAP "archive.gap" ["archive_gap"] "Continuous archiving was interrupted and begins anew.";
        KEY_ROTATED "key.rotated" ["key_rotated"] "A key was replaced.";
        ROOT_KEY_ADDED "root_key.added" ["root_key_added"] "Another root key opens the installation.";
        ROOT_KEY_RETIRED "root_key.retired" ["root_key_retired"] "A root key no longer opens the installation.";
        KEY_DESTROYED "key.destroyed" ["key_destroyed"] "A key was destroyed, and with it what it sealed.";
        CONFIG_RELOADED "config.reloaded" ["config_reloaded"] "The server took over a changed configuration or certificate.";
        CONFIG_REFUSED "config.refused" ["config_refused"] "A changed configuration or certificate was refused; the old one stays in force.";
        CERTIFICATE_EXPIRING "certificate.expiring" ["certificate_expiring"] "The server's certificate ends soon.";
        CERTIFICATE_RENEWED "certificate.renewed" ["certificate_renewed"] "The certificate authority gave the server a certificate.";
        CERTIFICATE_NOT_RENEWED "certificate.not_renewed" ["certificate_not_renewed"] "The certificate authority gave the server no certificate; the one that is served stays.";
        MAIL_FAILED "mail.failed" ["mail_failed"] "A mail could not be delivered and was given up.";
        MAIL_TESTED "mail.tested" ["mail_tested"] "A test mail was sent.";
        PROVIDER_EXPIRING "identity_provider.expiring" ["identity_provider_expiring"] "A certificate or the metadata of single sign-on ends soon.";
        PROVIDER_REFRESHED "identity_provider.refreshed" ["identity_provider_refreshed"] "An identity provider's metadata was fetched and had changed.";
        LOG_OPENED "log.opened" ["log_opened"] "A new audit log begins; names the log before, if there was one.";
        AUDIT_PRUNED "audit.pruned" ["audit_pruned"] "Entries past their retention were removed.";
        INDEX_REBUILT "index.rebuilt" ["index_rebuilt"] "The search index was dropped and is built anew.";
        CHECKPOINT_CONTRADICTED "checkpoint.contradicted" ["checkpoint_contradicted"] "The log does not fit a checkpoint that was signed before.";
        STREAM_FAILING "stream.failing" ["stream_failing"] "A stream's receiver does not take entries.";
        STREAM_RECOVERED "stream.recovered" ["stream_recovered"] "A stream's receiver takes entries again.";
        STREAM_GAP "stream.gap" ["stream_gap"] "Entries were removed by retention before a stream had sent them.";
        CLOCK_SET_BACK "clock.set_back" ["clock_set_back"] "The wall clock was set back; the log's time stands still until it is reached again.";
        ENTRY_DESTROYED "entry.destroyed" ["entry_destroyed"] "Shown in place of an entry whose key was destroyed; never written.";
        ENTRY_UNREADABLE "entry.unreadable" ["entry_unreadable"] "Shown in place of an entry that cannot be opened; never written.";
        CLOCK_JUMP "clock.jump" ["clock_jump"] "The wall clock left the monotonic clock; appends stopped.";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_and_alias_means_one_event_type() {
        let mut seen = HashSet::new();
        for action in all() {
            assert!(action.name.contains('.'), "{action}");
            for name in action.aliases.iter().chain([&action.name]) {
                assert!(seen.insert(*name), "{name} is there twice");
                assert_eq!(canonical_name(name), action.name);
                assert!(crate::audit::event::is_action(name), "{name}");
            }
        }
        assert_eq!(canonical_name("invoice.exported"), "invoice.exported");
    }

    #[test]
    fn every_event_type_that_was_promised_is_there() {
        let promised = "login logout login_failed session_created session_ended register \
            email_verified password_changed 2fa_enabled 2fa_disabled admin_panel_access \
            role_changed settings_changed integration_changed api_key_created api_key_revoked \
            message.access conversation.access conversation.closed conversation.deleted \
            data_exported file_uploaded files_deleted file_rejected_raw_password job_created \
            job_started job_completed job_failed gdpr_check_disabled credits_added \
            certificate_issued remediation_applied account_closed erasure_requested \
            erasure_done";
        for name in promised.split_whitespace() {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
