//! Passkeys, as a real browser uses them with devices that are virtual but sign for real.

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::browser::Browser;
use crate::client::Client;
use crate::totp::kept;

const VERA: &str = "vera@example.org";
const LOGIN: &str = "/t/acme/login";
const PASSKEYS: &str = "/t/acme/account/passkeys";
const ASK: &str = "form[data-passkey] button";

/// A tenant with somebody in it who needs no second factor, signed in.
async fn vera(app: &TestApp) -> Browser {
    add_vera(app, "acme");
    let browser = Browser::start(app).await;
    browser.sign_in(LOGIN, VERA, PASSWORD).await;
    browser
}

fn add_vera(app: &TestApp, tenant: &str) {
    let create = ["user", "create", "--tenant", tenant, "--role", "viewer", "--password-stdin"];
    app.cli(&[&create[..], &[VERA]].concat(), PASSWORD);
}

/// Registers what is plugged in.
async fn register(browser: &Browser, name: &str) {
    browser.open(&format!("{PASSKEYS}/new")).await;
    register_here(browser, name).await;
}

async fn register_here(browser: &Browser, name: &str) {
    browser.fill("name", name).await;
    browser.press_and_wait(ASK).await;
    assert_eq!(browser.path().await, format!("{PASSKEYS}?notice=passkey-added"));
    assert!(browser.text("main table").await.contains(name));
}

/// Signs in with what is plugged in and nothing else; answers with where one is then.
async fn alone(browser: &Browser, login: &str) -> String {
    browser.forget_cookies().await;
    browser.open(login).await;
    browser.press_and_wait(ASK).await;
    browser.path().await
}

async fn after_password(browser: &Browser) -> String {
    browser.forget_cookies().await;
    browser.sign_in(LOGIN, VERA, PASSWORD).await;
    assert_eq!(browser.path().await, "/t/acme/login/second-factor");
    browser.press_and_wait(ASK).await;
    browser.path().await
}

async fn remove_first(browser: &Browser) {
    browser.open(PASSKEYS).await;
    browser.press_and_wait("main table a.button").await;
    browser.press_and_wait("main form button").await;
}

/// The newest entry of this action.
async fn newest(log: &Client, action: &str) -> Value {
    let entries = log.entries("acme").await;
    let found = entries.into_iter().rev().find(|entry| entry["action"] == action);
    found.unwrap_or_else(|| panic!("no {action}"))
}

async fn assert_refused(log: &Client, action: &str, reason: &str) {
    let entry = newest(log, action).await;
    assert_eq!(entry["customFields"]["reason"], reason, "{entry}");
    assert_eq!(entry["outcome"], "failure", "{entry}");
}

#[tokio::test]
async fn somebody_registers_two_passkeys_and_signs_in_with_either_alone_or_after_the_password() {
    let (app, token) = TestApp::with_tenant();
    let (browser, log) = (vera(&app).await, app.client(token));
    let laptop = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    let enabled = newest(&log, "two_factor.enabled").await;
    assert_eq!(enabled["customFields"]["factor"], "passkey", "{enabled}");
    let held = laptop.credentials().await.remove(0);
    assert_eq!(held["isResidentCredential"], true, "it works without a name typed in: {held}");
    laptop.unplug().await;
    let phone = browser.plug_in(true).await;
    register(&browser, "Phone").await;
    assert_eq!(newest(&log, "two_factor.enabled").await["seq"], enabled["seq"], "not a first one");
    assert_eq!(newest(&log, "passkey.added").await["resource"]["type"], "passkey");

    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/");
    assert_eq!(newest(&log, "session.created").await["customFields"]["factors"], "passkey");
    assert_eq!(after_password(&browser).await, "/t/acme/");
    let factors = newest(&log, "session.created").await["customFields"]["factors"].clone();
    assert_eq!(factors, "password passkey");
    phone.unplug().await;
    browser.plug_in(true).await.put(&held).await;
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/", "the laptop's works as well");

    browser.open(PASSKEYS).await;
    browser.press_and_wait("main table a.title").await;
    browser.fill("name", "Old laptop").await;
    browser.press_and_wait("main form button").await;
    assert!(browser.text("main table").await.contains("Old laptop"));
    assert_eq!(newest(&log, "passkey.renamed").await["changes"]["name"]["new"], "[sealed]");
}

