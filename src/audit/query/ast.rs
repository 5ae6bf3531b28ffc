//! What a search asks for, apart from how it was written.

use std::net::IpAddr;

use crate::kernel::Timestamp;

/// A search. Without an expression it finds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub root: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `a b`, `a AND b`
    All(Vec<Expr>),
    /// `a OR b`, and a list `field:(a, b)`
    Any(Vec<Expr>),
    /// `-a`, `NOT a`
    Not(Box<Expr>),
    Is(Condition),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `field:value`; aliases of actions are resolved.
    Equals { field: Field, value: String },
    /// `field:value*`
    Begins { field: Field, value: String },
    /// `field:*`: the entry has such a field.
    Has { field: Field },
    /// `ip:10.0.0.0/8`; a single address has all its bits. IPv4 counts from 0 to 32 bits.
    Network { address: IpAddr, bits: u8 },
    /// `custom.key:value`; nested members as `custom.a.b`.
    Custom { path: String, value: String, prefix: bool },
    /// `seq:5`, `seq:5..9`, `seq:>5`: entries from `from` up to and including `to`.
    Seq { from: u64, to: u64 },
    /// `after:`, `before:`: entries written down from `from` on and before `to`.
    Time { from: Option<Timestamp>, to: Option<Timestamp> },
    /// Words that follow one another anywhere in the entry; the last may be only a beginning.
    Text { words: String, prefix: bool },
}

/// Fields that are compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    Action,
    /// An actor's id or name.
    Actor,
    /// An actor's type.
    ActorType,
    Role,
    Outcome,
    /// A resource's id.
    Resource,
    /// A resource's type.
    Type,
    Request,
    /// The name of a field that the entry says was changed.
    Changed,
    /// The API key through which an application reported the event: id or name.
    Reporter,
}

impl Expr {
    /// All of these, in one level; a single one stands for itself.
    pub fn all(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(inner) => inner,
            other => vec![other],
        });
        single(flat.collect()).unwrap_or_else(Self::All)
    }

    /// Any of these, in one level; a single one stands for itself.
    pub fn any(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(inner) => inner,
            other => vec![other],
        });
        single(flat.collect()).unwrap_or_else(Self::Any)
    }

    /// Everything but this; twice is what it was.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

fn single(mut parts: Vec<Expr>) -> Result<Expr, Vec<Expr>> {
    match parts.len() {
        1 => parts.pop().ok_or(parts),
        _ => Err(parts),
    }
}

impl Query {
    /// This search, and `condition` as well.
    #[must_use]
    pub fn and(self, condition: Condition) -> Self {
        let condition = Expr::Is(condition);
        let root = match self.root {
            None => condition,
            Some(Expr::All(mut all)) => {
                all.push(condition);
                Expr::All(all)
            }
            Some(other) => Expr::All(vec![other, condition]),
        };
        Self { root: Some(root) }
    }
}
