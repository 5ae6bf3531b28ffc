//! Erasing persons: who was erased, who is found, what an erasure would do.

use askama::Template;

use super::form::Choice;
use super::{Chrome, ErasureState, Field, Someone};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/privacy/erasures`.
#[derive(Template)]
#[template(path = "privacy/erasures.html")]
pub struct ErasuresPage {
    pub chrome: Chrome,
    /// For who may erase.
    pub find: Option<FindForm>,
    /// The latest first.
    pub rows: Vec<ErasureRow>,
}

/// Sends `by` and `value`.
pub struct FindForm {
    pub action: String,
    pub by: Field,
    pub ways: Vec<Choice>,
    pub value: Field,
}

pub struct ErasureRow {
    pub href: String,
    pub begun: Timestamp,
    pub state: ErasureState,
    /// The message that names what the person was.
    pub kind: &'static str,
    pub request: Option<String>,
    pub asked_by: Someone,
}

/// `POST …/erasures/find`, and again when an erasure did not go through.
#[derive(Template)]
#[template(path = "privacy/found.html")]
pub struct FoundPage {
    pub chrome: Chrome,
    pub back: String,
    pub found: Vec<FoundPerson>,
}

/// Sends `subject`, `confirm`, `reason`, `request`; where there are several, a button chooses one.
pub struct FoundPerson {
    pub action: String,
    /// The id of the key.
    pub subject: String,
    pub kind: &'static str,
    pub reference: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub conversations: u64,
    pub messages: u64,
    pub messages_of_others: u64,
    pub entries: Option<u64>,
    pub saved_searches: u64,
    pub held: bool,
    /// The erasure that has begun already.
    pub erasure: Option<String>,
    /// What is to be typed.
    pub typed: String,
    pub confirm: Field,
    pub reason: Field,
    pub request: Field,
    /// Why it did not go through.
    pub problem: Option<String>,
}

impl FoundPerson {
    pub fn may_be_erased(&self) -> bool {
        !self.held && self.erasure.is_none()
    }
}

/// `GET …/erasures/{id}`.
#[derive(Template)]
#[template(path = "privacy/erasure.html")]
pub struct ErasurePage {
    pub chrome: Chrome,
    pub back: String,
    pub id: String,
    pub state: ErasureState,
    pub kind: &'static str,
    pub subject: String,
    pub begun: Timestamp,
    pub finished: Option<Timestamp>,
    pub asked_by: Someone,
    pub reason: String,
    pub request: Option<String>,
    pub conversations: u64,
    pub messages: u64,
    pub entries: Option<u64>,
    pub keys_until: Option<Timestamp>,
    pub data_until: Option<Timestamp>,
    pub certificate: Option<String>,
    /// Where it is downloaded.
    pub download: String,
}
