//! What the doors promise over a real data directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{
    AuditEvents, Boot, BootError, DoorError, IdempotencyKey, NewTenant, StateChange, Tenant,
    TenantError, Tenants, change_state, create,
};
use crate::args;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{
    ConversationCreate, TenantCreate, TenantState as TenantStatePermission,
};
use crate::authz::{Caller, Denied, Grant, Principal, Realm, RequestContext, Role};
use crate::config::Settings;
use crate::kernel::Runtime;
use crate::kernel::clock::ManualClock;
use crate::kernel::{Timestamp, id};
use crate::store::{Sql, SqlMut, StoreError};

pub(super) struct House {
    directory: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) runtime: Runtime,
    pub(super) tenants: Tenants,
}

fn settings(directory: &std::path::Path) -> Settings {
    let mut settings = Settings::default();
    settings.store.data_dir = directory.to_owned();
    settings
}

impl House {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path());
        set(&mut settings);
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let runtime = Runtime { clock: clock.clone(), ..Runtime::system() };
        let boot = Boot::open(&settings, &runtime).unwrap();
        Self { directory, clock, runtime, tenants: boot.tenants }
    }

    pub(super) fn caller(&self, principal: Principal) -> Arc<Caller> {
        let request = RequestContext::local(self.runtime.id());
        Arc::new(Caller { principal, request })
    }

    pub(super) fn operator(&self) -> Arc<Caller> {
        self.caller(Principal::LocalOperator { uid: 0 })
    }

    pub(super) async fn tenant(&self, slug: &str) -> Result<Tenant, TenantError> {
        let grant: Grant<TenantCreate> =
            self.tenants.authorize_platform(&self.operator(), "test").await.unwrap();
        let new = NewTenant { slug: slug.parse()?, name: slug.to_owned() };
        let seed = |_: &mut super::WriteTx<'_, _>, _| Ok::<_, TenantError>(AuditEvents::none());
        create(&self.tenants, &grant, new, seed).await
    }

    async fn grant(&self, tenant: &Tenant) -> Grant<ConversationCreate> {
        let id: id::ApiKeyId = self.runtime.id();
        let caller = self.caller(Principal::ApiKey {
            tenant: tenant.id,
            id,
            name: "test".into(),
            rights: Role::Owner.into(),
        });
        self.tenants.authorize(&caller, tenant.slug.as_str(), "test").await.unwrap().0
    }

    pub(super) async fn change(&self, tenant: &Tenant, change: StateChange) -> Tenant {
        let grant: Grant<TenantStatePermission> =
            self.tenants.authorize_platform(&self.operator(), "test").await.unwrap();
        change_state(&self.tenants, &grant, tenant.slug.as_str(), change).await.unwrap()
    }

    pub(super) async fn log_size(&self, tenant: &Tenant) -> u64 {
        let verified = self.tenants.credentials(Realm::Tenant(tenant.id), |tx| {
            Ok::<_, DoorError>(tx.verify_log(&|_, _| ())?)
        });
        let verification = verified.await.unwrap();
        assert!(verification.ok, "{verification:?}");
        verification.size
    }
}

fn key(hash: u8) -> Option<IdempotencyKey> {
    Some(IdempotencyKey::new("POST /x", "key-1", [hash; 32]).unwrap())
}

fn entry() -> AuditEvents {
    Event::new(catalogue::TENANT_CREATED).into()
}

#[tokio::test]
async fn a_repeated_call_gets_the_first_answer_and_leaves_no_second_entry() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let call = |hash| {
        let runs = runs.clone();
        house.tenants.write_once(&grant, key(hash), move |_| {
            Ok::<_, DoorError>((runs.fetch_add(1, Ordering::SeqCst), entry()))
        })
    };
    let first = call(1).await.unwrap();
    let size = house.log_size(&tenant).await;
    let again = call(1).await.unwrap();
    assert_eq!((first.value, first.first_entry), (again.value, again.first_entry));
    assert_eq!(first.last_entry, again.last_entry);
    assert_eq!(house.log_size(&tenant).await, size);
    assert!(matches!(call(2).await, Err(DoorError::IdempotencyMismatch)));
    assert_eq!(house.log_size(&tenant).await, size);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn calls_with_one_key_at_the_same_time_run_once() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let size = house.log_size(&tenant).await;
    let call = || {
        let (tenants, grant) = (house.tenants.clone(), grant.clone());
        tokio::spawn(async move {
            let run = |_: &mut super::WriteTx<'_, _>| Ok::<_, DoorError>((7_u32, entry()));
            tenants.write_once(&grant, key(1), run).await
        })
    };
    let calls: Vec<_> = (0..30).map(|_| call()).collect();
    for answer in calls {
        assert_eq!(answer.await.unwrap().unwrap().first_entry, size + 1);
    }
    assert_eq!(house.log_size(&tenant).await, size + 1);
}

