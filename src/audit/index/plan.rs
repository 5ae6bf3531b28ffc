//! What a search looks up in the index: keys, ranges of numbers, words.

use std::net::{IpAddr, Ipv4Addr};

use super::fields::{self, Key};
use super::{file, text};
use crate::args;
use crate::audit::query::{Condition, Expr, Field};
use crate::audit::{pruning, read};
use crate::kernel::Timestamp;
use crate::store::{Sql, StoreError};

/// An expression whose leaves are look-ups. Leaves bear numbers, under which what they found is
/// kept while neighbouring entries are looked at.
#[derive(Debug)]
pub enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// Entries from the first up to and including the second number.
    Range(u64, u64),
    Key(usize, Vec<u8>),
    /// Keys from the first on and before the second.
    Keys(usize, Vec<u8>, Vec<u8>),
    Words(usize, Matching),
}

/// Words for the full text.
#[derive(Debug)]
pub struct Matching {
    /// In FTS5's language.
    pub query: String,
    /// Set when it is one whole word.
    pub word: Option<String>,
}

pub struct Plan {
    pub root: Node,
    pub leaves: usize,
    /// First and last number that can be found at all.
    pub bounds: (u64, u64),
    pub has_words: bool,
}

impl Plan {
    pub fn new(expr: Option<&Expr>, log: &impl Sql, size: u64) -> Result<Self, StoreError> {
        let mut making = Making { log, leaves: 0, has_words: false };
        let root = match expr {
            Some(expr) => making.node(expr)?,
            None => Node::All(Vec::new()),
        };
        let (from, to) = bounds(&root, size);
        // What was pruned is found by no negation either.
        let first = first_seq(log)?;
        let bounds = (from.max(first), to.min(size));
        Ok(Self { root, leaves: making.leaves, bounds, has_words: making.has_words })
    }

    /// Whether it finds every entry within its bounds.
    pub fn is_all(&self) -> bool {
        match &self.root {
            Node::Range(..) => true,
            Node::All(all) => all.iter().all(|one| matches!(one, Node::Range(..))),
            _ => false,
        }
    }
}

fn bounds(node: &Node, size: u64) -> (u64, u64) {
    let everything = (1, size);
    match node {
        Node::Range(from, to) => (*from, *to),
        Node::All(all) => all
            .iter()
            .map(|one| bounds(one, size))
            .fold(everything, |a, b| (a.0.max(b.0), a.1.min(b.1))),
        Node::Any(any) => any
            .iter()
            .map(|one| bounds(one, size))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            .unwrap_or((1, 0)),
        _ => everything,
    }
}

struct Making<'a, L> {
    log: &'a L,
    leaves: usize,
    has_words: bool,
}

