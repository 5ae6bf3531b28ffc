//! `keys.db`: wrapped keys, apart from the data that they open, so that a destroyed key does not
//! live on in backups of the data.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{RawReadTx, RawWriteTx, Row, Sql, SqlMut, StoreError, before, migrate, pages, wal};
use crate::args;
use crate::crypto::keyring::{CopyPage, KeyChanges, KeyShelf, Purpose, StoredKey};
use crate::crypto::{CryptoError, Key32};
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;

pub struct FileShelf {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl FileShelf {
    /// Opens an existing key store and brings it up to date.
    pub fn open(path: &Path, key: &Key32) -> Result<Self, StoreError> {
        let shelf = Self::open_as_it_is(path, key)?;
        shelf.bring_up_to_date()?;
        Ok(shelf)
    }

    /// Opens an existing key store with the schema that it has. Its keys open the data, which is
    /// brought up to date first: when that fails the release before still reads both.
    pub fn open_as_it_is(path: &Path, key: &Key32) -> Result<Self, StoreError> {
        let connection = engine::open(path, key, Mode::Write)?;
        migrate::is_known(&connection, path, migrate::KEYS)?;
        // A process that was killed while it destroyed a key left older pages in the WAL. They must
        // not come into the copy that an upgrade keeps, either.
        wal::checkpoint(&connection, "TRUNCATE")?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }

    /// Makes a new, empty key store.
    pub fn create(path: &Path, key: &Key32) -> Result<Self, StoreError> {
        let mut connection = engine::open(path, key, Mode::Create)?;
        migrate::upgrade(&mut connection, path, migrate::KEYS, Mode::Create)?;
        wal::checkpoint(&connection, "TRUNCATE")?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }

    fn bring_up_to_date(&self) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        migrate::upgrade(&mut connection, &self.path, migrate::KEYS, Mode::Write)?;
        wal::checkpoint(&connection, "TRUNCATE")
    }

    /// Opens a copy that is thrown away, to try on it what an upgrade does; with the schema that it
    /// had.
    pub fn rehearse(path: &Path, key: &Key32) -> Result<(Self, i64), StoreError> {
        let found = migrate::rehearse(path, key, migrate::KEYS)?;
        let connection = Mutex::new(engine::open(path, key, Mode::Write)?);
        Ok((Self { connection, path: path.to_owned() }, found))
    }

    /// How many keys there are in a store of any release.
    pub fn count(path: &Path, key: &Key32) -> Result<u64, StoreError> {
        let connection = engine::open(path, key, Mode::Read)?;
        RawReadTx(&connection).count("SELECT count(*) FROM keys", &[])
    }

    /// Counts one key more as taken out than any store has that counted `gone`.
    ///
    /// # Errors
    /// [`CryptoError::Shelf`]
    pub fn outgrow(&self, gone: u64) -> Result<(), CryptoError> {
        self.locked(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let mut tx = RawWriteTx::new(&transaction);
            let changes = changes(&tx)?;
            note(&mut tx, KeyChanges { gone: changes.gone.max(gone) + 1, ..changes })?;
            transaction.commit()?;
            Ok(())
        })
    }

    /// Before keys are destroyed: the store as it was before an upgrade has them too.
    fn forget_before(&self) -> Result<(), CryptoError> {
        before::forget(&self.path).map_err(|error| CryptoError::Shelf(error.to_string()))
    }

    fn locked<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, CryptoError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        f(&connection).map_err(|error| CryptoError::Shelf(error.to_string()))
    }
}

const COLUMNS: &str = "SELECT id, purpose, version, wrapped, created FROM keys";

fn stored_key(row: &Row<'_>) -> Result<StoredKey, StoreError> {
    let purpose: String = row.get(1)?;
    Ok(StoredKey {
        id: row.get(0)?,
        purpose: Purpose::parse(&purpose).ok_or_else(|| {
            StoreError::Sql(format!("a key has the unknown purpose {purpose}").into())
        })?,
        version: row.get(2)?,
        wrapped: row.get(3)?,
        created: row.get(4)?,
    })
}

