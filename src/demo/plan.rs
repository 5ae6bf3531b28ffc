//! Who does what and when, over ninety days.

use std::time::Duration;

use serde_json::{Value, json};

use super::company::{Company, Report};
use super::dice::Dice;
use super::script::{self, Customer, Script};
use crate::authz::Role;
use crate::kernel::Timestamp;

pub const DAYS: u64 = 90;
const DAY: u64 = 24 * HOUR;
const HOUR: u64 = 60 * MINUTE;
const MINUTE: u64 = 60;

const CUSTOMERS: usize = 190;
const CONVERSATIONS: usize = 300;

pub struct Planned {
    pub at: Timestamp,
    pub step: Step,
}

/// People and conversations are counted from 0 in their company.
pub enum Step {
    SignIn(usize),
    SignOut(usize),
    /// A wrong password; nobody's account when there is no such person.
    SignInFails {
        email: String,
        ip: String,
    },
    Start(usize),
    Say {
        conversation: usize,
        message: usize,
    },
    Close(usize),
    Reopen(usize),
    Tag {
        conversation: usize,
        tag: &'static str,
    },
    Look {
        person: usize,
        conversation: usize,
    },
    List {
        person: usize,
        open: bool,
    },
    Search {
        person: usize,
        q: &'static str,
    },
    Verify(usize),
    /// Events of the company's own application.
    Report(Vec<Value>),
    /// Asks for another tenant's conversations.
    Trespass(usize),
    /// Asks for what the own role does not allow.
    Overreach(usize),
    Promote {
        role: Role,
    },
    RotateKey,
    /// The platform's administrator freezes the tenant and unfreezes it again.
    Maintenance,
    /// Of all logs, by the job that does so.
    NightlyVerification,
    /// With their passwords.
    EverybodySignsIn,
}

impl Step {
    pub fn conversation(&self) -> Option<usize> {
        match self {
            Self::Start(conversation)
            | Self::Close(conversation)
            | Self::Reopen(conversation)
            | Self::Say { conversation, .. }
            | Self::Tag { conversation, .. }
            | Self::Look { conversation, .. } => Some(*conversation),
            _ => None,
        }
    }

    /// Whether nothing else may go on at the time.
    pub fn alone(&self) -> bool {
        matches!(
            self,
            // Others would move the clock past the time that a search may take.
            Self::Search { .. }
                | Self::Verify(_)
                | Self::Promote { .. }
                | Self::RotateKey
                | Self::Maintenance
                | Self::NightlyVerification
                | Self::EverybodySignsIn
        )
    }
}

pub struct Plan {
    pub scripts: Vec<Script>,
    pub steps: Vec<Planned>,
}

/// The company's life from `start` to `end`.
pub fn plan(company: &Company, start: Timestamp, end: Timestamp) -> Plan {
    let mut planner = Planner {
        company,
        dice: Dice::new(company.seed),
        start,
        end,
        steps: Vec::new(),
        opened: Vec::new(),
    };
    let scripts = planner.conversations();
    for day in 1..DAYS {
        planner.day(day);
    }
    planner.rare();
    planner.steps.sort_by_key(|planned| planned.at);
    Plan { scripts, steps: planner.steps }
}

struct Planner<'a> {
    company: &'a Company,
    dice: Dice,
    start: Timestamp,
    end: Timestamp,
    steps: Vec<Planned>,
    /// When each conversation began.
    opened: Vec<Timestamp>,
}

