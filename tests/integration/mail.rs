//! Mail, through a real mail server, and the links in it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Session, csrf};
use crate::smtp::{SECRET, Smtp, USER};

const NEW_PASSWORD: &str = "granite walnut ferry 31";

/// A server with the tenant `acme` whose mails go to this mail server.
fn app(smtp: &Smtp) -> TestApp {
    let port = smtp.port.to_string();
    let app = TestApp::with(&[
        ("STRONGROOM_MAIL__SMTP_HOST", "127.0.0.1"),
        ("STRONGROOM_MAIL__SMTP_PORT", &port),
        ("STRONGROOM_MAIL__SMTP_TLS", "none"),
        ("STRONGROOM_MAIL__FROM", "Strongroom <vault@example.org>"),
        ("STRONGROOM_LIMITS__MAILS_PER_MINUTE", "0"),
        ("STRONGROOM_LIMITS__REGISTRATIONS_PER_MINUTE", "0"),
    ]);
    app.tenant("acme");
    app
}

fn browser(app: &TestApp) -> Session {
    Session::new(&app.server.url, app.data())
}

async fn ask(session: &Session, page: &str, email: &str) {
    let answer = session.submit(page, page, &[("email", email)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Look into your mail"), "{}", answer.body);
}

/// Opens a link, and presses its button.
async fn press(session: &Session, link: &str, fields: &[(&str, &str)]) -> crate::client::Answer {
    let page = session.get(link).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let form = page.body.split("<form").last().unwrap();
    let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let action = action.replace("&amp;", "&").replace("&#38;", "&");
    let token = csrf(form);
    session.post(&action, &[&[("csrf", token.as_str())], fields].concat()).await
}

fn test_mail(smtp: &Smtp, more: &[(&str, &str)], to: &str) -> crate::app::Said {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    let port = smtp.port.to_string();
    let usual = [
        ("STRONGROOM_MAIL__SMTP_HOST", "localhost"),
        ("STRONGROOM_MAIL__SMTP_PORT", port.as_str()),
        ("STRONGROOM_MAIL__FROM", "vault@example.org"),
    ];
    let settings = [&usual, more].concat();
    crate::app::cli(&data, &settings, &["init", "--json"], "");
    crate::app::cli(&data, &settings, &["mail", "test", to, "--json"], "")
}

#[test]
fn a_test_mail_goes_out_over_starttls_and_tls_with_a_sign_in() {
    for how in ["starttls", "tls"] {
        let smtp = Smtp::protected("localhost", how);
        let ca = smtp.authority().display().to_string();
        let settings = [
            ("STRONGROOM_MAIL__SMTP_TLS", how),
            ("STRONGROOM_MAIL__SMTP_USERNAME", USER),
            ("STRONGROOM_MAIL__SMTP_PASSWORD", SECRET),
            ("STRONGROOM_MAIL__SMTP_CA", &ca),
        ];
        let said = test_mail(&smtp, &settings, "ann@example.org");
        assert_eq!(said.code, 0, "{how}: {said:?}");
        let mails = smtp.mails();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ann@example.org"));
        assert!(mails[0].text.contains("Auto-Submitted: auto-generated"), "{}", mails[0].text);
        assert!(mails[0].text.contains("From: vault@example.org"), "{}", mails[0].text);
    }
}

#[test]
fn a_mail_server_that_is_not_the_right_one_gets_neither_password_nor_mail() {
    let other = Smtp::protected("mail.example.org", "starttls");
    let named = other.authority().display().to_string();
    let sign_in =
        [("STRONGROOM_MAIL__SMTP_USERNAME", USER), ("STRONGROOM_MAIL__SMTP_PASSWORD", SECRET)];
    let right_authority = [&sign_in[..], &[("STRONGROOM_MAIL__SMTP_CA", named.as_str())]].concat();
    for (why, settings) in [("another name", &right_authority[..]), ("unknown", &sign_in[..])] {
        let said = test_mail(&other, settings, "ann@example.org");
        assert_eq!(said.code, 1, "{why}: {said:?}");
        assert!(said.err.contains("TLS"), "{why}: {said:?}");
        assert!(!said.err.contains(SECRET), "{why}: {said:?}");
    }
    // One that offers no TLS at all.
    let plain = Smtp::plain();
    let said = test_mail(&plain, &[], "ann@example.org");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(other.mails().is_empty() && plain.mails().is_empty());
}

#[test]
fn a_wrong_password_for_the_mail_server_is_said_and_not_shown() {
    let smtp = Smtp::protected("localhost", "starttls");
    let ca = smtp.authority().display().to_string();
    let wrong = "wrong secret of ours";
    let settings = [
        ("STRONGROOM_MAIL__SMTP_USERNAME", USER),
        ("STRONGROOM_MAIL__SMTP_PASSWORD", wrong),
        ("STRONGROOM_MAIL__SMTP_CA", &ca),
    ];
    let said = test_mail(&smtp, &settings, "ann@example.org");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("refuses the sign-in") && !said.err.contains(wrong), "{said:?}");
}

#[tokio::test]
async fn a_link_signs_in_once_in_the_browser_that_asked_for_it() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    let mine = member(&app, &smtp, "vera@example.org").await;
    let other = browser(&app);
    ask(&mine, "/t/acme/login/link", "Vera@Example.org").await;
    let mail = smtp.mail(2).await;
    assert_eq!(mail.to, "vera@example.org");
    let link = mail.link();
    let elsewhere = other.get(&link).await;
    assert_eq!(elsewhere.status, 403);
    assert!(elsewhere.body.contains("belongs to another browser"), "{}", elsewhere.body);
    let used = other.submit("/t/acme/login", &link.replace("/link?", "/link/open?"), &[]).await;
    assert_eq!(used.status, 404, "another browser used it: {}", used.body);
    // Scanners of mails open links.
    assert_eq!(mine.get(&link).await.status, 200);
    let answer = press(&mine, &link, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/t/acme/"), "{}", answer.body);
    assert_eq!(mine.get("/t/acme/account").await.status, 200);
    assert_eq!(mine.get(&link).await.status, 404, "it works twice");
}

#[tokio::test]
async fn no_link_leads_past_a_second_factor() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    // An owner has to have one, and has none yet.
    let owner = browser(&app);
    ask(&owner, "/t/acme/login/link", OWNER).await;
    let answer = press(&owner, &smtp.mail(1).await.link(), &[]).await;
    assert_eq!(answer.header("location"), "/t/acme/login/enrol", "{}", answer.body);
    assert_eq!(owner.get("/t/acme/account").await.status, 303);
    // Nor does a reset sign in.
    ask(&owner, "/t/acme/login/reset", OWNER).await;
    let link = smtp.mail(2).await.link();
    let fields = [("password", NEW_PASSWORD), ("password_again", NEW_PASSWORD)];
    let answer = press(&owner, &link, &fields).await;
    assert_eq!(answer.header("location"), "/t/acme/login?notice=password-changed");
    assert_eq!(owner.get("/t/acme/account").await.status, 303);
    assert_eq!(
        app.session("acme", OWNER, NEW_PASSWORD).await.get("/t/acme/account").await.status,
        200
    );
    // With one, a link leads to the code.
    let notice = smtp.mail(3).await;
    assert!(notice.subject().contains("was changed"), "{}", notice.text);
    let again = browser(&app);
    ask(&again, "/t/acme/login/link", OWNER).await;
    let answer = press(&again, &smtp.mail(4).await.link(), &[]).await;
    assert_eq!(answer.header("location"), "/t/acme/login/second-factor", "{}", answer.body);
    assert_eq!(again.get("/t/acme/account").await.status, 303);
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_older_links_and_works_once() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    let vera = member(&app, &smtp, "vera@example.org").await;
    vera.sign_in("/t/acme/login", "vera@example.org", PASSWORD).await;
    let elsewhere = browser(&app);
    ask(&elsewhere, "/t/acme/login/link", "vera@example.org").await;
    let sign_in = smtp.mail(2).await.link();
    ask(&elsewhere, "/t/acme/login/reset", "vera@example.org").await;
    let reset = smtp.mail(3).await.link();
    let weak = [("password", "short"), ("password_again", "short")];
    assert_eq!(press(&elsewhere, &reset, &weak).await.status, 422);
    let fields = [("password", NEW_PASSWORD), ("password_again", NEW_PASSWORD)];
    assert_eq!(press(&elsewhere, &reset, &fields).await.status, 303);
    assert_eq!(vera.get("/t/acme/account").await.status, 303, "the session is still there");
    assert_eq!(elsewhere.get(&reset).await.status, 404, "it works twice");
    assert_eq!(elsewhere.get(&sign_in).await.status, 404, "an older link still works");
    vera.sign_in("/t/acme/login", "vera@example.org", NEW_PASSWORD).await;
}

