//! What could be typed next: fields, operators, event types, outcomes and times. Values of other
//! fields come from the index.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ast::Field;
use super::field::{CUSTOM, FIELDS, Name, custom_path};
use super::scan::Scanner;
use crate::audit::catalogue;
use crate::audit::event::Outcome;

/// More than fit on a screen help nobody.
const CANDIDATES_MAX: usize = 50;

/// What could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Bytes of the query that a candidate takes the place of.
    pub replace: Range<usize>,
    pub kind: Kind,
    /// The best first.
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A term begins: a field, an operator or a word.
    Field,
    /// A value of the field `name`, of which `typed` stands there without quotes.
    Value {
        name: String,
        /// Where the index may know values.
        field: Option<Field>,
        typed: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Goes into the query as it is.
    pub text: String,
    /// One line in English; empty for a value that speaks for itself.
    pub meaning: &'static str,
}

/// Completes at `cursor`, a byte position; also in a text that is no query yet.
pub fn complete(text: &str, cursor: usize) -> Completion {
    let cursor = text.floor_char_boundary(cursor.min(text.len()));
    let place = Walk::new(text, cursor).place();
    let typed = plain(text.get(place.replace.start..cursor).unwrap_or_default());
    let (kind, mut candidates) = match place.name {
        None => (Kind::Field, begin(&typed, place.first)),
        Some(name) => {
            let candidates = values(&name, &typed);
            let field = match Name::read(&name) {
                Some(Name::Text(field)) => Some(field),
                _ => None,
            };
            (Kind::Value { name, field, typed }, candidates)
        }
    };
    candidates.truncate(CANDIDATES_MAX);
    Completion { replace: place.replace, kind, candidates }
}

/// What was typed of a value, without quotes, escapes and the `*`.
fn plain(raw: &str) -> String {
    let Some(inner) = raw.strip_prefix('"') else {
        return raw.strip_suffix('*').unwrap_or(raw).to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

/// Where the cursor is.
struct Place {
    replace: Range<usize>,
    /// The field whose value it is in.
    name: Option<String>,
    /// No term stands before it.
    first: bool,
}

/// Goes through a text that need not be a query, up to the cursor.
struct Walk<'a> {
    scan: Scanner<'a>,
    cursor: usize,
    first: bool,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, cursor: usize) -> Self {
        Self { scan: Scanner::new(text), cursor, first: true }
    }

    fn place(mut self) -> Place {
        loop {
            self.scan.blanks();
            if self.scan.at >= self.cursor {
                return self.at(self.cursor..self.cursor, None);
            }
            if ["(", ")", "-"].iter().any(|mark| self.scan.eat(mark)) {
                continue;
            }
            let start = self.scan.at;
            match self.name() {
                Some(_) if self.cursor < self.scan.at => {
                    return self.at(start..self.scan.at, None);
                }
                Some(name) => {
                    if let Some(replace) = self.values() {
                        return self.at(replace, Some(name));
                    }
                }
                None => {
                    self.scan.skip(false);
                    if self.cursor <= self.scan.at {
                        return self.at(start..self.scan.at, None);
                    }
                }
            }
            self.first = false;
        }
    }

    fn at(&self, replace: Range<usize>, name: Option<String>) -> Place {
        Place { replace, name, first: self.first }
    }

    fn name(&mut self) -> Option<String> {
        let mut ahead = self.scan;
        if custom_path(ahead.rest()).is_some() {
            ahead.at += CUSTOM.len();
            if ahead.peek() == Some('"')
                && let Ok(path) = ahead.quoted()
                && ahead.eat(":")
            {
                self.scan = ahead;
                return Some(format!("{CUSTOM}{path}"));
            }
        }
        self.scan.name().map(str::to_owned)
    }

    /// The value that the cursor is in.
    fn values(&mut self) -> Option<Range<usize>> {
        let list = self.scan.eat("(");
        loop {
            if list {
                self.scan.blanks();
            }
            let start = self.scan.at;
            self.scan.skip(true);
            if self.cursor <= self.scan.at {
                return Some(match start <= self.cursor {
                    true => start..self.scan.at,
                    false => self.cursor..self.cursor,
                });
            }
            if list {
                self.scan.blanks();
            }
            if !(self.scan.eat(",") || (list && self.scan.eat_word("OR"))) {
                return None;
            }
        }
    }
}

