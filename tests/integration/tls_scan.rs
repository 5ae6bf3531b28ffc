//! What somebody finds who scans the port: nothing that is worth telling.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::app::TestApp;

/// Its own: where the OpenSSL beside it has no GOST.
const OF_THE_SCANNER: [&str; 1] = ["engine_problem"];

/// What `testssl` finds of protocols, ciphers, forward secrecy, known holes and headers that is more
/// than for information.
fn worth_telling(settings: &[(&str, &str)]) -> Vec<Value> {
    let app = TestApp::with(settings);
    let directory = TempDir::new().unwrap();
    let found = directory.path().join("found.json");
    let mut scan = Command::new("timeout");
    scan.args([
        "300",
        "testssl",
        "--quiet",
        "--color",
        "0",
        "--ip",
        "127.0.0.1",
        "--nodns",
        "none",
    ]);
    scan.args(["--warnings", "off", "-p", "-s", "-f", "-P", "-U", "-h", "--jsonfile"]);
    scan.arg(&found).arg(app.server.url.trim_start_matches("https://"));
    let said = scan.output().expect("testssl: see packaging/test-tools");
    let found = std::fs::read(&found).unwrap_or_else(|_| panic!("{said:?}"));
    let found: Vec<Value> = serde_json::from_slice(&found).unwrap();
    let is = |one: &Value, id: &str| one["id"] == id;
    assert!(found.iter().any(|one| is(one, "TLS1_3") && one["severity"] == "OK"), "{found:#?}");
    let usual = |one: &Value| one["severity"] == "OK" || one["severity"] == "INFO";
    let own = |one: &Value| OF_THE_SCANNER.iter().any(|id| is(one, id));
    found.into_iter().filter(|one| !usual(one) && !own(one)).collect()
}

#[test]
fn a_scanner_finds_nothing_above_information_with_tls_1_3_nor_with_1_2_allowed() {
    std::thread::scope(|scope| {
        let usual = scope.spawn(|| worth_telling(&[]));
        let older = scope.spawn(|| worth_telling(&[("STRONGROOM_SERVER__TLS_MINIMUM", "1.2")]));
        assert_eq!(usual.join().unwrap(), [Value::Null; 0]);
        assert_eq!(older.join().unwrap(), [Value::Null; 0]);
    });
}
