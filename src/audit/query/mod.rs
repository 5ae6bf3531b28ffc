//! The search box: `field:value` terms, all of which must hold. `-` before a term negates it,
//! quotes hold blanks together, and `*` ends a prefix of an action.

mod ast;

use std::net::IpAddr;

pub use ast::{Condition, Expr, Field, Query};

use chrono::NaiveDate;

use super::catalogue;
use super::event::Outcome;
use crate::kernel::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    pub field: Word,
    /// Without quotes and `*`; aliases of actions resolved, addresses and times in one form.
    pub value: String,
    pub negated: bool,
    /// The value is the beginning of what is looked for. Only for `Word::Action`.
    pub prefix: bool,
    /// Byte position of the term in the query.
    pub at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Word {
    Action,
    /// Id or name.
    Actor,
    Outcome,
    /// A resource's id.
    Resource,
    /// A resource's type.
    Type,
    Ip,
    Request,
    Seq,
    /// Time of the entry, exclusive.
    Before,
    /// Time of the entry, inclusive.
    After,
}

impl Word {
    pub const ALL: [Self; 10] = [
        Self::Action,
        Self::Actor,
        Self::Outcome,
        Self::Resource,
        Self::Type,
        Self::Ip,
        Self::Request,
        Self::Seq,
        Self::Before,
        Self::After,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Actor => "actor",
            Self::Outcome => "outcome",
            Self::Resource => "resource",
            Self::Type => "type",
            Self::Ip => "ip",
            Self::Request => "request",
            Self::Seq => "seq",
            Self::Before => "before",
            Self::After => "after",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct QueryError {
    /// Byte position in the query, from 0.
    pub at: usize,
    pub message: String,
}

/// More than a person types; what is searched for is recorded and becomes one SQL condition.
const BYTES_MAX: usize = 2048;
const TERMS_MAX: usize = 32;

/// # Errors
/// Where the text is not a query, or is longer than any that a person writes.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let mut all: Vec<_> = terms(text)?.into_iter().map(expression).collect();
    let root = if all.len() > 1 { Some(Expr::All(all)) } else { all.pop() };
    Ok(Query { root })
}

fn expression(term: Term) -> Expr {
    let Term { field, value, negated, prefix, .. } = term;
    let equals = |field| Condition::Equals { field, value: value.clone() };
    let time = || Timestamp::parse(&value);
    let condition = match field {
        Word::Action if prefix => Condition::Begins { field: Field::Action, value },
        Word::Action => equals(Field::Action),
        Word::Actor => equals(Field::Actor),
        Word::Outcome => equals(Field::Outcome),
        Word::Resource => equals(Field::Resource),
        Word::Type => equals(Field::Type),
        Word::Request => equals(Field::Request),
        Word::Ip => {
            let address = value.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
            Condition::Network { address, bits: if address.is_ipv4() { 32 } else { 128 } }
        }
        Word::Seq => {
            let seq = value.parse().unwrap_or(0);
            Condition::Seq { from: seq, to: seq }
        }
        Word::Before => Condition::Time { from: None, to: time() },
        Word::After => Condition::Time { from: time(), to: None },
    };
    let is = Expr::Is(condition);
    if negated { Expr::Not(Box::new(is)) } else { is }
}

fn terms(text: &str) -> Result<Vec<Term>, QueryError> {
    if text.len() > BYTES_MAX {
        let message = format!("a search has at most {BYTES_MAX} bytes");
        return Err(QueryError { at: text.floor_char_boundary(BYTES_MAX), message });
    }
    let mut terms = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        if at == text.len() {
            return Ok(terms);
        }
        if terms.len() == TERMS_MAX {
            let message = format!("a search has at most {TERMS_MAX} terms");
            return Err(QueryError { at, message });
        }
        let (term, end) = term(text, at)?;
        terms.push(term);
        at = end;
    }
}

/// The term at `at` and the position after it.
fn term(text: &str, at: usize) -> Result<(Term, usize), QueryError> {
    let negated = text[at..].starts_with('-');
    let start = at + usize::from(negated);
    let end = start + text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
    let Some((name, _)) = text[start..end].split_once(':') else {
        return Err(QueryError {
            at,
            message: "write field:value, for example action:login.failed".to_owned(),
        });
    };
    let field = Word::from_name(name).ok_or_else(|| unknown(name, start))?;
    let begin = start + name.len() + 1;
    let (raw, quoted, end) = value(text, begin)?;
    let value = raw.strip_suffix('*').filter(|_| !quoted);
    let prefix = value.is_some();
    let value = value.unwrap_or(&raw);
    if raw.is_empty() {
        let message = format!("write a value after \"{name}:\"");
        return Err(QueryError { at: begin, message });
    }
    let value = checked(field, value, prefix)
        .map_err(|message| QueryError { at: begin, message: message.to_owned() })?;
    Ok((Term { field, value, negated, prefix, at }, end))
}

fn unknown(name: &str, at: usize) -> QueryError {
    let fields = Word::ALL.map(Word::name).join(", ");
    QueryError { at, message: format!("there is no field {name:?}; the fields are {fields}") }
}

