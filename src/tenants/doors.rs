//! The doors themselves.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::boot::Ground;
use super::denials::Denials;
use super::idempotency::{self, IdempotencyKey};
use super::idle::{Cell, Closing};
use super::looks::Looks;
use super::realm::OpenRealm;
use super::registry::Registry;
use super::replace::Restoring;
use super::tx::{ReadTx, WriteTx};
use super::{AuditEvents, DoorError, ReadOnly, Tenant, Turns};
use crate::audit::event::Actor;
use crate::audit::{AuditLog, Event};
use crate::authz::permission::HoldManage;
use crate::authz::{
    Caller, Denied, Flag, Grant, Permission, Realm, TenantState, Withdraws, Writes, authorize,
};
use crate::kernel::id::TenantId;
use crate::store::{Job, Outcome, RawWriteTx, StoreError};

/// All tenants and the platform, behind doors.
#[derive(Clone)]
pub struct Tenants {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub ground: Ground,
    pub platform: Arc<OpenRealm>,
    pub registry: Registry,
    pub denials: Denials,
    /// In recovery mode: nothing is destroyed that a backup target would have to hear of.
    pub keeps_keys: AtomicBool,
    /// Held by who changes a tenant's state, until the registry says the same as the file.
    pub changing: tokio::sync::Mutex<()>,
    /// Tenants whose files are being replaced.
    pub restoring: Restoring,
    pub looks: Looks,
    /// Who stopped all changes, while that lasts; the platform's file is the truth.
    pub read_only: RwLock<Option<Arc<ReadOnly>>>,
    /// Verifications of logs.
    pub verifying: Turns,
    pub open: Mutex<HashMap<TenantId, Cell>>,
    pub closing: Closing,
}

/// What was read, and the number of the entry that records the reading.
#[derive(Debug)]
pub struct Disclosed<T> {
    pub value: T,
    pub entry: u64,
}

/// What a write answered, and the entries that record it.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Written<T> {
    pub value: T,
    pub first_entry: u64,
    pub last_entry: u64,
}

impl Tenants {
    /// The grant for `P`, or the reason against it, which the caller's own log records.
    ///
    /// # Errors
    /// [`Denied`]; an unknown tenant and a foreign one are told apart by nothing.
    pub async fn authorize<P: Permission>(
        &self,
        caller: &Arc<Caller>,
        tenant: &str,
        route: &str,
    ) -> Result<(Grant<P>, Tenant), Denied> {
        let found = self.inner.registry.find(tenant);
        let result = match &found {
            Some(tenant) => authorize::<P>(caller, Realm::Tenant(tenant.id), tenant.state),
            None => Err(Denied::OtherRealm),
        };
        match (result, found) {
            (Ok(grant), Some(tenant)) => Ok((grant, tenant)),
            (result, _) => {
                let denied = result.err().unwrap_or(Denied::OtherRealm);
                self.record_denial(caller, denied, route, tenant).await;
                Err(denied)
            }
        }
    }

    /// The same for the platform itself.
    pub async fn authorize_platform<P: Permission>(
        &self,
        caller: &Arc<Caller>,
        route: &str,
    ) -> Result<Grant<P>, Denied> {
        match authorize::<P>(caller, Realm::Platform, TenantState::Active) {
            Ok(grant) => Ok(grant),
            Err(denied) => {
                self.record_denial(caller, denied, route, "platform").await;
                Err(denied)
            }
        }
    }

    /// Reads what needs no audit entry.
    pub async fn read<P, T, E>(
        &self,
        grant: &Grant<P>,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        P: Permission,
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(grant.realm()).await?;
        read_realm(realm, f).await
    }

