//! Upgrades of the data and the way back, with the real binary.
//!
//! The release before this one is not at hand. What it would have left is made of what this one
//! left: the same rows under all migrations but the last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use strongroom::audit::note::Signer;
use strongroom::crypto::root::{LocalRoot, RootFile};
use strongroom::crypto::{Key32, TenantKeys, mac};
use strongroom::kernel::id::{KeyId, TenantId};
use strongroom::kernel::{Runtime, Timestamp};
use strongroom::ops::release::{Manifest, pack};
use strongroom::store::StoreError;
use strongroom::store::engine::{self, Mode};
use strongroom::store::erasures::{Erasure, Erasures};
use strongroom::store::migrate::{self, Migrations};
use strongroom::store::shelf::FileShelf;

use crate::app::{PASSWORD, Said, TestApp, cli};
use crate::server::Server;
use crate::setup::{ADMIN, set_up};

type OpenShelf = fn(&Path, &Key32) -> Result<FileShelf, StoreError>;

/// What opens the files of an installation whose server is stopped.
struct Opened {
    data: PathBuf,
    platform: TenantKeys,
    shelf: OpenShelf,
    runtime: Runtime,
}

impl Opened {
    fn of(data: &Path) -> Self {
        Self::with(data, FileShelf::open)
    }

    /// Brings no key store up to date.
    fn as_it_is(data: &Path) -> Self {
        Self::with(data, FileShelf::open_as_it_is)
    }

    fn with(data: &Path, shelf: OpenShelf) -> Self {
        let text = std::fs::read_to_string(data.join("root.key")).unwrap();
        let bytes = data_encoding::HEXLOWER.decode(text.trim().as_bytes()).unwrap();
        let root = LocalRoot(Key32::from_slice(&bytes).unwrap());
        let file = RootFile::read(&data.join("root.json")).unwrap();
        let (master, runtime) = (file.unwrap(&root).unwrap(), Runtime::system());
        let owner = *file.installation_id.bytes();
        let platform = keys(data, owner, master, shelf, &runtime);
        Self { data: data.to_owned(), platform, shelf, runtime }
    }

    fn tenants(&self) -> Vec<(PathBuf, TenantKeys)> {
        let entries = std::fs::read_dir(self.data.join("tenants")).unwrap();
        let open = |path: PathBuf| {
            let id: TenantId = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let root = self.platform.tenant_root(id).unwrap();
            let keys = keys(&path, *id.bytes(), root, self.shelf, &self.runtime);
            (path, keys)
        };
        entries.map(|entry| open(entry.unwrap().path())).collect()
    }

    /// Every data file with its key and its migrations.
    fn files(&self) -> Vec<(PathBuf, Key32, Migrations)> {
        let key = self.platform.file_key().unwrap().clone();
        let mut files = vec![(self.data.join("platform.db"), key, migrate::PLATFORM)];
        for (path, keys) in self.tenants() {
            let key = keys.file_key().unwrap().clone();
            files.push((path.join("tenant.db"), key, migrate::TENANT));
        }
        files
    }

    fn versions(&self) -> Vec<i64> {
        let version = |(path, key, _): (PathBuf, Key32, Migrations)| {
            let file = engine::open(&path, &key, Mode::Read).unwrap();
            file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
        };
        self.files().into_iter().map(version).collect()
    }
}

fn keys(
    place: &Path,
    owner: [u8; 16],
    root: Key32,
    shelf: OpenShelf,
    runtime: &Runtime,
) -> TenantKeys {
    let shelf_key = mac::derive(&root, &[b"strongroom/keys.db/v1"]);
    let shelf = shelf(&place.join("keys.db"), &shelf_key).unwrap();
    TenantKeys::open(owner, root, Box::new(shelf), runtime).unwrap()
}

/// Makes a data directory into one of a release that lacked the last migration of each kind.
fn age(data: &Path) {
    for (path, key, migrations) in Opened::of(data).files() {
        age_file(&path, &key, &migrations[..migrations.len() - 1]);
    }
    let own = migrate::known;
    let record = json!({
        "version": "0.0.9",
        "platform": own(migrate::PLATFORM) - 1,
        "tenant": own(migrate::TENANT) - 1,
        "keys": own(migrate::KEYS),
        "before": null,
        "since": "2026-01-01T00:00:00Z",
    });
    std::fs::write(data.join("release.json"), record.to_string()).unwrap();
}

