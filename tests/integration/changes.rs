//! Continuous archiving: what was acknowledged is in the target within seconds, whatever happens to
//! the server, and comes back as a whole file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use age::secrecy::ExposeSecret;
use serde_json::json;
use strongroom::audit::note::Verifier;
use strongroom::authz::Realm;
use strongroom::backup::changes::materialise;
use strongroom::backup::{Identities, Layout, Target};
use strongroom::kernel::Timestamp;
use tempfile::TempDir;

use crate::app::TestApp;
use crate::client::Client;
use crate::server::Server;

const EVENTS: &str = "/api/v1/audit/acme/events";
const CLIENTS: usize = 8;
/// Times that the server is killed; `STRONGROOM_CRASH_ROUNDS` asks for another number.
const ROUNDS: u64 = 3;
/// `backup.archive_seconds` of these tests.
const SECONDS: u64 = 1;

/// A server that archives to a directory.
struct Archived {
    app: TestApp,
    place: PathBuf,
    identity: PathBuf,
    directory: TempDir,
}

impl Archived {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let (place, identity) = (directory.path().join("target"), directory.path().join("key.txt"));
        let key = age::x25519::Identity::generate();
        std::fs::write(&identity, key.to_string().expose_secret()).unwrap();
        let settings = [
            ("STRONGROOM_BACKUP__RECIPIENTS", key.to_public().to_string()),
            ("STRONGROOM_BACKUP__TARGETS", format!("file://{}", place.display())),
            ("STRONGROOM_BACKUP__ARCHIVE_SECONDS", SECONDS.to_string()),
        ];
        let given: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::with(&given);
        Self { app, place, identity, directory }
    }

    /// The tenant's file as it was, put in the place of the live one in a copy of the directory.
    async fn restore(&self, verifier: &Verifier, tenant: &str, at: Timestamp) -> PathBuf {
        let copy = self.directory.path().join(format!("copy-{}", at.as_micros()));
        copy_all(self.app.data(), &copy);
        let database = copy.join("tenants").join(tenant).join("tenant.db");
        for file in ["tenant.db", "tenant.db-wal", "tenant.db-shm"] {
            let _ = std::fs::remove_file(database.with_file_name(file));
        }
        let url = format!("file://{}", self.place.display()).parse().unwrap();
        let (target, identities) =
            (Target::open(&url).unwrap(), Identities::read(&self.identity).unwrap());
        let installation = verifier.name().as_str().strip_prefix("strongroom/").unwrap();
        let layout = Layout::new(installation.parse().unwrap());
        let (realm, verifier) = (Realm::Tenant(tenant.parse().unwrap()), verifier.clone());
        let made = tokio::task::spawn_blocking(move || {
            materialise(&target, layout, realm, at, &verifier, &identities, &database)
        });
        made.await.unwrap().unwrap();
        copy
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_all(&entry.path(), &to);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the server under test has the system's clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// What was acknowledged: when, and which entry.
type Acknowledged = Arc<Mutex<Vec<(Timestamp, u64)>>>;

async fn write_until_killed(api: Client, acknowledged: Acknowledged) {
    loop {
        let body = json!({ "action": "crash.tested" }).to_string();
        let request = api.request(reqwest::Method::POST, EVENTS).body(body);
        let request = request.header("content-type", "application/json");
        let Ok(response) = request.send().await else { return };
        let Ok(answer) = response.bytes().await else { return };
        let Ok(answer) = serde_json::from_slice::<serde_json::Value>(&answer) else { return };
        let Some(seq) = answer["firstSeq"].as_u64() else { return };
        acknowledged.lock().unwrap().push((now(), seq));
    }
}

/// The largest lag that the server tells its operator while it is written to.
async fn lag(app: &TestApp) -> f64 {
    let metrics = app.anonymous().get("/metrics").await.body;
    let line = metrics.lines().find(|line| line.starts_with("strongroom_archive_lag_seconds"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_target_after_kill_9_but_for_the_lag() {
    let rounds = std::env::var("STRONGROOM_CRASH_ROUNDS").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let mut archived = Archived::start();
    let token = archived.app.tenant("acme");
    let verifier: Verifier = archived
        .app
        .anonymous()
        .get("/.well-known/strongroom-audit-key")
        .await
        .body
        .parse()
        .unwrap();
    let tenants = archived.app.data().join("tenants");
    let tenant = std::fs::read_dir(tenants).unwrap().next().unwrap().unwrap().file_name();
    let tenant = tenant.into_string().unwrap();
    let acknowledged = Acknowledged::default();
    let (mut highest, mut lost): (f64, Duration) = (0.0, Duration::ZERO);
    for round in 0..rounds {
        let api = archived.app.client(&token);
        let writers: Vec<_> = (0..CLIENTS)
            .map(|_| tokio::spawn(write_until_killed(api.clone(), acknowledged.clone())))
            .collect();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(6000 + round * 737 % 1000) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            highest = highest.max(lag(&archived.app).await);
        }
        archived.app.server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        // The machine is gone: what the target has is all there is.
        let killed = now();
        let copy = archived.restore(&verifier, &tenant, killed).await;
        let missing = missing(&copy, &token, &acknowledged).await;
        let first = missing.first().map_or(killed, |(time, _)| *time);
        lost = lost.max(killed.since(first));
        archived.app.crash_and_restart();
    }
    let count = acknowledged.lock().unwrap().len();
    println!("{count} writes, {rounds} kills: lag told {highest:.1} s, lost {lost:?} at the most");
    assert!(count > 100, "too little load");
    // A second to collect, and what a busy machine takes to send it.
    assert!(lost < Duration::from_secs(10), "{lost:?}");
}

/// What was acknowledged and is not in the restored directory, the earliest first.
async fn missing(copy: &Path, token: &str, acknowledged: &Acknowledged) -> Vec<(Timestamp, u64)> {
    // Without the archive: a restored copy must not write to the target of the original.
    let server = Server::start(copy, &[]);
    let api = Client::new(&server.url, copy, Some(token.to_owned()));
    let listed = api.list(&format!("{EVENTS}?limit=1000&q=action:crash.tested")).await;
    let stored: std::collections::HashSet<_> =
        listed.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    let acknowledged = acknowledged.lock().unwrap();
    let mut missing: Vec<_> =
        acknowledged.iter().filter(|(_, seq)| !stored.contains(seq)).copied().collect();
    missing.sort_unstable();
    missing
}
