//! Reading entries back: opening envelopes, merging sealed members.

use std::sync::Arc;

use serde::Serialize;

use super::bundle::Secrets;
use super::event::{Event, Outcome, StoredEvent};
use super::leaf::{Hash, Leaf};
use super::proof::full_tile;
use super::seal::{self, EntrySecret, EpochKey, Place};
use super::tree::TILE;
use super::view::EntryView;
use super::{catalogue, pruning};
use crate::args;
use crate::crypto::{CryptoError, TenantKeys};
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, LogId};
use crate::store::{Row, Sql, StoreError};

/// Opens entries of one log.
pub struct Opener {
    log: LogId,
    keys: Arc<TenantKeys>,
    /// Of the keys, when the epoch's was taken from them.
    generation: u64,
    epoch: Option<EpochKey>,
    /// A person whose members stay closed, as if their key were destroyed already.
    hidden: Option<KeyId>,
}

/// What chains and proves an entry.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeafView {
    pub log_id: LogId,
    pub seq: u64,
    pub time_micros: i64,
    pub payload_hash: Hash,
    pub prev_hash: Hash,
    pub hash: Hash,
}

impl Opener {
    pub fn new(tx: &impl Sql, keys: Arc<TenantKeys>) -> Result<Self, StoreError> {
        let log = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
        let (log, generation) =
            (log.unwrap_or(LogId::from_bytes([0; 16])), keys.audit_generation());
        Ok(Self { log, keys, generation, epoch: None, hidden: None })
    }

    pub fn log(&self) -> LogId {
        self.log
    }

    /// From now on shows entries as they are once this person's key is destroyed.
    pub fn hide(&mut self, subject: Option<KeyId>) {
        self.hidden = subject;
    }

    /// Opens one entry. Members whose key was destroyed are left out and the entry says so; one
    /// whose own key was, or that cannot be opened at all, is shown as such, so that it hides none
    /// of the others.
    ///
    /// # Errors
    /// Only what has nothing to do with this one entry.
    pub fn open(
        &mut self,
        seq: u64,
        time: Timestamp,
        envelope: &[u8],
    ) -> Result<EntryView, StoreError> {
        Ok(self.open_naming(seq, time, envelope)?.0)
    }

    /// The same, and whose keys seal a part of the entry, destroyed ones included.
    pub fn open_naming(
        &mut self,
        seq: u64,
        time: Timestamp,
        envelope: &[u8],
    ) -> Result<(EntryView, Vec<KeyId>), StoreError> {
        match self.try_open(seq, time, envelope) {
            Err(StoreError::Crypto(error)) => {
                let erased = matches!(*error, CryptoError::KeyDestroyed);
                let (action, outcome) = match erased {
                    true => (catalogue::ENTRY_DESTROYED, Outcome::Success),
                    false => (catalogue::ENTRY_UNREADABLE, Outcome::Error),
                };
                let view = EntryView::new(seq, time, Event::new(action));
                Ok((EntryView { outcome, erased, ..view }, Vec::new()))
            }
            result => result,
        }
    }