#[tokio::test]
async fn whether_an_address_is_known_shows_neither_in_the_answer_nor_in_the_mail() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    let mut answers = Vec::new();
    for (n, email) in [OWNER, "nobody@example.org"].into_iter().enumerate() {
        for page in ["/t/acme/login/link", "/t/acme/login/reset"] {
            let session = browser(&app);
            let form = session.get(page).await.body;
            let fields = [("csrf", csrf(&form)), ("email", email.to_owned())];
            let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let answer = session.post(page, &fields).await;
            answers.push((
                n,
                page,
                answer.status,
                answer.body.replace(&csrf_or_none(&answer.body), ""),
            ));
        }
    }
    assert_eq!(answers[0].3, answers[2].3);
    assert_eq!(answers[1].3, answers[3].3);
    let mails = [smtp.mail(1).await, smtp.mail(2).await, smtp.mail(3).await, smtp.mail(4).await];
    let unknown: Vec<_> = mails.iter().filter(|mail| mail.to == "nobody@example.org").collect();
    assert_eq!(unknown.len(), 2);
    for mail in &unknown {
        let known =
            mails.iter().find(|other| other.to == OWNER && other.subject() == mail.subject());
        assert!(known.is_some(), "{}", mail.text);
    }
    let session = browser(&app);
    ask(&session, "/t/acme/login/link", "nobody@example.org").await;
    let told = session.get(&smtp.mail(5).await.link()).await;
    assert!(
        told.status == 404 && told.body.contains("Nobody here has this address"),
        "{}",
        told.body
    );
    // A tenant that is not there answers alike, and sends nothing.
    ask(&session, "/t/nowhere/login/link", OWNER).await;
}