    /// Reads and records it: the result is released after its entry is durable, in a frozen tenant
    /// too.
    pub async fn disclose<P, T, E>(
        &self,
        grant: &Grant<P>,
        f: impl FnOnce(&ReadTx<'_>) -> Result<(T, Event), E> + Send + 'static,
    ) -> Result<Disclosed<T>, E>
    where
        P: Permission,
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(grant.realm()).await?;
        let (value, event) = read_realm(realm.clone(), f).await?;
        let entry = append(&realm, Some(grant.caller().clone()), event).await?;
        Ok(Disclosed { value, entry })
    }

    /// Changes data; the change and its entries land together or not at all.
    ///
    /// `f` may be run more than once and must have no effect outside of the transaction.
    pub async fn write<P, T, E>(
        &self,
        grant: &Grant<P>,
        f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        P: Writes,
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        self.takes(P::FLAG)?;
        let realm = self.realm(grant.realm()).await?;
        let (gate, caller) = (self.gate(grant.realm()), grant.caller().clone());
        // A hold keeps a closed tenant from being destroyed: it can be lifted from the machine.
        let lifts = P::FLAG == Flag::HoldManage && caller.principal.tenant().is_none();
        let gate = move || match gate() {
            Err(Denied::OtherRealm) if lifts => Ok(()),
            other => other,
        };
        if let Err(denied) = gate() {
            self.record_denial(&caller, denied, P::FLAG.name(), "").await;
            return Err(DoorError::from(denied).into());
        }
        let tenants = self.clone();
        let gate = move || gate().map_err(DoorError::from).and_then(|()| tenants.takes(P::FLAG));
        write_realm(realm, Some(caller), gate, f).await
    }

    /// Takes rights away, and records it: in a frozen tenant too, and for somebody with a shell on
    /// the machine in a suspended one, because that is when it is needed most.
    pub async fn withdraw<P, T, E>(
        &self,
        grant: &Grant<P>,
        f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        P: Withdraws,
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(grant.realm()).await?;
        let (gate, caller) = (self.gate(grant.realm()), grant.caller().clone());
        let outside = caller.principal.tenant().is_none();
        let gate = move || match gate() {
            Err(Denied::Frozen) => Ok(()),
            Err(Denied::Suspended) if outside => Ok(()),
            other => other.map_err(DoorError::from),
        };
        write_realm(realm, Some(caller), gate, f).await
    }

    /// Keeps something from being deleted, and records it: in a frozen tenant and in read-only mode
    /// too, because that is when it is needed most.
    pub(crate) async fn preserve_once<T, E>(
        &self,
        grant: &Grant<HoldManage>,
        key: Option<IdempotencyKey>,
        f: impl Fn(&mut WriteTx<'_, HoldManage>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(grant.realm()).await?;
        let (gate, caller) = (self.gate(grant.realm()), Some(grant.caller().clone()));
        let outside = grant.caller().principal.tenant().is_none();
        let gate = move || match gate() {
            Err(Denied::Frozen) => Ok(()),
            // A hold keeps a closed tenant from being destroyed.
            Err(Denied::OtherRealm) if outside => Ok(()),
            other => other.map_err(DoorError::from),
        };
        let Some(key) = key else { return write_realm(realm, caller, gate, f).await };
        let principal = idempotency::principal(grant);
        let write = write_realm(realm, caller, gate, idempotency::once(principal, key, f));
        Ok(idempotency::first(write.await?))
    }

    /// [`write`](Self::write), at most once for an idempotency key: a repeated call gets the first answer.
    pub async fn write_once<P, T, E>(
        &self,
        grant: &Grant<P>,
        key: Option<IdempotencyKey>,
        f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
    ) -> Result<Written<T>, E>
    where
        P: Writes,
        T: Serialize + DeserializeOwned + Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let Some(key) = key else { return self.write(grant, f).await };
        idempotency::write_once(self, grant, key, f).await
    }

