//! The README's commands do what it says, in its order.

use std::path::Path;
use std::process::Command;

use crate::app::TestApp;

/// The shell blocks of a document, one after the other.
fn shell_blocks(document: &str) -> String {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    let blocks: Vec<_> = blocks.map(|block| block.split("\n```").next().unwrap()).collect();
    assert!(blocks.len() > 5, "{document} has hardly any commands");
    blocks.join("\n")
}

#[test]
fn who_follows_the_readme_gets_from_start_to_proof() {
    let app = TestApp::start();
    let script = shell_blocks("README.md")
        .replace("target/release/strongroom", env!("CARGO_BIN_EXE_strongroom"));
    let elsewhere = tempfile::tempdir().unwrap();
    let said = Command::new("sh")
        .current_dir(elsewhere.path())
        .args(["-eu", "-c", &script])
        .env("DATA", app.data())
        .env("BASE", &app.server.url)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}\n{err}");
    for promised in
        ["It left our house today.", "message.access", "invoice.exported", "\"ok\":true"]
    {
        assert!(out.contains(promised), "{promised} is not in: {out}");
    }
    let verified = out.lines().filter(|line| line.trim_end().ends_with("  ok")).count();
    assert_eq!(verified, 2, "the platform's log and the tenant's: {out}");
}
