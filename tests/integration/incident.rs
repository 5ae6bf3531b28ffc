//! When something has happened: taking everything away, read-only mode, recovery mode, and a hold in
//! a frozen tenant. On the real binary.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp, cli};
use crate::client::{Answer, Client, Session};
use crate::jobs::run;
use crate::setup;

const CONVERSATIONS: &str = "/api/v1/conversations/acme";
const MEMBER: &str = "mia@acme.example";

fn member(app: &TestApp, email: &str, role: &str) {
    let add = ["user", "create", email, "--tenant", "acme", "--role", role, "--password-stdin"];
    app.cli(&add, PASSWORD);
}

async fn is_out(session: &Session, page: &str) -> bool {
    session.get(page).await.status == 303
}

/// Makes a key as somebody in the console does; its token.
async fn key_of(session: &Session, name: &str) -> String {
    key_as(session, name, "viewer").await
}

async fn key_as(session: &Session, name: &str, role: &str) -> String {
    let form = [("name", name), ("role", role)];
    let made = session.submit("/t/acme/keys", "/t/acme/keys", &form).await;
    let (_, token) = made.body.split_once("sr_").unwrap_or_else(|| panic!("{}", made.body));
    let end = token.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap();
    format!("sr_{}", &token[..end])
}

#[tokio::test]
async fn what_is_taken_from_a_member_is_theirs_alone_and_the_keys_that_they_were_shown() {
    let (mut app, _) = TestApp::with_tenant();
    member(&app, MEMBER, "admin");
    let theirs = app.key("acme", "viewer");
    let mine = app.session("acme", OWNER, PASSWORD).await;
    let member = app.session("acme", MEMBER, PASSWORD).await;
    let taken = key_of(&member, "Hers").await;
    let of_owner = key_of(&mine, "His").await;
    app.client(&taken).get(CONVERSATIONS).await.expect(200);

    let looked = mine.get(&format!("/t/acme/admin/access?user={MEMBER}")).await;
    assert!(looked.body.contains("Take it away from"), "{}", looked.body);
    let before = app.cli(&["revoke", "user", MEMBER, "--tenant", "acme", "--dry-run"], "");
    assert_eq!((&before["sessions"], &before["keys"]), (&json!(1), &json!(1)), "{before}");
    let form = [("user", MEMBER)];
    let done = mine.submit("/t/acme/admin/access", "/t/acme/admin/access/revoke", &form).await;
    assert!(done.status == 200 && done.body.contains("Taken away"), "{}", done.body);

    assert!(is_out(&member, "/t/acme/").await);
    assert!(!is_out(&mine, "/t/acme/").await, "whoever asks stays");
    app.client(&taken).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    app.client(&theirs).get(CONVERSATIONS).await.expect(200);
    app.client(&of_owner).get(CONVERSATIONS).await.expect(200);
    app.crash_and_restart();
    app.client(&taken).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    let log = app.client(app.key("acme", "auditor")).entries("acme").await;
    let entry = log.iter().find(|entry| entry["action"] == "access.revoked").expect("an entry");
    assert_eq!(entry["customFields"]["keys"], 1, "{entry}");
    // Signing in again is another matter.
    app.session("acme", MEMBER, PASSWORD).await;
}