    /// What a write must find open when it runs: the tenant's state may change while it waits.
    pub(super) fn gate(&self, realm: Realm) -> impl Fn() -> Result<(), Denied> + Send + 'static {
        let inner = self.inner.clone();
        move || match realm {
            Realm::Platform => Ok(()),
            Realm::Tenant(id) => match inner.registry.state(id) {
                Some(TenantState::Active) => Ok(()),
                Some(TenantState::Frozen) => Err(Denied::Frozen),
                Some(TenantState::Suspended) => Err(Denied::Suspended),
                Some(TenantState::Closed) | None => Err(Denied::OtherRealm),
            },
        }
    }

    /// Entries in the realm's log, as far as this process has seen it grow; from memory.
    pub async fn log_size<P: Permission>(&self, grant: &Grant<P>) -> Result<u64, DoorError> {
        Ok(self.realm(grant.realm()).await?.log_size.load(Ordering::Relaxed))
    }

    /// The open files of a realm, opened now if need be.
    pub(super) async fn realm(&self, realm: Realm) -> Result<Arc<OpenRealm>, DoorError> {
        let Realm::Tenant(id) = realm else { return Ok(self.inner.platform.clone()) };
        // Tokens name tenants before anything is proven: an unknown one must leave no trace.
        if self.inner.registry.state(id).is_none() {
            return Err(Denied::OtherRealm.into());
        }
        let cell = {
            let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            if self.inner.restoring.holds(id) {
                return Err(DoorError::Restoring);
            }
            open.entry(id).or_default().clone()
        };
        let realm = match cell.get().cloned() {
            Some(realm) => realm,
            // Goes on to its end, and holds the cell until then, when whoever asked goes away: a
            // file that is being opened by nobody that one sees would be opened twice.
            None => {
                let opened = tokio::spawn(open(self.inner.clone(), id, cell)).await;
                opened.map_err(|_| StoreError::Panicked)??
            }
        };
        realm.touch();
        Ok(realm)
    }
}

async fn open(inner: Arc<Inner>, id: TenantId, cell: Cell) -> Result<Arc<OpenRealm>, StoreError> {
    let opened = cell.get_or_try_init(|| async move {
        let open = move || {
            inner.make_room(0);
            inner.closing.wait(id)?;
            inner.ground.open_tenant(&inner.platform, id)
        };
        let opened = tokio::task::spawn_blocking(open).await;
        opened.unwrap_or(Err(StoreError::Panicked)).map(Arc::new)
    });
    opened.await.cloned()
}

pub(super) async fn read_realm<T, E>(
    realm: Arc<OpenRealm>,
    f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DoorError> + Send + 'static,
{
    let behind = realm.clone();
    let result = realm.database.read(move |raw| f(&ReadTx { raw, realm: &behind })).await;
    result.map_err(DoorError::from)?
}

/// Appends one entry by itself.
pub(super) async fn append(
    realm: &Arc<OpenRealm>,
    caller: Option<Arc<Caller>>,
    event: Event,
) -> Result<u64, DoorError> {
    let open = || Ok(());
    let written = write_realm(realm.clone(), caller, open, move |_: &mut WriteTx<'_, ()>| {
        Ok::<_, DoorError>(((), event.clone().into()))
    });
    Ok(written.await?.last_entry)
}

