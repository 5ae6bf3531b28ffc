//! A real rsyslogd: a process of its own with its own configuration, port and files.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// Killed when dropped.
pub struct Rsyslog {
    directory: TempDir,
    child: Child,
    pub port: u16,
    /// PEM of the authority that has signed its certificate.
    pub authority: Option<String>,
}

impl Rsyslog {
    pub fn plain() -> Self {
        Self::start(TempDir::new().unwrap(), None, String::new())
    }

    /// With a certificate for `name`.
    pub fn tls(name: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let file = |file: &str, pem: String| {
            let path = directory.path().join(file);
            std::fs::write(&path, pem).unwrap();
            path.display().to_string()
        };
        let tls = format!(
            "global(defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{}\" \
             defaultNetstreamDriverCertFile=\"{}\" defaultNetstreamDriverKeyFile=\"{}\")\n",
            file("ca.pem", issuer.pem()),
            file("cert.pem", server.pem()),
            file("key.pem", key.serialize_pem()),
        );
        Self::start(directory, Some(issuer.pem()), tls)
    }

    fn start(directory: TempDir, authority: Option<String>, tls: String) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let here = directory.path().display();
        let driver = match authority {
            Some(_) => {
                " StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"anon\""
            }
            None => "",
        };
        let config = format!(
            "global(workDirectory=\"{here}\" maxMessageSize=\"256k\")\n{tls}\
             module(load=\"imtcp\"{driver})\n\
             template(name=\"whole\" type=\"string\" string=\"%pri-text% %app-name% %structured-data% %msg%\\n\")\n\
             ruleset(name=\"audit\") {{ action(type=\"omfile\" file=\"{here}/out\" template=\"whole\") }}\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"audit\")\n"
        );
        std::fs::write(directory.path().join("rsyslog.conf"), config).unwrap();
        let child = spawn(&directory);
        let this = Self { directory, child, port, authority };
        this.wait();
        this
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(self.directory.path().join("pid"));
    }

    pub fn restart(&mut self) {
        self.child = spawn(&self.directory);
        self.wait();
    }

    fn wait(&self) {
        for _ in 0..400 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let said = std::fs::read_to_string(self.directory.path().join("stderr"));
        panic!("rsyslogd does not listen: {said:?}");
    }

    /// What it has written down.
    pub fn lines(&self) -> Vec<String> {
        let text = std::fs::read(self.directory.path().join("out")).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// Numbers of the entries in it.
    pub fn seqs(&self) -> BTreeSet<u64> {
        let number = |line: &String| line.split("seq=\"").nth(1)?.split('"').next()?.parse().ok();
        self.lines().iter().filter_map(number).collect()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &TempDir) -> Child {
    let file = |name: &str| -> PathBuf { directory.path().join(name) };
    let errors = std::fs::File::create(file("stderr")).unwrap();
    let mut command = Command::new("rsyslogd");
    command.args(["-n", "-f"]).arg(file("rsyslog.conf")).arg("-i").arg(file("pid"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    command.spawn().expect("rsyslogd of the package rsyslog")
}
