//! Typed ids: a tenant's id cannot be passed where a user's is meant. All are UUIDv7 (RFC 9562).

use uuid::Uuid;

pub trait Id: Copy {
    fn from_uuid(uuid: Uuid) -> Self;
    fn uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            pub const fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    )+ };
}

ids! {
    /// An archive in a backup target.
    BackupId,
    /// A base copy that a tenant's archived changes follow.
    BaseId,
    RestoreId,
    RestoreTestId,
    HoldId,
    RetentionRunId,
    /// An erasure of a person.
    ErasureId,
    ClosingId,
    /// This installation; part of every checkpoint's origin.
    InstallationId,
    TenantId,
    /// A person who signs in to one tenant.
    UserId,
    /// A platform administrator.
    AdminId,
    SessionId,
    ApiKeyId,
    ConversationId,
    /// A large export of an audit log.
    ExportId,
    MessageId,
    /// A data subject: a person whose data is stored; users are subjects too.
    SubjectId,
    /// One hash-chained log.
    LogId,
    /// A key in a key store.
    KeyId,
    /// One HTTP request or CLI command.
    RequestId,
    JobRunId,
    /// A stream of an audit log to another system.
    StreamId,
    /// A search of the log that is kept under a name.
    SavedSearchId,
    /// One destruction of a log's contents.
    ShredId,
    PasskeyId,
    /// A browser that somebody has signed in with.
    DeviceId,
    MailId,
    /// A one-time link; an invitation is one.
    LinkId,
    /// Something that waits for a second person.
    ApprovalId,
    /// An identity provider that a tenant trusts.
    ProviderId,
    /// A sign-in that was sent to an identity provider.
    SsoRequestId,
    /// A sign-in that was tried, and what came of it.
    SsoTestId,
    /// A key pair with which a tenant signs, and opens, messages of single sign-on.
    SsoKeyId,
    /// A group that an identity provider keeps.
    GroupId,
}
