//! Messages as callers send and get them.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::kernel::id::MessageId;
use crate::kernel::{Timestamp, limits};

/// A message to be added.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    pub author: NewAuthor,
    /// What was said: 1 byte to 256 KiB of text.
    pub body: String,
    /// When it was said, by the application's clock; now, when it is left out.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

/// Who says it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAuthor {
    #[serde(rename = "type")]
    pub kind: AuthorType,
    /// The application's own reference, at most 512 bytes.
    #[serde(default)]
    pub id: Option<String>,
    /// At most 512 bytes.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthorType {
    Customer,
    Agent,
    System,
}

impl AuthorType {
    pub const ALL: [Self; 3] = [Self::Customer, Self::Agent, Self::System];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One message, or an array of 1 to 1000, which are added all or none.
#[derive(Clone, Debug, JsonSchema)]
#[serde(untagged)]
pub enum NewMessages {
    One(Box<NewMessage>),
    Many(Vec<NewMessage>),
}

impl<'de> Deserialize<'de> for NewMessages {
    // By hand, because an untagged enum answers a mistake with "did not match any variant".
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = NewMessages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message or an array of messages")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let message = NewMessage::deserialize(MapAccessDeserializer::new(map))?;
        Ok(NewMessages::One(Box::new(message)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = seq.next_element()? {
            if messages.len() == limits::MESSAGES_PER_CALL {
                let most = limits::MESSAGES_PER_CALL;
                return Err(A::Error::custom(format_args!("send at most {most} messages a call")));
            }
            messages.push(message);
        }
        Ok(NewMessages::Many(messages))
    }
}

/// Where an added message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appended {
    pub id: MessageId,
    /// Its number in the conversation, from 1, without gaps.
    pub seq: u64,
}

/// The added messages, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppendedMessages {
    pub items: Vec<Appended>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    /// Its number in the conversation, from 1, without gaps.
    pub seq: u64,
    pub author: Author,
    /// Null when the person was erased.
    pub body: Option<String>,
    /// When it was said, by the application's clock.
    pub sent_at: Timestamp,
    /// When it was stored.
    pub created_at: Timestamp,
    /// True when author and body are gone because the person's key was destroyed.
    pub erased: bool,
}

/// Who said it; null members were not given, or are erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    #[serde(rename = "type")]
    pub kind: AuthorType,
    pub id: Option<String>,
    pub name: Option<String>,
}

/// A page of messages, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    pub items: Vec<Message>,
    /// Where the list goes on; null at its end. Long messages make shorter pages.
    pub next_cursor: Option<String>,
}
