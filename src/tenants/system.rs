//! What goes past the grants: credential tables for authentication, and the closed list of system
//! writes that append no entry.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::doors::{append, read_realm, write_realm};
use super::realm::OpenRealm;
use super::{AuditEvents, DoorError, ReadTx, Tenant, Tenants, Turn, WriteTx, Written};
use crate::audit::event::{Actor, Resource};
use crate::audit::notary::Notary;
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Flag, Realm};
use crate::crypto::Key32;
use crate::kernel::Runtime;
use crate::kernel::id::{KeyId, LogId, TenantId};
use crate::store::erasures::{Erasures, LedgerCopy};
use crate::store::{StoreError, before};

/// The closed list of writes that append no audit entry: none of them is somebody's doing.
#[derive(Clone, Copy, Debug)]
pub enum SystemWrite {
    /// When an API key was last used, how often.
    KeyUse,
    /// When a session was last seen.
    SessionSeen,
    /// Sessions past their time, answers kept for repetition past theirs.
    Expiry,
    /// Progress of a job; its start and end are entries.
    JobProgress,
    /// How far an export has come and whether its file is there; what was asked for, exported,
    /// cancelled and downloaded are entries.
    ExportState,
    /// A hash made again with today's cost.
    Rehash,
    /// What is under way before somebody is signed in: failures that are counted, ceremonies begun,
    /// links that lead nowhere.
    SignInState,
    /// How far mails have come that wait for the mail server.
    MailState,
    /// How far a stream to another system has come; which tenants have streams; which checkpoints
    /// are published.
    StreamCursor,
    /// A checkpoint of the log, one that was thinned away.
    Checkpoint,
    /// Rows that a cut of the log left behind; the cut is an entry.
    Removal,
    /// Which backups lie in which target; making, checking and deleting them are entries.
    BackupCatalogue,
    /// That the writer answers: nothing is changed.
    Liveness,
    /// How far a run of retention has come, and when it looked at the clock; what it deletes are
    /// entries.
    RetentionState,
}

/// What one round of feeding search indexes did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fed {
    pub indexes: u64,
    /// Some index has more before it.
    pub behind: bool,
}

/// Nobody asked for it, so the entry is the index's own.
async fn note_lost_index(realm: &Arc<OpenRealm>) -> Result<(), DoorError> {
    let Some(cause) = realm.index.take_lost() else { return Ok(()) };
    let mut event = Event::new(catalogue::INDEX_REBUILT);
    event.actor = Some(Actor::new("system", "audit_index"));
    event.resource = Some(Resource::new("audit_index", realm.owner.to_string()));
    event.custom_fields.insert("cause".into(), cause.into());
    append(realm, None, event).await.map(|_| ())
}

impl Tenants {
    /// Reads credential tables, for `authn`, and the mail that waits, for `mail`.
    pub(crate) async fn credentials<T, E>(
        &self,
        realm: Realm,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(realm).await?;
        let behind = realm.clone();
        let result = realm.database.read(move |raw| f(&ReadTx { raw, realm: &behind })).await;
        result.map_err(DoorError::from)?
    }

    /// Changes credential tables before there is anybody to grant it to: sign-in and sign-out; gives
    /// up a mail.
    pub(crate) async fn change_credentials<T, E>(
        &self,
        realm: Realm,
        caller: Option<Arc<Caller>>,
        f: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(realm).await?;
        write_realm(realm, caller, || Ok(()), f).await
    }

    /// The same, unless the tenant, or the installation, takes no changes just now.
    pub(crate) async fn change_credentials_if_active<T, E>(
        &self,
        realm: Realm,
        f: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let (open, gate) = (self.realm(realm).await?, self.gate(realm));
        let tenants = self.clone();
        let changes = Flag::UserUpdate; // of somebody's own account
        let gate = move || gate().map_err(DoorError::from).and_then(|()| tenants.takes(changes));
        write_realm(open, None, gate, f).await
    }

    /// Records what happened before anybody was known, a failed sign-in for instance.
    pub(crate) async fn record(&self, realm: Realm, event: Event) -> Result<u64, DoorError> {
        append(&self.realm(realm).await?, None, event).await
    }

