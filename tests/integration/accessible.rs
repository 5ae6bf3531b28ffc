//! What would keep people from using a page: axe-core looks at every page of the route table in a
//! real browser, in light and in dark.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use strongroom::http::route::{Method, Route, Surface};
use strongroom::http::table::routes;

use crate::app::TestApp;
use crate::browser::Browser;
use crate::client::{Client, Session};
use crate::conversations::{message, start_conversation};
use crate::restore::House;
use crate::setup;

/// By `packaging/test-tools`.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/axe.min.js");
/// WCAG 2.2, levels A and AA, and what axe recommends beside it.
const LIGHT: &str = r#"{ "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                          "best-practice"] }"#;
/// Nothing but colours is different in the dark.
const DARK: &str = r#"{ "runOnly": { "type": "rule",
                        "values": ["color-contrast", "link-in-text-block"] } }"#;
/// Of a phone, in pixels of CSS.
const NARROW: u32 = 390;

#[tokio::test]
async fn no_page_keeps_anybody_out_in_light_dark_or_on_a_phone() {
    // With a mail server, although none answers: what needs one is offered then.
    let app = TestApp::with(&[
        ("STRONGROOM_MAIL__SMTP_HOST", "localhost"),
        ("STRONGROOM_MAIL__SMTP_PORT", "9"),
        ("STRONGROOM_MAIL__SMTP_TLS", "none"),
        ("STRONGROOM_MAIL__FROM", "vault@example.org"),
        ("STRONGROOM_LIMITS__MAILS_PER_MINUTE", "0"),
        ("STRONGROOM_LIMITS__REGISTRATIONS_PER_MINUTE", "0"),
        ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "0"),
    ]);
    let browser = Browser::start(&app).await;
    let mut problems = Problems::default();

    // Before anybody has an account.
    let stranger = Session::new(&app.server.url, app.data());
    let link = setup::link(&app);
    let mut reached = Reached::default();
    for path in ["/".to_owned(), link.clone(), "/setup?token=used".to_owned()] {
        reached.look(&stranger, &path).await;
        problems.look_for(&browser, &path).await;
    }

    let admin = setup::set_up(&app).await;
    let owner = app.session("acme", setup::OWNER, crate::app::PASSWORD).await;
    admin.sign_in("/platform/login", setup::ADMIN, crate::app::PASSWORD).await;
    fill(&app, &admin).await;
    let report = crate::sso_console::refused_report(&owner).await;
    let invited = ["user", "invite", "--tenant", "acme", "new@example.org", "--role", "viewer"];
    app.cli(&invited, "");
    for path in OUTSIDE {
        reached.look(&stranger, path).await;
        problems.look_for(&browser, path).await;
    }
    half_way(&app, &browser, &mut reached, &mut problems).await;

    browser.take_over(&owner).await;
    browser.take_over(&admin).await;
    let _device = browser.plug_in(true).await;
    for passkeys in ["/t/acme/account/passkeys", "/platform/account/passkeys"] {
        browser.open(&format!("{passkeys}/new")).await;
        browser.fill("name", "Laptop").await;
        browser.press_and_wait("form[data-passkey] button").await;
    }
    let inside = [(&owner, "/t/acme/"), (&admin, "/platform/")];
    for (person, start) in inside {
        for path in reached.walk(person, start).await {
            problems.look_for(&browser, &path).await;
        }
        let report = (start == "/t/acme/").then(|| report.clone());
        for path in not_linked(&app, start).into_iter().chain(report) {
            reached.look(person, &path).await;
            problems.look_for(&browser, &path).await;
        }
    }

    // Ends the administrator's session.
    browser.forget_cookies().await;
    let path = link_to_password(&app);
    reached.look(&stranger, &path).await;
    problems.look_for(&browser, &path).await;
    reached.must_be_all();
    problems.must_be_none();
}

