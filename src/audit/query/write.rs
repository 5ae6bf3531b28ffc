//! Writing searches: so that they read back as what they are.

use std::fmt;

use super::ast::{Condition, Expr, Query};
use super::field::CUSTOM;
use crate::kernel::Timestamp;

/// A value as it may stand after a colon: in quotes where it needs them.
pub fn quote(value: &str) -> String {
    let plain = |character: char| {
        character.is_alphanumeric() || matches!(character, '_' | '.' | ':' | '-' | '/' | '@' | '+')
    };
    match !value.is_empty() && value != "OR" && value.chars().all(plain) {
        true => value.to_owned(),
        false => quoted(value),
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Free text; a word that could be taken for something else is in quotes.
fn quote_words(words: &str) -> String {
    let operator = matches!(words, "AND" | "OR" | "NOT");
    match operator || words.starts_with('-') || words.contains(':') {
        true => quoted(words),
        false => quote(words),
    }
}

/// What was typed and `field:value` as well, for links that narrow a search; the same term is not
/// added twice. A text that is no query gets it all the same: its mistake shows as before.
pub fn with_term(text: &str, field: &str, value: &str, negated: bool) -> String {
    let text = text.trim();
    let term = format!("{}{field}:{}", if negated { "-" } else { "" }, quote(value));
    // Only the shape counts, so any time will do for what is relative.
    let parse = |text: &str| super::parse(text, Timestamp::from_micros(0)).ok()?.root;
    match (parse(text), parse(&term)) {
        _ if text.is_empty() => term,
        (Some(root), Some(new)) if root.holds(&new) => text.to_owned(),
        (Some(Expr::Any(_)), _) if text.contains("OR") => format!("({text}) {term}"),
        _ => format!("{text} {term}"),
    }
}

impl Expr {
    /// Whether it has `part` among what must hold.
    fn holds(&self, part: &Self) -> bool {
        match self {
            Self::All(parts) => parts.contains(part),
            other => other == part,
        }
    }
}

/// In one form, that reads back as the same query.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            None => Ok(()),
            Some(root) => write_expr(f, root, false),
        }
    }
}

fn write_expr(f: &mut fmt::Formatter<'_>, expr: &Expr, inside: bool) -> fmt::Result {
    let (parts, between) = match expr {
        Expr::Is(condition) => return write!(f, "{condition}"),
        Expr::Not(inner) => {
            f.write_str("-")?;
            return write_expr(f, inner, true);
        }
        Expr::All(parts) => (parts, " "),
        Expr::Any(parts) => (parts, " OR "),
    };
    f.write_str(if inside { "(" } else { "" })?;
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { between })?;
        write_expr(f, part, true)?;
    }
    f.write_str(if inside { ")" } else { "" })
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = |prefix: &bool| if *prefix { "*" } else { "" };
        match self {
            Self::Equals { field, value } => write!(f, "{}:{}", field.name(), quote(value)),
            Self::Begins { field, value } => write!(f, "{}:{}*", field.name(), quote(value)),
            Self::Has { field } => write!(f, "{}:*", field.name()),
            Self::Network { address, bits } => match (address.is_ipv4(), bits) {
                (true, 32) | (false, 128) => write!(f, "ip:{address}"),
                _ => write!(f, "ip:{address}/{bits}"),
            },
            Self::Custom { path, value, prefix } => {
                let value = if value.is_empty() && *prefix { String::new() } else { quote(value) };
                write!(f, "{CUSTOM}{}:{value}{}", quote_path(path), star(prefix))
            }
            Self::Seq { from, to } if from == to => write!(f, "seq:{from}"),
            Self::Seq { from, to } => write!(f, "seq:{from}..{to}"),
            Self::Time { from: Some(from), to: Some(to) } => write!(f, "time:{from}..{to}"),
            Self::Time { from: Some(from), to: None } => write!(f, "after:{from}"),
            Self::Time { from: None, to: Some(to) } => write!(f, "before:{to}"),
            Self::Time { from: None, to: None } => f.write_str("seq:0.."),
            Self::Text { words, prefix } => write!(f, "{}{}", quote_words(words), star(prefix)),
        }
    }
}

fn quote_path(path: &str) -> String {
    match path.contains(':') {
        true => quoted(path),
        false => quote(path),
    }
}
