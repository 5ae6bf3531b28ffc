//! Streams of a log to other systems: list, one stream, the form.

use askama::Template;

use super::{Choice, Chrome, Field, StreamHealth};
use crate::kernel::Timestamp;

/// `GET …/streams`.
#[derive(Template)]
#[template(path = "streams/list.html")]
pub struct StreamsPage {
    pub chrome: Chrome,
    /// Of this page.
    pub path: String,
    pub rows: Vec<StreamRow>,
    pub may_manage: bool,
    /// Where checkpoints are published; the platform's page alone.
    pub published: Vec<PublishedRow>,
    /// Whether this is the platform's page.
    pub is_platform: bool,
}

pub struct StreamRow {
    pub href: String,
    pub name: String,
    /// Protocol, host and port.
    pub place: String,
    /// The format's code.
    pub format: String,
    pub health: StreamHealth,
    pub lag_entries: u64,
    pub lag: String,
    pub last_delivery: Option<Timestamp>,
    pub last_error: Option<String>,
    pub is_encrypted: bool,
}

/// A place that checkpoints are published to.
pub struct PublishedRow {
    pub place: String,
    pub health: StreamHealth,
    pub published: u64,
    pub last: Option<Timestamp>,
    pub last_error: Option<String>,
}

/// `GET …/streams/{id}`, and the answer to a test.
#[derive(Template)]
#[template(path = "streams/one.html")]
pub struct StreamPage {
    pub chrome: Chrome,
    /// Of the list.
    pub list: String,
    pub row: StreamRow,
    pub is_paused: bool,
    pub through: u64,
    pub sent: u64,
    pub skipped: u64,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub failing_since: Option<Timestamp>,
    pub error_at: Option<Timestamp>,
    pub next_attempt: Option<Timestamp>,
    pub id: String,
    pub may_manage: bool,
    pub test: Option<TestResult>,
}

/// What became of a test message.
pub struct TestResult {
    pub ok: bool,
    pub detail: String,
    pub millis: u64,
}

/// `GET|POST …/streams/new?type=…` and `…/streams/{id}/edit`.
#[derive(Template)]
#[template(path = "streams/form.html")]
pub struct StreamFormPage {
    pub chrome: Chrome,
    /// Of the list.
    pub list: String,
    /// Where the form goes.
    pub action: String,
    /// Where one comes back to without a change.
    pub cancel: String,
    pub form: StreamForm,
    /// What is wrong and belongs to no field.
    pub problem: Option<String>,
}

/// `type` is one of `syslog`, `splunk`, `http`; a form holds the fields of one.
#[derive(Clone, Default)]
pub struct StreamForm {
    pub kind: String,
    pub is_new: bool,
    pub kinds: Vec<Choice>,
    pub name: Field,
    pub format: Field,
    pub formats: Vec<Choice>,
    pub begin: Field,
    pub begins: Vec<Choice>,
    pub address: Field,
    pub transport: Field,
    pub transports: Vec<Choice>,
    pub facility: Field,
    pub url: Field,
    pub index: Field,
    pub source_type: Field,
    pub body: Field,
    pub bodies: Vec<Choice>,
    pub authentication: Field,
    pub authentications: Vec<Choice>,
    pub user: Field,
    pub header: Field,
    /// Never put back.
    pub credential: Field,
    pub has_credential: bool,
    pub ca: Field,
    pub client_certificate: Field,
    /// Never put back.
    pub client_key: Field,
    pub has_client_key: bool,
    pub server_name: Field,
}

impl StreamForm {
    pub fn is_syslog(&self) -> bool {
        self.kind == "syslog"
    }

    pub fn is_splunk(&self) -> bool {
        self.kind == "splunk"
    }

    pub fn is_http(&self) -> bool {
        self.kind == "http"
    }

    pub fn is_refused(&self) -> bool {
        [&self.name, &self.address, &self.url, &self.credential, &self.ca]
            .iter()
            .any(|field| field.error.is_some())
    }

    /// Whether the part about certificates is shown open.
    pub fn has_tls(&self) -> bool {
        [&self.ca, &self.client_certificate, &self.client_key, &self.server_name]
            .iter()
            .any(|field| !field.value.is_empty() || field.error.is_some())
    }
}
