//! A closed tenant is shut at once, can be taken back within its grace, and after it nothing is left
//! but a certificate, wherever the process was killed.

use std::sync::Arc;
use std::time::Duration;

use super::destroy::Steps;
use super::*;
use crate::audit::note::Note;
use crate::authz::permission::{AuditIngest, HoldManage, TenantClose, TenantCreate, TenantRead};
use crate::authz::{Denied, Grant, Realm, TenantState};
use crate::kernel::clock::ManualClock;
use crate::kernel::id::{HoldId, RestoreId};
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::store::SqlMut;
use crate::tenants::{
    AuditEvents, DoorError, NewTenant, StateChange, Tenant, TenantError, create, root_of,
};
use crate::testing::TestServer;
use crate::trail;
use crate::{args, audit};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const GRACE: Duration = DAY.saturating_mul(23);

struct House {
    clock: Arc<ManualClock>,
    server: TestServer,
    grant: Grant<TenantClose>,
    tenant: Tenant,
}

impl House {
    async fn open() -> Self {
        let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let operator = server.operator();
        let grant = server.tenants.authorize_platform(&operator, "test").await.unwrap();
        let tenant = server.tenant("acme").await;
        let house = Self { clock, server, grant, tenant };
        // The job has run since the start.
        house.run().await;
        house
    }

    async fn close(&self) -> Closing {
        let tenants = &self.server.tenants;
        close(tenants, &self.grant, "acme", "acme", "the contract ended", GRACE).await.unwrap()
    }

    async fn run(&self) -> Destroyed {
        destroy_due(&self.server.tenants, &self.grant, "tenants.destroy", None).await.unwrap()
    }

    async fn closing(&self, id: crate::kernel::id::ClosingId) -> Closing {
        let grant = self.platform::<TenantRead>().await;
        find(&self.server.tenants, &grant, id).await.unwrap()
    }

    async fn platform<P: crate::authz::Permission>(&self) -> Grant<P> {
        let operator = self.server.operator();
        self.server.tenants.authorize_platform(&operator, "test").await.unwrap()
    }

    fn state(&self) -> Option<TenantState> {
        self.server.tenants.tenant_by_id(self.tenant.id).map(|tenant| tenant.state)
    }

    fn directory(&self) -> std::path::PathBuf {
        self.server.data_dir().join("tenants").join(self.tenant.id.to_string())
    }

    async fn platform_actions(&self) -> Vec<String> {
        let entries = self.server.entries_of(Realm::Platform).await;
        entries.into_iter().map(|entry| entry.action).collect()
    }

    /// Everything is gone and said to be.
    async fn assert_destroyed(&self, id: crate::kernel::id::ClosingId) {
        let closing = self.closing(id).await;
        assert_eq!(closing.state, ClosingState::Destroyed, "{closing:?}");
        assert!(!self.directory().exists() && self.state().is_none());
        assert!(self.server.tenants.tenant("acme").is_none());
        let note = Note::parse(closing.certificate.as_deref().unwrap()).unwrap();
        note.verify(&self.server.tenants.notary().verifier()).unwrap();
        let key = root_of(self.tenant.id);
        assert!(note.text().contains(&format!("\nkey {key}\n")), "{}", note.text());
        let ledger = std::fs::read_to_string(self.server.data_dir().join("erasures.log")).unwrap();
        assert_eq!(ledger.matches(&key.to_string()).count(), 1, "{ledger}");
        assert!(!self.server.tenants.destroy_tenant_root(self.tenant.id, "test").await.unwrap());
        let actions = self.platform_actions().await;
        let destroyed = actions.iter().filter(|action| *action == "tenant.destroyed").count();
        assert_eq!(destroyed, 1, "{actions:?}");
    }
}

