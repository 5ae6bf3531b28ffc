//! Erasures as callers ask for them and get them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::shreds::AskedBy;
use crate::kernel::Timestamp;
use crate::kernel::id::{ErasureId, KeyId, UserId};

/// Whom somebody means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Who {
    /// The id of the person's key, as a preview gives it.
    Subject(KeyId),
    /// The application's own reference, exactly.
    Reference(String),
    /// A whole e-mail address, upper and lower case alike: of data subjects and of members.
    Email(String),
    /// A member's id.
    Member(UserId),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub who: Who,
    /// Typed once more: the person's reference or e-mail address, or the word `erase`.
    pub confirm: String,
    /// Kept with the erasure and in the log: it should not name the person.
    pub reason: String,
    /// The number under which the request is known elsewhere.
    pub request: Option<String>,
}

/// Whose data it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person whom conversations are with.
    DataSubject,
    /// Somebody who signs in.
    Member,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataSubject => "data-subject",
            Self::Member => "member",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::DataSubject, Self::Member].into_iter().find(|kind| kind.name() == name)
    }
}

/// How much there was of a person when it was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasureCounts {
    pub conversations: u64,
    pub messages: u64,
    /// Of these messages, what others have said: it is sealed under the same key and goes too.
    pub messages_of_others: u64,
    /// Entries of the audit log with something sealed about the person; null while the search index
    /// has not come to the log's end.
    pub entries: Option<u64>,
    /// Saved searches with the person's name, reference or address in them: they are deleted.
    pub saved_searches: u64,
}

/// What the erasure of a person would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The id of the person's key: names them in the request.
    pub subject: KeyId,
    pub kind: Kind,
    /// The member's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<UserId>,
    /// The application's own reference.
    pub reference: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    #[serde(flatten)]
    pub counts: ErasureCounts,
    /// A legal hold forbids it.
    pub held: bool,
    /// An erasure that has begun already, or is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErasureState {
    /// It was interrupted, and will be completed.
    Running,
    Done,
}

/// An erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    pub id: ErasureId,
    pub state: ErasureState,
    pub kind: Kind,
    /// The id of the person's key, which is destroyed.
    pub subject: KeyId,
    pub requested_by: AskedBy,
    pub requested_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub reason: String,
    pub request: Option<String>,
    pub counts: ErasureCounts,
    /// When the last archive of keys that can hold this one is deleted; null when no backups are
    /// made.
    pub keys_in_backups_until: Option<Timestamp>,
    /// When the last backup with the person's data, unreadable without the key, is deleted.
    pub data_in_backups_until: Option<Timestamp>,
    /// A signed note; null until it is done.
    pub certificate: Option<String>,
}
