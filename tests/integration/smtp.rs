//! A real mail server: aiosmtpd, a process of its own with its own port and files.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

use crate::counterpart::first_line;

pub const USER: &str = "vault";
pub const SECRET: &str = "correct horse battery staple";
/// Mails are sent every two seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Killed when dropped.
pub struct Smtp {
    directory: TempDir,
    child: Child,
    pub port: u16,
}

/// A mail as it came.
pub struct Mail {
    pub to: String,
    pub text: String,
}

impl Smtp {
    /// Without protection, as on the machine itself.
    pub fn plain() -> Self {
        Self::start(TempDir::new().unwrap(), &[])
    }

    /// With a certificate for `name`, signed by [`authority`](Self::authority), and a sign-in;
    /// `how` is `starttls` or `tls`.
    pub fn protected(name: &str, how: &str) -> Self {
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
        file("authority.pem", issuer.pem());
        let (certificate, key) =
            (file("cert.pem", server.pem()), file("key.pem", key.serialize_pem()));
        Self::start(directory, &[&certificate, &key, how, USER, SECRET])
    }

    fn start(directory: TempDir, protected: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/smtpd.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(port.to_string())
            .arg(directory.path())
            .args(protected)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ready = first_line(child.stdout.take().unwrap()).map(|(line, _)| line);
        let ready = ready.as_deref().map(str::trim);
        assert_eq!(ready, Some("ready"), "aiosmtpd did not start: install python3-aiosmtpd");
        Self { directory, child, port }
    }

    /// PEM file of the authority.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    pub fn mails(&self) -> Vec<Mail> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        let read = |path: &PathBuf| {
            let all = std::fs::read_to_string(path).unwrap();
            let (to, raw) = all.split_once('\n').unwrap();
            // Long lines are folded (RFC 2045, 6.7).
            let text = raw.replace("=\r\n", "").replace("=3D", "=");
            Mail { to: to.to_owned(), text }
        };
        files.iter().map(read).collect()
    }

    /// Waits for the `n`th mail, from 1.
    pub async fn mail(&self, n: usize) -> Mail {
        let begun = Instant::now();
        loop {
            let mut mails = self.mails();
            if mails.len() >= n {
                return mails.remove(n - 1);
            }
            assert!(begun.elapsed() < PATIENCE, "mail {n} did not come");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Mail {
    /// Path and query of the link in it.
    pub fn link(&self) -> String {
        let plain = self.text.split("text/html").next().unwrap();
        let line = plain.lines().find(|line| line.starts_with("https://"));
        let line = line.unwrap_or_else(|| panic!("no link: {}", self.text)).trim();
        let path = line.strip_prefix("https://").unwrap();
        path[path.find('/').unwrap()..].to_owned()
    }

    pub fn subject(&self) -> &str {
        let line = self.text.lines().find_map(|line| line.strip_prefix("Subject: "));
        line.unwrap_or_default().trim()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter that Debian's package belongs to, else whichever has the module.
fn python() -> &'static str {
    let has = |python: &&&str| {
        let asked = Command::new(**python).args(["-c", "import aiosmtpd"]).status();
        asked.is_ok_and(|status| status.success())
    };
    ["/usr/bin/python3", "python3"].iter().find(has).copied().unwrap_or("python3")
}