/// The platform's key store as well.
fn age_key_store(data: &Path) {
    let key = Opened::of(data).platform.shelf_key();
    age_file(&data.join("keys.db"), &key, &migrate::KEYS[..1]);
    let path = data.join("release.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    record["keys"] = 1.into();
    std::fs::write(path, record.to_string()).unwrap();
}

fn key_store_version(data: &Path) -> i64 {
    let key = Opened::as_it_is(data).platform.shelf_key();
    let file = engine::open(&data.join("keys.db"), &key, Mode::Read).unwrap();
    file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn age_file(path: &Path, key: &Key32, migrations: &[&str]) {
    let aged = path.with_extension("aged");
    let from = engine::open(path, key, Mode::Read).unwrap();
    let to = engine::open(&aged, key, Mode::Create).unwrap();
    to.execute_batch("PRAGMA foreign_keys = OFF; BEGIN").unwrap();
    for sql in migrations {
        to.execute_batch(sql).unwrap();
    }
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
    let triggers = pairs(&to, sql);
    for (name, _) in &triggers {
        to.execute_batch(&format!("DROP TRIGGER \"{name}\"")).unwrap();
    }
    let tables = "SELECT name, type FROM sqlite_schema
                  WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    for (table, _) in pairs(&to, tables) {
        copy_rows(&from, &to, &table);
    }
    for (_, sql) in &triggers {
        to.execute_batch(sql).unwrap();
    }
    to.execute_batch(&format!("PRAGMA user_version = {}; COMMIT", migrations.len())).unwrap();
    to.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop((from, to));
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        let _ = std::fs::remove_file(format!("{}{end}", aged.display()));
    }
    std::fs::rename(&aged, path).unwrap();
}

fn pairs(file: &Connection, sql: &str) -> Vec<(String, String)> {
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn copy_rows(from: &Connection, to: &Connection, table: &str) {
    let columns: Vec<String> =
        pairs(to, &format!("SELECT name, type FROM pragma_table_info('{table}')"))
            .into_iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
    to.execute(&format!("DELETE FROM \"{table}\""), []).unwrap();
    let list = columns.join(", ");
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT INTO \"{table}\" ({list}) VALUES ({marks})");
    let mut read = from.prepare(&format!("SELECT {list} FROM \"{table}\"")).unwrap();
    let mut rows = read.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let cells: Vec<Cell> = (0..columns.len()).map(|at| row.get(at).unwrap()).collect();
        to.execute(&insert, params_from_iter(cells)).unwrap();
    }
}

/// An installation with a tenant as an older release left it; no server runs.
fn older() -> TestApp {
    let (mut app, _) = TestApp::with_tenant();
    app.server.stop();
    age(app.data());
    app
}