#[tokio::test]
async fn closing_shuts_everybody_out_at_once_and_says_so_in_both_logs() {
    let house = House::open().await;
    let before = house.server.try_grant::<AuditIngest>(&house.tenant).await.unwrap();
    let closing = house.close().await;
    assert_eq!(closing.due_at.since(closing.closed_at), GRACE);
    assert_eq!(house.state(), Some(TenantState::Closed));
    let shut = house.server.try_grant::<AuditIngest>(&house.tenant).await;
    assert!(matches!(shut, Err(Denied::Suspended)));
    // A request that had its grant before.
    let tenants = &house.server.tenants;
    let late = trail::ingest(
        tenants,
        &before,
        &house.tenant,
        b"{\"action\":\"a.b\"}".to_vec().into(),
        None,
    );
    assert!(late.await.is_err());
    let own: Vec<_> = house.server.entries(&house.tenant).await;
    assert!(own.iter().any(|entry| entry.action == "account.closed"));
    assert!(house.platform_actions().await.contains(&"account.closed".to_owned()));
    let again = close(tenants, &house.grant, "acme", "acme", "again", GRACE).await;
    assert!(matches!(again, Err(ClosingError::Closed)));
}

#[tokio::test]
async fn it_wants_the_short_name_typed() {
    let house = House::open().await;
    let wrong = close(&house.server.tenants, &house.grant, "acme", "Acme", "why", GRACE).await;
    assert!(matches!(wrong, Err(ClosingError::Confirmation)));
    assert_eq!(house.state(), Some(TenantState::Active));
}

#[tokio::test]
async fn it_can_be_taken_back_and_is_then_as_it_was() {
    for before in [TenantState::Active, TenantState::Frozen, TenantState::Suspended] {
        let house = House::open().await;
        match before {
            TenantState::Frozen => {
                drop(house.server.change_state(&house.tenant, StateChange::Freeze).await)
            }
            TenantState::Suspended => {
                drop(house.server.change_state(&house.tenant, StateChange::Suspend).await)
            }
            _ => {}
        }
        let closing = house.close().await;
        house.clock.advance(GRACE - DAY);
        assert_eq!(house.run().await, Destroyed::default());
        reopen(&house.server.tenants, &house.grant, "acme").await.unwrap();
        assert_eq!(house.state(), Some(before));
        house.clock.advance(DAY * 9);
        assert_eq!(house.run().await, Destroyed::default());
        assert_eq!(house.closing(closing.id).await.state, ClosingState::Reopened);
        let twice = reopen(&house.server.tenants, &house.grant, "acme").await;
        assert!(matches!(twice, Err(ClosingError::NotClosed)));
        assert_eq!(
            house.server.entries(&house.tenant).await.last().unwrap().action,
            "tenant.reopened"
        );
    }
}

#[tokio::test]
async fn after_its_grace_nothing_is_left_but_a_certificate() {
    let house = House::open().await;
    let other = house.server.tenant("globex").await;
    let closing = house.close().await;
    house.clock.advance(GRACE);
    assert_eq!(house.run().await, Destroyed { destroyed: 1, ..Destroyed::default() });
    house.assert_destroyed(closing.id).await;
    assert_eq!(house.run().await, Destroyed::default());
    let gone = reopen(&house.server.tenants, &house.grant, "acme").await;
    assert!(matches!(gone, Err(ClosingError::Tenant(TenantError::NotFound))));
    assert!(house.server.verify(&other).await.ok);
    let read = house.server.tenants.credentials(Realm::Platform, move |tx| {
        Ok::<_, DoorError>(is_destroyed(tx, house.tenant.id)?)
    });
    assert!(read.await.unwrap());
}

#[tokio::test]
async fn a_wrong_clock_at_the_start_destroys_nothing_and_a_right_one_goes_on() {
    let house = House::open().await;
    let closing = house.close().await;
    house.server.tenants.forget_looks();
    let ahead = i64::try_from(GRACE.as_micros()).unwrap();
    house.clock.jump(ahead);
    for _ in 0..3 {
        assert_eq!(house.run().await, Destroyed::default());
    }
    assert!(house.directory().exists());
    house.clock.jump(-ahead);
    house.clock.advance(GRACE);
    assert_eq!(house.run().await.destroyed, 1);
    house.assert_destroyed(closing.id).await;
}

#[tokio::test]
async fn nothing_is_left_of_the_state_before_a_restore_either() {
    let house = House::open().await;
    let (id, tenant) = (house.server.runtime.id::<RestoreId>(), house.tenant.id);
    let before = house.server.data_dir().join("restored").join(id.to_string()).join("before");
    std::fs::create_dir_all(&before).unwrap();
    std::fs::write(before.join("tenant.db"), "old data").unwrap();
    let set = house.server.tenants.system_write(
        Realm::Platform,
        crate::tenants::SystemWrite::Expiry,
        move |tx| {
            let sql = "INSERT INTO restores (id, tenant, state, moment, backup, target, started)
                       VALUES ($1, $2, 'restored', 1, '', '', 1)";
            Ok(tx.execute(sql, args![id, tenant])?)
        },
    );
    set.await.unwrap();
    house.close().await;
    house.clock.advance(GRACE);
    assert_eq!(house.run().await.destroyed, 1);
    assert!(!before.exists());
}

