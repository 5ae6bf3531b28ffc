use std::sync::Arc;
use std::time::Duration;

use super::runner::Runner;
use super::*;
use crate::app::App;
use crate::args;
use crate::audit::view::EntryView;
use crate::authn::{self, Credentials};
use crate::authz::permission::{
    ConversationCreate, PlatformJobControl, PlatformJobRead, TenantCreate, UserCreate,
};
use crate::authz::{Grant, Principal, Realm, RequestContext, Role};
use crate::conversations::{self, NewConversation, NewDataSubject};
use crate::kernel::clock::ManualClock;
use crate::kernel::id::KeyId;
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::provision::tenant_with_owner;
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, NewTenant, RealmTx, SystemWrite, Tenant};
use crate::testing::TestServer;
use crate::users::{self, NewMember};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

static LONG: Job = Job {
    name: "test.long",
    run: |context| Box::pin(async { context.pause(DAY).await.map(|()| Summary::default()) }),
    ..verify_logs::JOB
};

static PANICS: Job = Job {
    name: "test.panics",
    run: |_| Box::pin(async { panic!("on purpose") }),
    ..verify_logs::JOB
};

fn job(name: &str) -> &'static Job {
    JOBS.iter().find(|job| job.name == name).unwrap()
}

fn manual() -> (Arc<ManualClock>, TestServer) {
    let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
    (clock, TestServer::start_with(runtime))
}