impl KeyShelf for FileShelf {
    fn load(&self) -> Result<Vec<StoredKey>, CryptoError> {
        let crowds = "'subject', 'tenant-root', 'token'";
        let sql = format!("{COLUMNS} WHERE purpose NOT IN ({crowds}) ORDER BY id");
        self.locked(|connection| RawReadTx(connection).query(&sql, &[], stored_key))
    }

    fn find(&self, id: KeyId) -> Result<Option<StoredKey>, CryptoError> {
        let sql = format!("{COLUMNS} WHERE id = $1");
        self.locked(|connection| RawReadTx(connection).query_one(&sql, args![id], stored_key))
    }

    fn insert(&self, keys: &[StoredKey]) -> Result<(), CryptoError> {
        self.replace(&[], keys)
    }

    fn replace(&self, gone: &[KeyId], new: &[StoredKey]) -> Result<(), CryptoError> {
        if !gone.is_empty() {
            self.forget_before()?;
        }
        self.locked(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let mut tx = RawWriteTx::new(&transaction);
            let mut taken = 0;
            for id in gone {
                taken += tx.execute("DELETE FROM keys WHERE id = $1", args![*id])?;
            }
            let mut changes = changes(&tx)?;
            for key in new {
                changes.made += 1;
                tx.execute(
                    "INSERT INTO keys (id, purpose, version, wrapped, created, number)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                    args![
                        key.id,
                        key.purpose.name(),
                        key.version,
                        &key.wrapped,
                        key.created,
                        changes.made.cast_signed()
                    ],
                )?;
            }
            changes.gone += taken as u64;
            note(&mut tx, changes)?;
            transaction.commit()?;
            Ok(())
        })
    }

    fn wipe(&self) -> Result<(), CryptoError> {
        // secure_delete overwrote rows in the new pages; older pages must not stay in the WAL.
        self.locked(wal::empty)
    }

    fn subjects(
        &self,
        before: Timestamp,
        after: Option<KeyId>,
        most: u32,
    ) -> Result<Vec<(KeyId, Timestamp)>, CryptoError> {
        let sql =
            "SELECT id, created FROM keys WHERE id > $1 AND purpose = 'subject' AND created < $2
                   ORDER BY id LIMIT $3";
        let after = after.unwrap_or(KeyId::from_bytes([0; 16]));
        self.locked(|connection| {
            RawReadTx(connection)
                .query(sql, args![after, before, most], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }

    fn changes(&self) -> Result<KeyChanges, CryptoError> {
        self.locked(|connection| changes(&RawReadTx(connection)))
    }

    fn made_since(&self, made: u64) -> Result<(Vec<StoredKey>, KeyChanges), CryptoError> {
        let sql = format!("{COLUMNS} WHERE number > $1 ORDER BY number");
        self.locked(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let tx = RawReadTx(&transaction);
            Ok((tx.query(&sql, args![made.cast_signed()], stored_key)?, changes(&tx)?))
        })
    }

    fn copy(&self, each: &mut CopyPage<'_>) -> Result<KeyChanges, CryptoError> {
        // Not on a connection of its own: a key that is destroyed could not be overwritten in the
        // WAL while that reads.
        self.locked(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let changes = changes(&RawReadTx(&transaction))?;
            pages::for_each(&transaction, |page| {
                each(page).map_err(|error| StoreError::Io(error.to_string().into()))
            })?;
            Ok(changes)
        })
    }

    fn upgrade(&self) -> Result<(), CryptoError> {
        self.bring_up_to_date().map_err(|error| CryptoError::Shelf(error.to_string()))
    }

    fn destroy(&self, id: KeyId) -> Result<bool, CryptoError> {
        self.forget_before()?;
        let found = self.locked(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let mut tx = RawWriteTx::new(&transaction);
            let found = tx.execute("DELETE FROM keys WHERE id = $1", args![id])? > 0;
            let mut changes = changes(&tx)?;
            changes.gone += u64::from(found);
            note(&mut tx, changes)?;
            transaction.commit()?;
            Ok(found)
        })?;
        self.wipe()?;
        Ok(found)
    }
}