fn csrf_or_none(page: &str) -> String {
    if page.contains("name=\"csrf\"") { csrf(page) } else { "\u{0}".into() }
}

/// Compares distributions and no absolute times: half of the one lies within the other.
#[tokio::test]
async fn a_known_and_an_unknown_address_take_the_same_time() {
    const ROUNDS: usize = 16;
    let smtp = Smtp::plain();
    let app = app(&smtp);
    let session = browser(&app);
    for n in 0..ROUNDS {
        let email = format!("known{n}@example.org");
        let create = ["user", "create", "--tenant", "acme", &email, "--role", "viewer"];
        app.cli(&create, "");
    }
    let token = csrf(&session.get("/t/acme/login/reset").await.body);
    let mut times = [Vec::new(), Vec::new()];
    for n in 0..ROUNDS {
        let addresses = [format!("known{n}@example.org"), format!("nobody{n}@example.org")];
        for (kind, email) in addresses.iter().enumerate() {
            let begun = Instant::now();
            let fields = [("csrf", token.as_str()), ("email", email)];
            let answer = session.post("/t/acme/login/reset", &fields).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            times[kind].push(begun.elapsed());
        }
    }
    for times in &mut times {
        times.sort();
    }
    let quarter = |times: &[Duration], of: usize| times[times.len() * of / 4];
    let [known, unknown] = &times;
    let apart = quarter(known, 1) > quarter(unknown, 3) || quarter(unknown, 1) > quarter(known, 3);
    assert!(!apart, "known {known:?}\nunknown {unknown:?}");
}

#[tokio::test]
async fn one_address_gets_three_mails_an_hour_whoever_asks() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    for _ in 0..5 {
        ask(&browser(&app), "/t/acme/login/reset", OWNER).await;
    }
    ask(&browser(&app), "/t/acme/login/reset", "other@example.org").await;
    smtp.mail(4).await;
    // Another round of sending, for more than there should be.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut to: Vec<_> = smtp.mails().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["other@example.org", OWNER, OWNER, OWNER]);
}

/// Makes somebody a member by an invitation that comes by mail.
async fn member(app: &TestApp, smtp: &Smtp, email: &str) -> Session {
    let before = smtp.mails().len();
    let made = app.cli(&["user", "invite", "--tenant", "acme", email, "--role", "viewer"], "");
    assert_eq!((&made["mailed"], &made["url"]), (&true.into(), &json!(null)), "{made}");
    let mail = smtp.mail(before + 1).await;
    assert_eq!(mail.to, email.to_lowercase());
    let session = browser(app);
    join(&session, &mail.link()).await;
    session
}

async fn join(session: &Session, link: &str) {
    let fields = [("name", "Vera Example"), ("password", PASSWORD), ("password_again", PASSWORD)];
    let answer = press(session, link, &fields).await;
    let login = "/t/acme/login?notice=joined";
    assert_eq!((answer.status, answer.header("location")), (303, login), "{}", answer.body);
}

