//! What waits, in a real installation.

use super::compose::{Circumstances, compose};
use super::*;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::testing::TestServer;

fn all() -> Vec<Letter> {
    let link = || "/t/acme/x?token=abc".to_owned();
    let at = Timestamp::from_micros(1_764_000_000_000_000);
    vec![
        Letter::Test,
        Letter::SignIn { link: link() },
        Letter::PasswordReset { link: link() },
        Letter::Invitation { link: link(), by: Some("Eve\r\nBcc: all@example.org <b>".into()) },
        Letter::Invitation { link: link(), by: None },
        Letter::Verification { link: link() },
        Letter::NewAddress { link: link() },
        Letter::NewDevice { at, browser: "Firefox".into(), ip: "192.0.2.1".into() },
        Letter::PasswordChanged { at },
        Letter::FactorsReset { at },
        Letter::EmailChanged { at },
    ]
}

fn composed(letter: &Letter, place: &str) -> String {
    let about = Circumstances {
        id: crate::kernel::id::MailId::from_bytes([7; 16]),
        from: &"Vault <vault@example.org>".parse().unwrap(),
        base_url: "https://vault.example.org",
        place: Some(place),
        written: Timestamp::from_micros(1_764_000_000_000_000),
    };
    let message = compose(&about, "ann@example.org", letter).unwrap_or_else(|e| panic!("{e}"));
    String::from_utf8(message.formatted()).unwrap()
}

#[test]
fn every_letter_has_words_and_its_link() {
    for letter in all() {
        let mail = composed(&letter, "Acme");
        let code = letter.code();
        assert!(mail.contains("\r\nSubject: ") && !mail.contains("Subject: \r\n"), "{code}");
        assert!(words::say(&format!("{code}-text"), &[]).is_some(), "{code}");
        assert!(mail.contains("Auto-Submitted: auto-generated"), "{mail}");
        assert!(mail.contains("text/plain") && mail.contains("text/html"), "{code}");
        if letter.link().is_some() {
            assert!(words::say(&format!("{code}-button"), &[]).is_some(), "{code}");
        }
    }
}

#[test]
fn no_name_makes_a_header_or_markup() {
    let mail = composed(&all()[3], "Acme\r\nBcc: all@example.org\r\n\r\n<script>");
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
    assert!(!body.contains("<script>") || !body.contains("<b>\r\n"), "{body}");
    let html = body.split("text/html").nth(1).unwrap();
    assert!(!html.contains("<script>"), "{html}");
}

#[test]
fn a_recipient_that_is_no_address_is_refused() {
    let about = Circumstances {
        id: crate::kernel::id::MailId::from_bytes([7; 16]),
        from: &"vault@example.org".parse().unwrap(),
        base_url: "https://vault.example.org",
        place: None,
        written: Timestamp::from_micros(0),
    };
    for wrong in ["", "ann", "ann@example.org\r\nBcc: b@example.org", "a@b@c", "ann@exa mple.org"] {
        let refused = compose(&about, wrong, &Letter::Test);
        assert!(matches!(refused, Err(SendError::Address)), "{wrong}");
    }
}

#[tokio::test]
async fn a_mail_waits_sealed_and_its_realm_is_known_once_it_is_committed() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let realm = Realm::Tenant(tenant.id);
    assert!(server.tenants.mail_due().is_empty());
    let to = Recipient { address: "ann@example.org".into(), subject: None };
    let letter = Letter::SignIn { link: "/t/acme/login/link?token=secret".into() };
    let write =
        server.tenants.system_write(realm, crate::tenants::SystemWrite::MailState, move |tx| {
            queue(tx, &to, &letter)
        });
    write.await.unwrap();
    assert_eq!(server.tenants.mail_due(), [realm]);
    assert!(server.files_with(b"ann@example.org").is_empty());
    assert!(server.files_with(b"token=secret").is_empty());
    let now = server.runtime.now();
    let due = server.tenants.credentials(realm, move |tx| repo::due(tx, now, 10)).await.unwrap();
    let repo::Content::Letter { to, letter } = &due[0].content else { panic!("sealed") };
    assert_eq!((to.as_str(), letter.code()), ("ann@example.org", "sign-in"));
    assert_eq!(due[0].expires, due[0].created.plus(crate::kernel::limits::SIGN_IN_LINK_LIFE));
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_sent_and_nothing_given_up() {
    let server = TestServer::start();
    let mailer = Mailer::new(&crate::config::Mail::default(), &server.runtime);
    assert!(!mailer.is_configured());
    let done = mailer.deliver(&server.tenants, &server.operator(), "https://x").await.unwrap();
    assert_eq!((done.sent, done.put_off, done.given_up), (0, 0, 0));
    assert!(matches!(mailer.test("a@b.c", "").await, Err(SendError::NotConfigured)));
}
