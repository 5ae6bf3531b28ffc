//! Going through a bundle's entries and gaps, from the first leaf of the tree to the last.

use super::record::{EntryRecord, RecordError, Secrets};
use super::span::{Frontier, cover};
use crate::audit::canonical;
use crate::audit::catalogue::ENTRY_DESTROYED;
use crate::audit::event::{Event, EventError, StoredEvent};
use crate::audit::leaf::Hash;
use crate::audit::seal::{self, Place, SealError};
use crate::audit::view::EntryView;
use crate::kernel::id::LogId;
use crate::kernel::{Timestamp, limits};

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryProblem {
    #[error("its leaf is of another log, {0}")]
    OtherLog(LogId),
    #[error("its leaf has the number {0}: an entry is missing, out of order or there twice")]
    Number(u64),
    #[error("it is not the sealed content that its leaf names")]
    Content,
    #[error("its leaf does not follow the one before it")]
    Chain,
    #[error("it is older than the one before it")]
    Time,
    #[error("{0}")]
    Seal(#[from] SealError),
    #[error("its sealed member {0}: {1}")]
    Member(usize, SealError),
    #[error("it has {sealed} sealed members and secrets for {given}")]
    Members { sealed: usize, given: usize },
    #[error("its content is not canonical JSON")]
    Canonical,
    #[error("{0}")]
    Event(#[from] EventError),
}

pub struct Walk {
    log: LogId,
    size: u64,
    frontier: Frontier,
    previous: Option<Previous>,
    after_gap: bool,
    pub entries: u64,
    pub disclosed: u64,
    pub first: Option<(u64, Timestamp)>,
    pub gapless: bool,
}

/// The entry before.
struct Previous {
    seq: u64,
    hash: Hash,
    time: Timestamp,
}

impl Walk {
    /// Through a tree with `size` leaves.
    pub fn new(log: LogId, size: u64) -> Self {
        Self {
            log,
            size,
            frontier: Frontier::default(),
            previous: None,
            after_gap: false,
            entries: 0,
            disclosed: 0,
            first: None,
            gapless: true,
        }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Leaves that are behind.
    pub fn at(&self) -> u64 {
        self.frontier.size()
    }

    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Number, hash and time of the last entry so far.
    pub fn last(&self) -> Option<(u64, Hash, Timestamp)> {
        self.previous.as_ref().map(|entry| (entry.seq, entry.hash, entry.time))
    }

    /// `hashes` are as many as [`cover`] wants. Two gaps in a row would be a second way to write
    /// one.
    pub fn gap(&mut self, next: u64, hashes: &[Hash]) -> Result<(), RecordError> {
        if std::mem::replace(&mut self.after_gap, true) {
            return Err(RecordError::Gap);
        }
        for (subtree, hash) in cover(self.at(), next - 1).zip(hashes) {
            self.frontier.push(subtree.height, *hash);
        }
        Ok(())
    }

    pub fn entry(&mut self, entry: &EntryRecord) -> Result<EntryView, EntryProblem> {
        let leaf = &entry.leaf;
        let seq = self.at() + 1;
        if leaf.log != self.log {
            return Err(EntryProblem::OtherLog(leaf.log));
        }
        if leaf.seq != seq || seq > self.size {
            return Err(EntryProblem::Number(leaf.seq));
        }
        if leaf.payload_hash != Hash::of(&entry.envelope) {
            return Err(EntryProblem::Content);
        }
        self.follows(seq, leaf.prev_hash, leaf.time)?;
        let view = match &entry.secrets {
            Some(secrets) => open(self.log, seq, leaf.time, &entry.envelope, secrets)?,
            None => closed(seq, leaf.time),
        };
        let hash = leaf.hash();
        self.frontier.push(0, hash);
        self.gapless &= self.first.is_none() || !self.after_gap;
        self.after_gap = false;
        self.first.get_or_insert((seq, leaf.time));
        self.entries += 1;
        self.disclosed += u64::from(entry.secrets.is_some());
        self.previous = Some(Previous { seq, hash, time: leaf.time });
        Ok(view)
    }

    fn follows(&self, seq: u64, prev_hash: Hash, time: Timestamp) -> Result<(), EntryProblem> {
        let expected = match &self.previous {
            Some(previous) if previous.seq + 1 == seq => Some(previous.hash),
            _ => (seq == 1).then_some(Hash::ZERO),
        };
        if expected.is_some_and(|expected| expected != prev_hash) {
            return Err(EntryProblem::Chain);
        }
        match self.previous.as_ref().is_some_and(|previous| previous.time > time) {
            true => Err(EntryProblem::Time),
            false => Ok(()),
        }
    }
}

fn open(
    log: LogId,
    seq: u64,
    time: Timestamp,
    envelope: &[u8],
    secrets: &Secrets,
) -> Result<EntryView, EntryProblem> {
    let payload = seal::open(&secrets.entry, Place::entry(log, seq), envelope)?;
    is_canonical(&payload)?;
    let mut stored = StoredEvent::parse(&payload)?;
    let sealed = std::mem::take(&mut stored.sealed);
    if sealed.len() != secrets.members.len() {
        let given = secrets.members.len();
        return Err(EntryProblem::Members { sealed: sealed.len(), given });
    }
    for (index, (member, secret)) in sealed.iter().zip(&secrets.members).enumerate() {
        let Some(secret) = secret else {
            stored.mark_erased();
            continue;
        };
        let place = Place::member(log, seq, index as u32);
        let wrong = |error| EntryProblem::Member(index, error);
        let member = seal::open(secret, place, member).map_err(wrong)?;
        is_canonical(&member)?;
        stored.merge(&member)?;
    }
    Ok(EntryView::from_stored(seq, time, stored)?)
}

/// An entry whose key was destroyed.
fn closed(seq: u64, time: Timestamp) -> EntryView {
    let mut view = EntryView::new(seq, time, Event::new(ENTRY_DESTROYED));
    view.erased = true;
    view
}

/// Deeper than anything that is let into a log.
const DEPTH: usize = limits::JSON_DEPTH + 8;

fn is_canonical(json: &[u8]) -> Result<(), EntryProblem> {
    match canonical::parse_strict(json, DEPTH) {
        Ok(value) if canonical::canonical(&value) == json => Ok(()),
        _ => Err(EntryProblem::Canonical),
    }
}
