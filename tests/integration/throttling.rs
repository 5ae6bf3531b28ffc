//! Who guesses at passwords learns nothing and is slowed down; who is at home gets in.

use std::time::Instant;

use reqwest::Method;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Session, csrf};

const LOGIN: &str = "/t/acme/login";
const NO_LIMIT: (&str, &str) = ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "0");
const WRONG: &str = "tulip marble cactus 9";

/// A browser with a sign-in page open.
struct Guesser {
    browser: Session,
    csrf: String,
}

impl Guesser {
    async fn at(app: &TestApp) -> Self {
        let browser = Session::new(&app.server.url, app.data());
        let csrf = csrf(&browser.get(LOGIN).await.body);
        Self { browser, csrf }
    }

    async fn guess(&self, page: &str, email: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_with(page, email, WRONG, headers).await
    }

    async fn try_with(
        &self,
        page: &str,
        email: &str,
        password: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let fields = [("csrf", self.csrf.as_str()), ("email", email), ("password", password)];
        self.browser.post_with(page, &fields, headers).await
    }
}

/// How far two samples are from being of one distribution, in standard deviations of the rank sum
/// (Mann and Whitney 1947).
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let wins: f64 = a
        .iter()
        .flat_map(|x| {
            b.iter().map(move |y| {
                if x > y {
                    1.0
                } else if x == y {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    let (n, m) = (a.len() as f64, b.len() as f64);
    (wins - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn distance_tells_samples_apart_and_finds_none_where_there_is_none() {
    let (one, other): (Vec<f64>, Vec<f64>) =
        (0..40).map(|n| (f64::from(n), f64::from(n) + 0.5)).unzip();
    assert!(distance(&one, &other).abs() < 0.5);
    let later: Vec<f64> = one.iter().map(|n| n + 40.0).collect();
    assert!(distance(&one, &later) < -5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_an_account_shows_neither_in_words_nor_in_time() {
    const EACH: usize = 4;
    let app = TestApp::with(&[NO_LIMIT]);
    app.tenant("acme");
    for n in 0..EACH {
        for kind in ["active", "disabled"] {
            let email = format!("{kind}{n}@example.org");
            let create = ["user", "create", "--tenant", "acme", &email, "--role", "viewer"];
            app.cli(&create, "");
            if kind == "disabled" {
                app.cli(&["user", "disable", "--tenant", "acme", &email], "");
            }
        }
    }
    let kinds = [
        ("active", LOGIN),
        ("disabled", LOGIN),
        ("unknown", LOGIN),
        ("active", "/t/nowhere/login"),
    ];
    let guesser = Guesser::at(&app).await;
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut pages = std::collections::BTreeSet::new();
    for n in 0..EACH {
        for round in 0..5 {
            // Each in every place of a round: what came just before costs something too.
            for place in 0..kinds.len() {
                let place = (place + round + n) % kinds.len();
                let ((kind, page), times) = (kinds[place], &mut times[place]);
                let email = format!("{kind}{n}@example.org");
                let start = Instant::now();
                let answer = guesser.guess(page, &email, &[]).await;
                times.push(start.elapsed().as_secs_f64());
                assert_eq!(answer.status, 401, "{kind} at {page}");
                let body = answer.body.replace(&email, "…").replace("/t/nowhere/", "/t/acme/");
                pages.insert(body.replace("nowhere", "acme"));
            }
        }
    }
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let [active, others @ ..] = &times;
    for (other, (kind, page)) in others.iter().zip(&kinds[1..]) {
        let distance = distance(active, other);
        assert!(distance.abs() < 4.5, "{kind} at {page}: {distance}\n{active:?}\n{other:?}");
    }
    // Going on, one has to wait, whoever it is for, and is told so in the same words.
    let mut refusals = std::collections::BTreeSet::new();
    for (kind, page) in kinds {
        let email = format!("{kind}{}@example.org", EACH - 1);
        let mut answer = guesser.guess(page, &email, &[]).await;
        for _ in 0..8 {
            if answer.status == 401 {
                answer = guesser.guess(page, &email, &[]).await;
            }
        }
        let seconds = answer.header("retry-after").to_owned();
        assert_eq!((answer.status, seconds.is_empty()), (429, false), "{kind} at {page}");
        let wait = [format!(" {seconds} seconds"), format!(" {seconds} second")];
        let body = wait.iter().fold(answer.body, |body, wait| body.replace(wait, " …"));
        let body = body.replace(&email, "…").replace("/t/nowhere/", "/t/acme/");
        refusals.insert(body.replace("nowhere", "acme"));
    }
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_token_does_not_say_whether_there_is_an_account_either() {
    const EACH: usize = 4;
    let app = TestApp::with(&[NO_LIMIT]);
    app.tenant("acme");
    for n in 0..EACH {
        let email = format!("active{n}@example.org");
        app.cli(&["user", "create", "--tenant", "acme", &email, "--role", "viewer"], "");
    }
    let kinds = [("active", "acme"), ("unknown", "acme"), ("active", "nowhere")];
    let client = app.anonymous();
    let ask = async |(kind, tenant): (&str, &str), n: usize| {
        let path = format!("/api/v1/auth/{tenant}/token");
        let email = format!("{kind}{n}@example.org");
        client.post(&path, &serde_json::json!({ "email": email, "password": WRONG })).await
    };
    let mut times: [Vec<f64>; 3] = Default::default();
    for n in 0..EACH * 5 {
        for (kind, times) in kinds.into_iter().zip(&mut times) {
            let start = Instant::now();
            ask(kind, n / 5).await.problem(401, "wrong-password");
            times.push(start.elapsed().as_secs_f64());
        }
    }
    let [active, others @ ..] = &times;
    for (other, kind) in others.iter().zip(&kinds[1..]) {
        let distance = distance(active, other);
        assert!(distance.abs() < 4.0, "{kind:?}: {distance}\n{active:?}\n{other:?}");
    }
    for kind in kinds {
        let mut last = 401;
        for _ in 0..8 {
            last = if last == 401 { ask(kind, EACH - 1).await.status } else { last };
        }
        assert_eq!(last, 429, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_in_their_browser_gets_in_while_somebody_else_guesses() {
    let mut app = TestApp::with(&[NO_LIMIT]);
    let api = app.tenant("acme");
    let owner = "member@example.org";
    let create =
        ["user", "create", "--tenant", "acme", owner, "--role", "operator", "--password-stdin"];
    app.cli(&create, PASSWORD);
    let home = app.session("acme", owner, PASSWORD).await;
    let guesser = Guesser::at(&app).await;
    for _ in 0..7 {
        guesser.guess(LOGIN, owner, &[]).await;
    }
    let elsewhere = guesser.try_with(LOGIN, owner, PASSWORD, &[]).await;
    assert_eq!(elsewhere.status, 429, "the right password, too early");
    assert!(elsewhere.body.contains(owner), "the address is kept for the next attempt");
    home.sign_in(LOGIN, owner, PASSWORD).await;

    app.crash_and_restart();
    let mut waits = 0;
    let guesser = Guesser::at(&app).await;
    for _ in 0..3 {
        waits += u32::from(guesser.guess(LOGIN, owner, &[]).await.status == 429);
    }
    assert!(waits > 0, "a restart forgives nobody");

    let entries = app.client(api).entries("acme").await;
    let of = |action| entries.iter().filter(|entry| entry["action"] == action).count();
    assert!(of("login.failed") >= 5 && of("rate.limited") >= 1, "{entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_address_of_origin_changes_nothing() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "6")]);
    let api = app.client(app.tenant("acme"));
    let guesser = Guesser::at(&app).await;
    let forged: [&[(&str, &str)]; 6] = [
        &[("x-forwarded-for", "203.0.113.1")],
        &[("x-forwarded-for", "203.0.113.2"), ("x-forwarded-for", "203.0.113.3")],
        &[("x-forwarded-for", "::ffff:203.0.113.4")],
        &[("forwarded", "for=203.0.113.5")],
        &[("x-real-ip", "203.0.113.6"), ("client-ip", "203.0.113.6")],
        &[("x-forwarded-for", "127.0.0.1, 203.0.113.7")],
    ];
    for (n, headers) in forged.into_iter().enumerate() {
        let answer = guesser.guess(LOGIN, &format!("nobody{n}@example.org"), headers).await;
        assert_eq!(answer.status, 401);
    }
    let more = guesser.guess(LOGIN, "nobody9@example.org", &[("x-forwarded-for", "203.0.113.8")]);
    assert_eq!(more.await.status, 429, "one address has one bucket");
    let entries = api.entries("acme").await;
    let failed: Vec<_> = entries.iter().filter(|entry| entry["action"] == "login.failed").collect();
    assert_eq!(failed.len(), 6);
    assert!(failed.iter().all(|entry| entry["ip"] == "127.0.0.1"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_is_believed_about_the_last_address_and_no_other() {
    let app = TestApp::with(&[
        ("STRONGROOM_SERVER__TRUSTED_PROXIES", "127.0.0.1,10.0.0.1"),
        ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "2"),
    ]);
    let api = app.client(app.tenant("acme"));
    let guesser = Guesser::at(&app).await;
    let sent: [&[(&str, &str)]; 4] = [
        &[("x-forwarded-for", "198.51.100.1, 203.0.113.1")],
        &[("x-forwarded-for", "198.51.100.2, ::ffff:203.0.113.1, 10.0.0.1")],
        &[("x-forwarded-for", "198.51.100.3"), ("x-forwarded-for", "203.0.113.1")],
        &[("x-forwarded-for", "203.0.113.2"), ("forwarded", "for=203.0.113.1")],
    ];
    let mut statuses = Vec::new();
    for (n, headers) in sent.into_iter().enumerate() {
        let email = format!("nobody{n}@example.org");
        statuses.push(guesser.guess(LOGIN, &email, headers).await.status);
    }
    assert_eq!(statuses, [401, 401, 429, 401]);
    let entries = api.entries("acme").await;
    let failed = entries.iter().filter(|entry| entry["action"] == "login.failed");
    let mut addresses: Vec<_> = failed.map(|entry| entry["ip"].as_str().unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["203.0.113.1", "203.0.113.1", "203.0.113.2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_a_share_of_sign_ins_and_of_api_calls() {
    let app = TestApp::with(&[
        NO_LIMIT,
        ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE_PER_TENANT", "4"),
        ("STRONGROOM_LIMITS__API_PER_MINUTE_PER_TENANT", "5"),
    ]);
    let one = app.client(app.tenant("acme"));
    let create = [
        "user",
        "create",
        "--tenant",
        "acme",
        "member@example.org",
        "--role",
        "operator",
        "--password-stdin",
    ];
    app.cli(&create, PASSWORD);
    let home = app.session("acme", "member@example.org", PASSWORD).await;
    let guesser = Guesser::at(&app).await;
    let mut statuses = Vec::new();
    for n in 0..5 {
        statuses.push(guesser.guess(LOGIN, &format!("nobody{n}@example.org"), &[]).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    // It is one tenant however it is called.
    let all = app.cli(&["tenant", "list"], "");
    let id = all["items"][0]["id"].as_str().unwrap().to_owned();
    let spelt = [id.to_uppercase(), id.replace('-', ""), format!("urn:uuid:{id}"), id];
    for name in spelt {
        let page = format!("/t/{name}/login");
        assert_eq!(guesser.guess(&page, OWNER, &[]).await.status, 429, "{name}");
    }
    home.sign_in(LOGIN, "member@example.org", PASSWORD).await;
    assert_eq!(
        guesser.guess("/t/globex/login", OWNER, &[]).await.status,
        401,
        "others have theirs"
    );

    let other = app.client(app.key("acme", "viewer"));
    for _ in 0..5 {
        assert_eq!(one.get("/api/v1/conversations/acme").await.status, 200);
    }
    let answer = other.get("/api/v1/conversations/acme").await;
    assert_eq!(answer.status, 429, "another key of the same tenant");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_uses_the_api_only_when_its_site_is_named() {
    let app = TestApp::with(&[(
        "STRONGROOM_SERVER__CORS_ORIGINS",
        "https://app.example.org,https://other.example.org:8443",
    )]);
    let api = app.client(app.tenant("acme"));
    let path = "/api/v1/conversations/acme";
    let ask = async |method: Method, path: &str, origin: &str| {
        let request = api.request(method, path).header("origin", origin);
        Answer::to(request.header("access-control-request-method", "POST")).await
    };
    for named in ["https://app.example.org", "https://other.example.org:8443"] {
        let before = ask(Method::OPTIONS, path, named).await;
        assert_eq!((before.status, before.header("access-control-allow-origin")), (204, named));
        assert_eq!(before.header("access-control-allow-methods"), "POST, GET");
        let read = ask(Method::GET, path, named).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, named));
        assert_eq!(read.header("vary"), "origin");
        assert_eq!(read.header("access-control-allow-credentials"), "", "never with cookies");
    }
    for foreign in [
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "null",
    ] {
        assert_eq!(ask(Method::OPTIONS, path, foreign).await.status, 405, "{foreign}");
        let read = ask(Method::GET, path, foreign).await;
        assert_eq!(read.header("access-control-allow-origin"), "", "{foreign}");
    }
    for page in [LOGIN, "/", "/platform/login"] {
        let page = ask(Method::GET, page, "https://app.example.org").await;
        assert_eq!(
            page.header("access-control-allow-origin"),
            "",
            "the console is for nobody else"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_a_weakness_learns_where_to_report_it() {
    let app = TestApp::with(&[
        ("STRONGROOM_SERVER__SECURITY_CONTACT", "mailto:security@example.org"),
        ("STRONGROOM_SERVER__SECURITY_POLICY", "https://example.org/disclosure"),
    ]);
    let text = app.anonymous().get("/.well-known/security.txt").await.body;
    assert!(text.starts_with("Contact: mailto:security@example.org\n"), "{text}");
    assert!(text.contains("\nPolicy: https://example.org/disclosure\n"), "{text}");
    assert!(text.contains("\nExpires: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_easily_guessed_is_refused_in_words_that_help() {
    let (app, _) = TestApp::with_tenant();
    let create = |password| {
        let verb = ["user", "create", "--tenant", "acme", "ada.lovelace@example.org"];
        app.try_cli(&[&verb[..], &["--role", "viewer", "--password-stdin"]].concat(), password)
    };
    for (password, why) in [
        ("qwerty123456", "lists of common or breached passwords"),
        ("ada.lovelace1815", "your name"),
        ("short", "at least 12 characters"),
    ] {
        let said = create(password);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    assert_eq!(create(PASSWORD).code, 0);
}