/// With backups in a place elsewhere too, a restore that waits to be confirmed, and certificates
/// from an authority: what the pages above do not show.
#[tokio::test]
async fn no_page_about_a_restore_keeps_anybody_out() {
    let house = House::with(|_| {
        vec![
            ("STRONGROOM_ACME__DIRECTORY", "https://localhost:9/directory".to_owned()),
            ("STRONGROOM_ACME__NAMES", "vault.example.org".to_owned()),
        ]
    });
    let app = &house.app;
    let browser = Browser::start(app).await;
    let admin = setup::set_up(app).await;
    admin.sign_in("/platform/login", setup::ADMIN, crate::app::PASSWORD).await;
    house.back_up();
    let token = app.key("acme", "owner");
    crate::restore::write(app, &token, "acme", "written after the backup").await;
    app.cli(&["restore", "test", "--identity", house.identity()], "");
    let restored: Value = serde_json::from_str(&house.restore("acme", &[]).out).unwrap();
    // Whoever was signed in before is not any more.
    let owner = app.session("acme", setup::OWNER, crate::app::PASSWORD).await;
    let one =
        |page: &str| format!("/platform/restores/{}/{page}", restored["id"].as_str().unwrap());
    let pages = [
        (&admin, "/platform/backups".to_owned()),
        (&admin, "/platform/backups/acme".to_owned()),
        (&admin, "/platform/backups/acme?at=2026-01-01 00:00:00".to_owned()),
        (&admin, "/platform/restore-tests".to_owned()),
        (&admin, one("confirm")),
        (&admin, one("undo")),
        (&admin, "/platform/configuration".to_owned()),
        (&owner, "/t/acme/admin/audit/verify".to_owned()),
    ];
    browser.take_over(&owner).await;
    browser.take_over(&admin).await;
    let (mut reached, mut problems) = (Reached::default(), Problems::default());
    for (person, path) in &pages {
        assert!(reached.look(person, path).await.is_some(), "{path} is no page");
        problems.look_for(&browser, path).await;
    }
    problems.must_be_none();
}

/// Pages for those who are not signed in.
const OUTSIDE: &[&str] = &[
    "/",
    "/docs",
    "/docs/search?q=legal+hold",
    "/docs/api",
    "/docs/audit-explorer",
    "/docs/runbooks/fire",
    "/security",
    "/platform/login",
    "/t/acme/login",
    "/t/acme/login/link",
    "/t/acme/login/reset",
    "/t/acme/login/reset/choose?token=used",
    "/platform/login/link",
    "/platform/login/reset",
    "/platform/login/reset/choose?token=used",
    "/t/acme/join?token=used",
    "/t/acme/register",
    "/t/acme/register/confirm?token=used",
    "/t/acme/email?token=used",
    // What people see whose sign-in at a provider leads nowhere.
    "/t/acme/sso/01900000-0000-7000-8000-000000000000",
    "/t/acme/saml/logout?SAMLRequest=none",
    "/t/acme/oidc/callback/01900000-0000-7000-8000-000000000000?state=over&code=none",
];

/// Pages of a sign-in that waits: for a second factor that there is, or that there has to be.
async fn half_way(
    app: &TestApp,
    browser: &Browser,
    reached: &mut Reached,
    problems: &mut Problems,
) {
    let create = ["user", "create", "--tenant", "acme", "--role", "owner", "--password-stdin"];
    app.cli(&[&create[..], &["odo@example.org"]].concat(), crate::app::PASSWORD);
    app.cli(&["admin", "create", "second@example.org", "--password-stdin"], crate::app::PASSWORD);
    let waiting = [
        ("/t/acme/login", "odo@example.org", "enrol"),
        ("/platform/login", "second@example.org", "enrol"),
        ("/t/acme/login", setup::OWNER, "second-factor"),
        ("/platform/login", setup::ADMIN, "second-factor"),
    ];
    for (sign_in, email, page) in waiting {
        let person = Session::new(&app.server.url, app.data());
        let fields = [("email", email), ("password", crate::app::PASSWORD)];
        assert_eq!(person.submit(sign_in, sign_in, &fields).await.status, 303);
        let path = format!("{sign_in}/{page}");
        assert!(reached.look(&person, &path).await.is_some(), "{path} is not shown to {email}");
        browser.take_over(&person).await;
        problems.look_for(browser, &path).await;
        browser.forget_cookies().await;
    }
}

