//! Streams inside a real installation: idle, frozen and suspended tenants, bad receivers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::supervisor::Supervisor;
use super::*;
use crate::audit::view::EntryView;
use crate::authz::Realm;
use crate::authz::permission::{AuditIngest, AuditStream, AuditStreamRead};
use crate::config;
use crate::kernel::clock::ManualClock;
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::tenants::{StateChange, Tenant};
use crate::testing::TestServer;
use crate::trail;

#[path = "../../tests/integration/receiver.rs"]
mod receiver;

use receiver::{Manner, Receiver};

struct House {
    server: TestServer,
    streams: Streams,
    supervisor: Option<Supervisor>,
    clock: Arc<ManualClock>,
}

impl House {
    fn open() -> Self {
        let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let allowed_addresses = vec!["127.0.0.1".parse().unwrap()];
        let settings = config::Streams { allowed_addresses, parallel: 2, ..Default::default() };
        let streams = Streams::new(&server.tenants, &settings);
        let supervisor = Some(streams.start());
        Self { server, streams, supervisor, clock }
    }

    async fn stream(&self, tenant: &Tenant, receiver: &Receiver) -> Stream {
        let destination = json!({ "type": "http", "url": receiver.url() });
        let new = json!({ "name": "SIEM", "destination": destination });
        let grant = self.server.grant::<AuditStream>(tenant).await;
        create(&self.streams, &grant, serde_json::from_value(new).unwrap(), None).await.unwrap()
    }

    /// Appends events; answers with the number of the last.
    async fn events(&self, tenant: &Tenant, count: usize) -> u64 {
        let grant = self.server.grant::<AuditIngest>(tenant).await;
        let body = json!(vec![json!({ "action": "order.placed" }); count]).to_string();
        let placed = trail::ingest(&self.server.tenants, &grant, tenant, body.into(), None);
        placed.await.unwrap().last_seq
    }

    async fn stop(&mut self) {
        self.supervisor.take().unwrap().shutdown().await;
    }

    async fn entries(&self, tenant: &Tenant) -> Vec<EntryView> {
        self.server.entries_of(Realm::Tenant(tenant.id)).await
    }

    /// Closes what nobody uses; answers how many tenants stay open.
    async fn close_idle(&self) -> usize {
        for _ in 0..200 {
            self.clock.advance(Duration::from_secs(301));
            self.server.tenants.close_idle();
            if self.server.tenants.open_count() == 0 {
                return 0;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.server.tenants.open_count()
    }
}

#[tokio::test]
async fn a_stream_keeps_no_idle_tenant_open_and_misses_nothing_of_it() {
    let mut house = House::open();
    let tenant = house.server.tenant("acme").await;
    house.server.tenant("globex").await;
    let receiver = Receiver::start().await;
    house.stream(&tenant, &receiver).await;
    let last = house.events(&tenant, 10).await;
    receiver.has_all(last).await;
    assert_eq!(house.close_idle().await, 0, "the stream holds its tenant open");
    let last = house.events(&tenant, 10).await;
    receiver.has_all(last).await;
    assert_eq!(house.close_idle().await, 0);

    house.stop().await;
    let last = house.events(&tenant, 10).await;
    assert_eq!(house.close_idle().await, 0);
    house.supervisor = Some(house.streams.start());
    receiver.has_all(last).await;
    assert!(house.server.tenants.open_count() <= 1, "a tenant without streams was opened");
}

#[tokio::test]
async fn a_frozen_tenants_stream_goes_on_and_a_suspended_ones_waits() {
    let house = House::open();
    let tenant = house.server.tenant("acme").await;
    let receiver = Receiver::start().await;
    let stream = house.stream(&tenant, &receiver).await;
    house.server.change_state(&tenant, StateChange::Freeze).await;
    let frozen = house.entries(&tenant).await.len() as u64;
    receiver.has_all(frozen).await;
    house.server.change_state(&tenant, StateChange::Suspend).await;
    let suspended = house.entries(&tenant).await.len() as u64;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!receiver.seqs().contains(&suspended), "a suspended tenant's entry was sent");
    house.server.change_state(&tenant, StateChange::Resume).await;
    let last = house.entries(&tenant).await.len() as u64;
    receiver.has_all(last).await;
    let grant = house.server.grant::<AuditStreamRead>(&tenant).await;
    let seen = find(&house.streams, &grant, stream.id).await.unwrap();
    assert_eq!(seen.delivery.skipped_entries, 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_costs_its_own_stream_alone_and_one_that_babbles_nothing() {
    let house = House::open();
    let (acme, globex) = (house.server.tenant("acme").await, house.server.tenant("globex").await);
    let (hanging, other) = (Receiver::start().await, Receiver::start().await);
    hanging.behave(Manner::Hang);
    house.stream(&acme, &hanging).await;
    house.stream(&globex, &other).await;
    house.events(&acme, 100).await;
    let last = house.events(&globex, 100).await;
    other.has_all(last).await;
    other.behave(Manner::Babble);
    let last = house.events(&globex, 1).await;
    let grant = house.server.grant::<AuditStreamRead>(&globex).await;
    for _ in 0..200 {
        let all = list(&house.streams, &grant).await.unwrap();
        if all[0].delivery.through == last {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("an answer that never ends is never taken for one");
}

#[tokio::test]
async fn batches_shrink_until_the_receiver_takes_them() {
    let house = House::open();
    let tenant = house.server.tenant("acme").await;
    let receiver = Receiver::start().await;
    receiver.behave(Manner::AtMost(8 * 1024));
    let last = house.events(&tenant, 400).await;
    house.stream(&tenant, &receiver).await;
    receiver.has_all(last).await;
    let largest = receiver.taken().iter().map(|request| request.body.len()).max();
    assert!(largest <= Some(8 * 1024));
}

#[tokio::test]
async fn there_is_an_end_to_the_number_of_streams() {
    let house = House::open();
    let tenant = house.server.tenant("acme").await;
    let receiver = Receiver::start().await;
    for _ in 0..crate::kernel::limits::STREAMS_PER_LOG {
        house.stream(&tenant, &receiver).await;
    }
    let destination = json!({ "type": "http", "url": receiver.url() });
    let new = json!({ "name": "One more", "destination": destination });
    let grant = house.server.grant::<AuditStream>(&tenant).await;
    let made = create(&house.streams, &grant, serde_json::from_value(new).unwrap(), None).await;
    assert!(matches!(made, Err(StreamError::TooMany(_))));
}
