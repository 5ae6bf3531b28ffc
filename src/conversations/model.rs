//! Conversations as callers send and get them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::Timestamp;
use crate::kernel::id::ConversationId;

/// A conversation to be created.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewConversation {
    /// What it is about: one line, 1 to 512 bytes.
    pub subject: String,
    /// Where it takes place: 1 to 32 of `a-z 0-9 _ . -`. `api` when it is left out.
    #[serde(default)]
    pub channel: Option<String>,
    /// The customer. Everything in the conversation is then sealed under this person's own key,
    /// whose destruction erases it.
    #[serde(default)]
    pub data_subject: Option<NewDataSubject>,
    /// At most 32 tags of 1 to 64 bytes.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Anything of the application's own; at most 16 KiB as JSON.
    #[serde(default)]
    pub custom_fields: Map<String, Value>,
}

/// A person whose data is stored.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDataSubject {
    /// The application's own reference for the person; the same reference means the same person.
    pub id: String,
    /// Replaces the name that is stored for the person.
    #[serde(default)]
    pub name: Option<String>,
    /// Replaces the e-mail address that is stored for the person.
    #[serde(default)]
    pub email: Option<String>,
}

/// What to change; what is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConversationChanges {
    /// What it is about: one line, 1 to 512 bytes.
    #[serde(default)]
    pub subject: Option<String>,
    /// All tags from now on: at most 32 of 1 to 64 bytes.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// All custom fields from now on; at most 16 KiB as JSON.
    #[serde(default)]
    pub custom_fields: Option<Map<String, Value>>,
}

/// A conversation without its messages.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    pub id: ConversationId,
    /// Null when the person was erased.
    pub subject: Option<String>,
    pub channel: String,
    /// The customer, when the conversation has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_subject: Option<DataSubject>,
    pub tags: Vec<String>,
    pub custom_fields: Map<String, Value>,
    pub state: ConversationState,
    /// Without those that retention has removed.
    pub message_count: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// Present and true while a legal hold keeps it from being deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// Present and true when what was said is gone because the person's key was destroyed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// A person; all members are null once the person was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSubject {
    /// The application's own reference for the person.
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// Closed conversations take no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationState {
    Open,
    Closed,
}

impl ConversationState {
    pub const ALL: [Self; 2] = [Self::Open, Self::Closed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Which conversations to list; all that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConversationFilter {
    #[serde(default)]
    pub state: Option<ConversationState>,
    /// The person's exact reference, or their whole e-mail address.
    #[serde(default)]
    pub data_subject: Option<String>,
    /// Text in the subject line; upper and lower case are the same.
    #[serde(default)]
    pub q: Option<String>,
    /// A tag, exactly.
    #[serde(default)]
    pub tag: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PageRequest {
    /// Items in a page, 1 to 1000; 50 when it is left out.
    #[serde(default)]
    pub limit: Option<usize>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A page of conversations, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage {
    pub items: Vec<Conversation>,
    /// Where the list goes on; null at its end. A search may give a page that is not full, even
    /// empty, and go on.
    pub next_cursor: Option<String>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub open: u64,
    pub closed: u64,
    pub messages: u64,
}
