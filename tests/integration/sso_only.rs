//! Nothing but single sign-on lets people in: no way around it, the emergency account, the sign-in
//! page, and confirming by the provider.

use std::pin::Pin;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client, Session, csrf};
use crate::oidc_provider::{ALLOWED, OidcProvider, SECRET};

const LOGIN: &str = "/t/acme/login";
const EMERGENCY: &str = "/t/acme/login?emergency=1";
const VERA: &str = "vera@example.org";

/// What was there when everything else was turned off.
struct Ground {
    app: TestApp,
    idp: OidcProvider,
    provider: String,
    owner: Client,
    /// The owner, who is the emergency account, in a browser.
    emergency: Session,
    /// Kim, whom the provider signed in.
    kim: Session,
    /// Vera, who has a password and was signed in with it.
    vera: Session,
    tokens: Value,
    invitation: String,
    new_password: String,
}

impl Ground {
    async fn before(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::with(&[&[ALLOWED], settings].concat());
        app.tenant("acme");
        let owner = app.client(app.key("acme", "owner"));
        let idp = OidcProvider::start(&app, "acme");
        let provider = provider(&owner, &idp).await;
        let emergency = app.session("acme", OWNER, PASSWORD).await;
        let new = ["user", "create", VERA, "--tenant", "acme", "--role", "viewer"];
        app.cli(&[&new[..], &["--password-stdin"]].concat(), PASSWORD);
        let vera = app.session("acme", VERA, PASSWORD).await;
        let shown = json!({ "email": VERA, "password": PASSWORD });
        let tokens = app.anonymous().post("/api/v1/auth/acme/token", &shown).await.expect(200);
        let invite = ["user", "invite", "new@example.org", "--tenant", "acme", "--role", "viewer"];
        let invitation = path(&app, &app.cli(&invite, "")["url"]);
        let reset = ["user", "reset-password", VERA, "--tenant", "acme"];
        let new_password = path(&app, &app.cli(&reset, "")["setupUrl"]);
        let kim = browser(&app);
        idp.sign_in_by(&kim, "acme", &provider).await;
        assert!(is_in(&kim).await);
        Self { app, idp, provider, owner, emergency, kim, vera, tokens, invitation, new_password }
    }

    async fn enforced(settings: &[(&str, &str)]) -> Self {
        let ground = Self::before(settings).await;
        let on = ["sso", "enforcement", "on", "--tenant", "acme", "--break-glass", OWNER];
        let now = ground.app.cli(&on, "");
        assert_eq!((&now["singleSignOnOnly"], &now["changed"]), (&true.into(), &true.into()));
        ground
    }

    async fn entry(&self, action: &str) -> Value {
        let all = self.owner.entries("acme").await;
        let found = all.into_iter().rev().find(|entry| entry["action"] == action);
        found.unwrap_or_else(|| panic!("no {action}"))
    }
}

/// Sets the provider up and turns it on.
async fn provider(owner: &Client, idp: &OidcProvider) -> String {
    let settings = json!({
        "name": "Example",
        "protocol": idp.settings(),
        "domains": ["example.org"],
        "provisioning": { "create": true, "link": true, "rules": [], "defaultRole": "viewer" },
    });
    let all = "/api/v1/identity-providers/acme";
    let new = json!({ "settings": settings, "secret": SECRET });
    let made = owner.post(all, &new).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let request = owner.request(Method::PATCH, &format!("{all}/{id}"));
    let request = request.header("content-type", "application/json").body(r#"{"state":"on"}"#);
    Answer::to(request).await.expect(200);
    id
}

/// Path and query of an address of this server.
fn path(app: &TestApp, url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no address in {url}"));
    url.strip_prefix(&app.server.url).unwrap_or(url).to_owned()
}

fn browser(app: &TestApp) -> Session {
    Session::new(&app.server.url, app.data())
}

async fn is_in(browser: &Session) -> bool {
    browser.get("/t/acme/account").await.status == 200
}

async fn works(app: &TestApp, token: &Value) -> bool {
    let client = app.client(token.as_str().unwrap());
    client.get("/api/v1/conversations/acme").await.status == 200
}

type Path = for<'a> fn(&'a Ground) -> Pin<Box<dyn Future<Output = bool> + 'a>>;