    fn try_open(
        &mut self,
        seq: u64,
        time: Timestamp,
        envelope: &[u8],
    ) -> Result<(EntryView, Vec<KeyId>), StoreError> {
        let place = Place::entry(self.log, seq);
        let unreadable = |_| StoreError::from(CryptoError::Unreadable);
        let id = seal::key_id(envelope).map_err(unreadable)?;
        let log = self.log;
        let secret = self.epoch(id)?.entry_secret(log, seq);
        let payload = seal::open(&secret, place, envelope).map_err(unreadable)?;
        let damaged = |_| StoreError::from(CryptoError::Unreadable);
        let mut stored = StoredEvent::parse(&payload).map_err(damaged)?;
        let mut subjects = Vec::new();
        for (index, member) in (0..).zip(std::mem::take(&mut stored.sealed)) {
            subjects.extend(seal::key_id(&member));
            match self.member(seq, index, &member) {
                Ok(opened) => stored.merge(&opened).map_err(damaged)?,
                Err(CryptoError::KeyDestroyed) => stored.mark_erased(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((EntryView::from_stored(seq, time, stored).map_err(damaged)?, subjects))
    }

    /// What opens an entry, to be given away: the secrets whose keys still exist. None when the
    /// entry's own key was destroyed, or the envelope is not what was sealed.
    pub(super) fn secrets(
        &mut self,
        seq: u64,
        envelope: &[u8],
    ) -> Result<Option<Secrets>, StoreError> {
        let log = self.log;
        let epoch = seal::key_id(envelope).map(|id| self.epoch(id));
        let entry = match epoch {
            Ok(Ok(epoch)) => epoch.entry_secret(log, seq),
            Ok(Err(CryptoError::KeyDestroyed)) | Err(_) => return Ok(None),
            Ok(Err(error)) => return Err(error.into()),
        };
        let payload = seal::open(&entry, Place::entry(log, seq), envelope).ok();
        let Some(stored) = payload.and_then(|payload| StoredEvent::parse(&payload).ok()) else {
            return Ok(None);
        };
        let mut members = Vec::with_capacity(stored.sealed.len());
        for (index, member) in (0..).zip(&stored.sealed) {
            members.push(match self.member_secret(seq, index, member) {
                Ok(secret) => Some(secret),
                Err(CryptoError::KeyDestroyed | CryptoError::Unreadable) => None,
                Err(error) => return Err(error.into()),
            });
        }
        Ok(Some(Secrets { entry, members }))
    }

    fn member_secret(
        &self,
        seq: u64,
        index: u32,
        envelope: &[u8],
    ) -> Result<EntrySecret, CryptoError> {
        let subject = seal::key_id(envelope).map_err(|_| CryptoError::Unreadable)?;
        let key = EpochKey::new(subject, self.keys.subject(subject)?.expose());
        let secret = key.member_secret(self.log, seq, index);
        let place = Place::member(self.log, seq, index);
        seal::open(&secret, place, envelope).map_err(|_| CryptoError::Unreadable)?;
        Ok(secret)
    }

    fn member(&self, seq: u64, index: u32, envelope: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let subject = seal::key_id(envelope).map_err(|_| CryptoError::Unreadable)?;
        if self.hidden == Some(subject) {
            return Err(CryptoError::KeyDestroyed);
        }
        let key = EpochKey::new(subject, self.keys.subject(subject)?.expose());
        let secret = key.member_secret(self.log, seq, index);
        seal::open(&secret, Place::member(self.log, seq, index), envelope)
            .map_err(|_| CryptoError::Unreadable)
    }

    fn epoch(&mut self, id: KeyId) -> Result<&EpochKey, CryptoError> {
        let generation = self.keys.audit_generation();
        if self.generation != generation {
            // The log's contents were destroyed meanwhile; a copy of the key must not outlive it.
            (self.generation, self.epoch) = (generation, None);
        }
        if self.epoch.as_ref().is_none_or(|epoch| epoch.id() != id) {
            self.epoch = Some(EpochKey::new(id, self.keys.audit_key(id)?.expose()));
        }
        self.epoch.as_ref().ok_or(CryptoError::KeyDestroyed)
    }
}

/// One entry with what proves it; `None` when the log does not reach that far, or no longer reaches
/// back so far.
pub fn entry(
    tx: &impl Sql,
    opener: &mut Opener,
    seq: u64,
) -> Result<Option<(EntryView, LeafView)>, StoreError> {
    let sql =
        "SELECT seq, time, envelope, hash FROM audit_entries WHERE seq IN ($1, $2) ORDER BY seq";
    let Some(before) = seq.checked_sub(1) else { return Ok(None) };
    if seq <= pruning::through(tx)? {
        return Ok(None);
    }
    let rows = tx.query(sql, args![before.cast_signed(), seq.cast_signed()], raw)?;
    let Some(found) = rows.last().filter(|row| row.seq == seq) else { return Ok(None) };
    let prev_hash = match rows.len() {
        2 => rows[0].hash,
        _ => tile_hash(tx, before)?.unwrap_or(Hash::ZERO),
    };
    let view = opener.open(seq, found.time, &found.envelope)?;
    let payload_hash = Hash::of(&found.envelope);
    let leaf = Leaf { log: opener.log, seq, time: found.time, payload_hash, prev_hash };
    let leaf = LeafView {
        log_id: opener.log,
        seq,
        time_micros: found.time.as_micros(),
        payload_hash,
        prev_hash,
        hash: leaf.hash(),
    };
    Ok(Some((view, leaf)))
}

/// The hash of an entry that may have been removed, from the tile that keeps it; nothing for entry
/// 0, and where no tile is full yet.
pub fn tile_hash(tx: &impl Sql, seq: u64) -> Result<Option<Hash>, StoreError> {
    let Some(index) = seq.checked_sub(1) else { return Ok(None) };
    let hashes = full_tile(tx, 0, index / TILE as u64)?;
    let at = usize::try_from(index % TILE as u64).unwrap_or(TILE);
    Ok(hashes.and_then(|hashes| hashes.get(at).copied()))
}

/// The entries with these numbers, in the order given; removed ones are left out.
pub fn entries(
    tx: &impl Sql,
    opener: &mut Opener,
    seqs: &[u64],
) -> Result<Vec<EntryView>, StoreError> {
    let sql = "SELECT seq, time, envelope, hash FROM audit_entries WHERE seq = $1";
    let mut views = Vec::with_capacity(seqs.len());
    let pruned = pruning::through(tx)?;
    for seq in seqs.iter().filter(|seq| **seq > pruned) {
        if let Some(row) = tx.query_one(sql, args![seq.cast_signed()], raw)? {
            views.push(opener.open(row.seq, row.time, &row.envelope)?);
        }
    }
    Ok(views)
}

/// Number of entries, removed ones included.
pub fn size(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT coalesce(max(seq), 0) FROM audit_entries", &[])
}

struct Raw {
    seq: u64,
    time: Timestamp,
    envelope: Vec<u8>,
    hash: Hash,
}

fn raw(row: &Row<'_>) -> Result<Raw, StoreError> {
    Ok(Raw {
        seq: row.get(0)?,
        time: row.get(1)?,
        envelope: row.get(2)?,
        hash: Hash::from_bytes(row.get(3)?),
    })
}
