//! Bundles leave the house: whoever has the public key can check them, with this program or without.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{OWNER, PASSWORD, TestApp, cli};

/// What the second verifier says, which is written from the format's page alone.
pub fn python(arguments: &[&str]) -> Value {
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/verify.py");
    let output = Command::new("python3").arg(verifier).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer: Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(output.status.success(), answer["ok"] == true, "{answer} {said}");
    answer
}

/// What the binary says on a machine that has nothing but the bundle and the key.
fn offline(bundle: &str, key: &str, more: &[&str]) -> (i32, Value) {
    let nowhere = Path::new("/nonexistent/strongroom");
    let verb = ["audit", "verify", "--bundle", bundle, "--public-key", key, "--json"];
    let said = cli(nowhere, &[], &[&verb[..], more].concat(), "");
    let answer = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    (said.code, answer)
}

#[tokio::test]
async fn a_bundle_of_a_running_server_verifies_elsewhere_and_a_changed_one_does_not() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    let event = |n: u32| {
        let fields = json!({ "n": n, "rate": 0.1 + f64::from(n) * 1000.0, "tiny": 1e-7, "text": "Zo\u{eb}\u{1}\u{1f4a1}" });
        json!({ "action": format!("made.up{}", n % 3), "customFields": fields })
    };
    let events: Vec<_> = (0..300).map(event).collect();
    client.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    // Entries with members that are sealed under a person's key.
    app.session("acme", OWNER, PASSWORD).await.get("/t/acme/admin/audit").await;
    let directory = TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (whole, some, key) = (file("whole.srbundle"), file("some.srbundle"), file("key"));
    app.cli(&["audit", "public-key", "--out", &key], "");
    let export = ["audit", "export", "--tenant", "acme", "--format", "bundle", "--out"];
    app.cli(&[&export[..], &[&whole]].concat(), "");
    app.cli(&[&export[..], &[&some, "--query", "action:made.up1"]].concat(), "");

    let entries = file("entries.jsonl");
    let (code, said) = offline(&whole, &key, &["--entries", &entries]);
    assert_eq!((code, &said["ok"]), (0, &json!(true)), "{said}");
    let log = &said["logs"][0];
    assert_eq!((&log["tenant"], &log["firstBad"]), (&json!("acme"), &Value::Null), "{said}");
    assert_eq!(log["entries"], log["size"], "{said}");
    let lines = std::fs::read_to_string(&entries).unwrap();
    assert_eq!(lines.lines().count() as u64, log["size"].as_u64().unwrap());
    let second = python(&["bundle", &whole, "--key", &key]);
    for name in ["logId", "tenant", "size", "root", "head", "entries", "disclosed"] {
        assert_eq!(second[name], log[name], "{name} in {second}");
    }
    let ours: Value = serde_json::from_str(lines.lines().nth(4).unwrap()).unwrap();
    let theirs = &second["events"][4];
    assert_eq!(
        (&ours["action"], &ours["customFields"]),
        (&theirs["action"], &theirs["customFields"])
    );
    let person = second["events"].as_array().unwrap().iter().any(|event| event["ip"].is_string());
    assert!(person, "members are opened too");
    let found = python(&["bundle", &some, "--key", &key, "--tenant", "acme"]);
    assert_eq!((&found["ok"], &found["entries"]), (&json!(true), &json!(100)), "{found}");
    assert_eq!(python(&["bundle", &some, "--key", &key, "--tenant", "globex"])["ok"], false);
    let (code, said) = offline(&some, &key, &["--tenant", "globex"]);
    assert!(code == 1 && said["logs"][0]["reason"].as_str().unwrap().contains("acme"), "{said}");

    let good = std::fs::read(&some).unwrap();
    let changed = file("changed.srbundle");
    for at in (0..good.len()).step_by(good.len() / 9) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&changed, bad).unwrap();
        let (code, said) = offline(&changed, &key, &["--entries", &file("none.jsonl")]);
        assert_eq!((code, &said["ok"]), (1, &json!(false)), "byte {at}: {said}");
        assert_eq!(python(&["bundle", &changed, "--key", &key])["ok"], false, "byte {at}");
    }
    assert!(!Path::new(&file("none.jsonl")).exists(), "nothing is written of a bad bundle");
}
