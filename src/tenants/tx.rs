//! Transactions behind the doors: SQL plus sealing and opening with the realm's keys.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use zeroize::Zeroizing;

use super::SystemWrite;
use super::realm::OpenRealm;
use crate::audit::index::{Cursor, Deadline, Found, IndexError, Summary, SummaryRequest};
use crate::audit::pruning;
use crate::audit::query::{self, Query};
use crate::audit::verify::{self, Task, Verification};
use crate::crypto::envelope::{self, Place};
use crate::crypto::{CryptoError, Field, TenantKeys};
use crate::kernel::Runtime;
use crate::kernel::id::{KeyId, TenantId};
use crate::store::{RawReadTx, RawWriteTx, Row, Sql, SqlMut, StoreError, Value};

/// Reads; may be rerun on a moment's view of the file.
pub struct ReadTx<'a> {
    pub(super) raw: &'a RawReadTx<'a>,
    pub(super) realm: &'a OpenRealm,
}

/// Writes under permission `P`.
pub struct WriteTx<'a, P> {
    pub(super) raw: RawWriteTx<'a>,
    pub(super) realm: &'a OpenRealm,
    /// Number that the first entry of this write will have.
    pub(super) first_entry: u64,
    /// Rows changed that need no entry of their own: answers kept for repetition, system writes.
    pub(super) bookkeeping: u64,
    /// Mail was queued.
    pub(super) posted: bool,
    pub(super) permission: PhantomData<fn() -> P>,
}

/// What both can do.
pub trait RealmTx: Sql {
    #[doc(hidden)]
    fn keys(&self) -> &TenantKeys;
    #[doc(hidden)]
    fn owner(&self) -> TenantId;

    /// Opens a sealed field.
    ///
    /// # Errors
    /// [`CryptoError::KeyDestroyed`] when the person was erased.
    fn open(
        &self,
        field: Field,
        row: &[u8; 16],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let place = Place { field, row, tenant: self.owner() };
        self.keys().by_id(envelope::key_id(sealed)?)?.open(place, sealed)
    }

