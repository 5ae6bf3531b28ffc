//! The head of one log, and the only way to append to it.
//!
//! It lives beside the file's writing connection and follows its transactions: what is undone in
//! the file is undone here, by reading the head again.

use std::sync::Arc;

use super::event::Event;
use super::leaf::{Hash, Leaf};
use super::seal::{self, EpochKey, Place};
use super::tree::{LoadError, TILE, Tree, tile_hashes};
use crate::args;
use crate::crypto::{CryptoError, TenantKeys};
use crate::kernel::clock::ClockGuard;
use crate::kernel::id::{KeyId, LogId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::{Companion, RawWriteTx, Sql, SqlMut, StoreError};

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
        let seq = self.tree.size() + 1;
        let wall = self.guard.check(self.runtime.clock.as_ref()).ok_or(StoreError::ClockJump)?;
        let time = wall.max(self.last_time);
        let (log, nonce) = (self.log, self.runtime.bytes());
        let epoch = self.epoch()?;
        let secret = epoch.entry_secret(log, seq);
        let envelope = seal::seal(&secret, epoch.id(), Place::entry(log, seq), nonce, payload);
        let payload_hash = Hash::of(&envelope);
        let hash = Leaf { log, seq, time, payload_hash, prev_hash: self.last_hash }.hash();
        tx.execute(
            "INSERT INTO audit_entries (seq, time, envelope, hash) VALUES ($1, $2, $3, $4)",
            args![seq.cast_signed(), time, &envelope, hash.bytes()],
        )?;
        for tile in self.tree.append(hash) {
            tx.execute(
                "INSERT INTO audit_tiles (level, idx, hashes) VALUES ($1, $2, $3)",
                args![i64::from(tile.level), tile.index.cast_signed(), &tile.to_bytes()],
            )?;
        }
        (self.last_hash, self.last_time) = (hash, time);
        Ok(seq)
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

    /// Number of entries, appended ones of the running transaction included.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    fn load_tree(tx: &RawWriteTx<'_>, size: u64) -> Result<Tree, StoreError> {
        let full = size - size % TILE as u64;
        let partial = tx.query(
            "SELECT hash FROM audit_entries WHERE seq > $1 ORDER BY seq",
            args![full.cast_signed()],
            |row| row.get(0).map(Hash::from_bytes),
        )?;
        Tree::load(size, &partial, |level, index| load_tile(tx, level, index)).map_err(|error| {
            match error {
                LoadError::Source(error) => error,
                damage => StoreError::Corrupt(format!("the audit log's tree: {damage}").into()),
            }
        })
    }
}

fn load_tile(tx: &impl Sql, level: u8, index: u64) -> Result<Vec<Hash>, StoreError> {
    let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
    let bytes: Option<Vec<u8>> =
        tx.query_one(sql, args![i64::from(level), index.cast_signed()], |row| row.get(0))?;
    Ok(bytes.and_then(|bytes| tile_hashes(&bytes)).unwrap_or_default())
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
        self.tree = Self::load_tree(tx, size)?;
        (self.last_time, self.last_hash) = (time, Hash::from_bytes(hash));
        Ok(())
    }

    fn version(&self) -> u64 {
        self.tree.size()
    }

    fn committed(&mut self) {}
}
