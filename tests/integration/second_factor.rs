//! The second factor: set up, shown, and no path around it.

use std::pin::Pin;
use std::process::Command;

use reqwest::Method;
use reqwest::header::COOKIE;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Session, csrf};
use crate::totp;

const LOGIN: &str = "/t/acme/login";
const SECOND: &str = "/t/acme/login/second-factor";
const ENROL: &str = "/t/acme/login/enrol";
const ACCOUNT: &str = "/t/acme/account/second-factor";

/// A tenant whose owner has an authenticator app.
struct Ground {
    app: TestApp,
    /// The owner, signed in.
    owner: Session,
    /// The code that the app was set up with.
    used: String,
    recovery: Vec<String>,
}

impl Ground {
    async fn new() -> Self {
        let (app, _) = TestApp::with_tenant();
        let owner = browser(&app);
        let led = password(&owner, OWNER, PASSWORD).await;
        assert_eq!(led.header("location"), ENROL);
        let used = totp::code(&totp::secret(&owner.get(ENROL).await.body));
        let done = owner.submit(ENROL, ENROL, &[("code", &used)]).await;
        let recovery = totp::recovery_codes(&done.body);
        assert!(is_in(&owner).await);
        Self { app, owner, used, recovery }
    }

    /// A browser with the right password of the owner, and nothing else.
    async fn half_way(&self) -> Session {
        let browser = browser(&self.app);
        assert_eq!(password(&browser, OWNER, PASSWORD).await.header("location"), SECOND);
        browser
    }

    /// A member who needs no second factor, signed in.
    async fn member(&self, email: &str) -> Session {
        let new = ["user", "create", email, "--tenant", "acme", "--role", "viewer"];
        self.app.cli(&[&new[..], &["--password-stdin"]].concat(), PASSWORD);
        let session = self.app.session("acme", email, PASSWORD).await;
        assert!(is_in(&session).await);
        session
    }
}

fn browser(app: &TestApp) -> Session {
    Session::new(&app.server.url, app.data())
}

async fn password(browser: &Session, email: &str, password: &str) -> Answer {
    browser.submit(LOGIN, LOGIN, &[("email", email), ("password", password)]).await
}

async fn code(browser: &Session, code: &str) -> Answer {
    let page = browser.get(SECOND).await;
    match page.status {
        200 => browser.submit(SECOND, SECOND, &[("code", code)]).await,
        _ => page,
    }
}

async fn is_in(browser: &Session) -> bool {
    browser.get("/t/acme/account").await.status == 200
}

/// Asks for a page of somebody signed in with these cookies.
async fn is_in_with(app: &TestApp, cookies: &str) -> bool {
    let request = app.anonymous().request(Method::GET, "/t/acme/account").header(COOKIE, cookies);
    Answer::to(request).await.status == 200
}

type Path = for<'a> fn(&'a Ground) -> Pin<Box<dyn Future<Output = bool> + 'a>>;

/// Ways in that somebody with the password might try; each says whether it led in.
const PATHS: &[(&str, Path)] = &[
    ("the password alone", |at| Box::pin(the_password_alone(at))),
    ("a code that was used", |at| Box::pin(a_used_code(at))),
    ("a recovery code that was used", |at| Box::pin(a_used_recovery_code(at))),
    ("setting up another app instead", |at| Box::pin(another_app(at))),
    ("the ticket in the place of a session", |at| Box::pin(ticket_as_session(at))),
    ("a ticket of another tenant", |at| Box::pin(foreign_ticket(at))),
    ("a ticket that was used", |at| Box::pin(used_ticket(at))),
    ("a ticket with five wrong codes", |at| Box::pin(guessed_ticket(at))),
    ("a ticket from before a new password", |at| Box::pin(ticket_of_old_password(at))),
    ("a session from before an app was set up", |at| Box::pin(session_before_app(at))),
    ("a session from before a role that needs one", |at| Box::pin(session_before_role(at))),
    ("a session from before a reset", |at| Box::pin(session_before_reset(at))),
    ("turning it off without a code", |at| Box::pin(turned_off(at))),
    ("a role with an owner's rights and another name", |at| Box::pin(role_of_another_name(at))),
    ("an access token for the password alone", |at| Box::pin(token_for_password(at))),
    ("the ticket of an application in a browser", |at| Box::pin(ticket_of_application(at))),
];

#[tokio::test]
async fn no_path_leads_around_the_second_factor() {
    for (name, path) in PATHS {
        let ground = Ground::new().await;
        assert!(!path(&ground).await, "{name}");
    }
}

async fn the_password_alone(at: &Ground) -> bool {
    is_in(&at.half_way().await).await
}

async fn a_used_code(at: &Ground) -> bool {
    let browser = at.half_way().await;
    assert_eq!(code(&browser, &at.used).await.status, 401);
    is_in(&browser).await
}

async fn a_used_recovery_code(at: &Ground) -> bool {
    let (first, second) = (at.half_way().await, at.half_way().await);
    assert_eq!(code(&first, &at.recovery[0]).await.status, 303);
    assert!(is_in(&first).await, "a recovery code works once");
    assert_eq!(code(&second, &at.recovery[0]).await.status, 401);
    is_in(&second).await
}