/// A value, whether it was in quotes, and the position after it. `\` in quotes takes the next
/// character as it is.
fn value(text: &str, at: usize) -> Result<(String, bool, usize), QueryError> {
    let Some(inner) = text[at..].strip_prefix('"') else {
        let end = at + text[at..].find(char::is_whitespace).unwrap_or(text.len() - at);
        return Ok((text[at..end].to_owned(), false, end));
    };
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => {
                let end = at + 1 + offset + 1;
                if text[end..].starts_with(|next: char| !next.is_whitespace()) {
                    let message = "put a blank after the closing quote".to_owned();
                    return Err(QueryError { at: end, message });
                }
                return Ok((value, true, end));
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    Err(QueryError { at, message: "the closing quote is missing".to_owned() })
}

/// The value in the form in which it is compared.
fn checked(field: Word, value: &str, prefix: bool) -> Result<String, &'static str> {
    if prefix && field != Word::Action {
        return Err("only action: takes a *; write the whole value, or quote a literal *");
    }
    match field {
        Word::Action if prefix => Ok(value.to_owned()),
        Word::Action => Ok(catalogue::canonical_name(value).to_owned()),
        Word::Actor | Word::Resource | Word::Type | Word::Request => Ok(value.to_owned()),
        Word::Outcome => Outcome::from_name(value)
            .map(|outcome| outcome.name().to_owned())
            .ok_or("the outcomes are success, failure, denied and error"),
        Word::Ip => value
            .parse::<IpAddr>()
            .map(|ip| ip.to_canonical().to_string())
            .map_err(|_| "write an address such as 192.0.2.7 or 2001:db8::7"),
        Word::Seq => value
            .parse::<u64>()
            .map(|seq| seq.to_string())
            .map_err(|_| "write an entry's number, for example seq:17"),
        Word::Before | Word::After => time(value)
            .map(|time| time.to_string())
            .ok_or("write a day or a time: 2026-11-22 or 2026-11-22T05:06:07Z"),
    }
}

/// A time, or the beginning of a day, in UTC.
fn time(value: &str) -> Option<Timestamp> {
    Timestamp::parse(value).or_else(|| {
        let day = value.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?;
        Some(Timestamp::from_micros(day.and_utc().timestamp_micros()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Term {
        terms(text).unwrap().remove(0)
    }

    #[test]
    fn terms_are_read_with_negation_quotes_and_prefixes() {
        let query = terms(r#" action:login_failed  -actor:"Ann \"A\" Lee" action:api_key.* "#);
        let term = |field, value: &str, negated, prefix, at| Term {
            field,
            value: value.to_owned(),
            negated,
            prefix,
            at,
        };
        let expected = vec![
            term(Word::Action, "login.failed", false, false, 1),
            term(Word::Actor, "Ann \"A\" Lee", true, false, 22),
            term(Word::Action, "api_key.", false, true, 45),
        ];
        assert_eq!(query, Ok(expected));
        assert_eq!(parse(""), Ok(Query::default()));
    }

    #[test]
    fn values_come_in_the_form_in_which_they_are_stored() {
        assert_eq!(one("ip:2001:DB8:0::7").value, "2001:db8::7");
        assert_eq!(one("after:2026-01-01").value, "2026-01-01T00:00:00Z");
        assert_eq!(one("before:2026-01-01T01:00:00+01:00").value, "2026-01-01T00:00:00Z");
        assert_eq!(one("resource:urn:x:1").value, "urn:x:1");
        assert_eq!(one("actor:\"a*\"").value, "a*");
        assert_eq!(one("seq:007").value, "7");
    }

    #[test]
    fn a_query_that_no_person_types_is_refused() {
        assert!(parse(&"seq:1 ".repeat(TERMS_MAX)).is_ok());
        assert!(parse(&"seq:1 ".repeat(TERMS_MAX + 1)).is_err());
        assert!(parse(&format!("actor:{}", "é".repeat(BYTES_MAX))).is_err());
    }

    #[test]
    fn errors_say_where_and_what_to_write() {
        for (text, at, word) in [
            ("seq:1 hello", 6, "action:login.failed"),
            ("colour:red", 0, "the fields are action"),
            ("action:", 7, "value"),
            ("actor:\"Ann", 6, "closing quote"),
            ("actor:\"Ann\"x", 11, "blank"),
            ("outcome:maybe", 8, "denied"),
            ("ip:10.0.0.0/8", 3, "address"),
            ("after:yesterday", 6, "2026-11-22"),
            ("actor:a*", 6, "only action:"),
            ("-seq:x", 5, "seq:17"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}");
            assert!(error.message.contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(text in "\\PC{0,30}", value in "[\"\\\\a *é-]{0,12}") {
            let _ = parse(&text);
            let _ = parse(&format!("actor:{value}"));
        }

        #[test]
        fn no_text_at_all_makes_it_panic(
            text in any::<String>(), time in "[-+]?[0-9]{0,7}-[0-9]{0,2}-[0-9]{0,2}[T0-9:.Z+-]{0,12}",
            field in 0..Word::ALL.len(),
        ) {
            let _ = parse(&text);
            let _ = parse(&format!("-{}:{text}", Word::ALL[field].name()));
            let _ = parse(&format!("before:{time} after:\"{time}\""));
        }
    }
}
