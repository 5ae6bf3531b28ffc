//! Witnesses of a log: who signed what and when, what they are to sign next. Serves a tenant's log
//! and the platform's alike.

use askama::Template;

use super::query;
use super::{Chrome, Field, WitnessState};
use crate::kernel::Timestamp;

/// `GET …/witnesses`; `POST …/witnesses` names one (`name`, `key`), `POST …/witnesses/import` takes
/// what one signed (`note`).
#[derive(Template)]
#[template(path = "audit/witnesses.html")]
pub struct WitnessesPage {
    pub chrome: Chrome,
    pub rows: Vec<WitnessRow>,
    /// Signed checkpoints that the log does not fit.
    pub contradictions: Vec<ContradictionRow>,
    /// What a witness is to sign; none when the log cannot be signed just now.
    pub request: Option<RequestView>,
    /// The forms, for who may change witnesses.
    pub forms: Option<WitnessForms>,
}

pub struct WitnessRow {
    /// Of its key, 8 hex digits.
    pub id: String,
    pub name: String,
    pub added: Timestamp,
    /// Entries that it signed last, and when.
    pub size: Option<u64>,
    pub signed: Option<Timestamp>,
    pub state: WitnessState,
}

pub struct ContradictionRow {
    pub size: u64,
    pub found: Timestamp,
}

/// The request for one witness, or for one that has not signed yet.
pub struct RequestView {
    /// Id of the witness; empty when the log has none.
    pub witness: String,
    pub name: String,
    /// Entries of the checkpoint.
    pub size: u64,
    /// What the witness signed before; 0 for nothing.
    pub old: u64,
    /// The request itself.
    pub text: String,
}

#[derive(Default)]
pub struct WitnessForms {
    pub name: Field,
    pub key: Field,
    pub note: Field,
}

impl WitnessForms {
    pub fn is_refused(&self) -> bool {
        self.name.error.is_some() || self.key.error.is_some()
    }
}

impl WitnessesPage {
    pub fn path(&self) -> String {
        format!("{}/witnesses", self.chrome.audit_href())
    }

    /// The page with another witness's request.
    pub fn ask(&self, row: &WitnessRow) -> String {
        query::href(&self.path(), &[("witness", &row.id)])
    }

    /// A file with the request: `request` as text, `request.svg` as an image.
    pub fn file(&self, name: &str, request: &RequestView) -> String {
        query::href(&format!("{}/{name}", self.path()), &[("witness", &request.witness)])
    }
}