async fn another_app(at: &Ground) -> bool {
    let browser = at.half_way().await;
    assert_eq!(browser.get(ENROL).await.header("location"), SECOND);
    browser.submit(SECOND, ENROL, &[("code", "000000")]).await;
    is_in(&browser).await
}

async fn ticket_as_session(at: &Ground) -> bool {
    let cookies = at.half_way().await.cookies();
    let ticket = cookies.iter().find(|(name, _)| name.ends_with("ticket")).unwrap();
    is_in_with(&at.app, &format!("__Host-strongroom={}", ticket.1)).await
}

async fn foreign_ticket(at: &Ground) -> bool {
    at.app.tenant("globex");
    let browser = browser(&at.app);
    let page = "/t/globex/login";
    let fields = [("email", OWNER), ("password", PASSWORD)];
    let led = browser.submit(page, page, &fields).await;
    assert_eq!(led.header("location"), "/t/globex/login/enrol");
    let there = totp::secret(&browser.get("/t/globex/login/enrol").await.body);
    assert_eq!(browser.get(ENROL).await.status, 303);
    browser.submit(page, ENROL, &[("code", &totp::code(&there))]).await;
    is_in(&browser).await
}

async fn used_ticket(at: &Ground) -> bool {
    let browser = at.half_way().await;
    let token = csrf(&browser.get(SECOND).await.body);
    let before = browser.cookies();
    assert_eq!(code(&browser, &at.recovery[0]).await.status, 303);
    let cookies: Vec<_> = before.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = at.app.anonymous().request(Method::POST, SECOND);
    let form = format!("csrf={token}&code={}", at.recovery[1]);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let again = Answer::to(request.header(COOKIE, cookies.join("; ")).body(form)).await;
    assert!(again.header("location").starts_with(LOGIN), "{}", again.body);
    again
        .headers
        .get_all("set-cookie")
        .iter()
        .any(|cookie| cookie.to_str().unwrap().starts_with("__Host-strongroom="))
}

async fn guessed_ticket(at: &Ground) -> bool {
    let browser = at.half_way().await;
    for _ in 0..4 {
        assert_eq!(code(&browser, "not-a-code").await.status, 401);
    }
    assert!(code(&browser, "not-a-code").await.header("location").starts_with(LOGIN));
    code(&browser, &at.recovery[0]).await;
    is_in(&browser).await
}

async fn ticket_of_old_password(at: &Ground) -> bool {
    let browser = at.half_way().await;
    let new = "another harbour lantern 8";
    let fields = [("current", PASSWORD), ("password", new), ("password_again", new)];
    let changed = at.owner.submit("/t/acme/account", "/t/acme/account/password", &fields).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    code(&browser, &at.recovery[0]).await;
    is_in(&browser).await
}

async fn session_before_app(at: &Ground) -> bool {
    let before = at.member("vera@example.org").await;
    let careful = at.app.session("acme", "vera@example.org", PASSWORD).await;
    let set_up = format!("{ACCOUNT}/set-up");
    let page = careful.get(&set_up).await.body;
    let fields =
        [("csrf", &*csrf(&page)), ("proof", PASSWORD), ("code", &totp::code(&totp::secret(&page)))];
    let done = careful.post(&set_up, &fields).await;
    assert_eq!(totp::recovery_codes(&done.body).len(), 10);
    assert!(is_in(&careful).await, "whoever sets it up stays");
    is_in(&before).await
}

async fn session_before_role(at: &Ground) -> bool {
    let before = at.member("vera@example.org").await;
    let new = ["user", "create", "odo@example.org", "--tenant", "acme", "--role", "owner"];
    at.app.cli(&[&new[..], &["--password-stdin"]].concat(), PASSWORD);
    at.app.cli(&["user", "role", "vera@example.org", "auditor", "--tenant", "acme"], "");
    assert!(is_in(&before).await, "an auditor needs none");
    let given = at.app.cli(&["user", "role", "vera@example.org", "owner", "--tenant", "acme"], "");
    assert_eq!(given["role"], "owner");
    is_in(&before).await
}

async fn role_of_another_name(at: &Ground) -> bool {
    let role = ["role", "create", "boss", "--tenant", "acme", "--copy-of", "owner"];
    at.app.cli(&role, "");
    let new = ["user", "create", "odo@example.org", "--tenant", "acme", "--role", "boss"];
    at.app.cli(&[&new[..], &["--password-stdin"]].concat(), PASSWORD);
    let browser = browser(&at.app);
    assert_eq!(password(&browser, "odo@example.org", PASSWORD).await.header("location"), ENROL);
    is_in(&browser).await
}

/// What an application gets for the owner's password: a refusal with a ticket.
async fn refused_token(at: &Ground) -> serde_json::Value {
    let shown = serde_json::json!({ "email": OWNER, "password": PASSWORD });
    let answer = at.app.anonymous().post("/api/v1/auth/acme/token", &shown).await;
    answer.problem(401, "second-factor-required")
}

async fn token_for_password(at: &Ground) -> bool {
    refused_token(at).await["accessToken"].is_string()
}