#[tokio::test]
async fn what_somebody_handed_out_to_others_goes_with_them() {
    let (app, _) = TestApp::with_tenant();
    member(&app, MEMBER, "admin");
    member(&app, "vic@acme.example", "viewer");
    let hers = app.session("acme", MEMBER, PASSWORD).await;
    let key = key_as(&hers, "Hers", "admin").await;
    let users = "/api/v1/users/acme";
    let invite = async |client: &Client, email: &str| {
        let new = json!({ "email": email, "role": "viewer" });
        let made = client.post(&format!("{users}/invitations"), &new).await.expect(201);
        path_of(made["url"].as_str().unwrap())
    };
    let by_key = invite(&app.client(&key), "one@evil.example").await;
    let by_other = invite(&app.client(app.key("acme", "admin")), "two@acme.example").await;
    let form = [("email", "three@evil.example"), ("name", ""), ("role", "admin")];
    let page = "/t/acme/members/invitations";
    let shown = hers.submit(page, page, &form).await;
    let by_hand = link_in(&shown.body, "/t/acme/join?token=");
    let second = json!({ "name": "Second", "role": "viewer" });
    let second = app.client(&key).post("/api/v1/keys/acme", &second).await.expect(201);
    let second = second["token"].as_str().unwrap().to_owned();
    let all = app.cli(&["user", "list", "--tenant", "acme"], "");
    let vic = all["items"].as_array().unwrap().iter().find(|one| one["role"] == "viewer").unwrap();
    let vic = format!("/t/acme/members/{}", vic["id"].as_str().unwrap());
    let shown = hers.submit(&vic, &format!("{vic}/password-link"), &[]).await;
    let password = link_in(&shown.body, "/t/acme/login/reset/choose?token=");

    let stranger = Session::new(&app.server.url, app.data());
    for link in [&by_key, &by_hand, &by_other, &password] {
        assert_eq!(stranger.get(link).await.status, 200, "{link}");
    }
    let before = app.cli(&["revoke", "user", MEMBER, "--tenant", "acme", "--dry-run"], "");
    for (kind, count) in [("invitations", 2), ("links", 1), ("keys", 2)] {
        assert_eq!(before[kind], count, "{before}");
    }
    let done = app.cli(&["revoke", "user", MEMBER, "--tenant", "acme"], "");
    assert_eq!((&done["invitations"], &done["links"]), (&json!(2), &json!(1)), "{done}");
    for link in [&by_key, &by_hand, &password] {
        let over = stranger.get(link).await;
        assert!(!over.body.contains("type=\"password\""), "{link}: {}", over.body);
    }
    assert!(stranger.get(&by_other).await.body.contains("type=\"password\""));
    app.client(&second).get(CONVERSATIONS).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_administrator_cuts_off_an_owner_whose_laptop_was_stolen() {
    let (app, _) = TestApp::with_tenant();
    for (email, role) in
        [(MEMBER, "admin"), ("aud@acme.example", "auditor"), ("own@acme.example", "owner")]
    {
        member(&app, email, role);
    }
    let key = app.client(app.key("acme", "admin"));
    let owner = app.session("acme", "own@acme.example", PASSWORD).await;
    let path = "/api/v1/access/acme/revoke";
    let hers = app.session("acme", MEMBER, PASSWORD).await;
    for user in ["own@acme.example", MEMBER] {
        key.post(path, &json!({ "user": user })).await.expect(200);
    }
    assert!(is_out(&owner, "/t/acme/").await && is_out(&hers, "/t/acme/").await);
    app.cli(&["tenant", "suspend", "acme"], "");
    let counted = app.cli(&["revoke", "tenant", "acme", "--dry-run"], "");
    assert!(counted["keys"].as_u64().unwrap() >= 2, "{counted}");
}

fn path_of(link: &str) -> String {
    link.split_once("/t/").map(|(_, path)| format!("/t/{path}")).expect("a link")
}

/// The link that a page shows.
fn link_in(body: &str, path: &str) -> String {
    let (_, rest) = body.split_once(path).unwrap_or_else(|| panic!("{path}: {body}"));
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap();
    format!("{path}{}", &rest[..end])
}

#[tokio::test]
async fn an_application_takes_a_tenant_away_only_when_it_says_its_name() {
    let (app, _) = TestApp::with_tenant();
    let admin = app.client(app.key("acme", "admin"));
    let path = "/api/v1/access/acme/revoke";
    for wrong in [json!({}), json!({ "confirm": "other" }), json!({ "user": " " })] {
        admin.post(path, &wrong).await.problem(422, "not-confirmed");
    }
    let viewer = app.client(app.key("acme", "viewer"));
    viewer.post(path, &json!({ "confirm": "acme" })).await.problem(403, "forbidden");
    let session = app.session("acme", OWNER, PASSWORD).await;
    app.cli(&["tenant", "freeze", "acme"], "");
    let counted = admin.get("/api/v1/access/acme").await.expect(200);
    let body = json!({ "confirm": "acme", "reason": "a key in a repository" });
    let done = admin.post(path, &body).await.expect(200);
    for kind in ["sessions", "keys", "links", "invitations"] {
        assert_eq!(done[kind], counted[kind], "{kind}");
    }
    assert!(done["keys"].as_u64().unwrap() >= 3, "{done}");
    assert!(is_out(&session, "/t/acme/").await);
    admin.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    viewer.get(CONVERSATIONS).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_platforms_console_takes_away_a_tenants_and_then_everybodys() {
    let app = TestApp::start();
    let admin = setup::set_up(&app).await;
    admin.sign_in("/platform/login", setup::ADMIN, PASSWORD).await;
    app.tenant("other");
    let (acme, other) =
        (app.client(app.key("acme", "admin")), app.client(app.key("other", "admin")));
    let owner = app.session("acme", setup::OWNER, PASSWORD).await;
    let second = Session::new(&app.server.url, app.data());
    second.sign_in("/platform/login", setup::ADMIN, PASSWORD).await;

    let page = "/platform/incident";
    let chosen = admin.get(&format!("{page}?tenant=acme")).await;
    assert_eq!(chosen.header("location"), "/platform/incident/tenants/acme");
    let one = "/platform/incident/tenants/acme";
    let revoke = format!("{one}/revoke");
    let wrong = admin.submit(one, &revoke, &[("confirm", "other"), ("reason", "")]).await;
    assert_eq!(wrong.status, 422);
    acme.get(CONVERSATIONS).await.expect(200);
    let done = admin.submit(one, &revoke, &[("confirm", "acme"), ("reason", "theft")]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    acme.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    assert!(is_out(&owner, "/t/acme/").await);
    other.get("/api/v1/conversations/other").await.expect(200);

    let all = format!("{page}/revoke");
    let wrong = admin.submit(page, &all, &[("confirm", "all"), ("reason", "")]).await;
    assert_eq!(wrong.status, 422);
    let fields = [("confirm", "everything"), ("reason", "root")];
    let done = admin.submit(page, &all, &fields).await;
    assert!(done.status == 200 && done.body.contains("In 2 tenants"), "{}", done.body);
    other.get("/api/v1/conversations/other").await.problem(401, "unauthenticated");
    assert!(is_out(&second, "/platform/").await, "other administrators are out");
    assert!(!is_out(&admin, "/platform/").await, "whoever asks stays");
    let again = app.cli(&["revoke", "all", "--confirm", "everything"], "");
    assert_eq!((&again["keys"], &again["tenants"]), (&json!(0), &json!(2)), "{again}");
    assert!(is_out(&admin, "/platform/").await, "a shell has no session");
    for slug in ["acme", "other"] {
        let log = app.client(app.key(slug, "auditor")).entries(slug).await;
        assert!(log.iter().any(|entry| entry["action"] == "access.revoked"), "{slug}");
    }
    let refused = app.try_cli(&["revoke", "tenant", "acme"], "");
    assert!(refused.code == 1 && refused.err.contains("--confirm acme"), "{refused:?}");
}

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    Answer::to(client.request(Method::PATCH, path).body(body.to_string())).await
}

#[tokio::test]
async fn in_read_only_mode_reads_are_recorded_and_changes_are_told_why() {
    let (mut app, _) = TestApp::with_tenant();
    let token = app.key("acme", "owner");
    let api = app.client(&token);
    let new = json!({ "subject": "Before", "dataSubject": { "id": "zoe" } });
    let made = api.post(CONVERSATIONS, &new).await.expect(201);
    let one = format!("{CONVERSATIONS}/{}", made["id"].as_str().unwrap());
    let turn = ["maintenance", "read-only"];
    let reason = "a disk is replaced";
    let on = ["on", "--reason", reason, "--until", "2096-11-22T07:00:00Z"];
    assert_eq!(app.cli(&[&turn[..], &on].concat(), "")["readOnly"], true);
    for restarted in [false, true] {
        if restarted {
            app.crash_and_restart();
        }
        let api = app.client(&token);
        let refused = api.post(CONVERSATIONS, &json!({ "subject": "no" })).await;
        let said = refused.problem(503, "read-only")["detail"].to_string();
        assert!(said.contains(reason) && said.contains("2096-11-22"), "{said}");
        api.delete(&one).await.problem(503, "read-only");
        let before = size(&api).await;
        api.get(&one).await.expect(200);
        assert!(size(&api).await > before, "a reading is an entry");
    }
    let directories = || -> Vec<_> {
        let all = std::fs::read_dir(app.data().join("tenants")).unwrap();
        all.map(|one| one.unwrap().path()).collect()
    };
    let before = directories();
    let refused = app.try_cli(&["tenant", "create", "new", "--name", "New", "--owner", OWNER], "");
    assert!(refused.code == 1 && refused.err.contains(reason), "{refused:?}");
    assert_eq!(directories(), before, "nothing is left behind");
    let erase = ["erase", "--tenant", "acme", "--reference", "zoe", "--confirm", "erase"];
    let refused = app.try_cli(&[&erase[..], &["--reason", "asked for"]].concat(), "");
    assert!(refused.code == 1 && refused.err.contains(reason), "{refused:?}");
    app.cli(&["job", "run", "retention.run"], "");
    // People sign in, read, and are told; rights can be taken away.
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let home = owner.get("/t/acme/").await;
    assert!(home.body.contains(reason), "{}", home.body);
    let sign_in = Session::new(&app.server.url, app.data()).get("/t/acme/login").await;
    assert!(sign_in.body.contains("read-only") && !sign_in.body.contains(reason));
    app.cli(&["session", "end", "--tenant", "acme", "--all"], "");
    assert_eq!(app.cli(&[&turn[..], &["off"]].concat(), "")["readOnly"], false);
    app.client(&token).delete(&one).await.expect(204);
}

#[tokio::test]
async fn in_read_only_mode_no_old_backup_and_no_copy_from_before_an_upgrade_is_deleted() {
    let directory = tempfile::TempDir::new().unwrap();
    let target = directory.path().join("target");
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let app = TestApp::with(&[
        ("STRONGROOM_BACKUP__RECIPIENTS", &recipient),
        ("STRONGROOM_BACKUP__TARGETS", &format!("file://{}", target.display())),
    ]);
    run(&app, "backup.daily").await;
    // What a run that was killed days ago has left.
    let leftover = a_directory_of(&target, ".age").join("20260101T000000Z-x.db.zst.age");
    std::fs::write(&leftover, "unfinished").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let file = std::fs::File::options().write(true).open(&leftover).unwrap();
    file.set_modified(long_ago).unwrap();
    app.cli(&["maintenance", "read-only", "on", "--reason", "case 7"], "");
    let done = run(&app, "backup.daily").await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert!(done.to_string().contains("leftovers: 0") && leftover.exists(), "{done}");
    let done = run(&app, "upgrades.forget").await;
    assert!(!done["summary"].to_string().contains("files"), "{done}");
    app.cli(&["maintenance", "read-only", "off"], "");
    run(&app, "backup.daily").await;
    assert!(!leftover.exists());
}

/// One that holds a file whose name ends like this.
fn a_directory_of(directory: &Path, end: &str) -> PathBuf {
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_str().unwrap().ends_with(end) {
                return directory;
            }
        }
    }
    panic!("no {end} in {}", directory.display());
}