/// Queues a write with the realm's writer and waits until it is durable.
pub(super) async fn write_realm<P, T, E>(
    realm: Arc<OpenRealm>,
    caller: Option<Arc<Caller>>,
    gate: impl Fn() -> Result<(), DoorError> + Send + 'static,
    f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
) -> Result<Written<T>, E>
where
    P: 'static,
    T: Send + 'static,
    E: From<DoorError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let result = Arc::new(Mutex::new(None));
    let slot = result.clone();
    let (behind, grown) = (realm.clone(), realm.clone());
    let (size, posts) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (appended, posted) = (size.clone(), posts.clone());
    let run = move |raw: &mut RawWriteTx<'_>, log: &mut AuditLog| {
        let outcome = gate()
            .map_err(E::from)
            .and_then(|()| attempt(raw, log, &behind, caller.as_deref(), &posted, &f));
        let kept = outcome.is_ok();
        appended.store(log.size(), Ordering::Relaxed);
        let spoiled = raw.spoiled();
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        spoiled.map_or(Ok(kept), Err)
    };
    let done = move |outcome| {
        if matches!(outcome, Outcome::Committed) {
            grown.committed(size.load(Ordering::Relaxed));
            if posts.load(Ordering::Relaxed) {
                grown.posted();
            }
        }
        drop(grown);
        let _ = answer.send(outcome); // the caller may have gone away; the write stands
    };
    let job = Job { run: Box::new(run), done: Box::new(done) };
    realm.database.submit(job).map_err(DoorError::from)?;
    match answered.await.unwrap_or(Outcome::Failed(StoreError::OutcomeUnknown)) {
        Outcome::Failed(error) => Err(DoorError::from(error).into()),
        Outcome::Committed | Outcome::RolledBack => {
            let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
            result.unwrap_or_else(|| Err(DoorError::Store(StoreError::Panicked).into()))
        }
    }
}

/// Runs one write inside its savepoint and appends its entries.
fn attempt<P, T, E: From<DoorError>>(
    raw: &mut RawWriteTx<'_>,
    log: &mut AuditLog,
    realm: &OpenRealm,
    caller: Option<&Caller>,
    posted: &AtomicBool,
    f: &impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E>,
) -> Result<Written<T>, E> {
    let first_entry = log.size() + 1;
    let before = raw.total_changes();
    let (raw_tx, permission) = (raw.reborrow(), PhantomData);
    let mut tx =
        WriteTx { raw: raw_tx, realm, first_entry, bookkeeping: 0, posted: false, permission };
    let result = f(&mut tx);
    posted.store(tx.posted, Ordering::Relaxed);
    let (bookkeeping, spoiled) = (tx.bookkeeping, tx.raw.spoiled());
    raw.absorb(spoiled);
    let (value, events) = result?;
    if events.len() == 0 && raw.total_changes().saturating_sub(before) > bookkeeping {
        return Err(DoorError::Unaudited.into());
    }
    append_all(raw, log, realm, caller, events).map_err(|error| E::from(error.into()))?;
    let last_entry = log.size();
    if last_entry >= first_entry {
        log.note_clock(raw).map_err(|error| E::from(DoorError::from(error)))?;
    }
    Ok(Written { value, first_entry, last_entry })
}

fn append_all(
    raw: &mut RawWriteTx<'_>,
    log: &mut AuditLog,
    realm: &OpenRealm,
    caller: Option<&Caller>,
    events: AuditEvents,
) -> Result<(), StoreError> {
    if let Some(payloads) = &events.reported {
        log.append_payloads(raw, payloads)?;
    }
    for mut event in events.own {
        let subject = caller.and_then(|caller| stamp(&mut event, caller, realm));
        log.append(raw, event, subject)?;
    }
    Ok(())
}

/// Writes down who asked, from where. An event that names its actor itself keeps it.
///
/// A platform administrator's name stays out of a tenant's log: their key, under which it could be
/// erased, is not there. The id is enough to find them in the platform's log.
fn stamp(
    event: &mut Event,
    caller: &Caller,
    realm: &OpenRealm,
) -> Option<crate::kernel::id::KeyId> {
    let mut actor = caller.principal.actor();
    if caller.principal.tenant().is_none() && !realm.platform {
        (actor.name, actor.subject) = (None, None);
    }
    event.request_id = Some(caller.request.id.to_string());
    event.ip = caller.request.ip.map(|ip| ip.to_canonical());
    event.user_agent.clone_from(&caller.request.user_agent);
    event.actor = Some(Actor {
        name: actor.name,
        role: Some(actor.role),
        ..Actor::new(actor.kind, actor.id)
    });
    actor.subject
}
