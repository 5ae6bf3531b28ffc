//! Jobs, by hand: started, cancelled and moved, from the console and the shell.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::app::{PASSWORD, TestApp};
use crate::server::Server;
use crate::setup::{ADMIN, set_up};

fn job(app: &TestApp, name: &str) -> Value {
    let listed = app.cli(&["job", "list"], "");
    let jobs = listed["jobs"].as_array().unwrap();
    jobs.iter().find(|job| job["job"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

/// Runs a job to its end, once more if it ran before.
pub async fn run(app: &TestApp, name: &str) -> Value {
    let before = job(app, name)["lastRun"].clone();
    app.cli(&["job", "run", name], "");
    for _ in 0..600 {
        let job = job(app, name);
        if job["lastRun"] != before && job["state"] != "running" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} does not end: {}", job(app, name));
}

async fn ended(app: &TestApp, name: &str) -> Value {
    let begun = Instant::now();
    loop {
        let job = job(app, name);
        if !matches!(job["state"].as_str(), None | Some("running")) {
            return job;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{job}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_administrator_starts_a_job_and_gives_it_another_schedule() {
    let app = TestApp::with(&[("STRONGROOM_JOBS__TIME_ZONE", "Europe/Berlin")]);
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    assert!(admin.get("/platform/jobs").await.body.contains("/platform/jobs/audit.verify"));
    let page = "/platform/jobs/audit.verify";
    let shown = admin.get(page).await;
    assert!(shown.body.contains("Europe/Berlin") && shown.body.contains("0 30 3 * * *"));
    let run = format!("{page}/run");
    assert_eq!(admin.submit(page, &run, &[]).await.status, 303);
    ended(&app, "audit.verify").await;
    let shown = admin.get(page).await;
    assert!(shown.body.contains("An administrator: Ada Admin"), "{}", shown.body);

    let schedule = format!("{page}/schedule");
    let wrong = [("schedule", "every day"), ("enabled", "on")];
    let refused = admin.submit(page, &schedule, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("every day") && refused.body.contains("Six fields"));
    let other = [("schedule", "0 15 2 * * *"), ("enabled", "on")];
    assert_eq!(admin.submit(page, &schedule, &other).await.status, 303);
    assert_eq!(job(&app, "audit.verify")["schedule"], "0 15 2 * * *");
    let off = [("schedule", "0 15 2 * * *")];
    assert_eq!(admin.submit(page, &schedule, &off).await.status, 303);
    assert_eq!(job(&app, "audit.verify")["nextRun"], Value::Null);
    assert!(admin.get(page).await.body.contains("Switched off"));
    let log = admin.get("/platform/audit?q=resource:audit.verify").await;
    for said in ["When a job runs was changed", "Somebody started a job"] {
        assert!(log.body.contains(said) || log.body.contains("job."), "{said}");
    }

    let vital = "/platform/jobs/tokens.rotate-key";
    let schedule = format!("{vital}/schedule");
    assert_eq!(admin.submit(vital, &schedule, &off).await.status, 409);
    assert_eq!(admin.get("/platform/jobs/no.such-job").await.status, 404);
}

#[tokio::test]
async fn the_shell_does_the_same_and_says_when_no_server_runs() {
    let mut app = TestApp::start();
    app.tenant("acme");
    app.cli(&["job", "run", "subject-keys.sweep"], "");
    let done = ended(&app, "subject-keys.sweep").await;
    assert_eq!(done["state"], "succeeded");
    // Machinery runs all the time; what somebody has asked for is seen among it.
    for _ in 0..2 {
        app.cli(&["job", "run", "tenants.destroy"], "");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let shown = app.cli(&["job", "show", "tenants.destroy"], "");
    let runs = shown["runs"].as_array().unwrap();
    let asked = runs.iter().filter(|run| run["origin"] == "operator");
    assert_eq!(asked.count(), 2, "{shown}");
    app.cli(&["job", "schedule", "subject-keys.sweep", "--off"], "");
    assert_eq!(job(&app, "subject-keys.sweep")["enabled"], false);
    app.cli(&["job", "schedule", "subject-keys.sweep", "--default"], "");
    assert_eq!(job(&app, "subject-keys.sweep")["enabled"], true);
    for (arguments, said) in [
        (&["job", "run", "no.such-job"][..], "there is no job"),
        (&["job", "cancel", "subject-keys.sweep"], "does not run"),
        (&["job", "cancel", "audit.checkpoint"], "machinery"),
        (&["job", "schedule", "audit.verify", "* * * * * *"], "six fields"),
    ] {
        let refused = app.try_cli(arguments, "");
        assert!(refused.err.contains(said), "{arguments:?}: {}", refused.err);
    }
    app.server.kill();
    let refused = app.try_cli(&["job", "run", "audit.verify"], "");
    assert!(refused.err.contains("strongroom serve"), "{}", refused.err);
    assert_eq!(job(&app, "audit.verify")["schedule"], "0 30 3 * * *");
}

#[tokio::test]
async fn a_job_that_is_killed_half_way_runs_again_without_harm() {
    let mut app = TestApp::start();
    for tenant in ["acme", "globex", "initech"] {
        app.tenant(tenant);
    }
    for round in 0..6 {
        for name in ["audit.verify", "audit.prune", "subject-keys.sweep"] {
            // It may run already, to make up for the one that was killed.
            app.try_cli(&["job", "run", name], "");
        }
        tokio::time::sleep(Duration::from_millis(round * 15)).await;
        app.crash_and_restart();
        for name in ["audit.verify", "audit.prune", "subject-keys.sweep"] {
            let state = job(&app, name)["state"].clone();
            assert_ne!(state, "failed", "{name} in round {round}");
        }
    }
    ended(&app, "audit.verify").await;
    app.cli(&["job", "run", "audit.verify"], "");
    assert_eq!(ended(&app, "audit.verify").await["state"], "succeeded");
    let shown = app.cli(&["job", "show", "audit.verify"], "");
    for run in shown["runs"].as_array().unwrap().iter().filter(|run| run["state"] != "succeeded") {
        assert!(run["message"].as_str().unwrap().contains("was killed"), "{run}");
    }
}

#[test]
fn a_target_that_cannot_be_used_is_refused_at_the_start_and_one_out_of_reach_is_not() {
    const TARGETS: &str = "STRONGROOM_BACKUP__TARGETS";
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let start = |targets: &str| Server::try_start(&data, &[(TARGETS, targets)]);
    for (targets, cure) in [
        ("s3://bucket/a?access_key_id=a", "secret_key_file"),
        ("s3://bucket/a?access_key_id=a&secret_key_file=/nowhere", "/nowhere"),
        ("sftp://me@host/a?key_file=/nowhere", "/nowhere"),
        ("file:///tmp?fast=1", "nothing is known of fast"),
        ("ftp://host/a", "use file, s3 or sftp"),
    ] {
        let said = start(targets).err().expect("it started");
        assert!(said.contains(TARGETS) && said.contains(cure), "{targets}: {said}");
    }
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, private).unwrap();
    let target = format!(
        "s3://bucket?endpoint=http://127.0.0.1:9&access_key_id=a&secret_key_file={}",
        secret.display()
    );
    start(&target).unwrap_or_else(|said| panic!("{said}"));
}