async fn ticket_of_application(at: &Ground) -> bool {
    let ticket = refused_token(at).await["ticket"].as_str().unwrap().to_owned();
    is_in_with(&at.app, &format!("__Host-strongroom={ticket}")).await
        || is_in_with(&at.app, &format!("__Host-strongroom={ticket}.00")).await
}

async fn session_before_reset(at: &Ground) -> bool {
    at.app.cli(&["user", "reset-mfa", OWNER, "--tenant", "acme"], "");
    let again = browser(&at.app);
    assert_eq!(password(&again, OWNER, PASSWORD).await.header("location"), ENROL);
    is_in(&at.owner).await || is_in(&again).await
}

async fn turned_off(at: &Ground) -> bool {
    for proof in [PASSWORD, &*at.used, "000000"] {
        let off = format!("{ACCOUNT}/turn-off");
        let answer = at.owner.submit(ACCOUNT, &off, &[("proof", proof)]).await;
        assert!(matches!(answer.status, 409 | 422), "{proof}: {}", answer.status);
    }
    is_in(&at.half_way().await).await
}

#[tokio::test]
async fn recovery_codes_come_as_a_file_to_their_owner_alone_and_new_ones_end_the_old() {
    let ground = Ground::new().await;
    let (owner, file) = (&ground.owner, format!("{ACCOUNT}/recovery-codes/download"));
    let token = csrf(&owner.get(ACCOUNT).await.body);
    let mut fields = vec![("csrf", &*token)];
    fields.extend(ground.recovery.iter().map(|code| ("code", &**code)));
    let answer = owner.post(&file, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("content-disposition").starts_with("attachment"));
    assert_eq!(answer.body.lines().collect::<Vec<_>>(), ground.recovery);
    let other = [("csrf", &*token), ("code", "<b>anything</b>")];
    assert_eq!(owner.post(&file, &other).await.status, 409);

    let new = format!("{ACCOUNT}/recovery-codes");
    let made = owner.submit(ACCOUNT, &new, &[("proof", &ground.recovery[0])]).await;
    let codes = totp::recovery_codes(&made.body);
    let browser = ground.half_way().await;
    assert_eq!(code(&browser, &ground.recovery[1]).await.status, 401, "an old one");
    assert_eq!(code(&browser, &codes[0]).await.status, 303);
    assert!(is_in(&browser).await);
}

#[tokio::test]
async fn every_step_is_in_the_log_with_whose_it_was() {
    let ground = Ground::new().await;
    code(&ground.half_way().await, "123456").await;
    code(&ground.half_way().await, &ground.recovery[0]).await;
    let client = ground.app.client(ground.app.key("acme", "auditor"));
    let entries = client.entries("acme").await;
    let of = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!(of("two_factor.enabled"), 1);
    assert_eq!(of("recovery_codes.created"), 1);
    assert_eq!(of("recovery_code.used"), 1);
    let failed = entries.iter().find(|entry| entry["action"] == "two_factor.failed").unwrap();
    assert_eq!(failed["outcome"], "failure", "{failed}");
    assert_eq!(failed["actor"]["type"], "user", "{failed}");
    let text = entries.iter().map(ToString::to_string).collect::<String>();
    assert!(!text.contains(&ground.recovery[0]), "a code stands in the log");
}

/// `oathtool` of the OATH toolkit makes the codes that phones make.
#[tokio::test]
async fn the_codes_of_another_implementation_are_accepted() {
    let (app, _) = TestApp::with_tenant();
    let owner = browser(&app);
    password(&owner, OWNER, PASSWORD).await;
    let secret = totp::secret(&owner.get(ENROL).await.body);
    let said = Command::new("oathtool").args(["--totp", "--base32", &secret]).output();
    let said = said.expect("the package oathtool is needed").stdout;
    let code = String::from_utf8(said).unwrap();
    let done = owner.submit(ENROL, ENROL, &[("code", code.trim())]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(is_in(&owner).await);
}

#[tokio::test]
async fn a_member_without_mail_chooses_a_password_behind_a_link_that_is_handed_over() {
    let (app, _) = TestApp::with_tenant();
    let vera = "vera@example.org";
    let made = app.cli(&["user", "create", vera, "--tenant", "acme", "--role", "viewer"], "");
    let path = |url: &serde_json::Value| {
        url.as_str().unwrap().strip_prefix(app.server.url.as_str()).unwrap().to_owned()
    };
    let chosen = async |link: &str, new: &str| {
        let fields = [("password", new), ("password_again", new)];
        browser(&app).submit(link, link, &fields).await.status
    };
    let first = path(&made["setupUrl"]);
    assert_eq!(chosen(&first, PASSWORD).await, 303);
    let before = app.session("acme", vera, PASSWORD).await;
    let reset = app.cli(&["user", "reset-password", "--tenant", "acme", vera], "");
    let (link, other) = (path(&reset["setupUrl"]), "tulip granite walrus 81");
    assert!(is_in(&before).await, "until it is used, the former password works");
    assert_eq!(chosen(&link, other).await, 303);
    assert!(!is_in(&before).await);
    app.session("acme", vera, other).await;
}
