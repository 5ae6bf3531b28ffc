//! The head of one log, and the only way to append to it.
//!
//! It lives beside the file's writing connection and follows its transactions: what is undone in
//! the file is undone here, by reading the head again.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::event::Event;
use super::leaf::{Hash, Leaf};
use super::proof;
use super::seal::{self, EpochKey, Place};
use super::tree::{LoadError, TILE, TILE_HEIGHT, Tree, full_root, tile_hashes};
use crate::args;
use crate::crypto::{CryptoError, TenantKeys};
use crate::kernel::clock::ClockGuard;
use crate::kernel::id::{KeyId, LogId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::{Companion, RawWriteTx, Sql, SqlMut, StoreError};

/// Entries sealed in one go by the second thread.
const CHUNK: usize = 64;

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
    runtime: Runtime,
    guard: ClockGuard,
    log: LogId,
    tree: Tree,
    last_hash: Hash,
    last_time: Timestamp,
    epoch: Option<EpochKey>,
}

impl AuditLog {
    pub fn new(keys: Arc<TenantKeys>, runtime: &Runtime) -> Self {
        Self {
            keys,
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
        Ok(())
    }

    fn wall(&self) -> Result<Timestamp, StoreError> {
        self.guard.check(self.runtime.clock.as_ref()).ok_or(StoreError::ClockJump)
    }

    fn seal_member(&self, subject: KeyId, personal: &[u8]) -> Result<Vec<u8>, StoreError> {
        let seq = self.tree.size() + 1;
        let key = EpochKey::new(subject, self.keys.subject(subject)?.expose());
        let secret = key.member_secret(self.log, seq, 0);
        let place = Place::member(self.log, seq, 0);
        Ok(seal::seal(&secret, subject, place, self.runtime.bytes(), personal))
    }

    fn epoch(&mut self) -> Result<&EpochKey, CryptoError> {
        if self.epoch.is_none() {
            let (id, key) = self.keys.audit_epoch()?;
            self.epoch = Some(EpochKey::new(id, key.expose()));
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
        let log = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
        self.log = match log {
            Some(log) => log,
            None => {
                let log: LogId = self.runtime.id();
                let now = self.runtime.now();
                tx.execute("INSERT INTO audit_log (id, created) VALUES ($1, $2)", args![log, now])?;
                log
            }
        };
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
}