async fn size(api: &Client) -> u64 {
    let log = api.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
    log["items"][0]["seq"].as_u64().expect("a number")
}

#[tokio::test]
async fn an_administrator_turns_read_only_mode_on_and_off_in_the_console() {
    let app = TestApp::start();
    let admin = setup::set_up(&app).await;
    admin.sign_in("/platform/login", setup::ADMIN, PASSWORD).await;
    let page = "/platform/incident";
    let on = format!("{page}/read-only/on");
    let refused = admin.submit(page, &on, &[("why", " "), ("until", "")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let done = admin.submit(page, &on, &[("why", "case 7"), ("until", "2096-01-31T10:00")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(admin.get("/platform/").await.body.contains("case 7"));
    let doctor = app.try_cli(&["doctor"], "").out;
    assert!(doctor.contains("read-only-mode") && doctor.contains("case 7"), "{doctor}");
    let name = "/platform/tenants/acme/freeze";
    assert_eq!(admin.submit(name, name, &[]).await.status, 303, "tenants can be frozen meanwhile");
    let off = admin.submit(page, &format!("{page}/read-only/off"), &[]).await;
    assert_eq!(off.status, 303, "{}", off.body);
    assert!(!admin.get("/platform/").await.body.contains("case 7"));
}

#[tokio::test]
async fn in_recovery_mode_administrators_alone_get_in_and_nothing_runs() {
    let mut app = TestApp::start();
    let admin = setup::set_up(&app).await;
    let token = app.key("acme", "owner");
    drop(admin);
    app.restart_in_recovery();
    app.client(&token).get(CONVERSATIONS).await.problem(503, "recovery-mode");
    let stranger = Session::new(&app.server.url, app.data());
    assert_eq!(stranger.get("/t/acme/login").await.status, 503);
    let admin = Session::new(&app.server.url, app.data());
    admin.sign_in("/platform/login", setup::ADMIN, PASSWORD).await;
    let home = admin.get("/platform/").await;
    assert!(home.body.contains("Recovery mode"), "{}", home.body);
    let status = app.anonymous().get("/status").await.expect(200);
    assert_eq!(status["recovery"], true);
    // Whoever comes through a proxy on the machine is not on it.
    for header in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"] {
        let asked = app.anonymous().request(Method::GET, "/platform/login");
        let answer = Answer::to(asked.header(header, "203.0.113.5")).await;
        assert_eq!(answer.status, 503, "{header}");
    }
    app.cli(&["tenant", "freeze", "acme"], "");
    app.crash_and_restart();
    app.client(&token).get(CONVERSATIONS).await.expect(200);
}

#[test]
fn recovery_mode_makes_no_installation_where_there_is_none() {
    let directory = tempfile::TempDir::new().unwrap();
    for data in [directory.path().join("none"), directory.path().join("empty")] {
        if data.ends_with("empty") {
            std::fs::create_dir(&data).unwrap();
        }
        let there = data.exists();
        let said = cli(&data, &[], &["serve", "--recovery", "--listen", "127.0.0.1:0"], "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("there is no installation in"), "{said:?}");
        assert!(data.exists() == there && !data.join("root.json").exists());
    }
}

#[tokio::test]
async fn in_a_frozen_tenant_a_hold_is_set_and_not_lifted() {
    let (app, _) = TestApp::with_tenant();
    let officer = app.client(app.key("acme", "privacy_officer"));
    app.cli(&["tenant", "freeze", "acme"], "");
    let hold = json!({ "scope": "tenant", "reason": "Case 7" });
    let set = officer.post_once("/api/v1/holds/acme", "once", &hold).await.expect(201);
    let again = officer.post_once("/api/v1/holds/acme", "once", &hold).await.expect(201);
    assert_eq!(set["id"], again["id"]);
    let one = format!("/api/v1/holds/acme/{}", set["id"].as_str().unwrap());
    let lift = json!({ "reason": "over" });
    officer.post(&format!("{one}/lift"), &lift).await.problem(423, "tenant-frozen");
    let later = json!({ "endsAt": "2096-11-22T00:00:00Z" });
    patch(&officer, &one, later).await.problem(423, "tenant-frozen");
    app.cli(&["tenant", "unfreeze", "acme"], "");
    officer.post(&format!("{one}/lift"), &lift).await.expect(200);
}

#[tokio::test]
async fn whoever_finds_a_weakness_is_told_whom_to_tell() {
    let contact = "mailto:security@example.org";
    let app = TestApp::with(&[("STRONGROOM_SERVER__SECURITY_CONTACT", contact)]);
    let text = app.anonymous().get("/.well-known/security.txt").await;
    assert!(text.body.contains(&format!("Policy: {}/security", app.server.url)), "{}", text.body);
    let page = Session::new(&app.server.url, app.data()).get("/security").await;
    assert!(page.body.contains(contact) && page.body.contains("48 hours"), "{}", page.body);
}