/// Starts this release and waits until it has brought every file up to date.
fn upgrade(app: &mut TestApp) {
    app.server = Server::start(app.data(), &[]);
    let wanted = app.data().join("tenants");
    for _ in 0..600 {
        let dirs = std::fs::read_dir(&wanted).unwrap();
        if dirs.into_iter().all(|dir| dir.unwrap().path().join("before-upgrade").exists()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the tenants were not brought up to date in a minute");
}

fn run(app: &TestApp, args: &[&str]) -> (Said, Value) {
    let said = cli(app.data(), &[], &[args, &["--json"]].concat(), "");
    let json = serde_json::from_str(&said.out).unwrap_or(Value::Null);
    (said, json)
}

/// Everything in a directory with its contents, but for the lock.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if !path.ends_with("strongroom.lock") {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn an_upgrade_is_tried_on_copies_first_and_changes_nothing() {
    let app = older();
    let before = contents(app.data());
    let (said, json) = run(&app, &["upgrade", "check"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!((&json["ok"], &json["from"]), (&true.into(), &"0.0.9".into()), "{json}");
    let behind: Vec<_> =
        json["behind"].as_array().unwrap().iter().map(|file| &file["tenant"]).collect();
    assert_eq!(behind, [&Value::Null, &"acme".into()], "{json}");
    assert!(json["bytesKept"].as_u64().unwrap() > 0, "{json}");
    assert_eq!(contents(app.data()), before);
}

#[test]
fn what_cannot_be_brought_up_to_date_is_named_and_the_check_fails() {
    let app = older();
    let (path, _) = Opened::of(app.data()).tenants().remove(0);
    let file = std::fs::File::options().write(true).open(path.join("tenant.db")).unwrap();
    file.set_len(100).unwrap();
    let (said, json) = run(&app, &["upgrade", "check"]);
    assert_eq!((said.code, &json["ok"]), (1, &false.into()), "{said:?}");
    assert_eq!(json["problems"][0]["tenant"], "acme", "{json}");
    let problem = json["problems"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("tenant.db") && !problem.contains("upgrade-check"), "{problem}");
}

#[test]
fn a_running_server_is_not_looked_into_and_an_older_release_refuses_newer_files() {
    let (mut app, _) = TestApp::with_tenant();
    let (said, _) = run(&app, &["upgrade", "check"]);
    assert!(said.code == 1 && said.err.contains("stop whatever else opened"), "{said:?}");
    app.server.stop();
    let (path, key, _) = Opened::of(app.data()).files().remove(0);
    let file = engine::open(&path, &key, Mode::Write).unwrap();
    file.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(file);
    let Err(refused) = Server::try_start(app.data(), &[]) else { panic!("it started") };
    assert!(refused.contains("platform.db was written by a newer release"), "{refused}");
    assert!(refused.contains("strongroom rollback"), "{refused}");
    let (said, json) = run(&app, &["upgrade", "check"]);
    assert_eq!((said.code, &json["ok"]), (1, &false.into()), "{said:?}");
}

#[test]
fn a_rollback_puts_back_what_was_there_when_nobody_has_written_since() {
    let mut app = older();
    let aged = Opened::of(app.data()).versions();
    upgrade(&mut app);
    app.server.stop();
    assert_ne!(Opened::of(app.data()).versions(), aged);

    let (said, json) = run(&app, &["rollback"]);
    assert_eq!((said.code, &json["done"]), (1, &false.into()), "only a look: {json}");
    assert_eq!(json["plan"]["clean"], true, "{json}");
    assert!(app.data().join("release.json").exists());
    assert_ne!(Opened::of(app.data()).versions(), aged);

    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["done"]), (0, &true.into()), "{said:?}");
    assert_eq!(json["plan"]["from"], "0.0.9", "{json}");
    assert_eq!(Opened::of(app.data()).versions(), aged);
    assert!(!app.data().join("release.json").exists());
    let kept = PathBuf::from(json["kept"].as_str().unwrap());
    assert!(kept.join("platform.db").exists(), "{kept:?}");
    assert!(!app.data().join("before-upgrade").exists());

    // And forward once more.
    upgrade(&mut app);
    app.server.stop();
    assert_ne!(Opened::of(app.data()).versions(), aged);
    let tenants = run(&app, &["tenant", "list"]).1;
    assert!(tenants.to_string().contains("acme"), "{tenants}");
}

#[test]
fn what_was_written_since_is_lost_only_when_somebody_says_so() {
    let mut app = older();
    upgrade(&mut app);
    app.key("acme", "auditor");
    app.tenant("globex");
    app.server.stop();
    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["plan"]["clean"]), (1, &false.into()), "{said:?}");
    assert!(json["why"].as_str().unwrap().contains("--lose-what-was-written-since"), "{json}");
    let lost = json["plan"]["lost"].as_array().unwrap();
    let acme = lost.iter().find(|lost| lost["tenant"] == "acme").expect("acme's entries");
    assert!(acme["entries"].as_u64().unwrap() >= 1 && acme["first"].is_string(), "{acme}");
    assert_eq!(json["plan"]["tenantsMadeSince"], json!(["globex"]), "{json}");

    let (said, _) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!(said.code, 0, "{said:?}");
    let keys = run(&app, &["key", "list", "--tenant", "acme"]).1;
    let keys = keys.to_string();
    assert!(keys.contains("admin") && !keys.contains("auditor"), "{keys}");
    let tenants = run(&app, &["tenant", "list"]).1.to_string();
    assert!(tenants.contains("acme") && !tenants.contains("globex"), "{tenants}");
}

