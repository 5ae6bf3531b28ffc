//! Finding the entries of one chunk that a plan is about.

use super::bits::{Bits, CHUNK};
use super::feed::Deadline;
use super::file::{self, PART, Scan};
use super::plan::{Matching, Node, Plan};
use super::{IndexError, fields::Key};
use crate::store::Sql;

/// Rows of full text asked for at the least: a rare word's are all there at once.
const ROWS: u64 = 1024;

pub struct Eval<'a, S> {
    index: &'a S,
    deadline: &'a Deadline<'a>,
    descending: bool,
    leaves: Vec<Leaf>,
    parts: Vec<u64>,
}

/// What a leaf found last, for the next look at the same chunk.
#[derive(Default)]
struct Leaf {
    chunk: Option<(u64, Bits)>,
    text: Text,
}

/// Rows of the full text from number `from` up to and including `to`, all there are.
#[derive(Default)]
struct Text {
    from: u64,
    to: u64,
    rows: Vec<u64>,
}

impl<'a, S: Sql> Eval<'a, S> {
    pub fn new(
        index: &'a S,
        plan: &Plan,
        deadline: &'a Deadline<'a>,
        descending: bool,
    ) -> Result<Self, IndexError> {
        let mut leaves = Vec::new();
        leaves.resize_with(plan.leaves, Leaf::default);
        Ok(Self { index, deadline, descending, leaves, parts: file::parts(index)? })
    }

    /// Those of `within` that `node` finds.
    pub fn find(&mut self, node: &Node, chunk: u64, within: &Bits) -> Result<Bits, IndexError> {
        let mut found = within.clone();
        match node {
            Node::All(all) => {
                for one in all {
                    if found.is_empty() {
                        break;
                    }
                    found = self.find(one, chunk, &found)?;
                }
            }
            Node::Any(any) => {
                found = Bits::none();
                for one in any {
                    found.or(&self.find(one, chunk, within)?);
                }
            }
            Node::Not(inner) => found.and_not(&self.find(inner, chunk, within)?),
            Node::Range(from, to) => found.and(&range(chunk, *from, *to)),
            Node::Key(leaf, key) => self.leaf(*leaf, chunk, &mut found, |index, bits| {
                file::add_postings(index, chunk, key, bits)
            })?,
            Node::Keys(leaf, from, to) => self.leaf(*leaf, chunk, &mut found, |index, bits| {
                file::add_range(index, chunk, (from, to), bits)
            })?,
            Node::Words(leaf, matching) => self.words(*leaf, matching, chunk, &mut found)?,
        }
        Ok(found)
    }

    fn leaf(
        &mut self,
        leaf: usize,
        chunk: u64,
        found: &mut Bits,
        look_up: impl FnOnce(&S, &mut Bits) -> Result<(), crate::store::StoreError>,
    ) -> Result<(), IndexError> {
        if self.deadline.is_over() {
            return Err(IndexError::TooBroad);
        }
        let kept = &mut self.leaves[leaf].chunk;
        if kept.as_ref().is_none_or(|(of, _)| *of != chunk) {
            let mut bits = Bits::none();
            look_up(self.index, &mut bits)?;
            *kept = Some((chunk, bits));
        }
        if let Some((_, bits)) = kept {
            found.and(bits);
        }
        Ok(())
    }

    fn words(
        &mut self,
        leaf: usize,
        matching: &Matching,
        chunk: u64,
        found: &mut Bits,
    ) -> Result<(), IndexError> {
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(()) };
        if let Some(word) = &matching.word {
            // A frequent word's entries are here; of others there is nothing here.
            let mut bits = Bits::none();
            file::add_postings(self.index, chunk, &Key::Word.of(word.as_bytes()), &mut bits)?;
            if !bits.is_empty() {
                found.and(&bits);
                return Ok(());
            }
        }
        let start = chunk * CHUNK;
        let (from, to) = (start + u64::from(first), start + u64::from(last));
        self.fetch(leaf, matching, from, to)?;
        let rows = &self.leaves[leaf].text.rows;
        let inside = rows.iter().filter(|row| (from..=to).contains(row));
        found.and(&inside.map(|row| (row - start) as u16).collect());
        Ok(())
    }

    /// Sees to it that the leaf knows all rows from `from` to `to`, which are in one chunk.
    ///
    /// More is asked for than that: of a rare word all rows of a part come at once, of a common one
    /// those that the search meets next.
    fn fetch(
        &mut self,
        leaf: usize,
        matching: &Matching,
        from: u64,
        to: u64,
    ) -> Result<(), IndexError> {
        let part = from / PART;
        let text = &mut self.leaves[leaf].text;
        if text.from <= from && to <= text.to {
            return Ok(());
        }
        if self.deadline.is_over() {
            return Err(IndexError::TooBroad);
        }
        let (first, last) = (part * PART, part * PART + PART - 1);
        let (low, high) = if self.descending { (first, to) } else { (from, last) };
        let limit = ROWS.max(to - from + 1);
        let scan = Scan {
            part,
            matching: &matching.query,
            from: low,
            to: high,
            descending: self.descending,
            limit,
        };
        let rows = match self.parts.contains(&part) {
            true => file::scan_text(self.index, &scan)?,
            false => Vec::new(),
        };
        let end = rows.last().copied().filter(|_| rows.len() as u64 == limit);
        *text = match self.descending {
            true => Text { from: end.unwrap_or(low), to: high, rows },
            false => Text { from: low, to: end.unwrap_or(high), rows },
        };
        Ok(())
    }
}

/// The part of a range that is in a chunk.
pub fn range(chunk: u64, from: u64, to: u64) -> Bits {
    let start = chunk * CHUNK;
    let (from, to) = (from.max(start), to.min(start + CHUNK - 1));
    if from > to {
        return Bits::none();
    }
    Bits::range((from - start) as u16, (to - start) as u16)
}