/// Beginnings of a term.
fn begin(typed: &str, first: bool) -> Vec<Candidate> {
    let lower = typed.to_ascii_lowercase();
    let fields = FIELDS.iter().map(|field| {
        let colon = if field.name == CUSTOM { "" } else { ":" };
        candidate(format!("{}{colon}", field.name), field.meaning)
    });
    let mut found = ranked(fields, &lower);
    let operators = OPERATORS.iter().filter(|(word, _)| !first || *word == "NOT");
    let operators = operators.filter(|(word, _)| word.to_ascii_lowercase().starts_with(&lower));
    found.extend(operators.map(|(word, meaning)| candidate(format!("{word} "), meaning)));
    if lower.len() > 1 {
        let action = |found: Candidate| candidate(format!("action:{}", found.text), found.meaning);
        found.extend(actions(&lower).into_iter().map(action));
    }
    found
}

const OPERATORS: &[(&str, &str)] = &[
    ("AND", "Both sides must hold, as without a word between them"),
    ("OR", "One of both sides must hold"),
    ("NOT", "What follows must not hold, as with a - before it"),
];

fn values(name: &str, typed: &str) -> Vec<Candidate> {
    let lower = typed.to_ascii_lowercase();
    let fixed = |all: &[(&str, &'static str)]| {
        let begin = |(text, meaning): &(&str, &'static str)| {
            text.starts_with(&lower).then(|| candidate(*text, meaning))
        };
        all.iter().filter_map(begin).collect()
    };
    match Name::read(name) {
        Some(Name::Text(Field::Action)) => actions(&lower),
        Some(Name::Text(Field::Outcome)) => fixed(&OUTCOMES),
        Some(Name::After | Name::Before) => fixed(MOMENTS),
        Some(Name::Time) => fixed(RANGES),
        Some(Name::Text(_) | Name::Custom(_) | Name::Ip) if typed.is_empty() => {
            fixed(&[("*", "Anything, as long as there is one")])
        }
        _ => Vec::new(),
    }
}

const OUTCOMES: [(&str, &str); 4] = [
    (Outcome::Success.name(), "It was done"),
    (Outcome::Failure.name(), "It was tried and not achieved, such as a wrong password"),
    (Outcome::Denied.name(), "It was refused for want of a right"),
    (Outcome::Error.name(), "Something broke"),
];

const MOMENTS: &[(&str, &str)] = &[
    ("today", "The beginning of today (UTC)"),
    ("yesterday", "The beginning of yesterday (UTC)"),
    ("-1h", "An hour ago"),
    ("-24h", "24 hours ago"),
    ("-7d", "7 days ago"),
    ("-30d", "30 days ago"),
    ("-90d", "90 days ago"),
    ("-52w", "52 weeks ago"),
    ("now", "This moment"),
];

const RANGES: &[(&str, &str)] = &[
    ("today", "The whole of today (UTC)"),
    ("yesterday", "The whole of yesterday (UTC)"),
    ("-1h..now", "The last hour"),
    ("-24h..now", "The last 24 hours"),
    ("-7d..now", "The last 7 days"),
    ("-30d..now", "The last 30 days"),
    ("-90d..now", "The last 90 days"),
];

/// Event types, and families of them, by name or by another name that they are known under.
fn actions(lower: &str) -> Vec<Candidate> {
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for action in catalogue::all() {
        *families.entry(action.name.split('.').next().unwrap_or_default()).or_default() += 1;
    }
    let family = |(name, types): (&str, usize)| {
        let begins = types > 1 && !lower.is_empty() && name.starts_with(lower);
        begins.then(|| candidate(format!("{name}.*"), "Every event type that begins so"))
    };
    let mut found: Vec<_> = families.into_iter().filter_map(family).collect();
    let all = catalogue::all().iter();
    found.extend(ranked(all.map(|it| candidate(it.name, it.description)), lower));
    let alias = |action: &&catalogue::Action| {
        !action.name.contains(lower) && action.aliases.iter().any(|alias| alias.contains(lower))
    };
    let aliases = catalogue::all().iter().filter(alias);
    found.extend(aliases.map(|it| candidate(it.name, it.description)));
    found
}

/// What begins with `lower` before what holds it elsewhere.
fn ranked(all: impl Iterator<Item = Candidate>, lower: &str) -> Vec<Candidate> {
    let holding = all.filter(|candidate| candidate.text.contains(lower));
    let (mut begin, hold): (Vec<_>, Vec<_>) =
        holding.partition(|candidate| candidate.text.starts_with(lower));
    begin.extend(hold);
    begin
}

fn candidate(text: impl Into<String>, meaning: &'static str) -> Candidate {
    Candidate { text: text.into(), meaning }
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