#[test]
fn a_log_that_lost_entries_by_a_rollback_says_so_at_the_next_start() {
    let mut app = older();
    upgrade(&mut app);
    app.key("acme", "auditor");
    app.server.stop();
    let (said, _) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!(said.code, 0, "{said:?}");
    upgrade(&mut app);
    let verified = app.try_cli(&["audit", "verify", "--tenant", "acme"], "");
    assert_eq!(verified.code, 1, "{verified:?}");
    assert!(verified.out.contains("checkpoint was signed over"), "{verified:?}");
}

#[test]
fn an_upgrade_that_fails_half_way_leaves_all_that_comes_later_to_the_release_before() {
    let (mut app, _) = TestApp::with_tenant();
    app.server.stop();
    age(app.data());
    age_key_store(app.data());
    // What the last migration makes is there already.
    let (path, key, _) = Opened::as_it_is(app.data()).files().remove(0);
    let platform = engine::open(&path, &key, Mode::Write).unwrap();
    platform.execute_batch("CREATE TABLE backup_alarms (one INTEGER)").unwrap();
    drop(platform);
    let Err(refused) = Server::try_start(app.data(), &[]) else { panic!("it started") };
    assert!(refused.contains("backup_alarms"), "{refused}");
    let left = Opened::as_it_is(app.data());
    assert_eq!(left.versions()[0], migrate::known(migrate::PLATFORM) - 1);
    assert_eq!(key_store_version(app.data()), 1, "the release before still reads it");
    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["nothingToDo"]), (0, &true.into()), "{said:?}");

    // What was in the way goes: the same release comes through, and its key store with it.
    let platform = engine::open(&path, &key, Mode::Write).unwrap();
    platform.execute_batch("DROP TABLE backup_alarms").unwrap();
    drop(platform);
    upgrade(&mut app);
    app.server.stop();
    assert_eq!(key_store_version(app.data()), migrate::known(migrate::KEYS));
    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["done"]), (0, &true.into()), "{said:?}");
    assert_eq!(key_store_version(app.data()), 1);
}

#[test]
fn an_upgrade_that_fails_at_the_key_store_goes_back_although_it_never_served() {
    let app = older();
    age_key_store(app.data());
    let aged = Opened::as_it_is(app.data()).versions();
    let key = Opened::as_it_is(app.data()).platform.shelf_key();
    let keys = engine::open(&app.data().join("keys.db"), &key, Mode::Write).unwrap();
    keys.execute_batch("CREATE TABLE changes (one INTEGER)").unwrap();
    drop(keys);
    let Err(refused) = Server::try_start(app.data(), &[]) else { panic!("it started") };
    assert!(refused.contains("changes"), "{refused}");
    assert_ne!(Opened::as_it_is(app.data()).versions(), aged, "the platform's file came first");
    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["done"]), (0, &true.into()), "{said:?}");
    assert_eq!(json["plan"]["from"], "0.0.9", "{json}");
    assert_eq!(Opened::as_it_is(app.data()).versions(), aged);
    assert_eq!(key_store_version(app.data()), 1);
}

#[test]
fn a_tenant_that_cannot_be_opened_does_not_keep_the_others_from_going_back() {
    let mut app = older();
    let aged = Opened::of(app.data()).versions();
    upgrade(&mut app);
    app.server.stop();
    let (path, _) = Opened::of(app.data()).tenants().remove(0);
    std::fs::write(path.join("tenant.db"), vec![7; 8192]).unwrap();
    let (said, json) = run(&app, &["rollback", "--yes"]);
    assert_eq!((said.code, &json["plan"]["clean"]), (1, &false.into()), "{said:?}");
    assert_eq!(json["plan"]["cannotBeCompared"][0]["tenant"], "acme", "{json}");
    let (said, _) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(Opened::of(app.data()).versions(), aged);
}