#[tokio::test]
async fn one_that_was_interrupted_is_completed_by_the_next() {
    for done in 1..=4 {
        let house = House::open().await;
        let closing = house.close().await;
        house.clock.advance(GRACE);
        let tenants = &house.server.tenants;
        let now = house.server.runtime.now();
        let stored = tenants
            .read(&house.grant, move |tx| Ok::<_, ClosingError>(repo::due(tx, now)?.remove(0)));
        let steps = Steps { tenants, grant: &house.grant, job: "test" };
        steps.begin(stored.await.unwrap()).await.unwrap().unwrap();
        if done > 1 {
            tenants.close_files(house.tenant.id).await.unwrap();
        }
        if done > 2 {
            tenants.destroy_tenant_root(house.tenant.id, "tenant destroyed").await.unwrap();
        }
        if done > 3 {
            tenants.remove_files(house.tenant.id).await.unwrap();
        }
        assert_eq!(house.run().await.destroyed, 1, "after step {done}");
        house.assert_destroyed(closing.id).await;
    }
}

#[tokio::test]
async fn a_legal_hold_keeps_it_until_it_is_lifted() {
    let house = House::open().await;
    let hold: HoldId = house.server.runtime.id();
    let set = |sql: &'static str| {
        let (tenants, id) = (house.server.tenants.clone(), house.tenant.id);
        async move {
            let written = tenants.system_write(
                Realm::Tenant(id),
                crate::tenants::SystemWrite::Expiry,
                move |tx| Ok(tx.execute(sql, args![hold])?),
            );
            written.await.unwrap();
        }
    };
    set("INSERT INTO legal_holds (id, scope, reason, details, created)
         VALUES ($1, 'tenant', x'00', x'00', 1)")
    .await;
    let closing = house.close().await;
    house.clock.advance(GRACE + DAY);
    assert_eq!(house.run().await, Destroyed { held: 1, ..Destroyed::default() });
    assert!(house.closing(closing.id).await.held && house.directory().exists());
    // Somebody with a shell can lift it, though the tenant takes no other change.
    let operator = house.server.operator();
    let grant = house.server.tenants.authorize::<HoldManage>(&operator, "acme", "test").await;
    let (grant, _) = grant.unwrap();
    let lifted = house.server.tenants.write(&grant, move |tx| {
        tx.execute("UPDATE legal_holds SET lifted = 2 WHERE id = $1", args![hold])?;
        let event = audit::Event::new(audit::catalogue::HOLD_LIFTED);
        Ok::<_, DoorError>(((), event.into()))
    });
    lifted.await.unwrap();
    assert_eq!(house.run().await.destroyed, 1);
    house.assert_destroyed(closing.id).await;
}

#[tokio::test]
async fn its_short_name_is_not_given_away_while_backups_may_be_there() {
    let house = House::open().await;
    let closing = house.close().await;
    house.clock.advance(GRACE);
    house.run().await;
    let set = house.server.tenants.system_write(
        Realm::Platform,
        crate::tenants::SystemWrite::Expiry,
        move |tx| {
            let until = tx.runtime().now().plus(DAY);
            let sql = "UPDATE closings SET data_until = $1 WHERE id = $2";
            Ok(tx.execute(sql, args![until, closing.id])?)
        },
    );
    set.await.unwrap();
    let grant = house.platform::<TenantCreate>().await;
    let anew = || async {
        let new = NewTenant { slug: "acme".parse().unwrap(), name: "Acme".to_owned() };
        let tenants = &house.server.tenants;
        create(tenants, &grant, new, |_, _| Ok::<_, TenantError>(AuditEvents::none())).await
    };
    assert!(matches!(anew().await, Err(TenantError::Reserved)));
    house.clock.advance(DAY);
    assert_ne!(anew().await.unwrap().id, house.tenant.id);
}