    /// One of the closed list of system writes.
    pub(crate) async fn system_write<T: Send + 'static>(
        &self,
        realm: Realm,
        what: SystemWrite,
        f: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<T, DoorError> + Send + 'static,
    ) -> Result<T, DoorError> {
        let realm = self.realm(realm).await?;
        let run = move |tx: &mut WriteTx<'_, SystemWrite>| {
            let value = f(tx)?;
            tx.bookkeeping = u64::MAX; // accounted for by `what`
            Ok((value, AuditEvents::none()))
        };
        let written: Result<Written<T>, DoorError> = write_realm(realm, None, || Ok(()), run).await;
        written
            .map(|written| written.value)
            .inspect_err(|error| tracing::warn!(?what, %error, "system write failed"))
    }

    /// Reads the platform's file at once, on this thread.
    pub(crate) fn read_platform_here<T>(
        &self,
        f: impl FnOnce(&crate::store::RawReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, DoorError> {
        Ok(self.inner.platform.database.read_here(f)??)
    }

    /// Changes whenever a credential of the realm may have changed.
    pub(crate) async fn credentials_generation(&self, realm: Realm) -> Result<u64, DoorError> {
        Ok(self.realm(realm).await?.database.credentials_generation())
    }

    /// The key for tokens in forms.
    pub(crate) fn form_key(&self) -> Result<Key32, DoorError> {
        Ok(self.inner.platform.keys.form_key()?.clone())
    }

    /// Makes a subject key; durable before data names it.
    pub(crate) async fn new_subject(&self, realm: Realm) -> Result<KeyId, DoorError> {
        let realm = self.realm(realm).await?;
        let made = tokio::task::spawn_blocking(move || realm.keys.new_subject()).await;
        Ok(made.map_err(|_| StoreError::Panicked)??)
    }

    /// Destroys a subject key; answers whether it was there. See [`Self::destroy_subjects`].
    pub(crate) async fn destroy_subject(
        &self,
        realm: Realm,
        key: KeyId,
        cause: &str,
    ) -> Result<bool, DoorError> {
        Ok(self.destroy_subjects(realm, vec![key], cause).await? > 0)
    }

    /// Destroys subject keys; answers how many were there. The destruction is recorded in the
    /// ledger of erasures, here and in a backup target, with one line each and one copy for all;
    /// then what they seal is taken out of the search index, and then they are overwritten. It may
    /// be repeated when it fails.
    ///
    /// # Errors
    /// [`StoreError::LedgerNotCopied`] when targets are configured and none can be reached.
    pub(crate) async fn destroy_subjects(
        &self,
        realm: Realm,
        keys: Vec<KeyId>,
        cause: &str,
    ) -> Result<u64, DoorError> {
        if keys.is_empty() {
            return Ok(0);
        }
        self.destroys(Flag::SubjectErase)?;
        let open = self.realm(realm).await?;
        let erasures: Vec<_> = keys.iter().map(|key| open.erasure(*key, cause)).collect();
        let inner = self.inner.clone();
        let recorded =
            tokio::task::spawn_blocking(move || inner.ground.erasures.record_all(&erasures));
        recorded.await.map_err(|_| StoreError::Panicked)??;
        let behind = open.clone();
        let destroyed = open.database.read(move |log| {
            let open = behind;
            open.index.forget(log, &open.keys, &keys, || {
                let mut count = 0;
                for key in &keys {
                    count += u64::from(open.keys.destroy_subject(*key)?);
                }
                Ok::<_, StoreError>(count)
            })
        });
        Ok(destroyed.await??)
    }

    /// Deletes what an upgrade kept of a realm's data, because rows in it are about somebody who is
    /// erased and are not sealed under their key.
    pub(crate) async fn forget_data_before(&self, realm: Realm) -> Result<(), DoorError> {
        let file = self.database_file(realm);
        let forgotten = tokio::task::spawn_blocking(move || before::forget(&file)).await;
        Ok(forgotten.map_err(|_| StoreError::Panicked)??)
    }

    /// Copies the ledger of erasures from now on, before anything that it names is destroyed.
    pub(crate) fn copy_ledger_to(&self, place: Arc<dyn LedgerCopy>) {
        self.inner.ground.erasures.copy_to(place);
    }

    /// What was destroyed on purpose.
    pub(crate) fn ledger(&self) -> &Erasures {
        &self.inner.ground.erasures
    }

    /// Whose log this is; nothing when it was not opened since the start.
    pub(crate) fn realm_of(&self, log: LogId) -> Option<Realm> {
        let logs = self.inner.ground.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.get(&log).copied()
    }

    /// Where a realm keeps the files of its large exports.
    pub(crate) fn exports_directory(&self, realm: Realm) -> PathBuf {
        let ground = &self.inner.ground;
        let directory = match realm {
            Realm::Platform => ground.directory.clone(),
            Realm::Tenant(id) => ground.tenant_directory(id),
        };
        directory.join("exports")
    }

    /// Waits until a realm's log may be verified: that takes every core that there is.
    pub(crate) async fn turn_to_verify(&self, realm: Realm) -> Turn {
        self.inner.verifying.take(realm).await
    }

    /// Signs in the installation's name.
    pub(crate) fn notary(&self) -> &Arc<Notary> {
        &self.inner.ground.notary
    }

    pub fn runtime(&self) -> &Runtime {
        &self.inner.ground.runtime
    }

    pub(crate) fn tenant(&self, name: &str) -> Option<Tenant> {
        self.inner.registry.find(name)
    }

    pub(crate) fn tenant_by_id(&self, id: TenantId) -> Option<Tenant> {
        self.inner.registry.by_id(id)
    }

    /// The name that people know a realm by; empty for the platform.
    pub(crate) fn place(&self, realm: Realm) -> String {
        let tenant = match realm {
            Realm::Platform => None,
            Realm::Tenant(id) => self.inner.registry.by_id(id),
        };
        tenant.map(|tenant| format!("{} {}", tenant.name, tenant.slug)).unwrap_or_default()
    }

    pub(crate) fn tenant_ids(&self) -> Vec<TenantId> {
        self.inner.registry.ids()
    }

    /// Opens a tenant's files, which brings their schema up to date.
    pub(crate) async fn open(&self, tenant: TenantId) -> Result<(), DoorError> {
        self.realm(Realm::Tenant(tenant)).await.map(|_| ())
    }

    /// Feeds the search indexes of what is open and has grown, each for `budget` at the most. What
    /// is closed stays closed, and what is idle stays idle.
    pub(crate) async fn feed_indexes(&self, budget: Duration) -> Result<Fed, DoorError> {
        let mut open = vec![self.inner.platform.clone()];
        {
            let tenants = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.extend(tenants.values().filter_map(|cell| cell.get().cloned()));
        }
        let mut fed = Fed::default();
        for realm in open {
            let head = realm.log_size.load(Ordering::Relaxed);
            if realm.indexed.load(Ordering::Relaxed) < head {
                let feed = move |tx: &ReadTx<'_>| Ok::<_, DoorError>(tx.catch_up_index(budget)?);
                // One log's damage does not keep the others' indexes behind.
                match read_realm(realm.clone(), feed).await {
                    Ok(through) => {
                        fed.indexes += 1;
                        fed.behind |= through < head;
                    }
                    Err(error) => {
                        tracing::error!(log = %realm.owner, %error, "search index is not fed");
                    }
                }
            }
            if let Err(error) = note_lost_index(&realm).await {
                tracing::error!(log = %realm.owner, %error, "a lost search index is not recorded");
            }
        }
        Ok(fed)
    }

    /// Records that a realm's search index had to be thrown away, if it had.
    pub(crate) async fn note_lost_index(&self, realm: Realm) -> Result<(), DoorError> {
        note_lost_index(&self.realm(realm).await?).await
    }

    /// Empties every WAL and closes the files, after the last request.
    pub async fn shut_down(&self) {
        self.flush_denials(true).await;
        let open =
            std::mem::take(&mut *self.inner.open.lock().unwrap_or_else(PoisonError::into_inner));
        for realm in open.values().filter_map(|cell| cell.get()) {
            realm.database.close();
        }
        self.inner.platform.database.close();
    }
}
