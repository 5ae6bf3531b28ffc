//! The server that is measured.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::{Connection, Failure, Request};

pub const PASSWORD: &str = "harbour lantern orchid 7";
const OWNER: &str = "owner@example.org";
const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");
const READY: &str = "Strongroom is ready at https://";

const SETTINGS: &[(&str, &str)] = &[
    ("STRONGROOM_SERVER__HTTP_REDIRECT_LISTEN", "off"),
    ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE_PER_TENANT", "0"),
    ("STRONGROOM_LIMITS__API_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__API_PER_MINUTE_PER_TENANT", "0"),
    ("STRONGROOM_LIMITS__INGEST_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__CONSOLE_PER_MINUTE", "0"),
    // What a production server does too: a line for each request, here to nowhere.
    ("STRONGROOM_LOG__LEVEL", "info"),
];

pub struct Server {
    child: Child,
    data: PathBuf,
    pub host: String,
    pub tls: Arc<ClientConfig>,
    /// From the start of the process to the first answer over HTTPS.
    pub started_in: Duration,
}

impl Server {
    pub fn start(data: &Path) -> Result<Self, Failure> {
        let start = Instant::now();
        let mut child = command(data)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut lines = out.lines();
        let host = loop {
            let line = lines.next().ok_or("the server did not start")??;
            if let Some(host) = line.strip_prefix(READY) {
                break host.trim().trim_end_matches('/').to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let tls = trust(&data.join("tls").join("cert.pem"))?;
        let mut server =
            Self { child, data: data.to_owned(), host, tls, started_in: Duration::ZERO };
        let answer = Connection::open(&server)?.ask(&Request::get(&server, "/healthz"))?;
        server.started_in = start.elapsed();
        match answer.status {
            200 => Ok(server),
            status => Err(format!("/healthz answers {status}").into()),
        }
    }

    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }

    /// VmRSS of proc_pid_status(5).
    pub fn resident_mib(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// Open file descriptors of the process.
    pub fn handles(&self) -> Result<usize, Failure> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Makes a tenant; answers with the token of an administrator's key.
    pub fn tenant(&self, slug: &str) -> Result<String, Failure> {
        let owner = ["--owner", OWNER, "--owner-password-stdin"];
        self.cli(&[&["tenant", "create", slug, "--name", slug][..], &owner].concat())?;
        self.key(slug, "admin")
    }

    pub fn key(&self, slug: &str, role: &str) -> Result<String, Failure> {
        let key = ["key", "create", "--tenant", slug, "--role", role, "--name", "load"];
        Ok(self.cli(&key)?["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Of somebody who needs no second factor.
    pub fn access_token(&self, slug: &str) -> Result<String, Failure> {
        let (email, password) = ("viewer@example.org", "--password-stdin");
        self.cli(&["user", "create", email, "--tenant", slug, "--role", "viewer", password])?;
        let shown = serde_json::json!({ "email": email, "password": PASSWORD }).to_string();
        let path = format!("/api/v1/auth/{slug}/token");
        let pair = self.post("", &path, &shown)?;
        Ok(pair["accessToken"].as_str().ok_or("no access token")?.to_owned())
    }

    /// CPU time of all threads so far, from the first number of /proc/…/schedstat (nanoseconds).
    pub fn cpu_micros(&self) -> Result<f64, Failure> {
        let mut nanos = 0.0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split(' ').next().ok_or("no CPU time")?.parse::<f64>()?;
        }
        Ok(nanos / 1000.0)
    }

    fn cli(&self, args: &[&str]) -> Result<Value, Failure> {
        let mut child = command(&self.data)
            .args(args)
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let _ = child.stdin.take().ok_or("no standard input")?.write_all(PASSWORD.as_bytes());
        let output = child.wait_with_output()?;
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout)?),
            false => Err(format!("{args:?} failed").into()),
        }
    }

    pub fn post(&self, token: &str, path: &str, body: &str) -> Result<Value, Failure> {
        let answer = Connection::open(self)?.ask(&Request::post(self, token, path, body))?;
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fetches the form, fills it in, is let in.
pub fn sign_in(server: &Server, connection: &mut Connection) -> Result<(), Failure> {
    let path = "/t/acme/login";
    let page = connection.ask(&Request::get(server, path))?;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let csrf = text
        .split_once("name=\"csrf\"")
        .and_then(|(_, after)| Some(after.split_once("value=\"")?.1.split('"').next()?.to_owned()));
    let csrf = csrf.ok_or("no form in the sign-in page")?;
    let body = form(&[("csrf", &csrf), ("email", OWNER), ("password", PASSWORD)])?;
    let request = Request::form(server, path, &page.cookies.join("; "), &body);
    match connection.ask(&request)?.status {
        303 => Ok(()),
        status => Err(format!("sign-in answers {status}").into()),
    }
}

fn form(fields: &[(&str, &str)]) -> Result<String, Failure> {
    let url = reqwest::Url::parse_with_params("http://form", fields)?;
    Ok(url.query().unwrap_or_default().to_owned())
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(SETTINGS.iter().copied()).env("STRONGROOM_DATA_DIR", data);
    command
}

/// Trusts the certificate that the server made for itself.
fn trust(certificate: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