/// Waits until the job has run.
async fn succeeded(app: &App, server: &TestServer, job: &str) {
    for _ in 0..3_000 {
        if status(app, server, job).await.state == Some(RunState::Succeeded) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{job} did not run: {:?}", status(app, server, job).await.state);
}

async fn status(app: &App, server: &TestServer, job: &str) -> JobStatus {
    let (id, session) = (server.runtime.id(), server.runtime.id());
    let (subject, name) = (server.runtime.id(), "Ada".to_owned());
    let admin = server.caller(Principal::PlatformAdmin {
        id,
        session,
        subject,
        name,
        role: Role::PlatformAdmin,
    });
    let grant = app.tenants.authorize_platform::<PlatformJobRead>(&admin, "test").await.unwrap();
    let all = list(&app.tenants, &grant, chrono_tz::Tz::UTC).await.unwrap();
    all.into_iter().find(|status| status.name == job).unwrap()
}

/// Names of the entries about a job in the platform's log.
async fn recorded(server: &TestServer, job: &str) -> Vec<String> {
    let about =
        |entry: &EntryView| entry.resource.as_ref().is_some_and(|resource| resource.id == job);
    let entries = server.entries_of(Realm::Platform).await;
    entries.into_iter().filter(about).map(|entry| entry.action).collect()
}

#[tokio::test]
async fn a_run_leaves_its_start_and_end_in_the_platforms_log() {
    let (_, server) = manual();
    let app = server.app();
    server.tenant("acme").await;
    let runner = Runner::new(&app);
    assert_eq!(status(&app, &server, "audit.verify").await.state, None);
    assert_eq!(runner.run(job("audit.verify")).await, Some(RunState::Succeeded));
    assert_eq!(recorded(&server, "audit.verify").await, ["job.started", "job.completed"]);
    let status = status(&app, &server, "audit.verify").await;
    assert_eq!(status.state, Some(RunState::Succeeded));
    assert!(status.summary.unwrap().starts_with("logs: 2, entries: "));
    assert_eq!(status.next_run, Timestamp::parse("2026-11-23T03:30:00Z"));
}

#[tokio::test]
async fn housekeeping_leaves_no_entries_and_one_run() {
    let (clock, server) = manual();
    let (app, before) = (server.app(), server.entries_of(Realm::Platform).await.len());
    let runner = Runner::new(&app);
    for _ in 0..3 {
        assert_eq!(runner.run(job("api-keys.flush-use")).await, Some(RunState::Succeeded));
        clock.advance(Duration::from_secs(61));
    }
    assert_eq!(server.entries_of(Realm::Platform).await.len(), before);
    let runs = server.tenants.credentials(Realm::Platform, |tx| {
        Ok::<_, DoorError>(tx.count("SELECT count(*) FROM job_runs", &[])?)
    });
    assert_eq!(runs.await.unwrap(), 1);
}

#[tokio::test]
async fn a_job_never_runs_twice_at_once_and_ends_when_the_server_stops() {
    let server = TestServer::start();
    let runner = Arc::new(Runner::new(&server.app()));
    let first = tokio::spawn({
        let runner = runner.clone();
        async move { runner.run(&LONG).await }
    });
    while recorded(&server, LONG.name).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(runner.run(&LONG).await, None);
    runner.stop();
    assert_eq!(first.await.unwrap(), Some(RunState::Interrupted));
    assert_eq!(recorded(&server, LONG.name).await, ["job.started", "job.failed"]);
    assert_eq!(runner.run(&LONG).await, None);
}

async fn operator(app: &App, server: &TestServer) -> Grant<PlatformJobControl> {
    let operator = server.operator();
    app.tenants.authorize_platform::<PlatformJobControl>(&operator, "test").await.unwrap()
}

#[tokio::test]
async fn a_cancelled_run_ends_at_its_next_step_and_is_shown_as_cancelled() {
    let server = TestServer::start();
    let runner = Arc::new(Runner::new(&server.app()));
    let begun = runner.begin(&LONG, Origin::Operator).unwrap();
    let run = tokio::spawn({
        let runner = runner.clone();
        async move { runner.carry_out(begun).await }
    });
    assert!(runner.begin(&LONG, Origin::Schedule).is_none());
    runner.going(LONG.name).unwrap().cancel.send_replace(true);
    assert_eq!(run.await.unwrap(), Some(RunState::Cancelled));
    assert!(runner.going(LONG.name).is_none());
    assert_eq!(recorded(&server, LONG.name).await, ["job.started", "job.failed"]);
}

#[tokio::test]
async fn somebody_starts_a_job_and_the_log_says_who_wanted_it_before_it_ran() {
    let server = TestServer::start();
    let app = server.app();
    let grant = operator(&app, &server).await;
    let name = "subject-keys.sweep";
    let not_yet = start_now(&app.jobs, &app.tenants, &grant, name).await;
    assert!(matches!(not_yet, Err(ControlError::NotServing)));
    let scheduler = start(&app).await.unwrap();
    start_now(&app.jobs, &app.tenants, &grant, name).await.unwrap();
    succeeded(&app, &server, name).await;
    let entries = recorded(&server, name).await;
    assert_eq!(entries, ["job.requested", "job.started", "job.completed"]);
    let unknown = start_now(&app.jobs, &app.tenants, &grant, "no.such-job").await;
    assert!(matches!(unknown, Err(ControlError::Unknown)));
    let idle = cancel(&app.jobs, &app.tenants, &grant, name).await;
    assert!(matches!(idle, Err(ControlError::Idle)));
    scheduler.shutdown().await;
}

#[tokio::test]
async fn a_changed_schedule_counts_without_a_restart_and_is_an_entry() {
    let (clock, server) = manual();
    let app = server.app();
    let grant = operator(&app, &server).await;
    let scheduler = start(&app).await.unwrap();
    let name = "audit.verify";
    let change = async |cron: Option<&str>, enabled| {
        schedule(&app.jobs, &app.tenants, &grant, name, cron, enabled).await
    };
    for bad in ["", "every day", "30 3 * * *", "*/5 * * * * *", "0 0 0 31 2 *"] {
        assert!(matches!(change(Some(bad), true).await, Err(ControlError::Schedule)), "{bad}");
    }
    assert!(!change(None, true).await.unwrap());
    assert!(change(Some("0 30 5 * * *"), true).await.unwrap());
    let next = status(&app, &server, name).await.next_run;
    assert_eq!(next, Timestamp::parse("2026-11-22T05:30:00Z"));
    clock.advance(Duration::from_secs(24 * 60));
    succeeded(&app, &server, name).await;
    assert!(change(None, false).await.unwrap());
    assert_eq!(status(&app, &server, name).await.next_run, None);
    assert!(change(None, true).await.unwrap());
    let entries = recorded(&server, name).await;
    let scheduled = entries.iter().filter(|entry| *entry == "job.scheduled");
    assert_eq!(scheduled.count(), 3);
    scheduler.shutdown().await;
}

#[tokio::test]
async fn what_keeps_the_house_running_is_neither_switched_off_nor_cancelled() {
    let server = TestServer::start();
    let app = server.app();
    let grant = operator(&app, &server).await;
    for job in JOBS.iter().filter(|job| job.is_vital()) {
        let off = schedule(&app.jobs, &app.tenants, &grant, job.name, None, false).await;
        assert!(matches!(off, Err(ControlError::Vital)), "{}", job.name);
        let cancelled = cancel(&app.jobs, &app.tenants, &grant, job.name).await;
        assert!(matches!(cancelled, Err(ControlError::Vital)), "{}", job.name);
    }
}

static TALKS: Job = Job {
    name: "audit.verify",
    run: |context| {
        Box::pin(async {
            context.say("looking at acme");
            Ok(Summary(vec![("logs", 1)]))
        })
    },
    ..verify_logs::JOB
};

#[tokio::test]
async fn what_a_job_says_is_kept_with_its_run_and_not_in_clear() {
    let server = TestServer::start();
    let app = server.app();
    assert_eq!(Runner::new(&app).run(&TALKS).await, Some(RunState::Succeeded));
    let operator = server.operator();
    let grant = app.tenants.authorize_platform::<PlatformJobRead>(&operator, "test").await.unwrap();
    let (_, all, said) =
        runs(&app.tenants, &grant, job("audit.verify"), None, chrono_tz::Tz::UTC).await.unwrap();
    assert_eq!((all.len(), all[0].origin), (1, Origin::Schedule));
    let (run, said) = said.unwrap();
    assert_eq!(run, all[0].id);
    assert!(said.ends_with("looking at acme\n"), "{said}");
    let stored = server.tenants.credentials(Realm::Platform, |tx| {
        let sql = "SELECT output FROM job_runs";
        Ok::<_, DoorError>(tx.query(sql, &[], |row| row.get::<Vec<u8>>(0))?)
    });
    let stored = stored.await.unwrap();
    assert!(!String::from_utf8_lossy(&stored[0]).contains("acme"));
}

#[tokio::test]
async fn a_job_that_breaks_off_is_a_failed_run() {
    let server = TestServer::start();
    let runner = Runner::new(&server.app());
    assert_eq!(runner.run(&PANICS).await, Some(RunState::Failed));
    assert_eq!(runner.run(&PANICS).await, Some(RunState::Failed));
}

#[tokio::test]
async fn a_run_that_its_process_did_not_live_to_end_is_shown_as_interrupted() {
    let (_, server) = manual();
    let app = server.app();
    let (run, now) = (server.runtime.id(), server.runtime.now());
    let write = server.tenants.system_write(Realm::Platform, SystemWrite::JobProgress, move |tx| {
        repo::start(tx, run, "audit.verify", now, Origin::Schedule)?;
        Ok(repo::progress(tx, run, 3, 9)?)
    });
    write.await.unwrap();
    assert_eq!(status(&app, &server, "audit.verify").await.progress, Some((3, 9)));
    Runner::new(&app).recover().await.unwrap();
    assert_eq!(recorded(&server, "audit.verify").await, ["job.failed"]);
    let status = status(&app, &server, "audit.verify").await;
    assert_eq!((status.state, status.progress), (Some(RunState::Interrupted), None));
    assert!(status.error.unwrap().contains("killed"));
}

#[test]
fn a_time_that_passed_while_nothing_ran_is_caught_up_with() {
    let schedule = Schedule::parse("0 30 3 * * *", chrono_tz::Tz::UTC).unwrap();
    let time = |text: &str| Timestamp::parse(text).unwrap();
    let now = time("2026-11-22T05:06:07Z");
    let missed = |last| scheduler::missed(&schedule, last, now);
    assert!(missed(Some(time("2026-11-21T03:30:00Z"))));
    assert!(!missed(Some(time("2026-11-22T03:30:01Z"))));
    assert!(!missed(None));
}

#[tokio::test]
async fn sessions_past_their_time_are_deleted() {
    let (clock, server) = manual();
    let app = server.app();
    let tenant = with_owner(&app, &server).await;
    let grant = server.grant::<UserCreate>(&tenant).await;
    let member = NewMember {
        name: "Grace".into(),
        email: "grace@example.org".into(),
        password: "correct horse battery".to_owned().into(),
        role: Role::Operator.to_string(),
    };
    users::create(&app.tenants, &app.hasher, &grant, member).await.unwrap();
    let sign_in = || async {
        let password = "correct horse battery".to_owned().into();
        let credentials = Credentials { email: "grace@example.org".into(), password };
        let request = RequestContext::local(server.runtime.id());
        authn::sign_in(
            &app.tenants,
            &app.hasher,
            &tenant,
            credentials,
            authn::Client::Browser,
            request,
        )
        .await
        .unwrap();
    };
    let sessions = || async {
        let count = server.tenants.credentials(Realm::Tenant(tenant.id), |tx| {
            Ok::<_, DoorError>(tx.count("SELECT count(*) FROM sessions", &[])?)
        });
        count.await.unwrap()
    };
    sign_in().await;
    clock.advance(Duration::from_secs(29 * 60));
    sign_in().await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(sessions().await, 2);
    assert_eq!(Runner::new(&app).run(job("sessions.expire")).await, Some(RunState::Succeeded));
    assert_eq!(sessions().await, 1);
}

async fn with_owner(app: &App, server: &TestServer) -> Tenant {
    let operator = server.operator();
    let grant = app.tenants.authorize_platform::<TenantCreate>(&operator, "test").await.unwrap();
    let new = NewTenant { slug: "acme".parse().unwrap(), name: "Acme".into() };
    let owner = NewMember {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        password: "correct horse battery".to_owned().into(),
        role: Role::Owner.into(),
    };
    tenant_with_owner(&app.tenants, &app.hasher, &grant, new, owner).await.unwrap()
}

#[tokio::test]
async fn a_key_that_was_never_used_is_destroyed_after_a_day_and_no_other() {
    let (clock, server) = manual();
    let app = server.app();
    let tenant = with_owner(&app, &server).await;
    let realm = Realm::Tenant(tenant.id);
    let grant = server.grant::<ConversationCreate>(&tenant).await;
    let person = NewDataSubject { id: "c-1".into(), ..NewDataSubject::default() };
    let new = NewConversation {
        subject: "Refund".into(),
        data_subject: Some(person),
        ..NewConversation::default()
    };
    conversations::create(&app.tenants, &grant, new, None).await.unwrap();
    let old = app.tenants.new_subject(realm).await.unwrap();
    clock.advance(DAY);
    let young = app.tenants.new_subject(realm).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(Runner::new(&app).run(job("subject-keys.sweep")).await, Some(RunState::Succeeded));

    let later = server.runtime.now().plus(DAY);
    let left = server
        .tenants
        .credentials(realm, move |tx| Ok::<_, DoorError>(tx.keys().subjects(later, None, 10)?));
    let left = left.await.unwrap();
    // The owner's, the customer's, and the one that is not a day old.
    assert_eq!(left.len(), 3);
    let left: Vec<_> = left.into_iter().map(|(key, _)| key).collect();
    assert!(left.contains(&young) && !left.contains(&old));
    let ledger = std::fs::read_to_string(server.data_dir().join("erasures.log")).unwrap();
    assert!(ledger.contains(&old.to_string()));
    let entries = server.entries(&tenant).await;
    assert_eq!(entries.last().unwrap().action, "key.destroyed");
    assert!(server.verify(&tenant).await.ok);
}

#[tokio::test]
async fn keys_that_a_restore_left_without_a_name_stay_as_long_as_a_backup_needs_them() {
    let (clock, server) = manual();
    let app = server.app();
    let tenant = with_owner(&app, &server).await;
    let realm = Realm::Tenant(tenant.id);
    let sweep = async || {
        let done = Runner::new(&app).run(job("subject-keys.sweep")).await;
        assert_eq!(done, Some(RunState::Succeeded));
    };
    let has = async |key: KeyId| {
        let read = move |tx: &crate::tenants::ReadTx<'_>| {
            Ok::<_, DoorError>(tx.keys().holds_subject(key).map_err(StoreError::from)?)
        };
        server.tenants.credentials(realm, read).await.unwrap()
    };
    let platform = async |sql: &'static str| {
        let (now, id) = (server.runtime.now(), tenant.id);
        let write = server.tenants.system_write(Realm::Platform, SystemWrite::Expiry, move |tx| {
            Ok(tx.execute(sql, args![id, now.minus(DAY * 3), now])?)
        });
        write.await.unwrap();
    };
    sweep().await;
    clock.advance(DAY * 3);
    let lost = app.tenants.new_subject(realm).await.unwrap();
    clock.advance(DAY * 2);
    platform(
        "INSERT INTO restores (id, tenant, state, moment, backup, target, started, finished)
         VALUES (x'00112233445566778899aabbccddeeff', $1, 'restored', $2, '', '', $3, $3)",
    )
    .await;
    clock.advance(DAY * 2);
    sweep().await;
    assert!(has(lost).await, "the restore may be undone");
    platform("UPDATE restores SET state = 'confirmed' WHERE tenant = $1 AND $2 + $3 > 0").await;
    let never_used = app.tenants.new_subject(realm).await.unwrap();
    clock.advance(DAY * 2);
    sweep().await;
    assert!(has(lost).await, "newer backups name it");
    assert!(!has(never_used).await);
    clock.advance(DAY * 40);
    let hold = async |sql: &'static str| {
        let write = server
            .tenants
            .system_write(realm, SystemWrite::Expiry, move |tx| Ok(tx.execute(sql, args![lost])?));
        write.await.unwrap();
    };
    hold(
        "INSERT INTO legal_holds (id, scope, target, reason, details, created)
         VALUES ($1, 'data-subject', $1, x'00', x'00', 1)",
    )
    .await;
    sweep().await;
    assert!(has(lost).await, "a legal hold keeps it");
    hold("UPDATE legal_holds SET lifted = 2 WHERE id = $1").await;
    sweep().await;
    assert!(!has(lost).await);
}

#[tokio::test]
async fn the_scheduler_brings_every_tenant_up_to_date_at_the_start() {
    let server = TestServer::start();
    let app = server.app();
    server.tenant("acme").await;
    let scheduler = start(&app).await.unwrap();
    let done = async {
        succeeded(&app, &server, "tenants.migrate").await;
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.unwrap();
    scheduler.shutdown().await;
}
