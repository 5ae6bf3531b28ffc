//! Real counterparts for the tests of targets: moto as S3, OpenSSH as SFTP.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Target;

/// How it is started in its directory, on its port.
type Start = Box<dyn Fn(&Path, u16) -> Command + Send>;

/// A server that ends with the test.
pub struct Server {
    child: Option<Child>,
    pub port: u16,
    pub directory: TempDir,
    start: Start,
}

impl Server {
    fn new(start: impl Fn(&Path, u16) -> Command + Send + 'static) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (directory, start) = (TempDir::new().unwrap(), Box::new(start));
        Self { child: None, port, directory, start }
    }

    pub fn up(&mut self) {
        let mut command = (self.start)(self.directory.path(), self.port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        self.child = Some(child.expect("a server of the tests: see packaging/test-tools"));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(120), "the server did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Connections have processes of their own.
            let mut all = vec![child.id().to_string()];
            let mut at = 0;
            while let Some(id) = all.get(at) {
                let path = format!("/proc/{id}/task/{id}/children");
                let children = std::fs::read_to_string(path).unwrap_or_default();
                all.extend(children.split_whitespace().map(str::to_owned));
                at += 1;
            }
            let _ = Command::new("kill").arg("-KILL").args(&all).status();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

pub fn secret_file(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub struct S3 {
    pub server: Server,
    key: String,
}

const VERSIONED: &str = "<VersioningConfiguration><Status>Enabled</Status>\
    </VersioningConfiguration>";
const LOCKED: &str = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>\
    <DefaultRetention><Mode>COMPLIANCE</Mode><Days>9</Days></DefaultRetention></Rule>\
    </ObjectLockConfiguration>";

impl S3 {
    /// Buckets, and a key of a user who may do everything in them; other signatures are refused. One
    /// keeps versions, one locks them.
    pub async fn start() -> Self {
        let mut server = Server::new(|_, port| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/s3/server.py");
            let mut command = Command::new("python3");
            command.args([script, &port.to_string()]);
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", "8");
            command
        });
        server.up();
        let (at, client) = (format!("http://127.0.0.1:{}", server.port), plain_client());
        let iam = async |fields: &[(&str, &str)]| {
            let scope = "Credential=x/20260101/us-east-1/iam/aws4_request";
            let header = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x");
            let body = serde_urlencoded::to_string(fields).unwrap();
            let request = client.post(&at).header("Authorization", header).body(body);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.text().await.unwrap()
        };
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        let user = [("Version", "2010-05-08"), ("UserName", "backup")];
        iam(&[&[("Action", "CreateUser")], &user[..]].concat()).await;
        let rule = [("PolicyName", "all"), ("PolicyDocument", policy)];
        iam(&[&[("Action", "PutUserPolicy")], &user[..], &rule].concat()).await;
        let key = iam(&[&[("Action", "CreateAccessKey")], &user[..]].concat()).await;
        let put = async |path: &str, lock: bool, body: &'static str| {
            let mut request = client.put(format!("{at}/{path}")).body(body);
            if lock {
                request = request.header("x-amz-bucket-object-lock-enabled", "true");
            }
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        };
        put("vault", false, "").await;
        put("versions", false, "").await;
        put("versions?versioning", false, VERSIONED).await;
        put("locked", true, "").await;
        put("locked?object-lock", false, LOCKED).await;
        let between = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        secret_file(&server.directory.path().join("secret"), &between("SecretAccessKey"));
        secret_file(&server.directory.path().join("wrong"), "not the secret");
        let key = between("AccessKeyId");
        Self { server, key }
    }

    pub fn url(&self, secret: &str) -> String {
        self.bucket("vault", secret)
    }

    pub fn bucket(&self, name: &str, secret: &str) -> String {
        let (port, key) = (self.server.port, &self.key);
        let file = self.server.directory.path().join(secret);
        format!(
            "s3://{name}/some/where?endpoint=http://127.0.0.1:{port}&access_key_id={key}&secret_key_file={}",
            file.display()
        )
    }
}

impl S3 {
    /// Everything that a bucket keeps, as another client lists it: `key is_latest is_mark`.
    pub fn kept(&self, bucket: &str) -> Vec<String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/s3/versions.py");
        let secret = std::fs::read_to_string(self.server.directory.path().join("secret")).unwrap();
        let mut command = Command::new("python3");
        command.args([script, &self.server.port.to_string(), bucket, &self.key]).arg(secret);
        let listed = command.output().unwrap();
        let said = String::from_utf8_lossy(&listed.stderr);
        assert!(listed.status.success(), "{said}");
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.lines().map(str::to_owned).collect()
    }
}

fn plain_client() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

pub struct Sftp {
    pub server: Server,
    fingerprint: String,
}

impl Sftp {
    pub fn start() -> Self {
        Self::with("internal-sftp")
    }

    /// One that knows nothing but the protocol itself.
    pub fn plain() -> Self {
        Self::with("internal-sftp -P posix-rename,fsync,hardlink,limits,statvfs")
    }

    fn with(subsystem: &str) -> Self {
        let mut server = Server::new(|directory, port| {
            let mut command = Command::new("/usr/sbin/sshd");
            command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
            command.args(["-p", &port.to_string()]);
            command
        });
        // Where sshd wants an empty directory when it is started by root.
        if rustix::process::getuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let at = server.directory.path().to_owned();
        for name in ["host", "user", "other"] {
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at.join(name));
            assert!(made.status().expect("ssh-keygen: see packaging/test-tools").success());
        }
        let here = at.display();
        let config = format!(
            "ListenAddress 127.0.0.1\nHostKey {here}/host\nAuthorizedKeysFile {here}/user.pub\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nSubsystem sftp {subsystem}\n"
        );
        std::fs::write(at.join("sshd_config"), config).unwrap();
        let shown = Command::new("ssh-keygen").arg("-lf").arg(at.join("host.pub")).output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        let fingerprint = shown.split(' ').nth(1).unwrap().to_owned();
        std::fs::create_dir(at.join("files")).unwrap();
        server.up();
        Self { server, fingerprint }
    }

    pub fn url(&self, key: &str, fingerprint: Option<&str>) -> String {
        let (port, at) = (self.server.port, self.server.directory.path().display());
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let (user, pinned) = (user.trim(), fingerprint.unwrap_or(&self.fingerprint));
        format!("sftp://{user}@127.0.0.1:{port}{at}/files?key_file={at}/{key}&host_key={pinned}")
    }
}

pub fn open(url: &str) -> Target {
    Target::open(&url.parse().unwrap()).unwrap()
}