#[test]
fn a_tenant_that_was_restored_since_does_not_pass_for_one_that_nobody_wrote_to() {
    let mut app = older();
    upgrade(&mut app);
    app.server.stop();
    let (path, key, _) = Opened::of(app.data()).files().remove(1);
    let file = engine::open(&path, &key, Mode::Write).unwrap();
    for (name, _) in pairs(&file, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
        file.execute_batch(&format!("DROP TRIGGER \"{name}\"")).unwrap();
    }
    // A restore begins a log of its own.
    file.execute("UPDATE audit_log SET id = randomblob(16)", []).unwrap();
    drop(file);
    let (said, json) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!((said.code, &json["done"]), (1, &false.into()), "{said:?}");
    assert!(json["why"].as_str().unwrap().contains("restored from a backup since"), "{json}");
}

#[test]
fn what_was_erased_since_never_comes_back() {
    let mut app = older();
    upgrade(&mut app);
    app.server.stop();
    let key: KeyId = Runtime::system().id();
    // By a clock that was behind: the ledger says what came after, not the time.
    let (time, owner) = (Timestamp::from_micros(1), "somebody".to_owned());
    let ledger = Erasures::open(&app.data().join("erasures.log")).unwrap();
    ledger.record(Erasure { time, owner, key, cause: "person".into() }).unwrap();
    let (said, json) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!((said.code, &json["done"]), (1, &false.into()), "{said:?}");
    assert!(json["why"].as_str().unwrap().contains("must not come back"), "{json}");
}

#[test]
fn a_key_that_is_destroyed_is_not_kept_in_a_copy_from_before_the_upgrade() {
    let (mut app, _) = TestApp::with_tenant();
    app.server.stop();
    let opened = Opened::of(app.data());
    let (path, keys) = opened.tenants().remove(0);
    // As if the last upgrade had changed the key store.
    let store = path.join("keys.db");
    let kept = path.join("before-upgrade").join("keys.db.v1");
    std::fs::create_dir(path.join("before-upgrade")).unwrap();
    std::fs::copy(&store, &kept).unwrap();
    let subject = keys.new_subject().unwrap();
    assert!(kept.exists(), "a new key changes nothing about the old ones");
    assert!(keys.destroy_subject(subject).unwrap());
    assert!(!kept.exists());
    drop((keys, opened));
    let (said, json) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(json["why"].as_str().unwrap().contains("a key in it was destroyed"), "{json}");
}

