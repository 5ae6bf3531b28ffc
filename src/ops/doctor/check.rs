//! What a check is, and what it says.

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// How something was found, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has no meaning here, or could not be looked at.
    NotApplicable,
    Ok,
    /// It works, and should be another way.
    Warn,
    /// Data, secrecy or proof is at risk, or something does not work.
    Fail,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Room {
    Keys,
    Files,
    Machine,
    Server,
    People,
    Logs,
    Backups,
    Work,
    Outside,
}

impl Room {
    pub const ALL: [Self; 9] = [
        Self::Keys,
        Self::Files,
        Self::Machine,
        Self::Server,
        Self::People,
        Self::Logs,
        Self::Backups,
        Self::Work,
        Self::Outside,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Files => "files",
            Self::Machine => "machine",
            Self::Server => "server",
            Self::People => "people",
            Self::Logs => "logs",
            Self::Backups => "backups",
            Self::Work => "work",
            Self::Outside => "outside",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub state: State,
    pub found: String,
}

impl Finding {
    pub fn ok(found: impl Into<String>) -> Self {
        Self { state: State::Ok, found: found.into() }
    }

    pub fn warn(found: impl Into<String>) -> Self {
        Self { state: State::Warn, found: found.into() }
    }

    pub fn fail(found: impl Into<String>) -> Self {
        Self { state: State::Fail, found: found.into() }
    }

    /// Why there is nothing to say.
    pub fn none(found: impl Into<String>) -> Self {
        Self { state: State::NotApplicable, found: found.into() }
    }
}

/// Says what was done, or why it could not be.
pub type Fix = fn(&Facts) -> Result<String, String>;

/// One thing that is looked at.
pub struct Check {
    /// Stable: people name it, and the page about it has it as an anchor.
    pub name: &'static str,
    pub room: Room,
    /// What it looks at, for people.
    pub title: &'static str,
    /// What it should find.
    pub expected: &'static str,
    /// What to do when it finds something else.
    pub mend: &'static str,
    pub run: fn(&Facts) -> Finding,
    /// Mends it, where that can do no harm.
    pub fix: Option<Fix>,
}

impl Check {
    pub fn outcome(&self, facts: &Facts) -> Outcome {
        let Finding { state, found } = (self.run)(facts);
        let is_bad = state >= State::Warn;
        Outcome {
            name: self.name.to_owned(),
            room: self.room,
            title: self.title.to_owned(),
            state,
            found,
            expected: self.expected.to_owned(),
            mend: is_bad.then(|| self.mend.to_owned()),
            page: format!("docs/doctor.md#{}", self.name),
            fixable: is_bad && self.fix.is_some(),
            fixed: None,
        }
    }
}

/// A check with what it found, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub name: String,
    pub room: Room,
    pub title: String,
    pub state: State,
    pub found: String,
    pub expected: String,
    /// None when nothing has to be done.
    pub mend: Option<String>,
    /// The section of the documentation.
    pub page: String,
    /// Whether `--fix` mends it.
    pub fixable: bool,
    /// What `--fix` did, or why it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
}

/// How bad it is altogether; good when nothing was looked at.
pub fn worst(outcomes: &[Outcome]) -> State {
    outcomes.iter().map(|outcome| outcome.state).max().unwrap_or(State::Ok).max(State::Ok)
}