/// Pages that the first page of their kind does not lead to.
fn not_linked(app: &TestApp, start: &str) -> Vec<String> {
    let id = |list: &Value, email: &str| {
        let all = list["items"].as_array().unwrap();
        let one = all.iter().find(|one| one["email"] == email).unwrap();
        one["id"].as_str().unwrap().to_owned()
    };
    if start == "/platform/" {
        let second = id(&app.cli(&["admin", "list"], ""), "second@example.org");
        let one = |page: &str| format!("/platform/admins/{second}/{page}");
        let more = [
            "/platform/account/confirm?next=/platform/",
            "/platform/account/passkeys/new",
            "/platform/backups/acme",
            "/platform/incident/tenants/acme",
            // Of no restore: what somebody sees who kept an old address.
            "/platform/restores/01900000-0000-7000-8000-000000000000/confirm",
            "/platform/restores/01900000-0000-7000-8000-000000000000/undo",
        ];
        return [one("link"), one("disable"), one("reset-mfa")]
            .into_iter()
            .chain(more.map(str::to_owned))
            .collect();
    }
    let vera = id(&app.cli(&["user", "list", "--tenant", "acme"], ""), "vera@example.org");
    let mut paths: Vec<_> =
        ["", "/disable", "/reset-mfa"].map(|page| format!("/t/acme/members/{vera}{page}")).into();
    let more = [
        "/t/acme/admin/roles/helpdesk/change",
        "/t/acme/admin/roles/helpdesk/delete",
        "/t/acme/account/confirm?next=/t/acme/",
        "/t/acme/account/passkeys/new",
        "/t/acme/admin/sso/new?preset=okta&kind=saml-url",
        "/t/acme/admin/sso/new?preset=google-workspace&kind=saml-xml",
        "/t/acme/admin/sso/new?preset=keycloak&kind=saml-hand",
        "/t/acme/admin/sso/new?preset=entra-id&kind=oidc",
    ];
    paths.extend(more.map(str::to_owned));
    paths
}

/// Something of everything, so that pages have something to show.
async fn fill(app: &TestApp, admin: &Session) {
    app.cli(&["tenant", "shred-audit", "acme", "--confirm", "acme"], "");
    let api = app.client(app.key("acme", "owner"));
    let conversation = start_conversation(&api).await;
    let messages = format!("/api/v1/conversations/acme/{conversation}/messages");
    api.post(&messages, &message("Where is my order?")).await.expect(201);
    let gone = json!({ "subject": "Gone", "dataSubject": { "id": "customer-4711" } });
    api.post("/api/v1/conversations/acme", &gone).await.expect(201);
    let erase = ["erase", "--tenant", "acme", "--reference", "customer-4711"];
    app.cli(&[&erase[..], &["--confirm", "erase", "--reason", "by letter"]].concat(), "");
    let hold = ["hold", "set", "--tenant", "acme", "--conversation", &conversation];
    app.cli(&[&hold[..], &["--reason", "Case 12/26"]].concat(), "");
    app.cli(&["retention", "run", "--tenant", "acme"], "");
    let create = ["user", "create", "--tenant", "acme", "--role", "viewer", "--password-stdin"];
    app.cli(&[&create[..], &["vera@example.org"]].concat(), crate::app::PASSWORD);
    let role = ["role", "create", "helpdesk", "--tenant", "acme", "--name", "Help desk"];
    app.cli(&[&role[..], &["--copy-of", "viewer"]].concat(), "");
    let set = ["--set", "registrationDomains=example.org", "--set", "registration=true"];
    app.cli(&[&["tenant", "sign-in", "acme"][..], &set].concat(), "");
    let audit = "/api/v1/audit/acme";
    let search = json!({ "name": "Refusals", "q": "outcome:denied" });
    api.post(&format!("{audit}/searches"), &search).await.expect(201);
    let target = json!({ "type": "syslog", "address": "localhost:9", "transport": "tcp" });
    let stream = json!({ "name": "To the SIEM", "destination": target });
    api.post(&format!("{audit}/streams"), &stream).await.expect(201);
    let add = ["audit", "witness", "add", "--name", "Audit Ltd", "--key"];
    let key = crate::sweeps::witness(7).1;
    app.cli(&[&add[..], &[&key, "--tenant", "acme"]].concat(), "");
    app.cli(&[&add[..], &[&key, "--platform"]].concat(), "");
    export(&api, &format!("{audit}/exports")).await;
    let new = "/platform/audit/streams/new";
    let form = format!("{new}?type=http");
    let kind = [("type", "http"), ("authentication", "bearer"), ("credential", "a-secret-token")];
    let place = [("name", "SIEM"), ("url", "https://siem.example.org/in")];
    let made = admin.submit(&form, new, &[&kind[..], &place].concat()).await;
    assert_eq!(made.status, 303, "{}", made.body);
}