/// Ways in beside the provider; each says whether it led in.
const PATHS: &[(&str, Path)] = &[
    ("the password", |at| Box::pin(password(at, LOGIN))),
    ("the password in the form for emergencies", |at| Box::pin(password(at, EMERGENCY))),
    ("an access token for the password", |at| Box::pin(token(at))),
    ("a session from before", |at| Box::pin(async { is_in(&at.vera).await })),
    ("an access token from before", |at| {
        Box::pin(async { works(&at.app, &at.tokens["accessToken"]).await })
    }),
    ("a refresh token from before", |at| Box::pin(refresh(at))),
    ("a link for a new password from before", |at| Box::pin(new_password(at))),
    ("a new link for a new password", |at| Box::pin(another_link(at))),
    ("an invitation from before", |at| Box::pin(invitation(at))),
    ("a new invitation", |at| Box::pin(another_invitation(at))),
    ("registering", |at| Box::pin(registering(at))),
];

#[tokio::test]
async fn no_path_leads_around_single_sign_on() {
    let ground = Ground::enforced(&[]).await;
    for (name, path) in PATHS {
        assert!(!path(&ground).await, "{name}");
    }
    assert!(is_in(&ground.kim).await, "whom the provider signed in stays");
    let again = browser(&ground.app);
    ground.idp.sign_in_by(&again, "acme", &ground.provider).await;
    assert!(is_in(&again).await, "and comes in again");
}

async fn password(at: &Ground, page: &str) -> bool {
    let browser = browser(&at.app);
    let token = csrf(&browser.get(EMERGENCY).await.body);
    let send = async |password| {
        browser.post(page, &[("csrf", &token), ("email", VERA), ("password", password)]).await
    };
    let (right, wrong) = (send(PASSWORD).await, send("wrong").await);
    assert_eq!((right.status, wrong.status), (401, 401));
    assert!(right.body.contains("Only the emergency account"), "{}", right.body);
    is_in(&browser).await
}

async fn token(at: &Ground) -> bool {
    let shown = json!({ "email": VERA, "password": PASSWORD });
    let answer = at.app.anonymous().post("/api/v1/auth/acme/token", &shown).await;
    answer.problem(401, "wrong-password")["accessToken"].is_string()
}

async fn refresh(at: &Ground) -> bool {
    let shown = json!({ "refreshToken": at.tokens["refreshToken"] });
    at.app.anonymous().post("/api/v1/auth/acme/refresh", &shown).await.status < 400
}

async fn new_password(at: &Ground) -> bool {
    browser(&at.app).get(&at.new_password).await.status < 400
}

async fn another_link(at: &Ground) -> bool {
    let said = at.app.try_cli(&["user", "reset-password", VERA, "--tenant", "acme"], "");
    assert!(said.err.contains("only single sign-on"), "{said:?}");
    said.code == 0
}

async fn invitation(at: &Ground) -> bool {
    browser(&at.app).get(&at.invitation).await.status < 400
}

async fn another_invitation(at: &Ground) -> bool {
    let new = json!({ "email": "other@example.org", "role": "viewer" });
    let asked = at.owner.post("/api/v1/users/acme/invitations", &new).await;
    asked.problem(409, "single-sign-on-only");
    false
}

async fn registering(at: &Ground) -> bool {
    browser(&at.app).get("/t/acme/register").await.status < 400
}

