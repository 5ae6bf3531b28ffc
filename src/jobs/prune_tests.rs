//! The nightly run: what is past its retention goes, and what is left is found and proven.

use std::sync::Arc;
use std::time::Duration;

use super::prune_logs::JOB;
use super::runner::Runner;
use super::*;
use crate::audit::proof::Prover;
use crate::audit::{pruning, read};
use crate::authz::Realm;
use crate::authz::permission::{
    AuditExport, AuditIngest, AuditRead, HoldManage, RetentionManage, RetentionRead,
};
use crate::kernel::clock::ManualClock;
use crate::kernel::id::{HoldId, LogId};
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::retention::holds::{self, HoldScope, NewHold};
use crate::store::{Sql, StoreError};
use crate::tenants::{DoorError, StateChange, Tenant};
use crate::testing::TestServer;
use crate::trail::export::{self, ExportError, ExportFormat, ExportRequest};
use crate::trail::{self, SearchRequest, TrailError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct House {
    clock: Arc<ManualClock>,
    server: TestServer,
    runner: Runner,
    tenant: Tenant,
}

impl House {
    /// A tenant with 600 entries that are three years old, a checkpoint over them, and 300 new ones.
    async fn new() -> Self {
        let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let (runner, tenant) = (Runner::new(&server.app()), server.tenant("acme").await);
        let house = Self { clock, server, runner, tenant };
        house.ingest("made.old", 600).await;
        house.run("audit.checkpoint").await;
        house.clock.advance(3 * 365 * DAY);
        house.ingest("made.new", 300).await;
        house.run("audit.index").await;
        house
    }

    async fn run(&self, job: &str) {
        let job = JOBS.iter().find(|one| one.name == job).unwrap();
        assert_eq!(self.runner.run(job).await, Some(RunState::Succeeded), "{}", job.name);
    }

    async fn ingest(&self, action: &str, count: u64) {
        let grant = self.server.grant::<AuditIngest>(&self.tenant).await;
        let event = |n| format!(r#"{{"action":"{action}","customFields":{{"n":"number{n}"}}}}"#);
        let events: Vec<_> = (0..count).map(event).collect();
        let body = format!("[{}]", events.join(","));
        let (tenants, tenant) = (&self.server.tenants, &self.tenant);
        trail::ingest(tenants, &grant, tenant, body.into_bytes().into(), None).await.unwrap();
    }

    async fn keep_for(&self, days: u32) {
        let grant = self.server.grant::<RetentionManage>(&self.tenant).await;
        trail::set_retention(&self.server.tenants, &grant, days).await.unwrap();
    }

    async fn found(&self, q: &str) -> usize {
        let grant = self.server.grant::<AuditRead>(&self.tenant).await;
        let request = SearchRequest { q: q.into(), limit: Some(1000), ..SearchRequest::default() };
        trail::search(&self.server.tenants, &grant, request).await.unwrap().value.items.len()
    }

    async fn entry(&self, seq: u64) -> Result<trail::Entry, TrailError> {
        let grant = self.server.grant::<AuditRead>(&self.tenant).await;
        Ok(trail::entry(&self.server.tenants, &grant, seq).await?.value)
    }

    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&crate::tenants::ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let realm = Realm::Tenant(self.tenant.id);
        let read = self.server.tenants.credentials(realm, |tx| Ok::<_, DoorError>(f(tx)?));
        read.await.unwrap()
    }

    async fn rows(&self) -> u64 {
        self.read(|tx| tx.count("SELECT count(*) FROM audit_entries", &[])).await
    }
}

#[tokio::test]
async fn what_is_past_its_retention_goes_and_what_is_left_is_found_and_proven() {
    let house = House::new().await;
    house.run(JOB.name).await;
    assert_eq!(house.found("action:made.old").await, 600, "seven years are not over");
    house.keep_for(731).await;
    let grant = house.server.grant::<RetentionRead>(&house.tenant).await;
    let tenants = &house.server.tenants;
    let before = trail::retention(tenants, &grant, None).await.unwrap();
    assert!(before.due >= 600, "{before:?}");
    let root = house.read(|tx| Ok(Prover::of_log(tx)?.root(700).unwrap())).await;

    house.run(JOB.name).await;
    let after = trail::retention(tenants, &grant, None).await.unwrap();
    assert_eq!((after.removed_through, after.due), (before.due, 0), "{after:?}");
    for q in ["action:made.old", "number599", ""] {
        assert!(house.found(q).await <= 400, "{q}");
    }
    assert_eq!(house.found("action:made.old").await, 0);
    assert_eq!(house.found("action:made.new").await, 300);
    assert_eq!(house.found("action:audit.pruned").await, 1);
    let gone = house.entry(5).await;
    let Err(TrailError::Removed { seq: 5, through, hash }) = gone else { panic!("{gone:?}") };
    assert_eq!(through, before.due);
    assert!(house.entry(through + 1).await.is_ok());
    let proven = house.read(move |tx| {
        let prover = Prover::of_log(tx)?;
        let path = prover.inclusion(5, 700).unwrap();
        Ok(crate::audit::proof::verify_inclusion(5, hash, 700, prover.root(700).unwrap(), &path))
    });
    assert!(proven.await);
    assert_eq!(house.read(|tx| Ok(Prover::of_log(tx)?.root(700).unwrap())).await, root);
    assert_eq!(house.rows().await, house.read(|tx| read::size(tx)).await - through);
    let verified = house.server.verify(&house.tenant).await;
    assert!(verified.ok, "{verified:?}");
    // An index that is built anew knows nothing of it either.
    house
        .read(|tx| {
            tx.drop_index();
            Ok(())
        })
        .await;
    assert_eq!(house.found("action:made.old").await, 0);
    assert_eq!(house.found("action:made.new").await, 300);
    assert_eq!(house.found("number5").await, 1);
}

fn whole_log() -> ExportRequest {
    ExportRequest { format: ExportFormat::Jsonl, q: String::new(), from: None, to: None, log: None }
}

#[tokio::test]
async fn a_run_that_was_killed_is_taken_up_by_the_next() {
    let house = House::new().await;
    house.keep_for(731).await;
    let grant = house.server.grant::<RetentionManage>(&house.tenant).await;
    let tenants = &house.server.tenants;
    let cut = trail::cut_log(tenants, &grant).await.unwrap().unwrap();
    trail::prune_index(tenants, &grant).await.unwrap();
    let mut pace = trail::Pace::default();
    let removed = trail::remove_rows(tenants, &grant, &mut pace).await.unwrap();
    assert!(removed.rows > 0 && removed.rows < cut.through, "{removed:?}");
    // Killed here. The rows that are left are gone for whoever exports the log, too.
    assert_eq!(house.found("action:made.old").await, 0);
    let request = whole_log();
    let operator = house.server.operator();
    let (exporter, _) = tenants.authorize::<AuditExport>(&operator, "acme", "test").await.unwrap();
    let mut exported = export::export_small(tenants, &exporter, request).await.unwrap();
    let first = exported.next().await.unwrap().unwrap();
    let next = format!(r#"{{"seq":{},"#, cut.through + 1);
    assert!(String::from_utf8(first).unwrap().starts_with(&next), "an entry before the cut");
    assert!(house.server.verify(&house.tenant).await.ok);
    house.run(JOB.name).await;
    assert!(!house.read(|tx| pruning::is_unfinished(tx)).await);
    assert!(house.server.verify(&house.tenant).await.ok);
    assert_eq!(house.found("action:made.new").await, 300);
}

#[tokio::test]
async fn a_frozen_tenants_log_stays_as_it_is() {
    let house = House::new().await;
    house.keep_for(731).await;
    house.server.change_state(&house.tenant, StateChange::Freeze).await;
    house.run(JOB.name).await;
    assert_eq!(house.found("action:made.old").await, 600);
}

#[tokio::test]
async fn a_clock_that_leapt_ahead_removes_nothing_before_it_has_gone_on_for_a_week() {
    let house = House::new().await;
    house.run(JOB.name).await;
    house.keep_for(731).await;
    // A machine that comes up in another century.
    house.clock.advance(80 * 365 * DAY);
    house.ingest("made.later", 1).await;
    for day in 0..7 {
        house.run(JOB.name).await;
        assert_eq!(house.found("action:made.old").await, 600, "day {day}");
        house.clock.advance(DAY);
    }
    house.run(JOB.name).await;
    assert_eq!(house.found("action:made.old").await, 0);
}

impl House {
    /// Takes the tenant back to before its last entries, so that its log ends and another begins.
    async fn restore(&self) -> LogId {
        let (tenants, id) = (&self.server.tenants, self.tenant.id);
        let stage = tenants.stage(self.server.runtime.id(), id).await.unwrap();
        self.server.copy_tenant(&self.tenant, &stage.database()).await;
        self.ingest("made.lost", 1).await;
        stage.check(&std::collections::BTreeMap::new()).unwrap();
        stage.put().await.unwrap().past.unwrap().id
    }

    fn past_file(&self, log: LogId) -> std::path::PathBuf {
        let data = self.server.data_dir().join("tenants").join(self.tenant.id.to_string());
        data.join("logs").join(format!("{log}.db"))
    }

    async fn hold(&self) -> HoldId {
        let grant = self.server.grant::<HoldManage>(&self.tenant).await;
        let hold = NewHold {
            scope: HoldScope::Tenant,
            target: None,
            reason: "Case 7".into(),
            ends_at: None,
            review_at: None,
        };
        holds::set(&self.server.tenants, &grant, hold, None).await.unwrap().id
    }

    async fn lift(&self, hold: HoldId) {
        let grant = self.server.grant::<HoldManage>(&self.tenant).await;
        holds::lift(&self.server.tenants, &grant, hold, "The case is over").await.unwrap();
    }

    /// The nightly run, after a month in which somebody did something.
    async fn next_month(&self) {
        self.clock.advance(30 * DAY);
        self.ingest("made.later", 1).await;
        self.run(JOB.name).await;
    }
}

#[tokio::test]
async fn a_log_from_before_a_restore_goes_when_all_of_it_is_past_its_retention() {
    let house = House::new().await;
    let log = house.restore().await;
    house.keep_for(731).await;
    for _ in 0..24 {
        house.next_month().await;
        assert!(house.past_file(log).exists(), "its youngest entry is not past its retention");
    }
    let before = house.server.verify_past(&house.tenant).await;
    house.next_month().await;

    assert!(!house.past_file(log).exists());
    assert_eq!(house.found(&format!("action:audit.pruned resource:{log}")).await, 1);
    let after = house.server.verify_past(&house.tenant).await;
    assert!(after[0].ok && after[0].removed.is_some(), "{after:?}");
    assert_eq!((after[0].size, after[0].root), (before[0].size, before[0].root));
    let (operator, tenants) = (house.server.operator(), &house.server.tenants);
    let (exporter, _) = tenants.authorize::<AuditExport>(&operator, "acme", "test").await.unwrap();
    let request = ExportRequest { log: Some(log), ..whole_log() };
    let exported = export::export_small(tenants, &exporter, request).await;
    assert!(matches!(exported, Err(ExportError::NoLog)), "it is gone for everybody");

    // Its file comes back with an old backup; that it was removed is known all the same.
    std::fs::write(house.past_file(log), "from a backup").unwrap();
    house.restore().await;
    assert!(house.server.verify_past(&house.tenant).await.iter().all(|past| past.ok));
    house.run(JOB.name).await;
    assert!(!house.past_file(log).exists());
}

#[tokio::test]
async fn a_hold_keeps_the_logs_from_before_restores_and_so_does_damage() {
    let house = House::new().await;
    let log = house.restore().await;
    house.keep_for(731).await;
    let hold = house.hold().await;
    for _ in 0..26 {
        house.next_month().await;
    }
    assert!(house.past_file(log).exists(), "held");
    house.lift(hold).await;
    let whole = std::fs::read(house.past_file(log)).unwrap();
    std::fs::write(house.past_file(log), &whole[..whole.len() / 2]).unwrap();
    house.next_month().await;
    assert!(house.past_file(log).exists(), "somebody has to look into it");
    std::fs::write(house.past_file(log), &whole).unwrap();
    house.next_month().await;
    assert!(!house.past_file(log).exists());
}