fn changes(tx: &impl Sql) -> Result<KeyChanges, StoreError> {
    let sql = "SELECT made, gone FROM changes";
    let found =
        tx.query_one(sql, &[], |row| Ok(KeyChanges { made: row.get(0)?, gone: row.get(1)? }));
    Ok(found?.unwrap_or_default())
}

fn note(tx: &mut impl SqlMut, changes: KeyChanges) -> Result<(), StoreError> {
    let sql = "UPDATE changes SET made = $1, gone = $2";
    let args = args![changes.made.cast_signed(), changes.gone.cast_signed()];
    tx.execute(sql, args).map(|_| ())
}

impl Drop for FileShelf {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = wal::checkpoint(connection, "TRUNCATE") {
            tracing::warn!(%error, "key store: WAL checkpoint at close failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;
    use crate::store::test_support::pages;

    fn stored(n: u8) -> StoredKey {
        let (id, created) = (KeyId::from_bytes([n; 16]), Timestamp::from_micros(1));
        let wrapped = vec![n ^ 0x5a; 60];
        StoredKey { id, purpose: Purpose::AuditDek, version: 1, wrapped, created }
    }

    #[test]
    fn a_key_that_was_replaced_is_in_no_page_of_the_store_and_in_none_of_its_wal() {
        let directory = tempfile::tempdir().unwrap();
        let (path, key) = (directory.path().join("keys.db"), Key32::generate(&SystemRandom));
        let shelf = FileShelf::create(&path, &key).unwrap();
        let holds = |n: u8| {
            let wrapped = stored(n).wrapped;
            pages(&path, &key).windows(wrapped.len()).any(|window| window == wrapped)
        };
        shelf.insert(&[stored(1), stored(2)]).unwrap();
        assert!(holds(1) && holds(2));
        shelf.replace(&[stored(1).id], &[stored(3)]).unwrap();
        shelf.wipe().unwrap();
        assert_eq!((holds(1), holds(2), holds(3)), (false, true, true));
        let left: Vec<_> = shelf.load().unwrap().iter().map(|key| key.id).collect();
        assert_eq!(left, [stored(2).id, stored(3).id]);
        // Killed before it could wipe: the next start does.
        shelf.replace(&[stored(2).id], &[]).unwrap();
        std::mem::forget(shelf);
        drop(FileShelf::open(&path, &key).unwrap());
        assert_eq!((holds(2), holds(3)), (false, true));
    }

    #[test]
    fn a_store_tells_which_keys_were_made_since_and_that_some_were_taken_out() {
        let directory = tempfile::tempdir().unwrap();
        let (path, key) = (directory.path().join("keys.db"), Key32::generate(&SystemRandom));
        let shelf = FileShelf::create(&path, &key).unwrap();
        shelf.insert(&[stored(1), stored(2)]).unwrap();
        let first = shelf.changes().unwrap();
        assert_eq!(first, KeyChanges { made: 2, gone: 0 });
        shelf.insert(&[stored(3)]).unwrap();
        let (new, now) = shelf.made_since(first.made).unwrap();
        assert_eq!(new.iter().map(|key| key.id).collect::<Vec<_>>(), [stored(3).id]);
        assert_eq!(now, KeyChanges { made: 3, gone: 0 });
        assert!(shelf.destroy(stored(3).id).unwrap());
        assert!(!shelf.destroy(stored(3).id).unwrap());
        shelf.replace(&[stored(1).id], &[stored(4)]).unwrap();
        assert_eq!(shelf.changes().unwrap(), KeyChanges { made: 4, gone: 2 });
        let mut copy = Vec::new();
        let copied = shelf.copy(&mut |page: &[u8]| {
            copy.extend_from_slice(page);
            Ok(())
        });
        assert_eq!(copied.unwrap(), KeyChanges { made: 4, gone: 2 });
        let holds = |n: u8| copy.windows(60).any(|window| window == stored(n).wrapped);
        assert_eq!((holds(1), holds(2), holds(3), holds(4)), (false, true, false, true));
    }
}
