//! The head of one log, and the only way to append to it.
//!
//! It lives beside the file's writing connection and follows its transactions: what is undone in
//! the file is undone here, by reading the head again.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::catalogue::{self, Action};
use super::checkpoint::{self, Stored};
use super::event::{Actor, Event};
use super::leaf::{Hash, Leaf};
use super::notary::Notary;
use super::note::Checkpoint;
use super::proof;
use super::seal::{self, EpochKey, Place};
use super::tree::{LoadError, TILE, TILE_HEIGHT, Tree, full_root, tile_hashes};
use crate::args;
use crate::crypto::{CryptoError, TenantKeys};
use crate::kernel::clock::ClockGuard;
use crate::kernel::id::{KeyId, LogId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::{Companion, RawReadTx, RawWriteTx, Sql, SqlMut, StoreError};

/// Entries sealed in one go by the second thread.
const CHUNK: usize = 64;
/// A clock that is behind the log by less is only being corrected.
const SET_BACK: Duration = Duration::from_secs(2);

fn clock_event(action: Action) -> Event {
    let mut event = Event::new(action);
    event.actor = Some(Actor::new("system", "audit_log"));
    event
}

/// An entry that still has to be chained.
struct Sealed {
    seq: u64,
    envelope: Vec<u8>,
    payload_hash: Hash,
}

impl Sealed {
    fn new(epoch: &EpochKey, log: LogId, seq: u64, nonce: [u8; 12], payload: &[u8]) -> Self {
        let secret = epoch.entry_secret(log, seq);
        let envelope = seal::seal(&secret, epoch.id(), Place::entry(log, seq), nonce, payload);
        Self { seq, payload_hash: Hash::of(&envelope), envelope }
    }
}

pub struct AuditLog {
    keys: Arc<TenantKeys>,
    notary: Arc<Notary>,
    runtime: Runtime,
    guard: ClockGuard,
    /// When appends stopped because the clock was in doubt.
    jumped: Option<Timestamp>,
    log: LogId,
    /// What the log calls itself in checkpoints.
    origin: String,
    /// Entries that the highest checkpoint covers.
    checkpointed: u64,
    tree: Tree,
    last_hash: Hash,
    last_time: Timestamp,
    epoch: Option<EpochKey>,
}

impl AuditLog {
    pub fn new(keys: Arc<TenantKeys>, notary: Arc<Notary>, runtime: &Runtime) -> Self {
        Self {
            keys,
            notary,
            jumped: None,
            origin: String::new(),
            checkpointed: 0,
            guard: ClockGuard::new(runtime.clock.as_ref()),
            runtime: runtime.clone(),
            log: LogId::from_bytes([0; 16]),
            tree: Tree::empty(),
            last_hash: Hash::ZERO,
            last_time: Timestamp::from_micros(0),
            epoch: None,
        }
    }

    /// Appends one of the server's own events; its personal data is sealed under the person's key
    /// when there is one.
    ///
    /// # Errors
    /// [`StoreError::ClockJump`] while the clock is in doubt; whatever the file answers.
    pub fn append(
        &mut self,
        tx: &mut RawWriteTx<'_>,
        mut event: Event,
        subject: Option<KeyId>,
    ) -> Result<u64, StoreError> {
        let member = match subject {
            Some(subject) => match event.take_personal() {
                Some(personal) => Some(self.seal_member(subject, &personal)?),
                None => None,
            },
            None => None,
        };
        self.append_payload(tx, &event.payload(member.as_slice()))
    }

    /// Appends a payload that is canonical JSON already.
    pub fn append_payload(
        &mut self,
        tx: &mut RawWriteTx<'_>,
        payload: &[u8],
    ) -> Result<u64, StoreError> {
        let (log, seq, nonce) = (self.log, self.tree.size() + 1, self.runtime.bytes());
        let sealed = Sealed::new(self.epoch()?, log, seq, nonce, payload);
        let wall = self.wall()?;
        self.link(tx, &sealed, wall)?;
        Ok(seq)
    }

    /// Appends many payloads. They are sealed on a second thread, ahead of the one that writes:
    /// sealing needs an entry's number but not the entry before.
    pub fn append_payloads(
        &mut self,
        tx: &mut RawWriteTx<'_>,
        payloads: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        if payloads.len() < 2 * CHUNK {
            return payloads.iter().try_for_each(|one| self.append_payload(tx, one).map(|_| ()));
        }
        self.epoch()?;
        let wall = self.wall()?;
        let Some(epoch) = self.epoch.take() else { return Err(CryptoError::KeyDestroyed.into()) };
        let (log, first, random) = (self.log, self.tree.size() + 1, self.runtime.random.clone());
        let result = std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(4);
            let epoch = &epoch;
            scope.spawn(move || {
                let mut seq = first;
                for chunk in payloads.chunks(CHUNK) {
                    let mut nonces = vec![[0; 12]; chunk.len()];
                    random.fill(nonces.as_flattened_mut());
                    let seal = |(nonce, payload): ([u8; 12], &Vec<u8>)| {
                        seq += 1;
                        Sealed::new(epoch, log, seq - 1, nonce, payload)
                    };
                    let sealed: Vec<_> = nonces.into_iter().zip(chunk).map(seal).collect();
                    if sender.send(sealed).is_err() {
                        return; // the writing side gave up
                    }
                }
            });
            receiver.into_iter().flatten().try_for_each(|sealed| self.link(tx, &sealed, wall))
        });
        self.epoch = Some(epoch);
        result
    }

    /// Chains a sealed entry to the last one and writes it down.
    fn link(
        &mut self,
        tx: &mut RawWriteTx<'_>,
        sealed: &Sealed,
        wall: Timestamp,
    ) -> Result<(), StoreError> {
        let (seq, time) = (sealed.seq, wall.max(self.last_time));
        let payload_hash = sealed.payload_hash;
        let prev_hash = self.last_hash;
        let hash = Leaf { log: self.log, seq, time, payload_hash, prev_hash }.hash();
        tx.execute(
            "INSERT INTO audit_entries (seq, time, envelope, hash) VALUES ($1, $2, $3, $4)",
            args![seq.cast_signed(), time, &sealed.envelope, hash.bytes()],
        )?;
        for tile in self.tree.append(hash) {
            tx.execute(
                "INSERT INTO audit_tiles (level, idx, hashes) VALUES ($1, $2, $3)",
                args![i64::from(tile.level), tile.index.cast_signed(), &tile.to_bytes()],
            )?;
            insert_subtree(tx, tile.level + 1, tile.index, &tile.root)?;
        }
        (self.last_hash, self.last_time) = (hash, time);
        if seq.is_multiple_of(checkpoint::EVERY) {
            self.checkpoint(tx)?;
        }
        Ok(())
    }

    /// Signs the log as it is in this transaction; false when it has not grown since it was signed.
    pub fn checkpoint(&mut self, tx: &mut RawWriteTx<'_>) -> Result<bool, StoreError> {
        let (size, root, time) = (self.tree.size(), self.tree.root(), self.runtime.now());
        if size <= self.checkpointed {
            return Ok(false);
        }
        let signed =
            self.notary.sign(&Checkpoint { origin: self.origin.clone(), size, root })?.to_string();
        checkpoint::insert(tx, &Stored { size, root, time, note: signed, kept: false })?;
        self.checkpointed = size;
        Ok(true)
    }

    fn wall(&mut self) -> Result<Timestamp, StoreError> {
        let wall = self.guard.check(self.runtime.clock.as_ref());
        if wall.is_none() {
            self.jumped.get_or_insert_with(|| self.runtime.now());
        }
        wall.ok_or(StoreError::ClockJump)
    }

    /// Says in the log what the clock did, after the entries that noticed it. The log's time stands
    /// still while the wall clock is behind it, and its entries say so once.
    ///
    /// # Errors
    /// Whatever the file answers.
    pub fn note_clock(&mut self, tx: &mut RawWriteTx<'_>) -> Result<(), StoreError> {
        let wall = self.wall()?;
        if let Some(since) = self.jumped {
            let mut event = clock_event(catalogue::CLOCK_JUMP);
            event.custom_fields.insert("stoppedAt".into(), since.to_string().into());
            self.append(tx, event, None)?;
            self.jumped = None;
        }
        let behind = self.last_time.since(wall);
        if behind > SET_BACK {
            let sql = "INSERT INTO clock_set_back (log_time, found) VALUES ($1, $2)
                       ON CONFLICT (log_time) DO NOTHING";
            if tx.execute(sql, args![self.last_time, wall])? > 0 {
                let mut event = clock_event(catalogue::CLOCK_SET_BACK);
                let seconds = behind.as_secs();
                event.custom_fields.insert("behindSeconds".into(), seconds.into());
                event.custom_fields.insert("wallClock".into(), wall.to_string().into());
                tracing::warn!(behind_seconds = seconds, "the clock was set back");
                self.append(tx, event, None)?;
            }
        }
        Ok(())
    }

    fn seal_member(&self, subject: KeyId, personal: &[u8]) -> Result<Vec<u8>, StoreError> {
        let seq = self.tree.size() + 1;
        let key = EpochKey::new(subject, self.keys.subject(subject)?.expose());
        let secret = key.member_secret(self.log, seq, 0);
        let place = Place::member(self.log, seq, 0);
        Ok(seal::seal(&secret, subject, place, self.runtime.bytes(), personal))
    }

    fn epoch(&mut self) -> Result<&EpochKey, CryptoError> {
        let id = self.keys.audit_epoch();
        if self.epoch.as_ref().is_none_or(|epoch| epoch.id() != id) {
            self.epoch = Some(EpochKey::new(id, self.keys.audit_key(id)?.expose()));
        }
        self.epoch.as_ref().ok_or(CryptoError::KeyDestroyed)
    }

    pub fn id(&self) -> LogId {
        self.log
    }

    /// Number of entries, appended ones of the running transaction included.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// RFC 6962 root over them.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    fn load_tree(tx: &RawWriteTx<'_>, size: u64) -> Result<Tree, StoreError> {
        let edge = |level: u8| {
            let count = size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0);
            let first = count - count % TILE as u64;
            match level {
                0 => proof::entry_hashes(tx, first),
                _ => proof::subtrees(tx, level, first),
            }
        };
        Tree::load(size, edge).map_err(|error| match error {
            LoadError::Source(error) => error,
            damage => StoreError::Corrupt(format!("the audit log's tree: {damage}").into()),
        })
    }
}

