//! A real Chromium, driven over WebDriver (W3C), which is JSON over HTTP to `chromedriver`.
//! `packaging/test-tools` installs both.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use strongroom::crypto::mac::sha256;
use tempfile::TempDir;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Session, cryptography};

/// How an element is named in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const STARTED: &str = "started successfully on port ";
/// For machines that are busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// One window of a browser of its own, with nothing remembered. Its addresses begin with
/// `https://localhost`, because passkeys need a name: an IP address is none.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    pub url: String,
    // Declared last: the browser is asked to go before the driver and its directory do.
    _driver: Driver,
    _profile: TempDir,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It takes the browser with it.
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Driver {
    /// Starts one; answers with its address.
    fn start() -> (Self, String) {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let missing = "chromedriver does not start: run packaging/test-tools";
        let mut driver = Self(command.spawn().expect(missing));
        let mut lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line.split_once(STARTED)?.1.trim_end_matches('.').trim();
            port.parse::<u16>().ok()
        });
        // Its pipe must not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        (driver, format!("http://127.0.0.1:{}", port.expect(missing)))
    }
}

impl Browser {
    pub async fn start(app: &TestApp) -> Self {
        Self::for_both(app, app).await
    }

    /// One that trusts another server too.
    pub async fn for_both(app: &TestApp, other: &TestApp) -> Self {
        Self::trusting(app, other.data()).await
    }

    /// One that trusts whoever else has the certificate in `tls/cert.pem` below this directory.
    pub async fn trusting(app: &TestApp, other: &Path) -> Self {
        let profile = TempDir::new().unwrap();
        cryptography();
        let (driver, address) = Driver::start();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let options = json!({
            "args": arguments(&[app.data(), other], profile.path()),
            "binary": "/usr/bin/chromium",
        });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer = http.post(format!("{address}/session")).body(wanted.to_string());
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str();
        let id = id.unwrap_or_else(|| panic!("no browser: {answer}"));
        let session = format!("{address}/session/{id}");
        let url = app.server.url.replace("127.0.0.1", "localhost");
        Self { http, session, url, _driver: driver, _profile: profile }
    }

    /// A command of WebDriver, below `/session/{id}`; what it answers when it fails, otherwise.
    pub async fn try_command(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let request = self.http.request(method, format!("{}{path}", self.session));
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let response = request.send().await.unwrap();
        let failed = !response.status().is_success();
        let mut answer: Value = response.json().await.unwrap();
        let value = answer["value"].take();
        if failed { Err(value["message"].to_string()) } else { Ok(value) }
    }

