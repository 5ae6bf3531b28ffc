//! An auditor without network: checkpoints travel in files, and a history that was witnessed cannot
//! be told differently.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{OWNER, PASSWORD, Said, TestApp, cli};
use crate::bundle::python;

/// The auditor's own machine: a directory without any data of Strongroom's.
struct Auditor {
    directory: TempDir,
    key: String,
}

impl Auditor {
    fn new(app: &TestApp) -> Self {
        let directory = TempDir::new().unwrap();
        let key = app.cli(
            &["audit", "witness", "keygen", "--name", "audit.example/1", "--out"]
                .into_iter()
                .chain([directory.path().join("key").to_str().unwrap()])
                .collect::<Vec<_>>(),
            "",
        );
        let auditor = Self { directory, key: key["publicKey"].as_str().unwrap().to_owned() };
        app.cli(&["audit", "public-key", "--out", &auditor.file("log.pub")], "");
        std::fs::write(auditor.path("witness.pub"), &auditor.key).unwrap();
        auditor
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn cosign(&self, more: &[&str]) -> Said {
        let (request, key) = (self.file("request"), self.file("key"));
        let (state, signed) = (self.file("state"), self.file("signed"));
        let verb = ["audit", "witness", "cosign", "--json", "--in", &request, "--key", &key];
        let files = ["--state", &state, "--out", &signed];
        cli(&self.path("no-data"), &[], &[&verb[..], &files, more].concat(), "")
    }
}

async fn grow(app: &TestApp, token: &str, count: usize, what: &str) {
    let events: Vec<_> = (0..count).map(|_| json!({ "action": what })).collect();
    app.client(token).post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
}

fn export(app: &TestApp, auditor: &Auditor) -> Value {
    let out = auditor.file("request");
    app.cli(&["audit", "witness", "export", "--tenant", "acme", "--out", &out], "")
}

#[tokio::test]
async fn a_witness_without_network_signs_a_log_that_grows() {
    let (app, token) = TestApp::with_tenant();
    let auditor = Auditor::new(&app);
    let name_it = ["audit", "witness", "add", "--tenant", "acme", "--name", "Audit Ltd", "--key"];
    app.cli(&[&name_it[..], &[&auditor.key]].concat(), "");
    for round in 0..3 {
        grow(&app, &token, 300, "made.up").await;
        let qr = auditor.file("request.svg");
        let asked = match round {
            0 => app.cli(
                &["audit", "witness", "export", "--tenant", "acme", "--out"]
                    .into_iter()
                    .chain([&*auditor.file("request"), "--qr", &qr])
                    .collect::<Vec<_>>(),
                "",
            ),
            _ => export(&app, &auditor),
        };
        assert_eq!(asked["old"] == 0, round == 0, "{asked}");
        let key = auditor.file("log.pub");
        let first = ["--public-key", &key];
        if round == 0 {
            let said = auditor.cosign(&[]);
            assert!(said.code == 1 && said.err.contains("name its public key"), "{said:?}");
        }
        let said = auditor.cosign(if round == 0 { &first } else { &[] });
        assert_eq!(said.code, 0, "{said:?}");
        let signed = auditor.file("signed");
        let stored =
            app.cli(&["audit", "witness", "import", "--tenant", "acme", "--in", &signed], "");
        assert_eq!(stored["witnesses"], json!(["Audit Ltd"]));
    }
    let svg = std::fs::read_to_string(auditor.path("request.svg")).unwrap();
    assert!(svg.contains("<svg") && !svg.contains("<script"));
    let found = app.cli(&["audit", "witness", "list", "--tenant", "acme"], "");
    assert!(found["items"][0]["size"].as_u64() > Some(900), "{found}");
    assert_eq!(found["contradictions"], json!([]));

    // What the API hands out bears the witness's signature, and an independent verifier agrees.
    let client = app.client(token);
    let list = client.get("/api/v1/audit/acme/checkpoints").await.expect(200);
    let witnessed = list["items"].as_array().unwrap().iter();
    let witnessed = witnessed.filter(|one| one["witnesses"] != json!([])).collect::<Vec<_>>();
    assert_eq!(witnessed.len(), 3, "{list}");
    let (note, old) = (auditor.path("note"), auditor.path("old"));
    std::fs::write(&note, witnessed[0]["note"].as_str().unwrap()).unwrap();
    std::fs::write(&old, witnessed[2]["note"].as_str().unwrap()).unwrap();
    let (key, witness) = (auditor.file("log.pub"), auditor.file("witness.pub"));
    let trust = ["--key", &key, "--witness", &witness];
    let (note, old) = (note.to_str().unwrap(), old.to_str().unwrap());
    let said = python(&[&["checkpoint", note][..], &trust].concat());
    assert_eq!((&said["ok"], &said["size"]), (&json!(true), &witnessed[0]["size"]), "{said}");

    let (from, to) = (&witnessed[2]["size"], &witnessed[0]["size"]);
    let save = async |name: &str, path: String| {
        let answer = client.get(&path).await;
        answer.expect(200);
        std::fs::write(auditor.path(name), &answer.body).unwrap();
        auditor.file(name)
    };
    let path = format!("/api/v1/audit/acme/proof/consistency?from={from}&to={to}");
    let proof = save("consistency", path).await;
    let said =
        python(&["consistency", "--proof", &proof, "--from", old, "--to", note, "--key", &key]);
    assert_eq!(said["ok"], true, "{said}");
    let back =
        python(&["consistency", "--proof", &proof, "--from", note, "--to", old, "--key", &key]);
    assert_eq!(back["ok"], false, "{back}");
    let path = format!("/api/v1/audit/acme/proof/inclusion?seq=257&size={to}");
    let proof = save("inclusion", path).await;
    for (seq, ok) in [(257, true), (258, false)] {
        let entry = save("entry", format!("/api/v1/audit/acme/events/{seq}")).await;
        let files = ["--entry", &entry, "--proof", &proof, "--checkpoint", note, "--key", &key];
        let said = python(&[&["inclusion"][..], &files].concat());
        assert_eq!(said["ok"], ok, "{said}");
    }
}

/// A log grows by the very entry that says it was witnessed, and by one about the export.
#[tokio::test]
async fn a_bundle_shows_an_auditor_what_they_witnessed_although_the_log_has_grown_since() {
    let (app, token) = TestApp::with_tenant();
    let auditor = Auditor::new(&app);
    let name_it = ["audit", "witness", "add", "--tenant", "acme", "--name", "Audit Ltd", "--key"];
    app.cli(&[&name_it[..], &[&auditor.key]].concat(), "");
    grow(&app, &token, 20, "made.up").await;
    let bundle = |name: &str| {
        let out = auditor.file(name);
        let verb = ["audit", "export", "--tenant", "acme", "--format", "bundle", "--out", &out];
        app.cli(&verb, "");
        out
    };
    let (key, witness) = (auditor.file("log.pub"), auditor.file("witness.pub"));
    let check = |bundle: &str| {
        let verb = ["audit", "verify", "--json", "--bundle", bundle, "--public-key", &key];
        let verb = [&verb[..], &["--witness-key", &witness]].concat();
        let said: Value =
            serde_json::from_str(&cli(&auditor.path("no-data"), &[], &verb, "").out).unwrap();
        let second = python(&["bundle", bundle, "--key", &key, "--witness", &witness]);
        assert_eq!(said["ok"], second["ok"], "{said} {second}");
        (said["logs"][0].clone(), second)
    };
    let (before, _) = check(&bundle("before.srbundle"));
    let reason = before["reason"].as_str().unwrap();
    assert!(reason.contains("no checkpoint in it was signed by the witness"), "{reason}");

    export(&app, &auditor);
    assert_eq!(auditor.cosign(&["--public-key", &key]).code, 0);
    let signed = auditor.file("signed");
    app.cli(&["audit", "witness", "import", "--tenant", "acme", "--in", &signed], "");
    grow(&app, &token, 20, "made.up").await;
    let (after, second) = check(&bundle("after.srbundle"));
    assert_eq!(after["ok"], true, "{after}");
    let size = after["grownFrom"].as_u64().unwrap();
    assert!(size > 20 && after["size"].as_u64() > Some(size + 20), "{after}");
    assert_eq!(after["witnesses"][0]["size"], size, "{after}");
    assert_eq!(second["witnesses"]["audit.example/1"]["size"], size, "{second}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Root has the keys and every file, and can tell another story. The witness cannot be told.
#[tokio::test]
async fn a_history_that_was_witnessed_cannot_be_replaced_by_another() {
    let (mut app, token) = TestApp::with_tenant();
    let auditor = Auditor::new(&app);
    let name_it = ["audit", "witness", "add", "--tenant", "acme", "--name", "Audit Ltd", "--key"];
    app.cli(&[&name_it[..], &[&auditor.key]].concat(), "");
    grow(&app, &token, 20, "before.all").await;
    app.server.stop();
    let copied = auditor.path("copy");
    copy(app.data(), &copied);
    app.crash_and_restart();
    grow(&app, &token, 50, "what.happened").await;
    export(&app, &auditor);
    let said = auditor.cosign(&["--public-key", &auditor.file("log.pub")]);
    assert_eq!(said.code, 0, "{said:?}");

    app.server.stop();
    std::fs::remove_dir_all(app.data()).unwrap();
    copy(&copied, app.data());
    app.crash_and_restart();
    let verified = app.cli(&["audit", "verify", "--tenant", "acme"], "");
    assert_eq!(verified["ok"], true, "the box alone sees nothing: {verified}");
    grow(&app, &token, 100, "what.is.told").await;

    let asked = app.cli(
        &["audit", "witness", "export", "--tenant", "acme", "--from", "40", "--out"]
            .into_iter()
            .chain([&*auditor.file("request")])
            .collect::<Vec<_>>(),
        "",
    );
    assert_eq!(asked["old"], 40);
    let witnessed: Value =
        serde_json::from_slice(&std::fs::read(auditor.path("state")).unwrap()).unwrap();
    let size = witnessed["logs"][0]["size"].to_string();
    let out = auditor.file("request");
    let again = ["audit", "witness", "export", "--tenant", "acme", "--from", &size, "--out", &out];
    let said = auditor.cosign(&[]);
    assert!(said.code == 1 && said.err.contains(&format!("--from {size}")), "{said:?}");
    app.cli(&again, "");
    let said = auditor.cosign(&[]);
    assert!(said.code == 1 && said.err.contains("ALARM"), "{said:?}");

    // And what was signed raises the alarm on the box itself, for good.
    let signed = auditor.file("signed");
    let take = ["audit", "witness", "import", "--tenant", "acme", "--in", &signed];
    let said = app.try_cli(&take, "");
    assert!(said.code == 1 && said.err.contains("ALARM"), "{said:?}");
    let client = app.client(token);
    let found = client.get("/api/v1/audit/acme/witnesses").await.expect(200);
    assert_eq!(found["contradictions"][0]["size"].to_string(), size, "{found}");
    let search = "/api/v1/audit/acme/events?q=action:checkpoint.contradicted";
    let entries = client.get(search).await.expect(200);
    let entry = &entries["items"][0];
    assert_eq!(entry["outcome"], "failure", "{entries}");
    assert!(entry["customFields"]["note"].as_str().unwrap().contains("audit.example/1"));
}

#[tokio::test]
async fn the_console_shows_who_signed_and_takes_signatures() {
    let (app, _) = TestApp::with_tenant();
    let auditor = Auditor::new(&app);
    let session = app.session("acme", OWNER, PASSWORD).await;
    let page = "/t/acme/admin/audit/witnesses";
    let first = session.get(page).await;
    assert_eq!(first.status, 200);
    assert!(first.body.contains("No witnesses yet"), "{}", first.body);
    let wrong = [("name", "Audit Ltd"), ("key", "nonsense")];
    let refused = session.submit(page, page, &wrong).await;
    assert!(refused.status == 422 && refused.body.contains("keygen prints it"), "{}", refused.body);
    let named = [("name", "Audit <b>Ltd</b>"), ("key", &*auditor.key)];
    assert_eq!(session.submit(page, page, &named).await.status, 303);

    let shown = session.get(page).await.body;
    assert!(shown.contains("Audit &#60;b&#62;Ltd"), "{shown}");
    let request = session.get(&format!("{page}/request")).await;
    assert_eq!(request.header("content-type"), "text/plain; charset=utf-8");
    let picture = session.get(&format!("{page}/request.svg")).await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    std::fs::write(auditor.path("request"), &request.body).unwrap();
    assert_eq!(auditor.cosign(&["--public-key", &auditor.file("log.pub")]).code, 0);
    let signed = std::fs::read_to_string(auditor.path("signed")).unwrap();
    let import = format!("{page}/import");
    // As a browser sends it.
    let lines = signed.replace('\n', "\r\n");
    let refused = session.submit(page, &import, &[("note", "nothing")]).await;
    assert_eq!(refused.status, 422);
    let entry = "/t/acme/admin/audit/1";
    let unsigned = session.get(entry).await.body;
    assert!(unsigned.contains("Nobody outside has signed"), "{unsigned}");
    let taken = session.submit(page, &import, &[("note", &lines)]).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    // The log has grown since, and an entry is still shown with who witnessed it.
    let witnessed = session.get(entry).await.body;
    assert!(witnessed.contains("<b>audit.example/1</b>"), "{witnessed}");
    let id = shown.split(&format!("{page}/")).find_map(|rest| rest.split_once("/remove"));
    let remove = format!("{page}/{}/remove", id.unwrap().0);
    assert!(session.get(&remove).await.body.contains("Remove the witness"));
    assert_eq!(session.submit(&remove, &remove, &[]).await.status, 303);
    let after = session.get(page).await.body;
    assert!(after.contains("Removed") && after.contains("What a witness signs"), "{after}");
}

#[tokio::test]
async fn signatures_are_taken_of_named_witnesses_under_this_log_alone() {
    let (app, token) = TestApp::with_tenant();
    let other = app.tenant("globex");
    let auditor = Auditor::new(&app);
    let client = app.client(&*token);
    let witnesses = "/api/v1/audit/acme/witnesses";
    let new = json!({ "name": "Audit Ltd", "key": auditor.key });
    let asked = client.get(&format!("{witnesses}/request")).await;
    assert_eq!(asked.status, 200);
    std::fs::write(auditor.path("request"), &asked.body).unwrap();
    assert_eq!(auditor.cosign(&["--public-key", &auditor.file("log.pub")]).code, 0);
    let note = std::fs::read_to_string(auditor.path("signed")).unwrap();
    let cosignatures = "/api/v1/audit/acme/cosignatures";
    let nobody = client.post(cosignatures, &json!({ "note": note })).await;
    nobody.problem(422, "cosignature-invalid");

    let made = client.post(witnesses, &new).await.expect(201);
    client.post(witnesses, &new).await.problem(409, "witness-exists");
    let log_key = std::fs::read_to_string(auditor.path("log.pub")).unwrap();
    let wrong = json!({ "name": "Log", "key": log_key });
    client.post(witnesses, &wrong).await.problem(422, "witness-key-invalid");
    let taken = json!({ "name": "Audit Ltd", "key": "x" });
    client.post(witnesses, &taken).await.problem(422, "witness-key-invalid");

    let spoiled = note.replace("audit.example/1 ", "audit.example/2 ");
    client
        .post(cosignatures, &json!({ "note": spoiled }))
        .await
        .problem(422, "cosignature-invalid");
    let unsigned: String = note
        .lines()
        .filter(|line| !line.starts_with("— strongroom/"))
        .collect::<Vec<_>>()
        .join("\n");
    client
        .post(cosignatures, &json!({ "note": unsigned }))
        .await
        .problem(422, "cosignature-invalid");
    let globex = app.client(&*other);
    let foreign = json!({ "name": "Audit Ltd", "key": auditor.key });
    globex.post("/api/v1/audit/globex/witnesses", &foreign).await.expect(201);
    let elsewhere =
        globex.post("/api/v1/audit/globex/cosignatures", &json!({ "note": note })).await;
    elsewhere.problem(422, "cosignature-invalid");

    client.post(cosignatures, &json!({ "note": note })).await.expect(201);
    let id = made["id"].as_str().unwrap();
    client.delete(&format!("{witnesses}/{id}")).await.expect(204);
    client.delete(&format!("{witnesses}/{id}")).await.problem(404, "witness-not-found");
    let again = client.post(cosignatures, &json!({ "note": note })).await;
    again.problem(422, "cosignature-invalid");
    let shown = client.get(witnesses).await.expect(200);
    assert!(shown["items"][0]["size"].is_u64() && shown["items"][0]["removedAt"].is_string());

    // The platform's own log has witnesses too.
    let add = ["audit", "witness", "add", "--platform", "--name", "Audit Ltd", "--key"];
    app.cli(&[&add[..], &[&auditor.key]].concat(), "");
    let out = auditor.file("request");
    app.cli(&["audit", "witness", "export", "--platform", "--out", &out], "");
    assert_eq!(auditor.cosign(&["--public-key", &auditor.file("log.pub")]).code, 0);
    let signed = auditor.file("signed");
    app.cli(&["audit", "witness", "import", "--platform", "--in", &signed], "");
}