#[tokio::test]
async fn a_key_that_is_only_touched_is_a_second_factor_and_never_enough_alone() {
    let (app, token) = TestApp::with_tenant();
    let (browser, log) = (vera(&app).await, app.client(token));
    let _key = browser.plug_in(false).await;
    browser.open(&format!("{PASSKEYS}/new")).await;
    browser.press("[name=touch]").await;
    register_here(&browser, "Key ring").await;
    let row = browser.text("main table").await;
    assert!(row.contains("After your password") && !row.contains("Alone"), "{row}");
    assert_eq!(after_password(&browser).await, "/t/acme/");
    let factors = newest(&log, "session.created").await["customFields"]["factors"].clone();
    assert_eq!(factors, "password security-key");
    browser.forget_cookies().await;
    browser.open(LOGIN).await;
    browser.press(ASK).await;
    browser.until("return !document.querySelector('[data-passkey-problem]').hidden").await;
    assert_eq!(browser.path().await, LOGIN);
}

#[tokio::test]
async fn a_removed_passkey_and_another_tenants_are_refused() {
    let (app, token) = TestApp::with_tenant();
    app.tenant("globex");
    add_vera(&app, "globex");
    let (browser, log) = (vera(&app).await, app.client(token));
    let _device = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    for foreign in ["globex", "nobody"] {
        let login = format!("/t/{foreign}/login");
        assert_eq!(alone(&browser, &login).await, format!("{login}/passkey"));
        assert!(browser.text("[role=alert]").await.contains("was not accepted"));
    }
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/");
    remove_first(&browser).await;
    assert_eq!(newest(&log, "two_factor.disabled").await["customFields"]["factor"], "passkey");
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/login/passkey");
    assert_refused(&log, "login.failed", "unknown-passkey").await;
    browser.sign_in(LOGIN, VERA, PASSWORD).await;
    assert_eq!(browser.path().await, "/t/acme/", "nothing more is asked for");
}

/// What a page's script would send, for an assertion that `get` asks for: a form.
const ANSWER: &str = "
    const done = arguments[arguments.length - 1];
    const [options, rest] = [arguments[0], arguments[1] ?? {}];
    const get = (question) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(question.publicKey);
      return navigator.credentials.get({ publicKey });
    };
    const ask = async () => {
      const csrf = document.querySelector('form[data-passkey] [name=csrf]').value;
      const asked = rest.question
        ?? await (await fetch(options, { method: 'POST', body: new URLSearchParams({ csrf }) })).json();
      if (rest.only === 'question') return { csrf, question: asked };
      const answer = JSON.stringify((await get(asked)).toJSON());
      return { csrf, ceremony: asked.ceremony, answer };
    };
    ask().then(done, (error) => done(String(error)));";