#[tokio::test]
async fn the_emergency_account_gets_in_with_both_factors_and_everybody_sees_it() {
    let ground = Ground::enforced(&[]).await;
    assert!(is_in(&ground.emergency).await, "its session stays");
    let again = browser(&ground.app);
    let token = csrf(&again.get(EMERGENCY).await.body);
    let fields = [("csrf", &*token), ("email", OWNER), ("password", PASSWORD)];
    let half = again.post(LOGIN, &fields).await;
    assert_eq!(half.header("location"), "/t/acme/login/second-factor", "{}", half.body);
    assert!(!is_in(&again).await, "a password alone is not enough");
    let code = crate::totp::kept::take(ground.app.data(), LOGIN, OWNER);
    let second = "/t/acme/login/second-factor";
    assert_eq!(again.submit(second, second, &[("code", &code)]).await.status, 303);
    assert!(is_in(&again).await);
    assert_eq!(ground.entry("break_glass.used").await["outcome"], "success");
    let home = again.get("/t/acme/").await.body;
    assert!(home.contains("with the emergency account"), "{home}");
    let now = ground.owner.get("/api/v1/settings/acme/single-sign-on").await.expect(200);
    assert!(now["emergencyUsedAt"].is_string(), "{now}");

    // Nothing is taken from it.
    for taken in [
        &["user", "disable", OWNER, "--tenant", "acme"][..],
        &["user", "role", OWNER, "viewer", "--tenant", "acme"],
        &["user", "reset-mfa", OWNER, "--tenant", "acme"],
    ] {
        let said = ground.app.try_cli(taken, "");
        assert!(said.code == 1 && said.err.contains("emergency account"), "{taken:?} {said:?}");
    }
}

#[tokio::test]
async fn the_sign_in_page_says_where_people_sign_in() {
    let ground = Ground::before(&[]).await;
    let start = format!("href=\"/t/acme/sso/{}\"", ground.provider);
    let visitor = browser(&ground.app);
    let page = visitor.get(LOGIN).await.body;
    assert!(page.contains(&start) && page.contains("Sign in with Example"), "{page}");
    assert!(page.contains("name=\"password\"") && !page.contains("Emergency access"), "{page}");

    let on = ["sso", "enforcement", "on", "--tenant", "acme", "--break-glass", OWNER];
    ground.app.cli(&on, "");
    let page = visitor.get(LOGIN).await.body;
    assert!(page.contains(&start) && page.contains("Everybody signs in with Example"), "{page}");
    assert!(!page.contains("name=\"password\"") && page.contains("Emergency access"), "{page}");
    let page = visitor.get(EMERGENCY).await.body;
    assert!(page.contains("name=\"password\"") && !page.contains(&start), "{page}");

    // An address says which provider; whose it is does not matter.
    let token = csrf(&page);
    let find = async |email: &str| {
        visitor.post("/t/acme/login/find", &[("csrf", &*token), ("work_email", email)]).await
    };
    let (known, unknown) = (find(VERA).await, find("nobody@Example.ORG").await);
    for found in [&known, &unknown] {
        assert_eq!(found.status, 200, "{}", found.body);
        assert_eq!(found.header("refresh"), format!("0; url=/t/acme/sso/{}", ground.provider));
    }
    let elsewhere = find("vera@elsewhere.example").await;
    assert_eq!(elsewhere.status, 422);
    assert!(elsewhere.body.contains("None of the identity providers"), "{}", elsewhere.body);
}

