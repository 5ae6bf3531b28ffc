//! A real OpenID Connect provider: oidc-provider, a process of its own with its own port and keys.
#![allow(dead_code, reason = "what tests of single sign-on share; none uses all of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::{Certificate, Url, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::TestApp;
use crate::client::{Answer, Session, cryptography};
use crate::counterpart::first_line;

pub const CLIENT: &str = "strongroom";
pub const SECRET: &str = "a secret of the client, 32 letters";
/// For servers that are to talk to a provider on this machine.
pub const ALLOWED: (&str, &str) = ("STRONGROOM_SSO__ALLOWED_ADDRESSES", "127.0.0.1");
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/oidc");

/// Killed when dropped.
pub struct OidcProvider {
    child: Child,
    pipe: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub issuer: String,
    /// PEM of the private authority that its certificate is from.
    pub authority: String,
    /// The tenant's address.
    base: String,
    /// The provider as which its one client is registered.
    registered: Mutex<Option<String>>,
    /// Somebody's browser, as far as the provider knows it.
    browser: Mutex<reqwest::Client>,
    _directory: TempDir,
}

impl OidcProvider {
    /// With one client (see `register`), for a tenant of this server; signs in `kim`, kim@example.org, in the group
    /// `staff`.
    pub fn start(app: &TestApp, tenant: &str) -> Self {
        Self::run(app, tenant, "oidc_provider.mjs")
    }

    /// The same protocol by another program in `tests/integration`.
    pub fn run(app: &TestApp, tenant: &str, script: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let issuer = authority();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let file = |file: &str, pem: String| {
            let path = directory.path().join(file);
            std::fs::write(&path, pem).unwrap();
            path.display().to_string()
        };
        let files = (file("cert.pem", server.pem()), file("key.pem", key.serialize_pem()));
        let errors = directory.path().join("errors");
        let started = (0..3).find_map(|_| spawn(app, script, &files, &errors));
        let (child, pipe, port) =
            started.expect("oidc-provider does not start: run packaging/test-tools");
        Self {
            child,
            pipe: Mutex::new(pipe),
            issuer: format!("https://127.0.0.1:{port}"),
            authority: issuer.pem(),
            browser: Mutex::new(browser(&issuer.pem())),
            base: format!("{}/t/{tenant}", app.server.url),
            registered: Mutex::new(None),
            _directory: directory,
        }
    }

    /// Registers the client, once it is known as which provider its answers come back.
    pub fn register(&self, provider: &str) {
        if self.registered.lock().unwrap().replace(provider.to_owned()).as_deref() == Some(provider)
        {
            return;
        }
        let base = &self.base;
        self.set(json!({ "clients": [{
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [format!("{base}/oidc/callback/{provider}")],
            "post_logout_redirect_uris": [format!("{base}/login?notice=signed-out"), format!("{base}/login")],
            "backchannel_logout_uri": format!("{base}/oidc/backchannel-logout"),
            "backchannel_logout_session_required": true,
        }] }));
    }

    /// What it says from now on: `sub`, `claims`, `acr`, `amr`, `deny` (it signs nobody in),
    /// `algorithm`, `idTokenHasClaims` (otherwise only userinfo has them), `clients`.
    pub fn set(&self, what: Value) {
        self.order(&json!({ "set": what }));
    }

    /// Says exactly this otherwise than right, for the program that can be told to.
    pub fn set_all(&self, what: &Value) {
        self.order(&json!({ "set": what }));
    }

    /// The browser as far as the provider knows it, in exchange for a new one.
    pub fn take_browser(&self) -> reqwest::Client {
        std::mem::replace(&mut self.browser.lock().unwrap(), browser(&self.authority))
    }

    pub fn give_browser(&self, browser: reqwest::Client) {
        *self.browser.lock().unwrap() = browser;
    }

    /// Signs in this person from now on.
    pub fn set_person(&self, sub: &str, claims: Value) {
        self.set(json!({ "sub": sub, "claims": claims }));
        self.forget();
    }

    /// Nobody is signed in at the provider any more, as far as the browser knows.
    pub fn forget(&self) {
        *self.browser.lock().unwrap() = browser(&self.authority);
    }

    /// Makes new keys to sign with; the former are gone from its key set.
    pub fn rotate(&self) {
        self.order(&json!({ "rotate": true }));
    }

    /// Paths that it was asked for since the last time.
    pub fn requests(&self) -> Vec<String> {
        let said = self.order(&json!({ "requests": true }));
        serde_json::from_value(said["requests"].clone()).unwrap()
    }

    /// The key set, for pasting.
    pub fn keys(&self) -> String {
        json!({ "keys": self.order(&json!({ "keys": true }))["keys"] }).to_string()
    }

    /// The discovery document, for pasting.
    pub async fn document(&self) -> String {
        let url = format!("{}/.well-known/openid-configuration", self.issuer);
        self.browser().get(url).send().await.unwrap().text().await.unwrap()
    }

    /// The protocol's part of a provider's settings.
    pub fn settings(&self) -> Value {
        json!({
            "type": "oidc",
            "issuer": self.issuer,
            "clientId": CLIENT,
            "certificateAuthorities": self.authority,
        })
    }

