//! A real certificate authority that speaks ACME: pebble, a process of its own with its own ports. It
//! refuses one request in twenty with a bad nonce, as it likes to.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream};
use openssl::x509::X509;
use rcgen::KeyUsagePurpose;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

pub const KEY_ID: &str = "kid-1";
pub const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
const PATIENCE: Duration = Duration::from_secs(60);

/// The authority; what it signs with is made anew at each start.
pub struct Pebble {
    directory: TempDir,
    port: u16,
    management: u16,
    /// Where it looks at names by TLS.
    pub tls: Forward,
    /// Where it looks by HTTP.
    pub http: u16,
    child: Option<Child>,
}

/// A port of this machine that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn text(path: PathBuf, text: &str) -> String {
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

impl Pebble {
    /// With its files and ports, not started yet.
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        // One name for both would make the second look self-signed.
        authority.distinguished_name.push(DnType::CommonName, "Authority of the directory");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        text(directory.path().join("root.pem"), &issuer.pem());
        text(directory.path().join("cert.pem"), &server.pem());
        text(directory.path().join("key.pem"), &key.serialize_pem());
        let (port, management, http) = (free_port(), free_port(), free_port());
        Self { directory, port, management, tls: Forward::new(), http, child: None }
    }

    pub fn started() -> Self {
        let mut pebble = Self::new();
        pebble.start(false);
        pebble
    }

    /// Starts it; `bound` when it takes only accounts that are bound to one of its own. The first
    /// start may choose other ports: somebody else can have taken them meanwhile.
    pub fn start(&mut self, bound: bool) {
        let is_first = !self.directory.path().join("log").exists();
        for _ in 0..20 {
            if self.try_start(bound) {
                return;
            }
            self.stop();
            if is_first {
                (self.port, self.management) = (free_port(), free_port());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("pebble does not answer: {}", self.log());
    }

    /// False when it ended.
    fn try_start(&mut self, bound: bool) -> bool {
        let at = |name: &str| self.directory.path().join(name).display().to_string();
        let mut config = serde_json::json!({
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": at("cert.pem"),
            "privateKey": at("key.pem"),
            "httpPort": self.http,
            "tlsPort": self.tls.port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bound,
        });
        if bound {
            config["externalAccountMACKeys"] = serde_json::json!({ KEY_ID: KEY });
        }
        let config = serde_json::json!({ "pebble": config }).to_string();
        let config = text(self.directory.path().join("config.json"), &config);
        let log = File::create(self.directory.path().join("log")).unwrap();
        let child = Command::new("/usr/bin/pebble")
            .args(["-config", &config])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap_or_else(|error| panic!("pebble does not start: {error}; install it"));
        let child = self.child.insert(child);
        for _ in 0..600 {
            let up = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
            let both = up(self.port) && up(self.management);
            // It ends when one of its ports is somebody else's, who may answer there.
            if both || child.try_wait().unwrap().is_some() {
                std::thread::sleep(Duration::from_millis(100));
                return both && child.try_wait().unwrap().is_none();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn directory_url(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// What its own directory is checked against.
    pub fn ca(&self) -> String {
        self.directory.path().join("root.pem").display().to_string()
    }

    /// The root of the certificates that it gives, as PEM.
    pub fn root(&self) -> String {
        let own = std::fs::read(self.ca()).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], self.management));
        let mut stream = connect(address, &X509::from_pem(&own).unwrap(), &[]).unwrap();
        stream.write_all(b"GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // Go closes without a farewell.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let begin = answer.find("-----BEGIN").unwrap_or_else(|| panic!("no root: {answer}"));
        answer[begin..].to_owned()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A TLS connection as `localhost`, by somebody who believes one authority alone.
pub fn connect(
    address: SocketAddr,
    root: &X509,
    protocols: &[u8],
) -> Result<SslStream<TcpStream>, String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    let mut store = openssl::x509::store::X509StoreBuilder::new().unwrap();
    store.add_cert(root.clone()).unwrap();
    connector.set_cert_store(store.build());
    if !protocols.is_empty() {
        connector.set_alpn_protos(protocols).unwrap();
    }
    let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    connector.build().connect("localhost", stream).map_err(|error| error.to_string())
}

/// A port that leads to a server which may not be there yet: whoever comes waits.
pub struct Forward {
    pub port: u16,
    target: Arc<Mutex<Option<SocketAddr>>>,
    seen: Arc<AtomicU32>,
}

impl Forward {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (target, seen) = (Arc::new(Mutex::new(None)), Arc::new(AtomicU32::new(0)));
        let (leads, counts) = (target.clone(), seen.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counts.fetch_add(1, Ordering::SeqCst);
                let leads = leads.clone();
                std::thread::spawn(move || pass_on(&client, &leads));
            }
        });
        Self { port, target, seen }
    }

    pub fn lead_to(&self, url: &str) {
        let address = url.rsplit_once(':').map(|(_, port)| format!("127.0.0.1:{port}"));
        *self.target.lock().unwrap() = Some(address.unwrap().parse().unwrap());
    }

    /// How often somebody came.
    pub fn seen(&self) -> u32 {
        self.seen.load(Ordering::SeqCst)
    }
}

fn pass_on(client: &TcpStream, target: &Mutex<Option<SocketAddr>>) {
    for _ in 0..600 {
        let address = *target.lock().unwrap();
        let Some(address) = address else {
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        let Ok(server) = TcpStream::connect(address) else { return };
        let (mut from_server, mut to_client) = (&server, client.try_clone().unwrap());
        std::thread::scope(|scope| {
            let (mut from_client, mut to_server) = (client, &server);
            scope.spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(std::net::Shutdown::Both);
            });
            let _ = std::io::copy(&mut from_server, &mut to_client);
            let _ = to_client.shutdown(std::net::Shutdown::Both);
        });
        return;
    }
}