impl Planner<'_> {
    fn at(&mut self, at: Timestamp, step: Step) {
        if at < self.end {
            self.steps.push(Planned { at, step });
        }
    }

    /// A moment between two hours of a day.
    fn moment(&mut self, day: u64, from: u64, to: u64) -> Timestamp {
        let midnight = self.start.as_micros().div_euclid(micros(DAY)) * micros(DAY);
        let second = self.dice.between(from * HOUR, to * HOUR);
        Timestamp::from_micros(midnight + micros(day * DAY + second))
    }

    fn later(&mut self, time: Timestamp, from: u64, to: u64) -> Timestamp {
        time.plus(Duration::from_secs(self.dice.between(from, to)))
    }

    fn conversations(&mut self) -> Vec<Script> {
        let customers: Vec<_> =
            (0..CUSTOMERS).map(|number| Customer::new(&mut self.dice, number)).collect();
        // More of them lately: a product that people have taken to.
        let mut openings: Vec<_> = (0..CONVERSATIONS)
            .map(|_| {
                let day = self.dice.between(1, DAYS + 1).max(self.dice.between(1, DAYS + 1));
                self.moment(day, 6, 21)
            })
            .collect();
        openings.retain(|opened| *opened < self.end);
        openings.sort_unstable();
        self.opened = openings.clone();
        let scripts: Vec<_> = openings
            .iter()
            .map(|_| {
                let customer = &customers[self.dice.index(customers.len())];
                script::write(self.company, customer, &mut self.dice)
            })
            .collect();
        for (conversation, script) in scripts.iter().enumerate() {
            self.conversation(conversation, script.messages.len());
        }
        scripts
    }

    fn conversation(&mut self, conversation: usize, messages: usize) {
        let mut time = self.opened[conversation];
        self.at(time, Step::Start(conversation));
        for message in 1..messages {
            time = if message % 2 == 1 {
                let read = self.later(time, 2 * MINUTE, 50 * MINUTE);
                self.at(read, Step::Look { person: 2, conversation });
                self.later(read, MINUTE, 20 * MINUTE)
            } else {
                self.later(time, 4 * MINUTE, 14 * HOUR)
            };
            self.at(time, Step::Say { conversation, message });
        }
        if self.dice.chance(15) {
            let tag = *self.dice.pick(&["escalated", "follow-up", "goodwill"]);
            let tagged = self.later(time, MINUTE, 2 * HOUR);
            self.at(tagged, Step::Tag { conversation, tag });
        }
        if self.dice.chance(86) {
            time = self.later(time, 2 * HOUR, 3 * DAY);
            self.at(time, Step::Close(conversation));
        }
        if self.dice.chance(5) {
            time = self.later(time, HOUR, 2 * DAY);
            self.at(time, Step::Reopen(conversation));
        }
    }

    fn day(&mut self, day: u64) {
        let weekend = self.moment(day, 0, 1).as_micros().div_euclid(micros(DAY)).rem_euclid(7);
        // 1 January 1970 was a Thursday.
        let weekend = weekend == 2 || weekend == 3;
        for person in 0..self.company.people.len() {
            let (works, looks) = match self.company.people[person].role {
                Role::Operator => (95, 6),
                Role::Admin => (70, 3),
                Role::Owner => (35, 2),
                Role::Viewer => (55, 4),
                Role::PrivacyOfficer => (25, 2),
                _ => (30, 0),
            };
            if self.dice.chance(if weekend { works / 10 } else { works }) {
                self.work(day, person, looks);
            }
        }
        self.failures(day);
        let reports = if weekend { 3 } else { self.dice.between(7, 13) };
        for _ in 0..reports {
            let at = self.moment(day, 5, 22);
            let count = self.dice.between(1, 4);
            let events = (0..count).map(|_| self.report(at)).collect();
            self.at(at, Step::Report(events));
        }
    }

    /// A working day: in, this and that, mostly out again.
    fn work(&mut self, day: u64, person: usize, looks: u64) {
        let began = self.moment(day, 7, 10);
        self.at(began, Step::SignIn(person));
        let auditor = self.company.people[person].role == Role::Auditor;
        for _ in 0..self.dice.between(0, looks + 1) {
            let at = self.later(began, 5 * MINUTE, 7 * HOUR);
            let open = self.opened.partition_point(|opened| *opened < at.minus(HOUR_AGO));
            if self.dice.chance(25) || open == 0 {
                let open = self.dice.chance(60);
                self.at(at, Step::List { person, open });
            } else {
                let recent = open.saturating_sub(40);
                let conversation = self.dice.between(recent as u64, open as u64) as usize;
                self.at(at, Step::Look { person, conversation });
            }
        }
        if auditor || self.dice.chance(8) && self.company.people[person].role != Role::Viewer {
            for _ in 0..self.dice.between(1, 5) {
                let at = self.later(began, 5 * MINUTE, 5 * HOUR);
                let q = *self.dice.pick(&SEARCHES);
                if self.company.people[person].role != Role::Operator {
                    self.at(at, Step::Search { person, q });
                }
            }
        }
        if auditor && self.dice.chance(60) {
            let at = self.later(began, HOUR, 6 * HOUR);
            self.at(at, Step::Verify(person));
        }
        if self.dice.chance(80) {
            let left = self.later(began, 7 * HOUR, 9 * HOUR);
            self.at(left, Step::SignOut(person));
        }
    }

    fn failures(&mut self, day: u64) {
        if self.dice.chance(45) {
            let person = self.dice.pick(self.company.people);
            let (email, ip) = (person.email.to_owned(), person.ip.to_owned());
            let at = self.moment(day, 6, 20);
            self.at(at, Step::SignInFails { email, ip });
        }
        // Now and then somebody from far away tries many names.
        if self.dice.chance(6) {
            let ip = format!("198.51.100.{}", self.dice.between(150, 250));
            let mut at = self.moment(day, 0, 5);
            for name in ["admin", "root", "info", "support", "test", "ingrid", "sofia", "office"] {
                at = self.later(at, 5, 90);
                let email = format!("{name}@{}.example", self.company.slug);
                self.at(at, Step::SignInFails { email, ip: ip.clone() });
            }
        }
    }

    fn report(&mut self, at: Timestamp) -> Value {
        let report: &Report = self.dice.pick(self.company.reports);
        let old = self.dice.index(report.values.len());
        let new =
            (old + self.dice.between(1, report.values.len() as u64) as usize) % report.values.len();
        let employee = self.dice.pick(&EMPLOYEES);
        let number = self.dice.between(10_000, 99_999);
        let failed = self.dice.chance(3);
        json!({
            "action": report.action,
            "actor": { "id": employee.0, "type": "employee", "name": employee.1 },
            "resource": { "type": report.resource, "id": format!("{}-{number}", self.company.prefix) },
            "outcome": if failed { "failure" } else { "success" },
            "ip": format!("203.0.113.{}", self.dice.between(100, 200)),
            "occurredAt": at,
            "changes": {
                report.field: { "old": report.values[old], "new": report.values[new] },
            },
            "customFields": { "batch": format!("{}", self.dice.between(1, 400)) },
        })
    }

    /// What happens a few times in a quarter.
    fn rare(&mut self) {
        for day in [11, 29, 47, 68, 83] {
            let at = self.moment(day, 9, 16);
            self.at(at, Step::Trespass(2));
            let at = self.moment(day + 2, 9, 16);
            self.at(at, Step::Overreach(3));
        }
        for (day, role) in [(38, Role::Operator), (52, Role::Viewer)] {
            let at = self.moment(day, 9, 12);
            self.at(at, Step::Promote { role });
        }
        for day in [21, 64] {
            let at = self.moment(day, 13, 15);
            self.at(at, Step::RotateKey);
        }
        let at = self.moment(56, 2, 4);
        self.at(at, Step::Maintenance);
        // With a run in the past, a served demo catches up on last night's at once.
        let at = self.moment(DAYS - 2, 3, 4);
        self.at(at, Step::NightlyVerification);
        // Early enough that the newest entries are about conversations.
        let at = self.end.minus(22 * HOUR_AGO);
        self.at(at, Step::EverybodySignsIn);
    }
}

const HOUR_AGO: Duration = Duration::from_secs(HOUR);

const fn micros(seconds: u64) -> i64 {
    seconds.cast_signed() * 1_000_000
}

const SEARCHES: [&str; 7] = [
    "action:login.failed",
    "outcome:denied",
    "action:conversation.deleted",
    "action:message.access",
    "action:role.changed",
    "action:invoice.exported",
    "outcome:failure",
];

const EMPLOYEES: [(&str, &str); 8] = [
    ("e-104", "Lena Fischer"),
    ("e-117", "Oscar Nyman"),
    ("e-121", "Fatima Zahra"),
    ("e-133", "George Adams"),
    ("e-140", "Miyu Kato"),
    ("e-158", "Paul Renard"),
    ("e-166", "Anna Kowalska"),
    ("e-172", "Dele Ade"),
];