    /// What somebody's browser does at the provider: goes where it is sent, until that is elsewhere.
    /// Gives that address, path and query.
    pub async fn walk(&self, to: &str) -> String {
        let mut at = Url::parse(to).unwrap();
        for _ in 0..10 {
            if at.origin() != Url::parse(&self.issuer).unwrap().origin() {
                let query = at.query().map(|query| format!("?{query}")).unwrap_or_default();
                return format!("{}{query}", at.path());
            }
            let answer = self.browser().get(at.clone()).send().await.unwrap();
            let Some(led) = answer.headers().get("location") else {
                panic!("{at} leads nowhere: {}", answer.text().await.unwrap());
            };
            at = at.join(led.to_str().unwrap()).unwrap();
        }
        panic!("{to} leads round in circles");
    }

    /// Signs in to the tenant: from its start route to the provider and back. Gives the answer to
    /// the callback, which leads on.
    pub async fn sign_in_by(&self, browser: &Session, tenant: &str, provider: &str) -> Answer {
        let callback = self.callback(browser, &format!("/t/{tenant}/sso/{provider}")).await;
        browser.get(&callback).await
    }

    /// Begins at a path of the server and goes to the provider; gives the path and query of the
    /// callback, which is not asked yet.
    pub async fn callback(&self, browser: &Session, start: &str) -> String {
        let provider = start.split('?').next().and_then(|path| path.rsplit('/').next());
        self.register(provider.unwrap());
        let sent = browser.get(start).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        self.walk(sent.header("location")).await
    }

    /// Signs out at the provider, which tells whoever wants to know. Gives where it leads, if
    /// anywhere else.
    pub async fn sign_out(&self, to: Option<&str>) -> Option<String> {
        let end = format!("{}/session/end", self.issuer);
        let page =
            self.browser().get(to.unwrap_or(&end)).send().await.unwrap().text().await.unwrap();
        let xsrf = page.split("name=\"xsrf\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
        let xsrf = xsrf.split('"').next().unwrap().to_owned();
        let form = [("xsrf", xsrf.as_str()), ("logout", "yes")];
        let body = Url::parse_with_params("http://form", form).unwrap();
        let request = self.browser().post(format!("{end}/confirm"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.query().unwrap().to_owned()).send().await.unwrap();
        let led = answer.headers().get("location")?.to_str().unwrap().to_owned();
        (!led.starts_with(&self.issuer)).then_some(led)
    }

    fn browser(&self) -> reqwest::Client {
        self.browser.lock().unwrap().clone()
    }

    /// One line in, one line out.
    pub fn order(&self, order: &Value) -> Value {
        let mut pipe = self.pipe.lock().unwrap();
        writeln!(pipe.0, "{order}").unwrap();
        let mut line = String::new();
        pipe.1.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{order}: {error}: {line}"))
    }
}

/// None when it does not come up.
fn spawn(
    app: &TestApp,
    script: &str,
    (certificate, key): &(String, String),
    errors: &Path,
) -> Option<(Child, (ChildStdin, BufReader<ChildStdout>), u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration");
    let mut child = Command::new("node")
        .arg(scripts.join(script))
        .args([MODULES, certificate, key, &port.to_string()])
        // So that it can tell the server of a logout.
        .env("NODE_EXTRA_CA_CERTS", app.data().join("tls/cert.pem"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(errors).unwrap())
        .spawn()
        .expect("node does not start: run packaging/test-tools");
    let stdin = child.stdin.take().unwrap();
    match first_line(child.stdout.take().unwrap()) {
        Some((ready, stdout)) if ready.contains("ready") => Some((child, (stdin, stdout), port)),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            None
        }
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A private authority.
pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

fn browser(authority: &str) -> reqwest::Client {
    cryptography();
    reqwest::Client::builder()
        .tls_certs_only([Certificate::from_pem(authority.as_bytes()).unwrap()])
        .cookie_provider(Arc::new(reqwest::cookie::Jar::default()))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Sets a provider up in a tenant, turned on; gives its id. `protocol` is changed in the settings of
/// the protocol; people with addresses at example.org become viewers.
pub async fn set_up(
    app: &TestApp,
    tenant: &str,
    provider: &OidcProvider,
    protocol: Value,
) -> String {
    let owner = app.client(app.key(tenant, "owner"));
    let mut settings = provider.settings();
    for (name, value) in protocol.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let all = format!("/api/v1/identity-providers/{tenant}");
    let settings = json!({
        "name": "Example",
        "protocol": settings,
        "domains": ["example.org"],
        "provisioning": { "create": true, "link": true, "rules": [], "defaultRole": "viewer" },
    });
    let made =
        owner.post(&all, &json!({ "settings": settings, "secret": SECRET })).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    provider.register(&id);
    let one = format!("{all}/{id}");
    let request = owner.request(reqwest::Method::PATCH, &one);
    let request = request.header("content-type", "application/json").body(r#"{"state":"on"}"#);
    Answer::to(request).await.expect(200);
    id
}
