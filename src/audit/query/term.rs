//! From a field and a value to a condition, in the form in which entries are compared.

use super::ast::{Condition, Expr, Field};
use super::field::Name;
use super::scan::Value;
use super::{QueryError, network, time};
use crate::audit::catalogue;
use crate::audit::event::Outcome;
use crate::kernel::Timestamp;

/// The highest number that an entry can have: the log's columns are signed.
const SEQ_MAX: u64 = i64::MAX as u64;

pub(super) fn condition(name: &Name, value: Value, now: Timestamp) -> Result<Expr, QueryError> {
    let at = value.at;
    let found = match name {
        Name::Text(field) => text_field(*field, value),
        Name::Custom(path) => {
            let (path, prefix) = (path.clone(), value.star);
            Ok(Expr::Is(Condition::Custom { path, value: value.text, prefix }))
        }
        Name::Ip => network::read(&value.text, value.star),
        Name::Seq | Name::Time | Name::After | Name::Before if value.star => {
            Err("this field takes no *; write a range with \"..\", or leave the * out".to_owned())
        }
        Name::Seq => seq(&value.text).map(Expr::Is),
        Name::Time => time::range(&value.text, now).map(Expr::Is),
        Name::After => time::start(&value.text, now)
            .map(|from| Expr::Is(Condition::Time { from: Some(from), to: None })),
        Name::Before => time::start(&value.text, now)
            .map(|to| Expr::Is(Condition::Time { from: None, to: Some(to) })),
    };
    found.map_err(|message| QueryError::new(at, message))
}

/// Words anywhere in an entry.
pub(super) fn text(words: Value) -> Result<Expr, QueryError> {
    if !words.text.contains(char::is_alphanumeric) {
        let message = "write a word with at least one letter or digit, or field:value";
        return Err(QueryError::new(words.at, message));
    }
    Ok(Expr::Is(Condition::Text { words: words.text, prefix: words.star }))
}

fn text_field(field: Field, value: Value) -> Result<Expr, String> {
    let Value { text, star, .. } = value;
    if text.is_empty() {
        return Ok(Expr::Is(Condition::Has { field }));
    }
    let value = match field {
        Field::Action | Field::Outcome => text.to_ascii_lowercase(),
        _ => text,
    };
    if star {
        return Ok(Expr::Is(Condition::Begins { field, value }));
    }
    let value = match field {
        Field::Action => catalogue::canonical_name(&value).to_owned(),
        Field::Outcome if Outcome::from_name(&value).is_none() => {
            return Err("the outcomes are success, failure, denied and error".to_owned());
        }
        _ => value,
    };
    Ok(Expr::Is(Condition::Equals { field, value }))
}

/// `5`, `5..9`, `5..`, `..9`, `>5`, `>=5`, `<9`, `<=9`
fn seq(text: &str) -> Result<Condition, String> {
    let wrong = || "write an entry's number or a range, for example 17, 5..9 or >5".to_owned();
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    let (from, to) = if let Some((from, to)) = text.split_once("..") {
        match (from.trim(), to.trim()) {
            ("", "") => return Err(wrong()),
            (from, "") => (number(from)?, SEQ_MAX),
            ("", to) => (0, number(to)?),
            (from, to) => (number(from)?, number(to)?),
        }
    } else if let Some(least) = text.strip_prefix(">=") {
        (number(least)?, SEQ_MAX)
    } else if let Some(below) = text.strip_prefix('>') {
        (number(below)?.saturating_add(1), SEQ_MAX)
    } else if let Some(most) = text.strip_prefix("<=") {
        (0, number(most)?)
    } else if let Some(above) = text.strip_prefix('<') {
        let above = number(above)?;
        (0, above.checked_sub(1).ok_or("entries are numbered from 1")?)
    } else {
        (number(text)?, number(text)?)
    };
    if from > to {
        return Err("this range ends before it begins; write the lower number first".to_owned());
    }
    Ok(Condition::Seq { from: from.min(SEQ_MAX), to: to.min(SEQ_MAX) })
}
