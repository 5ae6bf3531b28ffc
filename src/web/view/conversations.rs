//! Conversations: list, one conversation with its transcript, new conversation.

use askama::Template;

use super::query::{self, Pager};
use super::{AuthorType, Choice, Chrome, ConversationState, Field};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/conversations[?search=&state=&cursor=]`.
#[derive(Template)]
#[template(path = "conversations/list.html")]
pub struct ConversationsPage {
    pub chrome: Chrome,
    /// The text searched in subjects and persons; empty without a search.
    pub search: String,
    pub state: Option<ConversationState>,
    pub rows: Vec<ConversationRow>,
    pub pager: Pager,
    pub may_create: bool,
}

impl ConversationsPage {
    pub fn is_filtered(&self) -> bool {
        !self.search.is_empty() || self.state.is_some()
    }

    /// Whether the select shows `state` as chosen.
    pub fn is_state(&self, state: &ConversationState) -> bool {
        self.state.as_ref() == Some(state)
    }

    /// A link to the page at `cursor` with the same search.
    pub fn page(
        path: &str,
        search: &str,
        state: Option<ConversationState>,
        cursor: &str,
    ) -> String {
        let state = state.map_or("", |state| state.code());
        query::href(path, &[("search", search), ("state", state), ("cursor", cursor)])
    }
}

pub struct ConversationRow {
    pub id: String,
    pub subject: String,
    pub person: Person,
    pub channel: String,
    pub state: ConversationState,
    pub messages: u64,
    pub last_activity: Timestamp,
}

/// Whom a conversation is about.
pub enum Person {
    /// No data subject was named.
    Unknown,
    Known {
        /// The application's own id of the person.
        id: String,
        name: Option<String>,
        email: Option<String>,
    },
    /// The person's key was destroyed: nothing of them can be read any more.
    Erased,
}

/// `GET /t/{slug}/conversations/{id}`.
#[derive(Template)]
#[template(path = "conversations/view.html")]
pub struct ConversationPage {
    pub chrome: Chrome,
    pub conversation: Conversation,
    pub transcript: Transcript,
    /// The audit entry that this view left.
    pub recorded: Option<u64>,
    pub may: ConversationRights,
    /// The form below the transcript; its fields keep what was typed when it was refused.
    pub reply: MessageForm,
}

impl ConversationPage {
    /// The page's own path; acts are below it.
    pub fn href(&self) -> String {
        format!("{}/conversations/{}", self.chrome.base(), self.conversation.id)
    }
}

pub struct Conversation {
    pub id: String,
    pub subject: String,
    pub person: Person,
    pub channel: String,
    pub state: ConversationState,
    pub tags: Vec<String>,
    pub created: Timestamp,
    pub last_activity: Timestamp,
    pub closed: Option<Timestamp>,
    pub messages: u64,
    /// A legal hold keeps it from being deleted.
    pub hold: bool,
    /// Name and value, as the application gave them.
    pub custom_fields: Vec<(String, String)>,
}

/// The messages, or why there are none to read.
pub enum Transcript {
    /// Oldest first; empty for a conversation without messages.
    Readable { messages: Vec<Message>, pager: Pager },
    /// The person may see that the conversation exists, not what was said.
    NotAllowed,
    /// The data subject was erased.
    Erased,
}

pub struct Message {
    pub seq: u64,
    pub author: AuthorType,
    pub name: Option<String>,
    pub sent: Timestamp,
    pub body: String,
}

/// Which acts the page offers.
#[derive(Clone, Copy, Default)]
pub struct ConversationRights {
    pub add_message: bool,
    pub close: bool,
    pub delete: bool,
    /// Whether the person may follow the link to the entry in the log.
    pub open_entry: bool,
}

/// Sends `author_type`, `author_name` and `body` to `…/{id}/messages`.
#[derive(Default)]
pub struct MessageForm {
    /// A code of [`AuthorType`]; the agent when empty.
    pub author_type: Field,
    pub author_name: Field,
    pub body: Field,
}

impl MessageForm {
    pub fn authors(&self) -> &'static [AuthorType] {
        &[AuthorType::Agent, AuthorType::Customer, AuthorType::System]
    }

    pub fn is_author(&self, author: &AuthorType) -> bool {
        self.author_type.value == author.code()
    }
}

/// `GET|POST /t/{slug}/conversations/new`; sends `subject`, `channel`, `person_id`,
/// `person_name`, `person_email`, `author_type`, `message`.
#[derive(Template)]
#[template(path = "conversations/new.html")]
pub struct NewConversationPage {
    pub chrome: Chrome,
    pub subject: Field,
    pub channel: Field,
    pub person_id: Field,
    pub person_name: Field,
    pub person_email: Field,
    /// Who says the first message.
    pub author_type: Field,
    pub authors: Vec<Choice>,
    pub message: Field,
}
