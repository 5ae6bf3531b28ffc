//! Bringing data back: one tenant while others work, and everything after a fire.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{TestApp, cli};
use crate::client::Client;
use crate::server::Server;

/// A root key that is not in the data directory, and two places of the operator's own.
pub struct House {
    pub app: TestApp,
    pub target: PathBuf,
    pub identity: PathBuf,
    pub settings: Vec<(&'static str, String)>,
    pub outside: TempDir,
}

const ROOT: &str = "b1e387b67c46a94c1fd0b96a79d3f215f52037fe67c2f64120e5a46eb4031740";

impl House {
    pub fn start() -> Self {
        Self::with(|_| Vec::new())
    }

    /// With more settings, which may name places outside of the data directory.
    pub fn with(more: impl Fn(&Path) -> Vec<(&'static str, String)>) -> Self {
        use age::secrecy::ExposeSecret;
        let outside = TempDir::new().unwrap();
        let target = outside.path().join("target");
        std::fs::create_dir(&target).unwrap();
        let key = age::x25519::Identity::generate();
        let identity = outside.path().join("backup-key.txt");
        std::fs::write(&identity, format!("{}\n", key.to_string().expose_secret())).unwrap();
        let mut settings = vec![
            ("STRONGROOM_MASTER_KEY", ROOT.to_owned()),
            ("STRONGROOM_BACKUP__RECIPIENTS", key.to_public().to_string()),
            ("STRONGROOM_BACKUP__TARGETS", format!("file://{}", target.display())),
            ("STRONGROOM_BACKUP__ARCHIVE_SECONDS", "0".to_owned()),
        ];
        for (name, value) in more(outside.path()) {
            settings.retain(|(known, _)| *known != name);
            settings.push((name, value));
        }
        let given: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::with(&given);
        Self { app, target, identity, settings, outside }
    }

    pub fn given(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    pub fn identity(&self) -> &str {
        self.identity.to_str().unwrap()
    }

    pub fn back_up(&self) {
        let made = self.app.try_cli(&["backup", "run"], "");
        assert_eq!(made.code, 0, "{made:?}");
    }

    pub fn restore(&self, tenant: &str, more: &[&str]) -> crate::app::Said {
        let base = ["restore", "run", "--tenant", tenant, "--identity", self.identity(), "--yes"];
        self.app.try_cli(&[&base, more].concat(), "")
    }
}

pub async fn write(app: &TestApp, token: &str, tenant: &str, subject: &str) -> String {
    let body = json!({
        "subject": subject, "channel": "email", "dataSubject": { "id": subject, "name": subject },
    });
    let path = format!("/api/v1/conversations/{tenant}");
    let made = app.client(token).post(&path, &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

pub async fn status(app: &TestApp, token: &str, tenant: &str, id: &str) -> u16 {
    let path = format!("/api/v1/conversations/{tenant}/{id}");
    app.client(token).get(&path).await.status
}

pub fn logs(app: &TestApp, tenant: &str) -> Value {
    app.cli(&["audit", "verify", "--tenant", tenant], "")["logs"][0].clone()
}

#[tokio::test]
async fn a_tenant_comes_back_from_before_a_mass_deletion_while_another_one_works() {
    let house = House::start();
    let app = &house.app;
    let (acme, globex) = (app.tenant("acme"), app.tenant("globex"));
    let kept = write(app, &acme, "acme", "kept").await;
    house.back_up();
    let path = format!("/api/v1/conversations/acme/{kept}");
    assert!(app.client(&acme).delete(&path).await.status < 300);
    let late = write(app, &acme, "acme", "late").await;
    assert_eq!(status(app, &acme, "acme", &kept).await, 404);
    let before = logs(app, "acme");
    let plan = app.cli(&["restore", "plan", "--tenant", "acme"], "");
    assert!(plan["lost"].as_u64().unwrap() >= 2, "{plan}");

    let others = async {
        for n in 0..40 {
            write(app, &globex, "globex", &format!("number {n}")).await;
        }
    };
    let (identity, data) = (house.identity().to_owned(), app.data().to_owned());
    let settings = house.settings.clone();
    let restoring = tokio::task::spawn_blocking(move || {
        let given: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let args =
            ["restore", "run", "--tenant", "acme", "--identity", &identity, "--yes", "--json"];
        cli(&data, &given, &args, "")
    });
    let ((), restored) = tokio::join!(others, restoring);
    let restored = restored.unwrap();
    assert_eq!(restored.code, 0, "{restored:?}");
    let restored: Value = serde_json::from_str(&restored.out).unwrap();
    assert_eq!(restored["past"], before["logId"], "{restored}");

    assert_eq!(status(app, &acme, "acme", &kept).await, 200);
    assert_eq!(status(app, &acme, "acme", &late).await, 404);
    let after = logs(app, "acme");
    assert_eq!(after["ok"], true, "{after}");
    assert_ne!(after["logId"], before["logId"]);
    assert_eq!(after["past"][0]["logId"], before["logId"], "{after}");
    assert_eq!(after["past"][0]["ok"], true, "{after}");

    let owner = app.key("acme", "owner");
    the_log_from_before_is_exported(app, &app.client(owner), &before).await;

    let id = restored["id"].as_str().unwrap();
    let undone = app.cli(&["restore", "undo", id], "");
    assert_eq!(undone["state"], "undone", "{undone}");
    let entries = app.client(app.key("acme", "owner")).entries("acme").await;
    let told = entries.iter().find(|entry| entry["action"] == "restore.undone").unwrap();
    assert_eq!(told["actor"]["type"], "local_operator", "the log says who undid it: {told}");
    assert_eq!(status(app, &acme, "acme", &kept).await, 404);
    assert_eq!(status(app, &acme, "acme", &late).await, 200);
    assert_eq!(logs(app, "acme")["logId"], before["logId"]);

    let again: Value = serde_json::from_str(&house.restore("acme", &[]).out).unwrap();
    let confirmed = app.cli(&["restore", "confirm", again["id"].as_str().unwrap()], "");
    assert_eq!(confirmed["state"], "confirmed");
    let undo = app.try_cli(&["restore", "undo", again["id"].as_str().unwrap()], "");
    assert_ne!(undo.code, 0, "what was confirmed cannot be undone");
}

/// Of what cannot be read any more the manifest says so; all else is taken out.
#[tokio::test]
async fn a_damaged_log_from_before_does_not_keep_a_tenant_from_leaving() {
    let house = House::start();
    let app = &house.app;
    app.tenant("acme");
    house.back_up();
    for _ in 0..2 {
        let restored = house.restore("acme", &[]);
        assert_eq!(restored.code, 0, "{restored:?}");
        let restored: Value = serde_json::from_str(&restored.out).unwrap();
        app.cli(&["restore", "confirm", restored["id"].as_str().unwrap()], "");
    }
    let tenant = std::fs::read_dir(app.data().join("tenants")).unwrap().next().unwrap().unwrap();
    let logs = std::fs::read_dir(tenant.path().join("logs")).unwrap();
    let past: Vec<_> = logs.map(|file| file.unwrap().path()).collect();
    assert_eq!(past.len(), 2, "{past:?}");
    let damaged = past[0].file_stem().unwrap().to_str().unwrap().to_owned();
    std::fs::write(&past[0], [7; 65536]).unwrap();
    app.cli(&["tenant", "close", "acme", "--confirm=acme", "--reason", "leaves"], "");

    let out = house.outside.path().join("acme.tar");
    let export = ["tenant", "export", "acme", "--out", out.to_str().unwrap()];
    let said = app.try_cli(&export, "");
    assert!(said.code != 0 && said.out.contains(&damaged), "it is not whole: {said:?}");
    let mut archive = tar::Archive::new(std::fs::File::open(&out).unwrap());
    let mut manifest = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("manifest.json") {
            std::io::Read::read_to_string(&mut entry, &mut manifest).unwrap();
        }
    }
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["unreadable"][0]["logId"], damaged.as_str(), "{manifest}");
    assert_eq!(manifest["unreadable"].as_array().unwrap().len(), 1, "{manifest}");
    let other = past[1].file_stem().unwrap().to_str().unwrap();
    let files = manifest["files"].to_string();
    assert!(files.contains("audit/bundle.tar.00001") && files.contains(other), "{files}");
}

/// By its id, in every format, from a shell and over the API; a bundle proves itself.
async fn the_log_from_before_is_exported(app: &TestApp, client: &Client, before: &Value) {
    let log = before["logId"].as_str().unwrap();
    let listed = client.get("/api/v1/audit/acme/past-logs").await.expect(200);
    let past = &listed["items"][0];
    assert_eq!(past["logId"], before["logId"], "{listed}");
    // The restore itself was recorded in it before it ended.
    let size = past["size"].as_u64().unwrap();
    assert!(size >= before["size"].as_u64().unwrap(), "{listed}");
    assert!(past["began"].as_str() < past["ended"].as_str() && past["lost"] == 0, "{listed}");

    let out = tempfile::tempdir().unwrap();
    let file = |name: &str| out.path().join(name).display().to_string();
    let (bundle, key, lines) = (file("before.srbundle"), file("key"), file("before.jsonl"));
    let export = ["audit", "export", "--tenant", "acme", "--log", log, "--format"];
    let said = app.cli(&[&export[..], &["bundle", "--out", &bundle]].concat(), "");
    assert_eq!(said["entries"], size, "{said}");
    app.cli(&["audit", "public-key", "--out", &key], "");
    let verified = app.cli(&["audit", "verify", "--bundle", &bundle, "--public-key", &key], "");
    assert_eq!(verified["logs"][0]["logId"], before["logId"], "{verified}");
    assert_eq!(verified["logs"][0]["size"], size, "{verified}");
    assert_eq!(verified["logs"][0]["disclosed"], size, "{verified}");
    app.cli(&[&export[..], &["jsonl", "--out", &lines]].concat(), "");
    let text = std::fs::read_to_string(&lines).unwrap();
    assert_eq!(text.lines().count() as u64, size);
    assert!(text.contains("conversation.deleted"), "what the restore undid is in it: {text}");

    let at_once = format!("/api/v1/audit/acme/export?format=jsonl&log={log}");
    assert_eq!(client.get(&at_once).await.status, 200);
    let none = "/api/v1/audit/acme/export?format=jsonl&log=0198c0de-0000-7000-8000-000000000000";
    client.get(none).await.problem(404, "log-not-found");
    let searched = client.get(&format!("{at_once}&q=action:login.failed")).await;
    searched.problem(422, "query-invalid");
    let told = client.entries("acme").await;
    let told = told.iter().find(|entry| entry["action"] == "audit.exported").unwrap();
    assert_eq!(told["customFields"]["log"], before["logId"], "{told}");
}

#[tokio::test]
async fn what_was_revoked_and_who_was_erased_between_a_restore_and_its_undo_stays_so() {
    let house = House::start();
    let app = &house.app;
    let acme = app.tenant("acme");
    let create = ["key", "create", "--tenant", "acme", "--role", "admin", "--name", "stolen"];
    let stolen = app.cli(&create, "");
    let bert = write(app, &acme, "acme", "bert").await;
    house.back_up();
    let late = write(app, &acme, "acme", "late").await;
    let restored: Value = serde_json::from_str(&house.restore("acme", &[]).out).unwrap();

    app.cli(&["key", "revoke", "--tenant", "acme", stolen["id"].as_str().unwrap()], "");
    let who = ["erase", "--tenant", "acme", "--reference", "bert", "--confirm", "bert"];
    app.cli(&[&who[..], &["--reason", "asked for it"]].concat(), "");

    let undone = app.cli(&["restore", "undo", restored["id"].as_str().unwrap()], "");
    assert_eq!(undone["state"], "undone", "{undone}");
    assert_eq!(status(app, &acme, "acme", &late).await, 200, "the state before is back");
    let token = stolen["token"].as_str().unwrap();
    assert_eq!(status(app, token, "acme", &late).await, 401, "the key stays revoked");
    let gone = app.client(&acme).get(&format!("/api/v1/conversations/acme/{bert}")).await;
    assert!(!gone.body.contains("bert"), "{}", gone.body);
    let again = write(app, &acme, "acme", "bert").await;
    assert_eq!(status(app, &acme, "acme", &again).await, 200, "the reference is somebody new");
    assert_eq!(logs(app, "acme")["ok"], true);
}

#[tokio::test]
async fn a_wrong_key_or_a_damaged_archive_changes_nothing() {
    let house = House::start();
    let app = &house.app;
    let acme = app.tenant("acme");
    house.back_up();
    let late = write(app, &acme, "acme", "late").await;
    let before = logs(app, "acme");

    use age::secrecy::ExposeSecret;
    let other = house.identity.with_file_name("other.txt");
    let key = age::x25519::Identity::generate();
    std::fs::write(&other, format!("{}\n", key.to_string().expose_secret())).unwrap();
    let said = app.try_cli(
        &["restore", "run", "--tenant", "acme", "--yes", "--identity", other.to_str().unwrap()],
        "",
    );
    assert!(said.code != 0 && said.err.contains("private keys"), "{said:?}");

    damage(&house.target.join(""), "data");
    let said = house.restore("acme", &[]);
    assert!(said.code != 0 && said.err.contains("damaged"), "{said:?}");
    assert_eq!(status(app, &acme, "acme", &late).await, 200);
    let after = logs(app, "acme");
    assert!(after["ok"] == true && after["logId"] == before["logId"], "{after}");
    let work = app.data().join("restoring");
    let left = work.exists() && std::fs::read_dir(work).unwrap().next().is_some();
    assert!(!left, "what was prepared is removed");
    let listed = app.cli(&["restore", "status"], "");
    let states: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["failed", "failed"], "{listed}");
}

/// Turns a bit in the middle of every archive below a folder of that name.
pub fn damage(directory: &Path, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut waiting, mut before) = (vec![directory.to_owned()], Vec::new());
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.display().to_string().contains(&format!("/{folder}/"))
            && path.extension().is_some_and(|extension| extension == "age")
        {
            let mut bytes = std::fs::read(&path).unwrap();
            before.push((path.clone(), bytes.clone()));
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    before
}

#[tokio::test]
async fn everything_comes_back_after_a_fire_and_who_was_erased_since_stays_erased() {
    let house = House::start();
    let app = &house.app;
    let acme = app.tenant("acme");
    let (anna, bert) =
        (write(app, &acme, "acme", "anna").await, write(app, &acme, "acme", "bert").await);
    house.back_up();
    let who = ["erase", "--tenant", "acme", "--reference", "bert", "--confirm", "bert"];
    app.cli(&[&who[..], &["--reason", "asked for it"]].concat(), "");

    put_forgeries(&house);
    let new = house.identity.with_file_name("new");
    let from = house.target.to_str().unwrap();
    let args =
        ["restore", "run", "--all", "--from", from, "--identity", house.identity(), "--json"];
    let without: Vec<(&str, &str)> = Vec::new();
    let refused = cli(&new, &without, &args, "");
    assert!(refused.code != 0 && refused.err.contains("root key"), "{refused:?}");
    let given: Vec<_> =
        house.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = cli(&new, &given, &["tenant", "list"], "");
    assert!(said.code != 0, "what is not finished is not served: {said:?}");
    let said = cli(&new, &given, &args, "");
    assert_eq!(said.code, 0, "{said:?}");
    let rebuilt: Value = serde_json::from_str(&said.out).unwrap();
    assert!(rebuilt["erasedAgain"].as_u64().unwrap() >= 1, "{rebuilt}");
    assert!(rebuilt["ledgerUntil"].is_string(), "{rebuilt}");
    let notes = rebuilt["notes"].to_string();
    assert!(notes.contains("ffffffff-ffff-7fff") && notes.contains("900.jsonl"), "{notes}");

    let server = Server::start(&new, &given);
    let client = crate::client::Client::new(&server.url, &new, Some(acme.clone()));
    let path = |id: &str| format!("/api/v1/conversations/acme/{id}");
    let found = client.get(&path(&anna)).await.expect(200);
    assert_eq!(found["subject"], "anna", "{found}");
    let gone = client.get(&path(&bert)).await;
    assert!(!gone.body.contains("bert"), "{}", gone.body);
    let verified = cli(&new, &given, &["audit", "verify", "--json"], "");
    assert_eq!(verified.code, 0, "{verified:?}");
    let verified: Value = serde_json::from_str(&verified.out).unwrap();
    for log in verified["logs"].as_array().unwrap() {
        assert_eq!(log["past"].as_array().unwrap().len(), 1, "{log}");
    }
}

/// What anybody can put into a target: a copy of `root.json` that nobody signed for, and lines of
/// the ledger that nobody wrote.
fn put_forgeries(house: &House) {
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap().path();
    let root = installation.join("keys/root");
    let names = std::fs::read_dir(&root).unwrap();
    let name = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.ends_with(".age"))
        .unwrap();
    let (_, id) = name.strip_suffix(".json.zst.age").unwrap().split_once('-').unwrap();
    let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    let forged = root.join(name.replace(id, last));
    std::fs::copy(root.join(&name), &forged).unwrap();
    let manifest = std::fs::read_to_string(root.join(format!("{name}.manifest"))).unwrap();
    let manifest = manifest.replace(id, last);
    std::fs::write(format!("{}.manifest", forged.display()), manifest).unwrap();
    let part = "0000000000000001-0000000000000900.jsonl";
    std::fs::write(installation.join("ledger").join(part), "{}\n").unwrap();
}

#[tokio::test]
async fn the_console_asks_before_the_state_before_a_restore_is_deleted() {
    let house = House::start();
    let app = &house.app;
    let admin = crate::setup::set_up(app).await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, crate::app::PASSWORD).await;
    let slug = app.cli(&["tenant", "list"], "")["items"][0]["slug"].as_str().unwrap().to_owned();
    let before = admin.get("/platform/backups").await.body;
    assert!(!before.contains("href=\"/platform/backups/"), "there is nothing to restore from");
    house.back_up();
    let offered = admin.get(&format!("/platform/backups/{slug}")).await.body;
    let (_, choice) = offered.split_once("?at=").expect("the backup is offered");
    let choice = choice.split('"').next().unwrap();
    let chosen = admin.get(&format!("/platform/backups/{slug}?at={choice}")).await;
    assert!(chosen.status == 200 && chosen.body.contains(&format!("value=\"{choice}\"")));
    let restored: Value = serde_json::from_str(&house.restore(&slug, &[]).out).unwrap();
    let confirm = format!("/platform/restores/{}/confirm", restored["id"].as_str().unwrap());
    assert!(admin.get("/platform/backups").await.body.contains(&format!("href=\"{confirm}\"")));
    let asked = admin.get(&confirm).await;
    assert!(asked.body.contains("is deleted for good"), "{}", asked.body);
    let state = || app.cli(&["restore", "status"], "")["items"][0]["state"].clone();
    assert_eq!(state(), "restored", "asking does nothing");
    assert_eq!(admin.submit(&confirm, &confirm, &[]).await.status, 303);
    assert_eq!(state(), "confirmed");
}

#[tokio::test]
async fn the_platforms_home_says_that_no_backups_are_made() {
    let app = TestApp::start();
    let admin = crate::setup::set_up(&app).await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, crate::app::PASSWORD).await;
    let home = admin.get("/platform/").await;
    assert!(home.body.contains("Backups are not set up"), "{}", home.body);
    let page = admin.get("/platform/backups").await;
    assert!(page.body.contains("recipients = [") && page.body.contains("restart"), "{}", page.body);
}