#[tokio::test]
async fn a_keyed_call_that_changes_nothing_needs_no_entry_and_a_failed_one_leaves_no_answer() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let nothing = |_: &mut super::WriteTx<'_, _>| Ok::<_, DoorError>((1_u32, AuditEvents::none()));
    let fail = |_: &mut super::WriteTx<'_, _>| {
        Err::<(u32, AuditEvents), _>(DoorError::Store(StoreError::Constraint("no".into())))
    };
    assert!(house.tenants.write_once(&grant, key(1), fail).await.is_err());
    assert_eq!(house.tenants.write_once(&grant, key(1), nothing).await.unwrap().value, 1);
}

#[tokio::test]
async fn a_change_without_an_entry_is_stopped() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let plain =
        "INSERT INTO idempotency (principal, route, key, body_hash, row_id, answer, created)
                 VALUES ($1, 'r', 'k', $2, $3, 'x', $4)";
    let write = house.tenants.write(&grant, move |tx| {
        let (a, b) = ("a".to_owned(), [1_u8; 16]);
        tx.execute(plain, args![&a, b.as_slice(), b.as_slice(), 1_i64])?;
        Ok::<_, DoorError>(((), AuditEvents::none()))
    });
    assert!(matches!(write.await, Err(DoorError::Unaudited)));
    // Nor does a change get by that is made by asking for a row.
    let write = house.tenants.write(&grant, move |tx| {
        let (a, b) = ("a".to_owned(), [1_u8; 16]);
        let sql = format!("{plain} RETURNING created");
        let args = args![&a, b.as_slice(), b.as_slice(), 1_i64];
        tx.query_one(&sql, args, |row| row.get::<i64>(0))?;
        Ok::<_, DoorError>(((), AuditEvents::none()))
    });
    assert!(matches!(write.await, Err(DoorError::Unaudited)));
    let sql = "SELECT count(*) FROM idempotency";
    let left = house.tenants.read(&grant, move |tx| Ok::<_, DoorError>(tx.count(sql, &[])?));
    assert_eq!(left.await.unwrap(), 0);
}

#[tokio::test]
async fn a_frozen_tenant_takes_no_write_even_from_a_grant_given_before() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let write = || house.tenants.write(&grant, |_| Ok::<_, DoorError>(((), entry())));
    write().await.unwrap();
    house.change(&tenant, StateChange::Freeze).await;
    assert!(matches!(write().await, Err(DoorError::Denied(Denied::Frozen))));
    house.change(&tenant, StateChange::Unfreeze).await;
    write().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_file_and_registry_in_agreement() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let other = house.tenant("other");
    let _ = tokio::time::timeout(Duration::from_micros(50), other).await;
    let _ =
        tokio::time::timeout(Duration::from_micros(50), house.change(&tenant, StateChange::Freeze))
            .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let inside =
        house.tenants.inner.platform.database.read_here(|tx| super::list::all(tx)).unwrap();
    for tenant in inside.unwrap() {
        assert_eq!(house.tenants.tenant_by_id(tenant.id).unwrap().state, tenant.state);
    }
}