async fn export(api: &Client, exports: &str) {
    let made = api.post(exports, &json!({ "format": "csv" })).await.expect(202);
    let one = format!("{exports}/{}", made["id"].as_str().unwrap());
    while api.get(&one).await.expect(200)["state"] != "ready" {}
}

/// Where an administrator who has forgotten their password chooses another.
fn link_to_password(app: &TestApp) -> String {
    let reset = app.cli(&["admin", "reset", setup::ADMIN], "");
    let link = reset["setupUrl"].as_str().unwrap();
    link.strip_prefix(&app.server.url).unwrap_or(link).to_owned()
}

/// Routes that the walk came through.
#[derive(Default)]
struct Reached(BTreeMap<String, String>);

impl Reached {
    /// Asks for a page; answers with it when it is one.
    async fn look(&mut self, person: &Session, path: &str) -> Option<String> {
        if let Some(route) = route_of(path) {
            self.0.insert(route.label().to_owned(), path.to_owned());
        }
        let answer = person.get(path).await;
        assert!(answer.status < 500, "{path}: {} {}", answer.status, answer.body);
        let page = answer.header("content-type").starts_with("text/html");
        (page && answer.status < 300).then_some(answer.body)
    }

    /// Follows links from page to page, to one page of each route; answers with their paths.
    async fn walk(&mut self, person: &Session, start: &str) -> Vec<String> {
        let mut seen = BTreeSet::from([label(start)]);
        let (mut next, mut pages) = (VecDeque::from([start.to_owned()]), Vec::new());
        while let Some(path) = next.pop_front() {
            let Some(page) = self.look(person, &path).await else { continue };
            for link in links(&page) {
                if route_of(&link).is_some_and(|route| !route.is_open())
                    && seen.insert(label(&link))
                {
                    next.push_back(link);
                }
            }
            pages.push(path);
        }
        pages
    }

    fn must_be_all(&self) {
        let left: Vec<&str> = pages()
            .filter(|route| !self.0.contains_key(route.label()) && !NOT_PAGES.contains(&route.path))
            .map(Route::label)
            .collect();
        assert!(
            left.is_empty(),
            "tell this test how to reach these: link them from another page, or open them \
             where the sign-in pages are: {left:#?}"
        );
    }
}

