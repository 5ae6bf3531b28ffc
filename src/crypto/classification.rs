//! Data classification: one table that says how sensitive each stored field is. Its ids are part
//! of every envelope's associated data, so an id is never reused or changed.

/// How sensitive a field is, and with that how it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Sealed field by field under a subject's or the tenant's key; every access audited.
    HighlySensitive,
    /// Hashed where possible, otherwise sealed.
    Sensitive,
    /// Inside the encrypted tenant file; role-based access.
    Internal,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $column:literal, $class:ident;)+) => {
        /// A field whose value is sealed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field { $($(#[$doc])* $name),+ }

        impl Field {
            pub const ALL: &[Field] = &[$(Field::$name),+];

            /// Stable id, part of the associated data.
            pub const fn id(self) -> u16 {
                match self { $(Field::$name => $id),+ }
            }

            /// `table.column`
            pub const fn column(self) -> &'static str {
                match self { $(Field::$name => $column),+ }
            }

            pub const fn class(self) -> Class {
                match self { $(Field::$name => Class::$class),+ }
            }
        }
    };
}

fields! {
    MessageBody = 1, "messages.body", HighlySensitive;
    AuthorName = 2, "messages.author", HighlySensitive;
    ConversationSubject = 3, "conversations.subject", HighlySensitive;
    ConversationCustom = 4, "conversations.custom_fields", HighlySensitive;
    SubjectReference = 5, "data_subjects.reference", HighlySensitive;
    SubjectName = 6, "data_subjects.name", HighlySensitive;
    SubjectEmail = 7, "data_subjects.email", HighlySensitive;
    UserName = 8, "users.name", HighlySensitive;
    UserEmail = 9, "users.email", HighlySensitive;
    AdminName = 10, "admins.name", HighlySensitive;
    AdminEmail = 11, "admins.email", HighlySensitive;
    SessionClient = 12, "sessions.client", HighlySensitive;
    IdempotentAnswer = 13, "idempotency.answer", HighlySensitive;
    ApiKeyName = 14, "api_keys.name", Sensitive;
    ExportRequest = 30, "exports.request", HighlySensitive;
    ExportSpoolKey = 31, "exports.spool_key", HighlySensitive;
    StreamSettings = 20, "streams.settings", Sensitive;
    StreamSecrets = 21, "streams.secrets", Sensitive;
    AuthenticatorSecret = 40, "authenticators.secret", HighlySensitive;
    PasskeyCredential = 41, "passkeys.credential", Sensitive;
    PasskeyName = 42, "passkeys.name", HighlySensitive;
    CeremonyState = 43, "ceremonies.state", Sensitive;
    LinkAddress = 44, "links.address", HighlySensitive;
    LinkDetails = 45, "links.details", Sensitive;
    DeviceClient = 46, "devices.client", HighlySensitive;
    MailRecipient = 47, "mail.recipient", HighlySensitive;
    MailContent = 48, "mail.content", HighlySensitive;
    ApprovalDetails = 49, "approvals.details", Sensitive;
    ProviderSettings = 52, "identity_providers.settings", Sensitive;
    ProviderSecrets = 53, "identity_providers.secrets", Sensitive;
    SsoRequestState = 54, "sso_requests.state", Sensitive;
    SsoTestReport = 55, "sso_tests.report", HighlySensitive;
    IdentitySubject = 56, "identities.subject", HighlySensitive;
    SsoSession = 57, "sso_sessions.details", HighlySensitive;
    SignInProvider = 58, "sign_ins.provider", HighlySensitive;
    ScimUser = 59, "scim_users.attributes", HighlySensitive;
    ScimGroup = 60, "scim_groups.details", Sensitive;
    SsoPrivateKey = 61, "sso_keys.private", HighlySensitive;
    HoldReason = 62, "legal_holds.reason", Sensitive;
    HoldDetails = 63, "legal_holds.details", HighlySensitive;
    RetentionReport = 64, "retention_runs.report", Sensitive;
    ErasureDetails = 65, "erasures.details", Sensitive;
    ClosingReason = 66, "closings.reason", Sensitive;
    JobOutput = 67, "job_runs.output", Sensitive;
    ApiKeyAddress = 51, "api_key_use.address", HighlySensitive;
    /// Kept by nobody: it travels with a page and comes back with its form.
    PendingForm = 50, "pages.pending_form", HighlySensitive;
    SearchName = 15, "saved_searches.name", Sensitive;
    SearchQuery = 16, "saved_searches.query", Sensitive;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fields_share_an_id_or_a_column() {
        for (i, a) in Field::ALL.iter().enumerate() {
            for b in &Field::ALL[i + 1..] {
                assert_ne!(a.id(), b.id());
                assert_ne!(a.column(), b.column());
            }
        }
    }
}
