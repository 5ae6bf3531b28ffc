//! Sessions and devices.

use askama::Template;

use super::{Chrome, Field, Pager};
use crate::kernel::Timestamp;

/// `GET …/account/sessions`: one's own.
#[derive(Template)]
#[template(path = "sessions/own.html")]
pub struct OwnSessionsPage {
    pub chrome: Chrome,
    pub rows: Vec<SessionRow>,
    pub devices: Vec<DeviceRow>,
}

/// `GET /t/{slug}/admin/sessions` and `/platform/sessions`: everybody's.
#[derive(Template)]
#[template(path = "sessions/list.html")]
pub struct SessionsPage {
    pub chrome: Chrome,
    /// Of this page.
    pub path: String,
    /// Whose are shown; empty for everybody's.
    pub search: String,
    pub rows: Vec<SessionRow>,
    pub pager: Pager,
    pub may_end: bool,
}

/// Asks before everybody is signed out; sends `confirm`, the name that is to be typed.
#[derive(Template)]
#[template(path = "sessions/end_all.html")]
pub struct EndEverybodyPage {
    pub chrome: Chrome,
    pub name: String,
    pub confirm: Field,
}

pub struct SessionRow {
    pub id: String,
    /// The one that is asking.
    pub is_this: bool,
    pub person_id: String,
    pub person: String,
    pub email: String,
    /// Of the browser or program, in words.
    pub name: String,
    pub user_agent: String,
    pub ip: String,
    /// Codes of what was shown to sign in.
    pub factors: Vec<String>,
    pub started: Timestamp,
    pub last_seen: Timestamp,
    pub ends: Timestamp,
}

pub struct DeviceRow {
    pub id: String,
    pub is_this: bool,
    pub name: String,
    pub user_agent: String,
    pub ip: String,
    pub first_seen: Timestamp,
    pub last_sign_in: Timestamp,
}

impl OwnSessionsPage {
    /// Whether there is another one to end.
    fn has_others(&self) -> bool {
        self.rows.iter().any(|row| !row.is_this)
    }
}

impl EndEverybodyPage {
    pub fn new(chrome: Chrome, name: String) -> Self {
        Self { chrome, name, confirm: Field::default() }
    }

    /// Where the form goes, and the list that it is about.
    fn path(&self) -> String {
        match self.chrome.scope {
            super::Scope::Platform => "/platform/sessions".to_owned(),
            _ => format!("{}/admin/sessions", self.chrome.base()),
        }
    }
}