/// Sends a form from the page that one is on; answers with status and where it led.
async fn send(browser: &Browser, path: &str, form: &Value) -> (u64, String) {
    let script = "const done = arguments[arguments.length - 1];
        fetch(arguments[0], { method: 'POST', body: new URLSearchParams(arguments[1]) })
          .then((answer) => done([answer.status, new URL(answer.url).pathname]));";
    let sent = browser.run_async(script, json!([path, form])).await;
    (sent[0].as_u64().unwrap(), sent[1].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_answer_counts_once_and_only_in_the_browser_that_was_asked() {
    let (app, token) = TestApp::with_tenant();
    let (browser, log) = (vera(&app).await, app.client(token));
    let _device = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    let (options, take) = ("/t/acme/login/passkey/options", "/t/acme/login/passkey");
    browser.forget_cookies().await;
    browser.open(LOGIN).await;
    let form = browser.run_async(ANSWER, json!([options])).await;
    assert_eq!(send(&browser, take, &form).await, (200, "/t/acme/".to_owned()));
    assert_eq!(send(&browser, take, &form).await.0, 401, "a second time");
    assert_refused(&log, "login.failed", "not-asked").await;

    let form = browser.run_async(ANSWER, json!([options])).await;
    browser.forget_cookies().await;
    browser.open(LOGIN).await;
    let other = browser.run_async(ANSWER, json!([options, { "only": "question" }])).await;
    let mut stolen = form.clone();
    stolen["csrf"] = other["csrf"].clone();
    assert_eq!(send(&browser, take, &stolen).await.0, 401, "another browser's");
    assert_refused(&log, "login.failed", "not-asked").await;

    let mut form = browser.run_async(ANSWER, json!([options])).await;
    form["answer"] = "{}".into();
    assert_eq!(send(&browser, take, &form).await.0, 401, "not what a device says");
    assert_refused(&log, "login.failed", "malformed").await;
}

#[tokio::test]
async fn an_answer_that_another_site_asked_for_is_refused() {
    let (app, token) = TestApp::with_tenant();
    let (imitation, _) = TestApp::with_tenant();
    add_vera(&app, "acme");
    let log = app.client(token);
    let browser = Browser::for_both(&app, &imitation).await;
    let _device = browser.plug_in(true).await;
    browser.sign_in(LOGIN, VERA, PASSWORD).await;
    register(&browser, "Laptop").await;

    // The imitation has the same name, on another port, and passes the real question on.
    browser.open("/t/acme/logout").await;
    browser.open(LOGIN).await;
    let options = "/t/acme/login/passkey/options";
    let asked = browser.run_async(ANSWER, json!([options, { "only": "question" }])).await;
    let (real, other) = (browser.url.clone(), browser.url_of(&imitation));
    browser.go(&format!("{other}{LOGIN}")).await;
    let passed_on = json!([options, { "question": asked["question"] }]);
    let mut form = browser.run_async(ANSWER, passed_on).await;
    assert!(form["answer"].is_string(), "the device signs for any page of the name: {form}");
    browser.go(&format!("{real}{LOGIN}")).await;
    form["csrf"] = asked["csrf"].clone();
    assert_eq!(send(&browser, "/t/acme/login/passkey", &form).await.0, 401);
    assert_refused(&log, "login.failed", "wrong-origin").await;
}

#[tokio::test]
async fn a_copy_of_a_passkey_is_noticed_by_its_counter() {
    let (app, token) = TestApp::with_tenant();
    let (browser, log) = (vera(&app).await, app.client(token));
    let device = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    let copy = device.credentials().await.remove(0);
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/");
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/");
    device.unplug().await;
    browser.plug_in(true).await.put(&copy).await;
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/login/passkey");
    assert_refused(&log, "login.failed", "signature-counter").await;
    assert_eq!(after_password(&browser).await, "/t/acme/login/second-factor/passkey");
    assert_refused(&log, "two_factor.failed", "signature-counter").await;
}

#[tokio::test]
async fn the_last_second_factor_of_somebody_who_must_have_one_stays() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let browser = Browser::start(&app).await;
    browser.open(LOGIN).await;
    browser.take_over(&owner).await;
    let _device = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    let factors = "/t/acme/account/second-factor";
    let code = kept::take(app.data(), LOGIN, OWNER);
    let off = owner.submit(factors, &format!("{factors}/turn-off"), &[("proof", &code)]).await;
    assert_eq!(off.status, 303, "{}", off.body);
    remove_first(&browser).await;
    assert!(browser.text("[role=status]").await.contains("only second factor"));
    assert!(browser.text("main table").await.contains("Laptop"));
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/");
}

#[tokio::test]
async fn a_passkey_confirms_before_a_sensitive_act() {
    let (app, token) = TestApp::with_tenant();
    let (browser, log) = (vera(&app).await, app.client(token));
    let device = browser.plug_in(true).await;
    register(&browser, "Laptop").await;
    let copy = device.credentials().await.remove(0);
    let confirm = "/t/acme/account/confirm?next=/t/acme/account";
    browser.open(confirm).await;
    browser.press(ASK).await;
    browser.until("return location.pathname === '/t/acme/account'").await;
    let entry = newest(&log, "session.confirmed").await;
    assert_eq!(entry["customFields"]["factor"], "passkey", "{entry}");
    assert_eq!(entry["outcome"], "success", "{entry}");
    device.unplug().await;
    browser.plug_in(true).await.put(&copy).await;
    browser.open(confirm).await;
    browser.press_and_wait(ASK).await;
    assert!(browser.shows("[role=alert]").await);
    assert_refused(&log, "session.confirmed", "signature-counter").await;
}

#[tokio::test]
async fn a_platform_administrator_has_passkeys_too() {
    let app = TestApp::start();
    let admin = crate::setup::set_up(&app).await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, PASSWORD).await;
    let browser = Browser::start(&app).await;
    browser.open("/platform/login").await;
    browser.take_over(&admin).await;
    let _device = browser.plug_in(true).await;
    browser.open("/platform/account/passkeys/new").await;
    browser.fill("name", "Laptop").await;
    browser.press_and_wait(ASK).await;
    assert_eq!(alone(&browser, "/platform/login").await, "/platform/");
    assert_eq!(alone(&browser, LOGIN).await, "/t/acme/login/passkey", "not a tenant's door");
}

#[tokio::test]
async fn an_ip_address_is_no_name_for_passkeys_and_the_pages_say_so() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let there = app.server.url.replace("127.0.0.1", "localhost");
    let link = format!("href=\"{there}{LOGIN}\"");
    let login = app.anonymous().get(LOGIN).await.body;
    assert!(login.contains(&link) && !login.contains("data-passkey"), "{login}");
    let own = owner.get(PASSKEYS).await.body;
    assert!(own.contains(&format!("href=\"{there}{PASSKEYS}\"")), "{own}");
}