#[test]
fn a_release_on_a_stick_is_verified_without_network_and_without_unpacking() {
    let directory = tempfile::TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let data = directory.path().join("data");
    let verb = |args: &[&str]| cli(&data, &[], &[&["upgrade"], args, &["--json"]].concat(), "");
    let public = verb(&["keygen", "--out", &at("key")]);
    let public: Value = serde_json::from_str(&public.out).unwrap();
    std::fs::write(at("key.pub"), public["publicKey"].as_str().unwrap()).unwrap();
    let again = verb(&["keygen", "--out", &at("key")]);
    assert_ne!(again.code, 0, "a key is never written over");
    std::fs::write(at("a.deb"), vec![1; 100_000]).unwrap();
    std::fs::write(at("SHA256SUMS"), "sums").unwrap();
    let made = verb(&[
        "pack",
        "--key",
        &at("key"),
        "--out",
        &at("r.upgrade"),
        &at("a.deb"),
        &at("SHA256SUMS"),
    ]);
    assert_eq!(made.code, 0, "{made:?}");

    let good = verb(&["verify", &at("r.upgrade"), "--key", &at("key.pub")]);
    let said: Value = serde_json::from_str(&good.out).unwrap();
    assert_eq!((good.code, &said["ok"]), (0, &true.into()), "{good:?}");
    assert_eq!(said["files"][0]["name"], "a.deb", "{said}");
    assert_eq!(said["dataIsUpgraded"], false, "{said}");

    // An old release has a signature too, under whatever name it comes.
    let own: Value =
        serde_json::from_str(&cli(&data, &[], &["version", "--json"], "").out).unwrap();
    let own = own["version"].as_str().unwrap();
    let (signer, _) = Signer::parse_private(&std::fs::read_to_string(at("key")).unwrap()).unwrap();
    let manifest = Manifest {
        version: "0.0.1-old".into(),
        build: "b".into(),
        schemas: [migrate::PLATFORM, migrate::TENANT, migrate::KEYS].map(migrate::known),
        members: Vec::new(),
    };
    let out = std::fs::File::create(at("new.upgrade")).unwrap();
    pack(manifest, &[at("a.deb").into()], &signer, out).unwrap();
    let old = ["verify", &at("new.upgrade"), "--key", &at("key.pub")];
    let said = verb(&old);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &json["ok"], &json["isOlder"]), (1, &false.into(), &true.into()));
    let said = verb(&[&old[..], &["--older"]].concat());
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &json["ok"], &json["isOlder"]), (0, &true.into(), &true.into()));
    let told = cli(&data, &[], &[&["upgrade"], &old[..]].concat(), "");
    assert!(told.out.contains("OLDER than this release") && told.out.contains(own), "{told:?}");

    let unknown = verb(&["verify", &at("r.upgrade")]);
    assert!(unknown.code == 1 && unknown.err.contains("--key"), "{unknown:?}");
    let mut bytes = std::fs::read(at("r.upgrade")).unwrap();
    bytes[50_000] ^= 1;
    std::fs::write(at("r.upgrade"), bytes).unwrap();
    let bad = verb(&["verify", &at("r.upgrade"), "--key", &at("key.pub")]);
    assert!(bad.code == 1 && bad.out.contains("a.deb"), "{bad:?}");
    assert!(!data.exists(), "no data directory is needed, and none is made");
}

#[test]
fn a_service_that_wants_a_root_key_makes_none_beside_the_data() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    let serve = ["serve", "--require-root-key", "--listen", "127.0.0.1:0"];
    let said = cli(&data, &[], &serve, "");
    assert!(said.code == 1 && said.err.contains("no root key was given"), "{said:?}");
    assert!(!data.exists());
    let unit = include_str!("../../packaging/systemd/strongroom.service");
    assert!(unit.contains("\nExecStart=/usr/bin/strongroom serve --require-root-key "));
}

#[tokio::test]
async fn an_administrator_sees_which_release_runs_and_what_it_is_made_of() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let page = admin.get("/platform/about").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("rusqlite") && page.body.contains("Apache-2.0"), "{}", page.body);
    let bill = admin.get("/platform/about/sbom").await;
    let bill: Value = serde_json::from_str(&bill.body).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert!(bill["components"].as_array().unwrap().len() > 100);
}

#[tokio::test]
async fn who_is_erased_after_an_upgrade_is_in_no_copy_of_the_data_from_before() {
    let (mut app, _) = TestApp::with_tenant();
    let api = app.client(app.key("acme", "owner"));
    let new = json!({
        "subject": "s", "tags": ["marker-tag"], "dataSubject": { "id": "c-1", "name": "Ada" },
    });
    api.post("/api/v1/conversations/acme", &new).await.expect(201);
    app.server.stop();
    age(app.data());
    upgrade(&mut app);
    let (copies, file) = {
        let tenants = std::fs::read_dir(app.data().join("tenants")).unwrap();
        let path = tenants.map(|entry| entry.unwrap().path()).next().unwrap();
        (path.join("before-upgrade"), format!("tenant.db.v{}", migrate::known(migrate::TENANT) - 1))
    };
    assert!(copies.join(&file).exists());
    let erase = ["erase", "--tenant", "acme", "--reference", "c-1"];
    let said = app.try_cli(&[&erase[..], &["--reason", "r", "--confirm", "c-1"]].concat(), "");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!copies.join(&file).exists() && copies.join(format!("{file}.gone")).exists());
    app.server.stop();
    let (said, json) = run(&app, &["rollback", "--yes", "--lose-what-was-written-since"]);
    assert_eq!(said.code, 1, "{said:?}");
    let why = json["why"].as_str().unwrap();
    assert!(why.contains("tenant.db was deleted") && why.contains("a person was erased"), "{why}");
}
