//! Conversations and their messages: what tenants keep here.
//!
//! What was said, by whom and about what is sealed field by field under the key of the person
//! (`subjects`), or under the tenant's when the person is not known. `repo` and `subjects_repo`
//! hold the SQL and see sealed bytes only; `open` turns them into what a caller gets.

mod append;
mod beside;
mod change;
mod check;
mod counts;
mod create;
mod cursor;
mod delete;
mod error;
mod events;
mod export;
mod find;
mod list;
mod message;
mod model;
mod open;
mod read;
mod repo;
mod state;
mod subjects;
mod subjects_repo;
#[cfg(test)]
mod tests;
mod transcript;

pub use append::append_messages;
pub(crate) use beside::{exists, person, person_by_reference, subject_line};
pub use change::update;
pub use counts::counts;
pub use create::create;
pub use delete::delete;
pub use error::ConversationError;
pub(crate) use export::{At, next as next_stretch};
pub use find::find;
pub use list::list;
pub use message::{
    Appended, AppendedMessages, Author, AuthorType, Message, MessagePage, NewAuthor, NewMessage,
    NewMessages,
};
pub use model::{
    Conversation, ConversationChanges, ConversationFilter, ConversationPage, ConversationState,
    Counts, DataSubject, NewConversation, NewDataSubject, PageRequest,
};
pub use read::read_messages;
pub use state::{close, reopen};
pub(crate) use subjects::{email_hash, forget as forget_subject, reference_hash};
pub use transcript::{Transcript, transcript};