impl<L: Sql> Making<'_, L> {
    fn node(&mut self, expr: &Expr) -> Result<Node, StoreError> {
        Ok(match expr {
            Expr::All(all) => {
                let mut all = self.nodes(all)?;
                // What is cheap goes first: where it finds nothing, the rest is not asked.
                all.sort_by_key(cost);
                Node::All(all)
            }
            Expr::Any(any) => Node::Any(self.nodes(any)?),
            Expr::Not(inner) => Node::Not(Box::new(self.node(inner)?)),
            Expr::Is(condition) => self.condition(condition)?,
        })
    }

    fn nodes(&mut self, exprs: &[Expr]) -> Result<Vec<Node>, StoreError> {
        exprs.iter().map(|one| self.node(one)).collect()
    }

    fn condition(&mut self, condition: &Condition) -> Result<Node, StoreError> {
        Ok(match condition {
            Condition::Equals { field, value } => {
                self.any_key(*field, |key| key.of(value.as_bytes()))
            }
            Condition::Has { field } => self.any_key(*field, |key| key.of(&[])),
            Condition::Begins { field, value } if value.is_empty() => {
                self.any_key(*field, |key| key.of(&[]))
            }
            Condition::Begins { field, value } => {
                let keys = Key::for_field(*field);
                let nodes = keys.iter().map(|key| self.beginning(key.of(value.as_bytes())));
                one_of(nodes.collect())
            }
            Condition::Custom { path, value, prefix: true } if value.is_empty() => {
                self.key(Key::Custom.of(path.as_bytes()))
            }
            Condition::Custom { path, value, prefix } => {
                let key = Key::custom(path, value);
                if *prefix { self.beginning(key) } else { self.key(key) }
            }
            Condition::Network { address, bits } => self.network(*address, *bits),
            Condition::Seq { from, to } => Node::Range(*from, *to),
            Condition::Time { from, to } => {
                let from = from.map_or(Ok(1), |time| seq_from(self.log, time))?;
                let to = to.map(|time| seq_from(self.log, time)).transpose()?;
                Node::Range(from, to.map_or(i64::MAX.cast_unsigned(), |to| to.saturating_sub(1)))
            }
            Condition::Text { words, prefix } => self.words(words, *prefix),
        })
    }

    fn any_key(&mut self, field: Field, make: impl Fn(Key) -> Vec<u8>) -> Node {
        one_of(Key::for_field(field).iter().map(|key| self.key(make(*key))).collect())
    }

    fn key(&mut self, key: Vec<u8>) -> Node {
        Node::Key(self.leaf(), key)
    }

    fn beginning(&mut self, prefix: Vec<u8>) -> Node {
        let after = file::after(&prefix);
        Node::Keys(self.leaf(), prefix, after)
    }

    fn network(&mut self, address: IpAddr, bits: u8) -> Node {
        let all = self.addresses(address, bits);
        let v4 = IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
        match address {
            // IPv4 addresses are kept among those of IPv6, but belong to none of its networks.
            IpAddr::V6(v6)
                if bits < 96
                    && v6.to_bits().checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0 =>
            {
                let v4 = self.addresses(v4, 96);
                Node::All(vec![all, Node::Not(Box::new(v4))])
            }
            _ => all,
        }
    }

    fn addresses(&mut self, address: IpAddr, bits: u8) -> Node {
        let bits = if address.is_ipv4() { 96 + u32::from(bits) } else { bits.into() }.min(128);
        let all = u128::from_be_bytes(fields::ip(address));
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        let first = Key::Ip.of(&(all & mask).to_be_bytes());
        if bits == 128 {
            return self.key(first);
        }
        let mut after = Key::Ip.of(&(all | !mask).to_be_bytes());
        after.push(0);
        Node::Keys(self.leaf(), first, after)
    }

    /// Text without any letter or digit in it is found everywhere, as nothing is looked for.
    fn words(&mut self, words: &str, prefix: bool) -> Node {
        let words = text::words(words, prefix);
        if words.is_empty() {
            return Node::All(Vec::new());
        }
        self.has_words = true;
        let end = if prefix { " *" } else { "" };
        let query = format!("\"{}\"{end}", words.join(" "));
        let word = (words.len() == 1 && !prefix).then(|| words.concat());
        Node::Words(self.leaf(), Matching { query, word })
    }

    fn leaf(&mut self) -> usize {
        self.leaves += 1;
        self.leaves - 1
    }
}

fn one_of(mut nodes: Vec<Node>) -> Node {
    if nodes.len() > 1 {
        return Node::Any(nodes);
    }
    nodes.pop().unwrap_or(Node::Any(Vec::new()))
}

fn cost(node: &Node) -> u8 {
    match node {
        Node::Range(..) => 0,
        Node::Key(..) => 1,
        Node::Keys(..) => 2,
        Node::Words(_, Matching { word: Some(_), .. }) => 4,
        Node::Words(..) => 5,
        Node::All(all) => all.iter().map(cost).min().unwrap_or(0),
        Node::Any(any) => any.iter().map(cost).max().unwrap_or(0),
        Node::Not(inner) => cost(inner).max(3),
    }
}

/// The first entry that was not pruned.
pub fn first_seq(log: &impl Sql) -> Result<u64, StoreError> {
    Ok(pruning::through(log)? + 1)
}

/// The first entry written down at `time` or later; times never decrease from entry to entry.
pub fn seq_from(log: &impl Sql, time: Timestamp) -> Result<u64, StoreError> {
    let (mut low, mut high) = (first_seq(log)?, read::size(log)? + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if time_of(log, middle)?.is_some_and(|found| found < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

pub fn time_of(log: &impl Sql, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT time FROM audit_entries WHERE seq = $1";
    log.query_one(sql, args![seq.cast_signed()], |row| row.get(0))
}
