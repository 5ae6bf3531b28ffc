//! The grammar, read by recursive descent:
//!
//! ```text
//! any    = all { "OR" all }
//! all    = one { [ "AND" ] one }
//! one    = { "-" | "NOT" } ( "(" any ")" | term )
//! term   = name ":" values | word | quoted
//! values = value { "," value } | "(" value { ( "," | "OR" ) value } ")"
//! ```

use super::QueryError;
use super::ast::Expr;
use super::field::{self, CUSTOM, FIELDS, Name};
use super::scan::{Scanner, Value};
use super::term;
use crate::kernel::{Timestamp, limits};

pub(super) struct Parser<'a> {
    scan: Scanner<'a>,
    now: Timestamp,
    terms: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, now: Timestamp) -> Self {
        Self { scan: Scanner::new(text), now, terms: 0, depth: 0 }
    }

    pub fn query(mut self) -> Result<Option<Expr>, QueryError> {
        self.scan.blanks();
        if self.scan.done() {
            return Ok(None);
        }
        let root = self.any("")?;
        match self.scan.done() {
            true => Ok(Some(root)),
            false => Err(self.scan.error("there is no \"(\" before that this \")\" closes")),
        }
    }

    /// `after` is what it stands behind, for the message when there is nothing.
    fn any(&mut self, after: &str) -> Result<Expr, QueryError> {
        let mut parts = vec![self.all(after)?];
        while self.scan.eat_word("OR") {
            parts.push(self.all(" after \"OR\"")?);
        }
        Ok(Expr::any(parts))
    }

    /// Ends before an `OR`, a `)` and the end of the query.
    fn all(&mut self, after: &str) -> Result<Expr, QueryError> {
        let mut parts = vec![self.one(after)?];
        loop {
            self.scan.blanks();
            if self.scan.at_word("OR") || self.scan.done() || self.scan.peek() == Some(')') {
                return Ok(Expr::all(parts));
            }
            let after = if self.scan.eat_word("AND") { " after \"AND\"" } else { "" };
            parts.push(self.one(after)?);
        }
    }

    fn one(&mut self, mut after: &str) -> Result<Expr, QueryError> {
        let mut negated = false;
        loop {
            self.scan.blanks();
            if self.scan.eat("-") {
                after = " right after the \"-\", or put the \"-\" into quotes";
                if self.scan.peek().is_none_or(char::is_whitespace) {
                    return Err(self.missing(after));
                }
            } else if self.scan.eat_word("NOT") {
                after = " after \"NOT\"";
            } else {
                break;
            }
            negated = !negated;
        }
        let found = match self.scan.peek() {
            Some('(') => self.group()?,
            _ => self.term(after)?,
        };
        Ok(if negated { found.negated() } else { found })
    }

    fn group(&mut self) -> Result<Expr, QueryError> {
        let open = self.scan.at;
        self.depth += 1;
        if self.depth > limits::QUERY_DEPTH {
            let message =
                format!("a search has at most {} \"(\" in one another", limits::QUERY_DEPTH);
            return Err(self.scan.error(message));
        }
        self.scan.eat("(");
        let found = self.any(" between \"(\" and \")\"")?;
        self.depth -= 1;
        match self.scan.eat(")") {
            true => Ok(found),
            false => Err(QueryError::new(open, "the \")\" that closes this is missing")),
        }
    }

    fn term(&mut self, after: &str) -> Result<Expr, QueryError> {
        let start = self.scan.at;
        let operator = self.scan.at_word("AND") || self.scan.at_word("OR");
        if operator || self.scan.done() || self.scan.peek() == Some(')') {
            return Err(self.missing(after));
        }
        if let Some(name) = self.name()? {
            return self.values(&name);
        }
        let words = self.scan.words()?;
        self.count(start)?;
        term::text(words)
    }

    /// The field before a colon; nothing when this is free text.
    fn name(&mut self) -> Result<Option<Name>, QueryError> {
        let start = self.scan.at;
        let mut ahead = self.scan;
        if field::custom_path(ahead.rest()).is_some_and(|path| path.starts_with('"')) {
            ahead.at += CUSTOM.len();
            let path = ahead.quoted()?;
            if path.is_empty() || !ahead.eat(":") {
                return Err(ahead.error("write custom.\"name\":value"));
            }
            self.scan = ahead;
            return Ok(Some(Name::Custom(path)));
        }
        let Some(written) = self.scan.name() else { return Ok(None) };
        match Name::read(written) {
            Some(name) => Ok(Some(name)),
            None => Err(QueryError::new(start, unknown(written))),
        }
    }

    fn values(&mut self, name: &Name) -> Result<Expr, QueryError> {
        let list = self.scan.eat("(");
        let open = self.scan.at.saturating_sub(1);
        let mut parts = Vec::new();
        loop {
            if list {
                self.scan.blanks();
            }
            let value = self.scan.value()?;
            self.count(value.at)?;
            parts.push(self.condition(name, value)?);
            if list {
                self.scan.blanks();
            }
            if self.scan.eat(",") || (list && self.scan.eat_word("OR")) {
                continue;
            }
            return match !list || self.scan.eat(")") {
                true => Ok(Expr::any(parts)),
                false if self.scan.done() => {
                    Err(QueryError::new(open, "the \")\" that closes this list is missing"))
                }
                false => Err(self.scan.error("put a comma between the values of a list")),
            };
        }
    }

    fn condition(&self, name: &Name, value: Value) -> Result<Expr, QueryError> {
        let custom = matches!(name, Name::Custom(_));
        if value.text.is_empty() && !value.star && !(custom && value.quoted) {
            let message = "write a value here, right after the colon or the comma";
            return Err(QueryError::new(value.at, message));
        }
        term::condition(name, value, self.now)
    }

    fn count(&mut self, at: usize) -> Result<(), QueryError> {
        self.terms += 1;
        match self.terms > limits::QUERY_TERMS {
            true => {
                let message = format!("a search has at most {} terms", limits::QUERY_TERMS);
                Err(QueryError::new(at, message))
            }
            false => Ok(()),
        }
    }

    fn missing(&self, after: &str) -> QueryError {
        self.scan.error(format!("write a term{after}, for example action:login.failed"))
    }
}

fn unknown(name: &str) -> String {
    if name.is_empty() {
        return "write a field before the colon, for example action:login.failed".to_owned();
    }
    if name.eq_ignore_ascii_case(CUSTOM.trim_end_matches('.')) || name.eq_ignore_ascii_case(CUSTOM)
    {
        return "write the name of your own field after \"custom.\": custom.campaign:spring"
            .to_owned();
    }
    let meant = match field::nearest(name) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => {
            let fields: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
            format!("the fields are {}", fields.join(", "))
        }
    };
    format!("there is no field {name:?}; {meant} To look for text with a colon, put it in quotes")
}
