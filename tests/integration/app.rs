//! One installation for one test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, Session};
use crate::server::{self, Server};

pub const PASSWORD: &str = "harbour lantern orchid 7";
pub const OWNER: &str = "owner@example.org";

/// The real server on a data directory of its own; both are gone when it is dropped.
pub struct TestApp {
    // Declared before the directory: the server ends before its files go.
    pub server: Server,
    settings: Vec<(String, String)>,
    data: PathBuf,
    _directory: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl TestApp {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with more settings than the usual ones.
    pub fn with(settings: server::Settings<'_>) -> Self {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("data");
        let server = Server::start(&data, settings);
        let settings = settings.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        Self { server, settings: settings.collect(), data, _directory: directory }
    }

    /// The same, with a list of the server's network calls in a file.
    pub fn traced() -> (Self, PathBuf) {
        let directory = TempDir::new().unwrap();
        let (data, trace) = (directory.path().join("data"), directory.path().join("trace"));
        let server = Server::traced(&data, &[], &trace);
        (Self { server, settings: Vec::new(), data, _directory: directory }, trace)
    }

    /// A tenant `acme` with an owner and the token of a key with the role of an administrator.
    pub fn with_tenant() -> (Self, String) {
        let app = Self::start();
        let token = app.tenant("acme");
        (app, token)
    }

    /// Makes a tenant; answers with the token of an administrator's key.
    pub fn tenant(&self, slug: &str) -> String {
        let made = self.cli(
            &["tenant", "create", slug, "--name", slug, "--owner", OWNER, "--owner-password-stdin"],
            PASSWORD,
        );
        assert_eq!((&made["slug"], &made["state"]), (&slug.into(), &"active".into()), "{made}");
        self.key(slug, "admin")
    }

    pub fn key(&self, tenant: &str, role: &str) -> String {
        let made =
            self.cli(&["key", "create", "--tenant", tenant, "--role", role, "--name", role], "");
        made["token"].as_str().unwrap().to_owned()
    }

    /// Runs a verb that must succeed and answers with its JSON.
    pub fn cli(&self, args: &[&str], stdin: &str) -> Value {
        let said = self.try_cli(args, stdin);
        assert_eq!(said.code, 0, "{args:?}: {said:?}; the server said {}", self.errors());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{args:?}: {error} {said:?}"))
    }

    /// Runs a verb with `--json`.
    pub fn try_cli(&self, args: &[&str], stdin: &str) -> Said {
        cli(&self.data, &self.settings(), &[args, &["--json"]].concat(), stdin)
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn client(&self, token: impl Into<String>) -> Client {
        Client::new(&self.server.url, &self.data, Some(token.into()))
    }

    pub fn anonymous(&self) -> Client {
        Client::new(&self.server.url, &self.data, None)
    }

    /// Signs in to a tenant's console.
    pub async fn session(&self, tenant: &str, email: &str, password: &str) -> Session {
        let session = Session::new(&self.server.url, &self.data);
        session.sign_in(&format!("/t/{tenant}/login"), email, password).await;
        session
    }

    /// Kills the server outright and starts it again on the same directory.
    pub fn crash_and_restart(&mut self) {
        self.server.kill();
        self.server = Server::start(&self.data, &self.settings());
    }

    /// Stops the server and starts it again in recovery mode.
    pub fn restart_in_recovery(&mut self) {
        self.server.stop();
        let started = Server::try_start_with(&self.data, &self.settings(), &["--recovery"]);
        self.server = started.unwrap_or_else(|said| panic!("the server did not start: {said}"));
    }

    /// What the server has written to its log.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(server::errors(&self.data)).unwrap_or_default()
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}

/// Runs the binary on a directory, with or without a server on it.
pub fn cli(data: &Path, settings: server::Settings<'_>, args: &[&str], stdin: &str) -> Said {
    let mut command = server::command(data, settings);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A verb that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
