//! What the doctor found.

use askama::Template;

use super::Chrome;
use super::state::{CheckState, Tone};
use crate::ops::support::CONTENTS;

/// `GET` and `POST /platform/doctor`, `POST /platform/doctor/mend`
#[derive(Template)]
#[template(path = "platform/doctor.html")]
pub struct DoctorPage {
    pub chrome: Chrome,
    pub state: CheckState,
    pub fail: u64,
    pub warn: u64,
    pub ok: u64,
    pub none: u64,
    /// What needs somebody, the worst first.
    pub needs: Vec<CheckRow>,
    /// Titles of checks, with what was done just now or why it could not be.
    pub mended: Vec<(String, String)>,
    pub may_mend: bool,
    /// All of them by what they are about.
    pub rooms: Vec<CheckRoom>,
}

pub struct CheckRoom {
    /// Its code.
    pub name: &'static str,
    pub checks: Vec<CheckRow>,
}

#[derive(Clone)]
pub struct CheckRow {
    pub name: String,
    pub title: String,
    pub state: CheckState,
    pub found: String,
    pub expected: String,
    pub mend: Option<String>,
    pub page: String,
    pub fixable: bool,
}

impl DoctorPage {
    /// What a support bundle holds.
    pub const fn bundle(&self) -> &'static [(&'static str, &'static str)] {
        &CONTENTS
    }

    pub fn tone(&self) -> Tone {
        self.state.tone()
    }

    /// The message that says it in a line.
    pub fn verdict(&self) -> &'static str {
        match self.state {
            CheckState::Fail => "doctor-fail",
            CheckState::Warn => "doctor-warn",
            CheckState::Ok | CheckState::NotApplicable => "doctor-ok",
        }
    }

    pub fn counts(&self) -> String {
        let args = [
            ("fail", self.fail.into()),
            ("warn", self.warn.into()),
            ("ok", self.ok.into()),
            ("none", self.none.into()),
        ];
        self.chrome.messages.with("doctor-counts", &args).into_owned()
    }
}