    /// Opens a sealed text; `None` when the person that it belongs to was erased.
    fn open_text(
        &self,
        field: Field,
        row: &[u8; 16],
        sealed: &[u8],
    ) -> Result<Option<String>, CryptoError> {
        match self.open(field, row, sealed) {
            Ok(text) => {
                let text = std::str::from_utf8(&text).map_err(|_| CryptoError::Unreadable)?;
                Ok(Some(text.to_owned()))
            }
            Err(CryptoError::KeyDestroyed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Blind index of a value, for columns named `*_hash`.
    fn lookup_hash(&self, kind: &str, value: &str) -> Result<[u8; 32], CryptoError> {
        self.keys().lookup_hash(kind, value)
    }
}

impl ReadTx<'_> {
    pub(crate) fn shared_keys(&self) -> Arc<TenantKeys> {
        self.realm.keys.clone()
    }

    /// Verifies the realm's log, on connections of its own; `progress` hears how many entries are
    /// done, of how many.
    pub(crate) fn verify_log(
        &self,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Verification, StoreError> {
        verify::verify(&Task {
            readers: self.realm.database.readers(),
            notary: &self.realm.notary,
            clock: self.realm.runtime.clock.as_ref(),
            pruned_through: |tx| pruning::through(tx),
            outside: true,
            busy: 0,
            progress,
        })
    }

    /// Feeds the search index up to the log's head, for `budget` at the most; how far it came.
    pub(crate) fn catch_up_index(&self, budget: Duration) -> Result<u64, StoreError> {
        let deadline = Deadline::after(self.realm.runtime.clock.as_ref(), budget);
        let through = self.realm.index.catch_up(self.raw, &self.realm.keys, &deadline)?;
        self.realm.indexed.fetch_max(through, Ordering::Relaxed);
        Ok(through)
    }

    /// One page of what the index finds up to `through`, in `budget` or not at all.
    pub(crate) fn search_index(
        &self,
        query: &Query,
        cursor: Cursor,
        limit: usize,
        through: u64,
        budget: Duration,
    ) -> Result<Found, IndexError> {
        let deadline = Deadline::after(self.realm.runtime.clock.as_ref(), budget);
        self.realm.index.search(self.raw, query, cursor, limit, through, &deadline)
    }

    pub(crate) fn summarize_index(
        &self,
        query: &Query,
        request: SummaryRequest,
        through: u64,
    ) -> Result<Summary, IndexError> {
        let clock = self.realm.runtime.clock.as_ref();
        self.realm.index.summary(self.raw, query, request, through, clock)
    }

    pub(crate) fn suggest_from_index(
        &self,
        field: query::Field,
        prefix: &str,
        limit: usize,
        budget: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let deadline = Deadline::after(self.realm.runtime.clock.as_ref(), budget);
        self.realm.index.suggest(field, prefix, limit, &deadline)
    }

    /// Entries with something sealed about a person, when the search index knows.
    pub(crate) fn mentions_in_index(&self, subject: KeyId) -> Result<Option<u64>, StoreError> {
        self.realm.index.mentions(self.raw, &self.realm.keys, subject)
    }

    /// Takes entries up to `through` out of the search index, while the log still has them.
    pub(crate) fn prune_index(&self, through: u64) -> Result<(), StoreError> {
        self.realm.index.prune(self.raw, &self.realm.keys, through)
    }

    /// Throws the search index away, to be fed from the beginning.
    pub(crate) fn drop_index(&self) {
        self.realm.index.drop_file();
        self.realm.indexed.store(0, Ordering::Relaxed);
    }
}

impl<P> WriteTx<'_, P> {
    pub(crate) fn shared_keys(&self) -> Arc<TenantKeys> {
        self.realm.keys.clone()
    }

    pub fn runtime(&self) -> &Runtime {
        &self.realm.runtime
    }

    /// Number that the first entry of this write will have in the log.
    pub fn first_entry(&self) -> u64 {
        self.first_entry
    }

    /// Whether a mail server is configured: without one, nothing is queued.
    pub(crate) fn sends_mail(&self) -> bool {
        self.realm.outboxes.is_open()
    }

    /// Mail was queued in this write: once it is committed, whoever sends mail is told.
    pub(crate) fn posted(&mut self) {
        self.posted = true;
    }

    /// Seals a field under the person's key, or under the tenant's when it belongs to nobody known.
    pub fn seal(
        &self,
        field: Field,
        row: &[u8; 16],
        subject: Option<KeyId>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let place = Place { field, row, tenant: self.realm.owner };
        let random = self.realm.runtime.random.as_ref();
        match subject {
            Some(subject) => Ok(self.realm.keys.by_id(subject)?.seal(place, plaintext, random)),
            None => Ok(self.realm.keys.data()?.seal(place, plaintext, random)),
        }
    }
}

impl WriteTx<'_, SystemWrite> {
    /// Removes up to `most` of the rows that a recorded cut of the log left behind.
    pub(crate) fn remove_pruned(&mut self, most: u32) -> Result<u64, StoreError> {
        pruning::remove(&mut self.raw, most)
    }
}

impl RealmTx for ReadTx<'_> {
    fn keys(&self) -> &TenantKeys {
        &self.realm.keys
    }

    fn owner(&self) -> TenantId {
        self.realm.owner
    }
}

impl<P> RealmTx for WriteTx<'_, P> {
    fn keys(&self) -> &TenantKeys {
        &self.realm.keys
    }

    fn owner(&self) -> TenantId {
        self.realm.owner
    }
}

impl Sql for ReadTx<'_> {
    fn for_each(
        &self,
        sql: &str,
        args: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.raw.for_each(sql, args, each)
    }
}

impl<P> Sql for WriteTx<'_, P> {
    fn for_each(
        &self,
        sql: &str,
        args: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.raw.for_each(sql, args, each)
    }
}

impl<P> SqlMut for WriteTx<'_, P> {
    fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<usize, StoreError> {
        self.raw.execute(sql, args)
    }
}
