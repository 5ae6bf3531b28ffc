//! Legal holds: list, one hold, the form that sets one.

use askama::Template;

use super::{Choice, Chrome, Field, HoldState, Pager, Someone};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/privacy/holds[?state=&cursor=]`; `POST` sets one (`scope`, `target`,
/// `reason`, `ends`, `review`).
#[derive(Template)]
#[template(path = "privacy/holds.html")]
pub struct HoldsPage {
    pub chrome: Chrome,
    pub rows: Vec<HoldRow>,
    pub pager: Pager,
    /// Those that were lifted are listed too.
    pub all: bool,
    /// For who may set holds.
    pub form: Option<HoldForm>,
}

impl HoldsPage {
    pub fn path(&self) -> String {
        format!("{}/admin/privacy/holds", self.chrome.base())
    }
}

pub struct HoldRow {
    pub href: String,
    pub id: String,
    /// The scope's code.
    pub scope: &'static str,
    pub target: Option<String>,
    /// What people know the target by; for who may see it.
    pub name: Option<String>,
    pub reason: String,
    pub state: HoldState,
    pub set: Timestamp,
    pub ends: Option<Timestamp>,
    pub review: Option<Timestamp>,
    /// Somebody was to look at it by now.
    pub is_overdue: bool,
}

pub struct HoldForm {
    pub scope: Field,
    pub scopes: Vec<Choice>,
    pub target: Field,
    pub reason: Field,
    /// Dates, `2027-01-31`; empty for none.
    pub ends: Field,
    pub review: Field,
}

impl HoldForm {
    pub fn is_refused(&self) -> bool {
        let fields = [&self.scope, &self.target, &self.reason, &self.ends, &self.review];
        fields.iter().any(|field| field.error.is_some())
    }
}

/// `GET /t/{slug}/admin/privacy/holds/{id}`; `POST` changes its dates (`ends`, `review`), `POST
/// …/lift` lifts it (`reason`).
#[derive(Template)]
#[template(path = "privacy/hold.html")]
pub struct HoldPage {
    pub chrome: Chrome,
    pub hold: HoldRow,
    pub set_by: Someone,
    pub lifted: Option<Timestamp>,
    pub lifted_by: Option<Someone>,
    pub lift_reason: Option<String>,
    /// The latest first.
    pub history: Vec<HoldChangeRow>,
    /// For who may change it, while it is in force.
    pub forms: Option<HoldForms>,
}

pub struct HoldChangeRow {
    pub at: Timestamp,
    pub by: Someone,
    pub ends: Option<Timestamp>,
    pub review: Option<Timestamp>,
}

pub struct HoldForms {
    pub ends: Field,
    pub review: Field,
    pub reason: Field,
}