#[tokio::test]
async fn tokens_that_name_unknown_tenants_leave_nothing_behind() {
    let house = House::new();
    for _ in 0..10 {
        let realm = Realm::Tenant(house.runtime.id());
        let read = house.tenants.credentials(realm, |_| Ok::<_, DoorError>(()));
        assert!(matches!(read.await, Err(DoorError::Denied(Denied::OtherRealm))));
    }
    assert_eq!(house.tenants.inner.open.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_lost_files_are_not_made_anew() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    for _ in 0..300 {
        house.tenants.write(&grant, |_| Ok::<_, DoorError>(((), entry()))).await.unwrap();
    }
    let size = house.log_size(&tenant).await;
    let House { directory, clock, runtime, tenants } = house;
    let locked = Boot::open(&settings(directory.path()), &runtime).map(|_| ());
    assert!(matches!(locked, Err(BootError::Store(StoreError::Locked(_)))));
    tenants.shut_down().await;
    drop((tenants, grant));
    let again = Boot::open(&settings(directory.path()), &runtime).unwrap();
    let house = House { directory, clock, runtime, tenants: again.tenants };
    assert_eq!(house.log_size(&tenant).await, size);
    let House { directory, runtime, tenants, .. } = house;
    tenants.shut_down().await;
    drop(tenants);
    let file = directory.path().join("tenants").join(tenant.id.to_string()).join("tenant.db");
    std::fs::remove_file(&file).unwrap();
    let again = Boot::open(&settings(directory.path()), &runtime).unwrap();
    let error = again.tenants.realm(Realm::Tenant(tenant.id)).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("tenant.db is missing"), "{error}");
    again.tenants.shut_down().await;
    drop(again);
    std::fs::remove_file(directory.path().join("platform.db")).unwrap();
    let error = Boot::open(&settings(directory.path()), &runtime).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("platform.db is missing"), "{error}");
}

#[tokio::test]
async fn a_tenants_log_names_the_platforms_administrator_who_acted_on_it_by_id_alone() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let subject = house.tenants.new_subject(Realm::Platform).await.unwrap();
    let (id, session, name) = (house.runtime.id(), house.runtime.id(), "Ada".to_owned());
    let admin = house.caller(Principal::PlatformAdmin {
        id,
        session,
        subject,
        name,
        role: Role::PlatformAdmin,
    });
    let authorized = house.tenants.authorize_platform::<TenantStatePermission>(&admin, "test");
    let grant = authorized.await.unwrap();
    change_state(&house.tenants, &grant, "acme", StateChange::Freeze).await.unwrap();
    let size = house.log_size(&tenant).await;
    let entry = house.tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        let mut opener = crate::audit::read::Opener::new(tx, super::ReadTx::shared_keys(tx))?;
        Ok::<_, DoorError>(crate::audit::read::entries(tx, &mut opener, &[size])?)
    });
    let entry = entry.await.unwrap().remove(0);
    let actor = entry.actor.unwrap();
    assert_eq!(entry.action, "tenant.frozen");
    assert_eq!((actor.id, actor.name), (id.to_string(), None));
}

/// Connections that this process has to the tenant's database. Each opens the WAL for itself; the
/// file stays open for the next connection, as a lock on it would be lost with any of its handles.
fn connections(house: &House, tenant: &Tenant) -> usize {
    let id = tenant.id.to_string();
    let file = house.directory.path().join("tenants").join(id).join("tenant.db-wal");
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter(|handle| {
        std::fs::read_link(handle.as_ref().unwrap().path()).ok() == Some(file.clone())
    })
    .count()
}

#[tokio::test]
async fn a_quiet_tenant_stays_open_and_keeps_its_writer_alone() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let grant = house.grant(&tenant).await;
    let size = || async { house.tenants.log_size(&grant).await.unwrap() };
    let before = size().await;
    house.tenants.close_idle();
    assert!(connections(&house, &tenant) > 1, "it was used just now");
    house.clock.advance(super::idle::QUIET);
    house.tenants.close_idle();
    assert_eq!((house.tenants.open_count(), connections(&house, &tenant)), (1, 1));
    assert_eq!(size().await, before);
}

#[tokio::test]
async fn no_more_tenants_are_open_than_the_limit_however_fast_they_are_asked_for() {
    let house = House::with(|settings| settings.store.open_tenants = 3);
    let mut tenants = Vec::new();
    for number in 0..8 {
        tenants.push(house.tenant(&format!("tenant-{number}")).await.unwrap());
    }
    for tenant in tenants.iter().chain(&tenants) {
        house.clock.advance(Duration::from_millis(1));
        house.log_size(tenant).await;
        let open = house.tenants.open_count();
        assert!(open <= 3, "{open} are open");
    }
    // The one that was used last is among them.
    assert!(connections(&house, &tenants[7]) > 0);
    assert_eq!(connections(&house, &tenants[0]), 0);
}