#[tokio::test]
async fn an_invitation_makes_a_member_once_and_in_its_role_until_it_is_withdrawn() {
    let (app, _) = TestApp::with_tenant();
    let admin = app.client(app.key("acme", "admin"));
    let all = "/api/v1/users/acme/invitations";
    let new = json!({ "email": "vera@example.org", "name": "Vera", "role": "operator" });
    let made = admin.post(all, &new).await.expect(201);
    // No mail server: the link is handed over.
    assert_eq!(made["mailed"], false);
    let link = made["url"].as_str().unwrap().strip_prefix(&app.server.url).unwrap().to_owned();
    let listed = admin.get(all).await.expect(200);
    assert_eq!(listed["items"][0]["email"], "vera@example.org");
    assert!(listed.to_string().contains(made["id"].as_str().unwrap()));
    assert!(!listed.to_string().contains("token"), "{listed}");
    let session = browser(&app);
    let page = session.get(&link).await.body;
    assert!(page.contains("vera@example.org") && page.contains("value=\"Vera\""), "{page}");
    let weak = [
        ("name", "Vera"),
        ("password", "vera@example.org"),
        ("password_again", "vera@example.org"),
    ];
    assert_eq!(press(&session, &link, &weak).await.status, 422);
    join(&session, &link).await;
    assert_eq!(session.get(&link).await.status, 404, "it works twice");
    session.sign_in("/t/acme/login", "vera@example.org", PASSWORD).await;
    assert_eq!(session.get("/t/acme/conversations").await.status, 200);
    assert_eq!(session.get("/t/acme/members").await.status, 403, "another role");
    assert_eq!(admin.get(all).await.expect(200)["items"], json!([]));
    admin.post(all, &new).await.problem(409, "email-taken");

    let new = json!({ "email": "olga@example.org", "role": "viewer" });
    let made = admin.post(all, &new).await.expect(201);
    admin.delete(&format!("{all}/{}", made["id"].as_str().unwrap())).await.expect(204);
    let link = made["url"].as_str().unwrap().strip_prefix(&app.server.url).unwrap().to_owned();
    assert_eq!(browser(&app).get(&link).await.status, 404);
    // Nobody gives what they do not have, nor a role that is not there.
    let owner = json!({ "email": "olga@example.org", "role": "owner" });
    admin.post(all, &owner).await.problem(403, "forbidden");
    let none = json!({ "email": "olga@example.org", "role": "no-such-role" });
    assert!(matches!(admin.post(all, &none).await.status, 404 | 422));
    let log = app.client(app.key("acme", "auditor")).entries("acme").await;
    let actions: Vec<_> = log.iter().filter_map(|entry| entry["action"].as_str()).collect();
    for action in ["user.invited", "user.created", "invitation.withdrawn"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
}

#[tokio::test]
async fn an_invitation_does_not_open_in_another_tenant_or_in_a_frozen_one() {
    let (app, _) = TestApp::with_tenant();
    app.tenant("globex");
    let invite = ["user", "invite", "--tenant", "acme", "vera@example.org", "--role", "viewer"];
    let made = app.cli(&invite, "");
    let link = made["url"].as_str().unwrap().strip_prefix(&app.server.url).unwrap().to_owned();
    let session = browser(&app);
    assert_eq!(session.get(&link.replace("/acme/", "/globex/")).await.status, 404);
    app.cli(&["tenant", "freeze", "acme"], "");
    let fields = [("name", "Vera"), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(press(&session, &link, &fields).await.status, 423);
    app.cli(&["tenant", "unfreeze", "acme"], "");
    join(&session, &link).await;
}

#[tokio::test]
async fn a_new_address_counts_once_its_link_was_opened_and_the_old_one_is_told() {
    let smtp = Smtp::plain();
    let app = app(&smtp);
    let vera = member(&app, &smtp, "vera@example.org").await;
    vera.sign_in("/t/acme/login", "vera@example.org", PASSWORD).await;
    let page = "/t/acme/account/email";
    let wrong = [("email", "new@example.org"), ("current", "not the password")];
    assert_eq!(vera.submit(page, page, &wrong).await.status, 422);
    let right = [("email", "new@example.org"), ("current", PASSWORD)];
    let answer = vera.submit(page, page, &right).await;
    assert_eq!(answer.header("location"), "/t/acme/account?notice=email-asked");
    let mail = smtp.mail(2).await;
    assert_eq!(mail.to, "new@example.org");
    let link = mail.link();
    assert_eq!(press(&browser(&app), &link, &[]).await.status, 303);
    let told = smtp.mail(3).await;
    assert_eq!(told.to, "vera@example.org");
    assert!(!told.text.contains("new@example.org"), "{}", told.text);
    assert_eq!(browser(&app).get(&link).await.status, 404);
    browser(&app).sign_in("/t/acme/login", "new@example.org", PASSWORD).await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_by_mail_is_offered() {
    let (app, _) = TestApp::with_tenant();
    let session = browser(&app);
    for login in ["/t/acme/login", "/platform/login"] {
        let page = session.get(login).await.body;
        assert!(!page.contains("/login/link") && !page.contains("/login/reset"), "{page}");
        for way in ["link", "reset"] {
            assert_eq!(session.get(&format!("{login}/{way}")).await.status, 404);
        }
    }
    assert_eq!(session.get("/t/acme/register").await.status, 404);
}