/// Answers to GET that are no pages: redirects, files, what a script asks for.
const NOT_PAGES: &[&str] = &[
    "/t/{tenant}/saml/metadata",
    "/t/{tenant}",
    "/platform",
    "/t/{tenant}/admin/audit/witnesses/request.svg",
    "/platform/audit/witnesses/request.svg",
    "/t/{tenant}/admin/audit/exports/{id}/download",
    "/t/{tenant}/admin/privacy/retention/runs/{id}/csv",
    "/t/{tenant}/admin/privacy/retention/runs/{id}/json",
    "/platform/closings/{id}/certificate",
    "/platform/restore-tests/{id}/note",
    "/platform/audit/exports/{id}/download",
    "/t/{tenant}/admin/audit/suggest",
    "/platform/audit/suggest",
    "/t/{tenant}/admin/audit/tail",
    "/platform/audit/tail",
    "/platform/about/sbom",
];

fn pages() -> impl Iterator<Item = &'static Route> {
    routes().iter().filter(|route| {
        route.method == Method::Get && matches!(route.surface, Surface::Console | Surface::Platform)
    })
}

fn label(path: &str) -> String {
    route_of(path).map(|route| route.label().to_owned()).unwrap_or_default()
}

/// The route that a path belongs to: of several that fit, the one that names most.
fn route_of(path: &str) -> Option<&'static Route> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let fits = |route: &&Route| {
        let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
        wanted.by_ref().zip(given.by_ref()).all(|(wanted, given)| {
            wanted == given || (wanted.starts_with('{') && !given.is_empty())
        }) && route.path.split('/').count() == path.split('/').count()
    };
    pages().filter(fits).min_by_key(|route| route.path.matches('{').count())
}

/// Where a page leads to.
fn links(page: &str) -> Vec<String> {
    let hrefs = page.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs.map(|href| href.replace("&amp;", "&").replace("&#38;", "&")).collect()
}

/// Where somebody wants to look at the pages: a directory.
async fn keep_picture(browser: &Browser, path: &str, mode: &str) {
    let Ok(directory) = std::env::var("STRONGROOM_SCREENSHOTS") else { return };
    let page = path.split('?').next().unwrap_or_default().replace('/', "_");
    let file = std::path::Path::new(&directory).join(format!("{page}-{mode}.png"));
    browser.screenshot(&file).await;
}

/// What was found, with the pages that have it.
#[derive(Default)]
struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    async fn look_for(&mut self, browser: &Browser, path: &str) {
        browser.open(path).await;
        let axe = std::fs::read_to_string(AXE)
            .unwrap_or_else(|error| panic!("{AXE}: {error}: run packaging/test-tools"));
        browser.run(&axe, json!([])).await;
        for (mode, options) in [("light", LIGHT), ("dark", DARK)] {
            browser.dark(mode == "dark").await;
            let script = "const done = arguments[arguments.length - 1];
                axe.run(document, JSON.parse(arguments[0])).then(
                    (found) => done(found.violations), (error) => done(String(error)));";
            let found = browser.run_async(script, json!([options])).await;
            let found = found.as_array().unwrap_or_else(|| panic!("{path}: axe said {found}"));
            found.iter().for_each(|violation| self.note(violation, path, mode));
            keep_picture(browser, path, mode).await;
        }
        browser.width(NARROW).await;
        let wide = "const page = document.documentElement; return page.scrollWidth";
        let wide = browser.run(wide, json!([])).await;
        if wide.as_u64() > Some(NARROW.into()) {
            let what = format!("wider than a phone: {wide} pixels");
            self.0.entry(what).or_default().push(path.to_owned());
        }
        keep_picture(browser, path, "phone").await;
        browser.width(1280).await;
    }

    fn note(&mut self, violation: &Value, path: &str, mode: &str) {
        for node in violation["nodes"].as_array().unwrap() {
            let what = format!("{}: {}", violation["id"], node["html"]);
            let why = node["failureSummary"].as_str().unwrap_or_default();
            self.0.entry(format!("{what}\n{why}")).or_default().push(format!("{path} ({mode})"));
        }
    }

    fn must_be_none(&self) {
        assert!(self.0.is_empty(), "{:#?}", self.0);
    }
}
