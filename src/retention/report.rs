//! What a run did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::Class;
use crate::approvals::Party;
use crate::kernel::Timestamp;
use crate::kernel::id::RetentionRunId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Running,
    Completed,
    /// It did not get to its end; the next run goes on with it.
    Interrupted,
}

impl RunState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run of retention in one tenant. Nights in which nothing was due leave none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub id: RetentionRunId,
    pub state: RunState,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    #[serde(flatten)]
    pub report: Report,
}

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Who asked for it; null for the schedule.
    pub requested_by: Option<Party>,
    /// How often it was interrupted and taken up again.
    pub resumed: u32,
    pub classes: Vec<ClassReport>,
    /// Keys of persons whose last conversation went.
    pub keys_destroyed: u64,
    /// Keys that could not be destroyed yet; the next run tries again.
    pub keys_waiting: u64,
    /// When the last backup that holds any of it is deleted, at the latest; null when nothing was
    /// deleted or no backups are made.
    pub last_backup_until: Option<Timestamp>,
    /// When the last archive of a destroyed key is deleted, at the latest: from then on no backup of
    /// these persons' data can be read.
    pub last_key_until: Option<Timestamp>,
}

/// What was deleted of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassReport {
    pub class: Class,
    pub days: u32,
    /// What was from before this moment was due.
    pub before: Timestamp,
    /// Conversations, messages or records.
    pub deleted: u64,
    /// Messages that went with their conversations.
    pub messages: u64,
    /// Persons whose last conversation it was.
    pub persons: u64,
    /// Due, and kept by a legal hold.
    pub held: u64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
}

impl ClassReport {
    pub fn new(class: Class, days: u32, before: Timestamp) -> Self {
        Self {
            class,
            days,
            before,
            deleted: 0,
            messages: 0,
            persons: 0,
            held: 0,
            oldest: None,
            newest: None,
        }
    }

    /// Counts one more that was deleted.
    pub fn saw(&mut self, time: Timestamp) {
        self.deleted += 1;
        self.oldest = Some(self.oldest.map_or(time, |oldest| oldest.min(time)));
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
    }

    fn absorb(&mut self, batch: &Self) {
        (self.days, self.before) = (batch.days, batch.before);
        self.deleted += batch.deleted;
        self.messages += batch.messages;
        self.persons += batch.persons;
        self.held += batch.held;
        self.oldest = [self.oldest, batch.oldest].into_iter().flatten().min();
        self.newest = [self.newest, batch.newest].into_iter().flatten().max();
    }
}

impl Report {
    pub fn deleted(&self) -> u64 {
        self.classes.iter().map(|class| class.deleted).sum()
    }

    pub fn add(&mut self, batch: &ClassReport) {
        match self.classes.iter_mut().find(|class| class.class == batch.class) {
            Some(class) => class.absorb(batch),
            None => self.classes.push(batch.clone()),
        }
    }
}

/// A page of runs, the newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunPage {
    pub items: Vec<Run>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// Which part of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    #[serde(default)]
    pub limit: Option<usize>,
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A run as CSV (RFC 4180): a line for each class. No field needs quoting: names, numbers, times.
pub fn csv(run: &Run) -> String {
    let mut text = "run,started,finished,class,days,before,deleted,messages,persons,held,oldest,\
                    newest,keysDestroyed,keysWaiting,lastBackupUntil,lastKeyUntil\r\n"
        .to_owned();
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let report = &run.report;
    for class in &report.classes {
        let fields = [
            run.id.to_string(),
            run.started_at.to_string(),
            time(run.finished_at),
            class.class.name().to_owned(),
            class.days.to_string(),
            class.before.to_string(),
            class.deleted.to_string(),
            class.messages.to_string(),
            class.persons.to_string(),
            class.held.to_string(),
            time(class.oldest),
            time(class.newest),
            report.keys_destroyed.to_string(),
            report.keys_waiting.to_string(),
            time(report.last_backup_until),
            time(report.last_key_until),
        ];
        text += &fields.join(",");
        text += "\r\n";
    }
    text
}
