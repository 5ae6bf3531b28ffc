//! Checkpoints that come by themselves, and what the log says about its clock.

use std::sync::Arc;
use std::time::Duration;

use super::{DoorError, ReadTx, SystemWrite, Tenant};
use crate::args;
use crate::audit::checkpoint::{self, Stored};
use crate::audit::{Event, catalogue};
use crate::authz::Realm;
use crate::kernel::clock::ManualClock;
use crate::kernel::{Clock, Runtime, Timestamp};
use crate::store::{Sql, StoreError};
use crate::testing::TestServer;

const DAY: Duration = Duration::from_secs(86_400);

async fn start() -> (Arc<ManualClock>, TestServer, Tenant) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
    let server = TestServer::start_with(Runtime { clock: clock.clone(), ..Runtime::system() });
    let tenant = server.tenant("acme").await;
    (clock, server, tenant)
}

async fn happen(server: &TestServer, tenant: &Tenant) {
    let event = Event::new(catalogue::LOGIN_FAILED);
    server.tenants.record(Realm::Tenant(tenant.id), event).await.unwrap();
}

async fn read<T: Send + 'static>(
    server: &TestServer,
    tenant: &Tenant,
    f: impl FnOnce(&ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let realm = Realm::Tenant(tenant.id);
    server.tenants.credentials(realm, |tx| Ok::<_, DoorError>(f(tx)?)).await.unwrap()
}

async fn sizes(server: &TestServer, tenant: &Tenant) -> Vec<u64> {
    let list = read(server, tenant, |tx| checkpoint::list(tx, None, 1000)).await;
    list.into_iter().map(|stored| stored.size).collect()
}

#[tokio::test]
async fn a_log_that_grew_is_signed_and_one_that_did_not_is_left_alone() {
    let (_, server, tenant) = start().await;
    happen(&server, &tenant).await;
    server.tenants.checkpoint_logs().await.unwrap();
    let signed = sizes(&server, &tenant).await;
    assert_eq!(signed.len(), 1, "{signed:?}");
    assert_eq!(server.tenants.checkpoint_logs().await.unwrap(), 0);
    happen(&server, &tenant).await;
    assert_eq!(server.tenants.checkpoint_logs().await.unwrap(), 1);
    assert_eq!(sizes(&server, &tenant).await, [signed[0] + 1, signed[0]]);
    let found = server.verify(&tenant).await;
    let excluded = found.excluded_by.unwrap();
    assert_eq!((found.ok, found.checkpoints, excluded.size), (true, 2, signed[0] + 1));
}

#[tokio::test]
async fn after_ninety_days_one_checkpoint_a_day_is_left_and_all_that_others_may_hold() {
    let (clock, server, tenant) = start().await;
    let now = clock.now();
    let realm = Realm::Tenant(tenant.id);
    let put = server.tenants.system_write(realm, SystemWrite::Checkpoint, move |tx| {
        // Four a day over a hundred days, long before the log's own.
        for n in 0..400 {
            let time = now.minus(DAY * 100).plus(DAY / 4 * n);
            let size = 1_000_000 + u64::from(n);
            let (root, note) = (crate::audit::leaf::Hash::ZERO, String::new());
            checkpoint::insert(tx, &Stored { size, root, time, note, kept: n == 1 })?;
        }
        Ok(())
    });
    put.await.unwrap();
    server.tenants.checkpoint_logs().await.unwrap();
    let days = read(&server, &tenant, move |tx| {
        let sql = "SELECT time / 86400000000, count(*), max(kept) FROM checkpoints
                   WHERE size >= 1000000 GROUP BY 1 ORDER BY 1";
        tx.query(sql, args![], |row| {
            Ok((row.get::<i64>(0)?, row.get::<u64>(1)?, row.get::<i64>(2)?))
        })
    })
    .await;
    let recent = now.minus(DAY * 90).as_micros() / 86_400_000_000;
    for (day, left, kept) in days {
        let expected = 1 + u64::from(kept == 1);
        assert!(day >= recent || left == expected, "{left} are left of day {day}");
        assert!(day <= recent || left >= 2, "{left} are left of day {day}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_an_entry_once_and_the_logs_time_stands_still() {
    let (clock, server, tenant) = start().await;
    clock.advance(Duration::from_secs(60));
    happen(&server, &tenant).await;
    let last = clock.now();
    clock.jump(-1_000_000);
    happen(&server, &tenant).await;
    clock.jump(-9_000_000);
    happen(&server, &tenant).await;
    happen(&server, &tenant).await;
    let said = |entries: &[crate::audit::view::EntryView]| {
        entries.iter().filter(|entry| entry.action == "clock.set_back").count()
    };
    let entries = server.entries(&tenant).await;
    assert_eq!(said(&entries), 1, "{entries:?}");
    let back = entries.iter().find(|entry| entry.action == "clock.set_back").unwrap();
    assert_eq!((back.custom_fields["behindSeconds"].as_u64(), back.time), (Some(10), last));
    assert!(entries.iter().is_sorted_by_key(|entry| entry.time));

    clock.advance(Duration::from_secs(60));
    happen(&server, &tenant).await;
    clock.jump(-20_000_000);
    happen(&server, &tenant).await;
    assert_eq!(said(&server.entries(&tenant).await), 2, "a second time is a second entry");
}

#[tokio::test]
async fn a_jump_that_stopped_the_log_is_an_entry_once_it_goes_on() {
    let (clock, server, tenant) = start().await;
    happen(&server, &tenant).await;
    clock.jump(600_000_000);
    let refused =
        server.tenants.record(Realm::Tenant(tenant.id), Event::new(catalogue::LOGIN_FAILED));
    assert!(matches!(refused.await, Err(DoorError::Store(StoreError::ClockJump))));
    clock.jump(-600_000_000);
    happen(&server, &tenant).await;
    happen(&server, &tenant).await;
    let entries = server.entries(&tenant).await;
    assert_eq!(entries.iter().filter(|entry| entry.action == "clock.jump").count(), 1);
    assert!(server.verify(&tenant).await.ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_grows_while_it_is_signed_and_verified_raises_no_false_alarm() {
    let (_, server, tenant) = start().await;
    let realm = Realm::Tenant(tenant.id);
    let grow = |tenants: super::Tenants| async move {
        for _ in 0..40 {
            let event = Event::new(catalogue::LOGIN_FAILED);
            tenants.record(realm, event).await.unwrap();
            tenants.checkpoint(realm).await.unwrap();
        }
    };
    let growing: Vec<_> = (0..4).map(|_| tokio::spawn(grow(server.tenants.clone()))).collect();
    while growing.iter().any(|task| !task.is_finished()) {
        let found = server.verify(&tenant).await;
        assert!(found.ok, "{found:?}");
    }
    for task in growing {
        task.await.unwrap();
    }
    let entries = server.entries(&tenant).await;
    assert!(entries.iter().all(|entry| entry.action != "checkpoint.contradicted"));
    let found = server.verify(&tenant).await;
    assert_eq!(found.excluded_by.map(|by| by.size), Some(found.size));
}