    pub async fn command(&self, path: &str, body: Value) -> Value {
        let done = self.try_command(Method::POST, path, Some(body)).await;
        done.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn ask(&self, path: &str) -> Value {
        let answer = self.try_command(Method::GET, path, None).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Opens a page of the server and waits until it is loaded.
    pub async fn open(&self, path: &str) {
        self.go(&format!("{}{path}", self.url)).await;
    }

    /// Opens any address.
    pub async fn go(&self, url: &str) {
        self.command("/url", json!({ "url": url })).await;
    }

    /// What another server's addresses begin with, by the same name.
    pub fn url_of(&self, app: &TestApp) -> String {
        app.server.url.replace("127.0.0.1", "localhost")
    }

    /// Where one is: path and query.
    pub async fn path(&self) -> String {
        let url = self.ask("/url").await;
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.url).unwrap_or(url).to_owned()
    }

    /// The page as it stands.
    pub async fn source(&self) -> String {
        self.ask("/source").await.as_str().unwrap().to_owned()
    }

    /// Runs a script as the body of a function; the page's content security policy does not bind it.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// The same for one that answers by calling its last argument.
    pub async fn run_async(&self, script: &str, arguments: Value) -> Value {
        self.command("/execute/async", json!({ "script": script, "args": arguments })).await
    }

    async fn element(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.try_command(Method::POST, "/element", Some(wanted)).await;
        match found {
            Ok(found) => found[ELEMENT].as_str().unwrap().to_owned(),
            Err(error) => panic!("{error} on {}: {}", self.path().await, self.source().await),
        }
    }

    /// Whether the page has such an element and shows it.
    pub async fn shows(&self, css: &str) -> bool {
        let script = "const e = document.querySelector(arguments[0]);
                      return e !== null && e.checkVisibility()";
        self.run(script, json!([css])).await == true
    }

    /// What an element says, as a person sees it.
    pub async fn text(&self, css: &str) -> String {
        let text = self.ask(&format!("/element/{}/text", self.element(css).await)).await;
        text.as_str().unwrap().to_owned()
    }

    /// Types into the field of this name; other people's pages may have no `main`.
    pub async fn fill(&self, name: &str, value: &str) {
        let place = ":is(main, body:not(:has(main)))";
        let field = self.element(&format!("{place} [name=\"{name}\"]:not([type=hidden])")).await;
        self.command(&format!("/element/{field}/clear"), json!({})).await;
        self.command(&format!("/element/{field}/value"), json!({ "text": value })).await;
    }

    /// Presses a button or follows a link.
    pub async fn press(&self, css: &str) {
        let element = self.element(css).await;
        self.command(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Presses what leads to another page once a script or a device has answered, and waits for it.
    pub async fn press_and_wait(&self, css: &str) {
        // A page that has been left has no such mark any more.
        self.run("window.before = true", json!([])).await;
        self.press(css).await;
        self.until("return !window.before && document.readyState === 'complete'").await;
    }

    /// Waits until a script answers with something true.
    pub async fn until(&self, script: &str) {
        let wanted = json!({ "script": script, "args": [] });
        for _ in 0..400 {
            // A page that is being left cannot answer.
            let done = self.try_command(Method::POST, "/execute/sync", Some(wanted.clone())).await;
            if done.is_ok_and(|value| value == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{script}: not true of {}: {}", self.path().await, self.source().await);
    }

    /// Signs in with a password, which must be enough.
    pub async fn sign_in(&self, page: &str, email: &str, password: &str) {
        self.open(page).await;
        self.fill("email", email).await;
        self.fill("password", password).await;
        self.press_and_wait("main form:has([name=password]) [type=submit]").await;
    }

    /// Goes on with the cookies of a session that signed in without a browser.
    pub async fn take_over(&self, session: &Session) {
        for (name, value) in session.cookies() {
            let cookie = json!({
                "url": self.url, "name": name, "value": value,
                "path": "/", "secure": true, "httpOnly": true,
            });
            self.devtools("Network.setCookie", cookie).await;
        }
    }

    pub async fn forget_cookies(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    /// A command of the Chrome DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("/goog/cdp/execute", body).await
    }

    pub async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // What moves has no colour to be judged yet.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub async fn width(&self, pixels: u32) {
        let size = json!({
            "width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The whole page as a PNG.
    pub async fn screenshot(&self, file: &Path) {
        let whole = json!({ "captureBeyondViewport": true });
        let image = self.devtools("Page.captureScreenshot", whole).await;
        let image = BASE64.decode(image["data"].as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(file, image).unwrap();
    }

    /// Plugs in a device that holds passkeys (WebAuthn level 3, part 11). `verifies`: it knows a PIN
    /// or a fingerprint, not only a touch.
    pub async fn plug_in(&self, verifies: bool) -> Device<'_> {
        let device = json!({
            "protocol": "ctap2", "transport": "usb", "hasResidentKey": true,
            "hasUserVerification": verifies, "isUserVerified": verifies,
        });
        let id = self.command("/webauthn/authenticator", device).await;
        Device { browser: self, id: id.as_str().unwrap().to_owned() }
    }
}

/// A virtual authenticator.
pub struct Device<'a> {
    browser: &'a Browser,
    id: String,
}

impl Device<'_> {
    /// The passkeys on it, as the standard describes them.
    pub async fn credentials(&self) -> Vec<Value> {
        let path = format!("/webauthn/authenticator/{}/credentials", self.id);
        self.browser.ask(&path).await.as_array().unwrap().clone()
    }

    /// Puts a passkey on it that was taken from another.
    pub async fn put(&self, credential: &Value) {
        let path = format!("/webauthn/authenticator/{}/credential", self.id);
        self.browser.command(&path, credential.clone()).await;
    }

    pub async fn unplug(self) {
        let path = format!("/webauthn/authenticator/{}", self.id);
        self.browser.try_command(Method::DELETE, &path, None).await.unwrap();
    }
}

fn arguments(servers: &[&Path], profile: &Path) -> Vec<String> {
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
        "--window-size=1280,900",
    ];
    let mut arguments: Vec<String> = fixed.map(Into::into).into();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    // A page whose certificate is merely overlooked gets no passkeys; a known key counts as trusted.
    let keys: Vec<String> = servers.iter().map(|data| public_key(data)).collect();
    arguments.push(format!("--ignore-certificate-errors-spki-list={}", keys.join(",")));
    arguments
}

/// The SHA-256 of the server's public key (SubjectPublicKeyInfo), in Base64.
fn public_key(data: &Path) -> String {
    let pem = std::fs::read(data.join("tls").join("cert.pem")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let certificate = pem.parse_x509().unwrap();
    BASE64.encode(&sha256(certificate.public_key().raw))
}

#[tokio::test]
async fn a_person_signs_in_in_a_real_browser() {
    let (app, _) = TestApp::with_tenant();
    let create = ["user", "create", "--tenant", "acme", "--role", "viewer", "--password-stdin"];
    app.cli(&[&create[..], &["vera@example.org"]].concat(), PASSWORD);
    let browser = Browser::start(&app).await;
    browser.sign_in("/t/acme/login", "vera@example.org", PASSWORD).await;
    assert_eq!(browser.path().await, "/t/acme/");
    browser.forget_cookies().await;
    browser.open("/t/acme/account").await;
    assert!(browser.path().await.starts_with("/t/acme/login"));
    browser.take_over(&app.session("acme", OWNER, PASSWORD).await).await;
    browser.open("/t/acme/account").await;
    assert!(browser.text("main").await.contains(OWNER));
}