/// A log from before subtrees were stored gets them from its tiles, once.
fn complete_subtrees(tx: &mut RawWriteTx<'_>) -> Result<(), StoreError> {
    if tx.count("SELECT count(*) FROM (SELECT 1 FROM audit_subtrees LIMIT 1)", &[])? > 0 {
        return Ok(());
    }
    let tiles = tx.query("SELECT level, idx, hashes FROM audit_tiles", &[], |row| {
        Ok((row.get::<u32>(0)?, row.get::<u64>(1)?, row.get::<Vec<u8>>(2)?))
    })?;
    for (level, index, bytes) in tiles {
        let root = tile_hashes(&bytes).map_or(Hash::ZERO, full_root);
        insert_subtree(tx, u8::try_from(level).unwrap_or(u8::MAX - 1) + 1, index, &root)?;
    }
    Ok(())
}

fn insert_subtree(
    tx: &mut RawWriteTx<'_>,
    level: u8,
    index: u64,
    root: &Hash,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_subtrees (level, idx, hash) VALUES ($1, $2, $3)";
    tx.execute(sql, args![i64::from(level), index.cast_signed(), root.bytes()]).map(|_| ())
}

impl Companion for AuditLog {
    fn reload(&mut self, tx: &mut RawWriteTx<'_>) -> Result<(), StoreError> {
        (self.log, self.origin) = match checkpoint::log(tx, &self.notary)? {
            Some(log) => log,
            None => {
                let log: LogId = self.runtime.id();
                let (now, origin) = (self.runtime.now(), self.notary.origin(log));
                let sql = "INSERT INTO audit_log (id, created, origin) VALUES ($1, $2, $3)";
                tx.execute(sql, args![log, now, &origin])?;
                (log, origin)
            }
        };
        self.checkpointed = checkpoint::latest(tx)?.map_or(0, |latest| latest.size);
        let last = tx.query_one(
            "SELECT seq, time, hash FROM audit_entries ORDER BY seq DESC LIMIT 1",
            &[],
            |row| Ok((row.get::<u64>(0)?, row.get(1)?, row.get::<[u8; 32]>(2)?)),
        )?;
        let (size, time, hash) = last.unwrap_or((0, Timestamp::from_micros(0), [0; 32]));
        complete_subtrees(tx)?;
        self.tree = Self::load_tree(tx, size)?;
        (self.last_time, self.last_hash) = (time, Hash::from_bytes(hash));
        Ok(())
    }

    fn version(&self) -> u64 {
        self.tree.size()
    }

    fn committed(&mut self) {}

    fn closing(&mut self, tx: &mut RawWriteTx<'_>) -> Result<(), StoreError> {
        self.checkpoint(tx).map(|_| ())
    }

    fn closed(&mut self, tx: &RawReadTx<'_>) -> Result<(), StoreError> {
        // A contradiction is found again at the next opening, where it can be written down.
        self.notary.watch(self.log, &self.origin)?.keep(tx).map(|_| ())
    }
}
