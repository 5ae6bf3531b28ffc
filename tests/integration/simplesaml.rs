//! A real SAML identity provider: SimpleSAMLphp, a process of its own with its own configuration,
//! port and keys. It speaks HTTP; a small proxy in front of it speaks TLS.

use std::io::Write as _;
use std::net::TcpListener as Listener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use reqwest::{Certificate, RequestBuilder, Url, redirect};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::client::cryptography;

const WWW: &str = "/usr/share/simplesamlphp/www";
const CONFIG: &str = r#"<?php
$here = __DIR__;
$config = [
    'baseurlpath' => getenv('IDP_URL') . '/',
    'certdir' => "$here/",
    'loggingdir' => "$here/",
    'datadir' => "$here/",
    'tempdir' => "$here/tmp",
    'technicalcontact_email' => 'na@example.org',
    'timezone' => 'UTC',
    'secretsalt' => 'of a test',
    'auth.adminpassword' => 'of a test',
    'showerrors' => true,
    'errorreporting' => false,
    'logging.handler' => 'file',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'session.duration' => 3600,
    'session.cookie.name' => 'IdpSession',
    'session.cookie.secure' => true,
    'session.phpsession.cookiename' => 'IdpPhp',
    'session.phpsession.savepath' => "$here/sessions",
    'session.phpsession.httponly' => true,
    'language.available' => ['en'],
    'language.default' => 'en',
    'theme.use' => 'default',
    'store.type' => 'phpsession',
    'metadata.sources' => [['type' => 'flatfile', 'directory' => "$here/metadata"]],
];
"#;
const PEOPLE: &str = r#"<?php
$config = ['people' => ['exampleauth:UserPass', 'kim:of a test' => [
    'uid' => ['kim'],
    'mail' => ['kim@example.org'],
    'displayName' => ['Kim Doe'],
    'groups' => ['staff', 'auditors'],
]]];
"#;
const HOSTED: &str = r#"<?php
$post = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
$redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
$metadata[getenv('IDP_URL') . '/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.pem',
    'certificate' => 'idp.crt',
    'auth' => 'people',
    'validate.authnrequest' => true,
    'redirect.sign' => true,
    'redirect.validate' => true,
    'SingleSignOnServiceBinding' => [$redirect, $post],
    'SingleLogoutServiceBinding' => [$redirect, $post],
    'authproc' => [3 => [
        'class' => 'saml:AttributeNameID',
        'attribute' => 'uid',
        'identifyingAttribute' => 'uid',
        'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    ]],
];
"#;

/// Killed when dropped.
pub struct SimpleSaml {
    pub url: String,
    directory: TempDir,
    child: Child,
    browser: Mutex<reqwest::Client>,
    _proxy: JoinSet<()>,
}

/// What a provider's page sends on.
#[derive(Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Where a walk at the provider ends.
#[derive(Debug)]
pub enum Led {
    Form(Form),
    /// To another site.
    Away(String),
    /// A page of its own.
    #[expect(dead_code, reason = "tests that fail show it")]
    Page(String),
}

impl Led {
    #[track_caller]
    pub fn form(self) -> Form {
        match self {
            Self::Form(form) => form,
            other => panic!("no form: {other:?}"),
        }
    }

    #[track_caller]
    pub fn away(self) -> String {
        match self {
            Self::Away(url) => url,
            other => panic!("not led away: {other:?}"),
        }
    }
}

impl SimpleSaml {
    pub async fn start() -> Self {
        cryptography();
        let directory = TempDir::new().unwrap();
        let here = directory.path();
        for below in ["metadata", "tmp", "sessions", "tls"] {
            std::fs::create_dir(here.join(below)).unwrap();
        }
        let file = |name: &str, text: &str| std::fs::write(here.join(name), text).unwrap();
        let (signing, key) = certificate("idp");
        file("idp.crt", &signing.pem());
        file("idp.pem", &key.serialize_pem());
        file("config.php", CONFIG);
        file("authsources.php", PEOPLE);
        file("metadata/saml20-idp-hosted.php", HOSTED);
        file("https.php", "<?php $_SERVER['HTTPS'] = 'on';");
        let (tls, key) = certificate("localhost");
        file("tls/cert.pem", &tls.pem());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // By another name than the service's: its forms come from another site.
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let inner = Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("php")
            .args(["-d", &format!("auto_prepend_file={}", here.join("https.php").display())])
            .args(["-S", &inner.to_string(), "-t", WWW])
            .env("IDP_URL", &url)
            .env("SIMPLESAMLPHP_CONFIG_DIR", here)
            // A browser keeps connections open.
            .env("PHP_CLI_SERVER_WORKERS", "4")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(here.join("errors")).unwrap())
            .spawn()
            .expect("php does not start: run packaging/test-tools");
        let mut proxy = JoinSet::new();
        proxy.spawn(tls_proxy(listener, inner, tls.der().to_vec(), key.serialize_der()));
        let browser = Mutex::new(browser(&tls.pem()));
        let this = Self { url, directory, child, browser, _proxy: proxy };
        for _ in 0..200 {
            if TcpStream::connect(inner).await.is_ok() {
                return this;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("SimpleSAMLphp does not start: run packaging/test-tools");
    }

    /// With `tls/cert.pem` in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub async fn metadata(&self) -> String {
        let url = format!("{}/saml2/idp/metadata.php", self.url);
        self.browser().get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Takes a service's metadata in, with more settings of its own.
    pub fn learn(&self, metadata: &str, more: &Value) {
        let target = self.directory().join("metadata/saml20-sp-remote.php");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/simplesaml.php");
        let mut child = Command::new("php")
            .args([&script, &target])
            .arg(more.to_string())
            .env("IDP_URL", &self.url)
            .env("SIMPLESAMLPHP_CONFIG_DIR", self.directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(metadata.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    }

    /// Makes a new key to sign with.
    pub fn replace_key(&self) {
        let (signing, key) = certificate("idp");
        std::fs::write(self.directory().join("idp.crt"), signing.pem()).unwrap();
        std::fs::write(self.directory().join("idp.pem"), key.serialize_pem()).unwrap();
    }

    /// What somebody's browser does there when it is sent: signs in as kim when it is asked to.
    pub async fn walk(&self, url: &str) -> Led {
        self.go(self.browser().get(url), Url::parse(url).unwrap()).await
    }

    /// The same with a form.
    pub async fn send(&self, form: &Form) -> Led {
        let request = post(&self.browser(), &form.action, &form.fields());
        self.go(request, Url::parse(&form.action).unwrap()).await
    }

    /// Nobody is signed in there any more, as far as the browser knows.
    pub fn forget(&self) {
        let pem = std::fs::read_to_string(self.directory().join("tls/cert.pem")).unwrap();
        *self.browser.lock().unwrap() = browser(&pem);
    }

    async fn go(&self, mut request: RequestBuilder, mut at: Url) -> Led {
        let own = Url::parse(&self.url).unwrap().origin();
        for _ in 0..15 {
            let answer = request.send().await.unwrap();
            if let Some(led) = answer.headers().get("location") {
                at = at.join(led.to_str().unwrap()).unwrap();
                if at.origin() != own {
                    return Led::Away(at.into());
                }
                request = self.browser().get(at.clone());
                continue;
            }
            let page = answer.text().await.unwrap();
            if page.contains("name=\"username\"") {
                let mut fields = inputs(&page);
                fields.retain(|(name, _)| name == "AuthState");
                fields.push(("username".into(), "kim".into()));
                fields.push(("password".into(), "of a test".into()));
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                request = post(&self.browser(), at.as_str(), &fields);
                continue;
            }
            if page.contains("name=\"SAMLResponse\"") || page.contains("name=\"SAMLRequest\"") {
                return Led::Form(form(&page));
            }
            return Led::Page(page);
        }
        panic!("{at} leads round in circles");
    }

    fn browser(&self) -> reqwest::Client {
        self.browser.lock().unwrap().clone()
    }
}

impl Drop for SimpleSaml {
    fn drop(&mut self) {
        // With its workers.
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The form of a page that sends itself.
pub fn form(page: &str) -> Form {
    let after = page.split_once("<form").unwrap_or_else(|| panic!("no form: {page}")).1;
    let action = after.split_once("action=\"").unwrap().1.split('"').next().unwrap();
    let mut fields = inputs(after);
    fields.retain(|(name, _)| name.starts_with("SAML") || name == "RelayState");
    Form { action: unescape(action), fields }
}

fn inputs(page: &str) -> Vec<(String, String)> {
    let part = |input: &str, name: &str| {
        let (_, value) = input.split_once(&format!("{name}=\""))?;
        Some(unescape(value.split('"').next()?))
    };
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    inputs
        .filter_map(|input| Some((part(input, "name")?, part(input, "value").unwrap_or_default())))
        .collect()
}

fn unescape(text: &str) -> String {
    let text = text.replace("&#43;", "+").replace("&#x2F;", "/").replace("&#x3D;", "=");
    text.replace("&#38;", "&").replace("&amp;", "&")
}

fn post(client: &reqwest::Client, url: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = Url::parse_with_params("http://form", fields).unwrap();
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    request.body(body.query().unwrap_or_default().to_owned())
}

fn certificate(name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.self_signed(&key).unwrap(), key)
}

fn browser(certificate: &str) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([Certificate::from_pem(certificate.as_bytes()).unwrap()])
        .cookie_provider(Arc::new(reqwest::cookie::Jar::default()))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

async fn tls_proxy(
    listener: TcpListener,
    inner: std::net::SocketAddr,
    certificate: Vec<u8>,
    key: Vec<u8>,
) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.into()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            let Ok(mut outside) = acceptor.accept(stream).await else { return };
            let Ok(mut inside) = TcpStream::connect(inner).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
        });
    }
}