#[tokio::test]
async fn whoever_has_nothing_but_the_provider_confirms_by_it() {
    let stale = Duration::from_millis(4_200);
    let ground = Ground::enforced(&[("STRONGROOM_SESSIONS__STEP_UP_SECONDS", "4")]).await;
    let (kim, page) = (&ground.kim, "/t/acme/admin/audit/settings");
    let role = ["user", "role", "kim@example.org", "privacy-officer", "--tenant", "acme"];
    ground.app.cli(&role, "");
    let account = kim.get("/t/acme/account").await.body;
    assert!(
        account.contains("Signs in with") && !account.contains("name=\"current\""),
        "{account}"
    );
    tokio::time::sleep(stale).await;

    let asked = kim.submit(page, page, &[("days", "900")]).await;
    assert_eq!(asked.status, 403, "{}", asked.body);
    assert!(asked.body.contains("Confirm with Example"), "{}", asked.body);
    assert!(!asked.body.contains("name=\"step_up\""), "nothing can be typed: {}", asked.body);
    let value = |name: &str| {
        let after = asked.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        after.split('"').next().unwrap().to_owned()
    };
    let (token, form) = (csrf(&asked.body), value("step_up_form"));
    let go_on = async || kim.post(page, &[("csrf", &*token), ("step_up_form", &*form)]).await;
    let too_early = go_on().await;
    assert_eq!(too_early.status, 403);
    assert!(too_early.body.contains("has not confirmed yet"), "{}", too_early.body);

    let start = format!("/t/acme/sso/{}?", ground.provider);
    let href = asked.body.split_once(&format!("href=\"{start}")).unwrap().1;
    let query = href.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let callback = ground.idp.callback(kim, &format!("{start}{query}")).await;
    let back = kim.get(&callback).await;
    let beside = kim.get(back.header("location")).await;
    assert!(beside.body.contains("Close this window"), "{} {}", beside.status, beside.body);
    let done = go_on().await;
    assert_eq!(done.status, 303, "{}", done.body);
    let confirmed = ground.entry("session.confirmed").await;
    assert_eq!(confirmed["customFields"]["factor"], "provider", "{confirmed}");
}

#[tokio::test]
async fn the_machines_operator_opens_the_other_ways_again() {
    let ground = Ground::enforced(&[]).await;
    let off = ["sso", "enforcement", "off", "--tenant", "acme"];
    assert_eq!(ground.app.cli(&off, "")["singleSignOnOnly"], false);
    assert_eq!(ground.app.cli(&off, "")["changed"], false);
    assert!(is_in(&ground.app.session("acme", VERA, PASSWORD).await).await);
    let changed = ground.entry("settings.changed").await;
    assert_eq!(changed["changes"]["singleSignOnOnly"]["new"], false, "{changed}");
    let by = changed["customFields"]["by"].as_str().unwrap();
    assert!(by.contains("the machine's operator"), "{by}");
}

#[tokio::test]
async fn an_owner_turns_it_on_in_the_console_for_an_account_that_is_fit() {
    let ground = Ground::before(&[]).await;
    let page = "/t/acme/admin/sso/enforcement";
    let shown = ground.emergency.get(page).await.body;
    assert!(shown.contains("Members who have signed in by one"), "{shown}");
    // Nobody is the emergency account by themselves, and nobody is told without mail.
    assert!(shown.contains("<option value=\"\" selected>Choose an account"), "{shown}");
    assert!(shown.contains("nobody is told of it"), "{shown}");
    let nobody = ground.emergency.submit(page, page, &[("only", "on"), ("break_glass", "")]).await;
    assert_eq!(nobody.status, 422, "{}", nobody.body);
    let unfit = ground.emergency.submit(page, page, &[("only", "on"), ("break_glass", VERA)]).await;
    assert_eq!(unfit.status, 422);
    assert!(unfit.body.contains("has to be an active owner"), "{}", unfit.body);
    let done = ground.emergency.submit(page, page, &[("only", "on"), ("break_glass", OWNER)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(!is_in(&ground.vera).await && is_in(&ground.emergency).await);
    let invitations = ground.emergency.get("/t/acme/members/invitations").await.body;
    assert!(invitations.contains("become members by the identity provider"), "{invitations}");
    assert!(!invitations.contains("name=\"email\""), "{invitations}");
    let body = json!({ "singleSignOnOnly": true, "breakGlass": VERA });
    let request = ground.owner.request(Method::PUT, "/api/v1/settings/acme/single-sign-on");
    let request = request.header("content-type", "application/json").body(body.to_string());
    Answer::to(request).await.problem(422, "emergency-account-unfit");
}
