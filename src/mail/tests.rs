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
        Letter::EmergencyUsed { at, browser: "Firefox".into(), ip: "192.0.2.1".into() },
        Letter::ProviderExpiring { at, provider: "Okta\r\nBcc: all@example.org".into() },
        Letter::BackupOverdue { at },
        Letter::RestoreTestOverdue { at },
        Letter::CertificateExpiring { at },
        Letter::BackupTargetFailing { at, target: "s3://a\r\nBcc: all@example.org".into() },
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
    server.tenants.open_outboxes();
    let tenant = server.tenant("acme").await;
    let realm = Realm::Tenant(tenant.id);
    assert!(server.tenants.mail_due().is_empty());
    let to = Recipient { address: "ann@example.org".into(), subject: None };
    let letter = Letter::SignIn { link: "/t/acme/login/link?token=secret".into() };
    let what = crate::tenants::SystemWrite::MailState;
    let insert = server.tenants.system_write(realm, what, move |tx| queue(tx, &to, &letter));
    insert.await.unwrap();
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
    server.tenants.open_outboxes();
    let mailer = Mailer::new(&crate::config::Mail::default(), &server.runtime);
    assert!(!mailer.is_configured());
    let done = mailer.deliver(&server.tenants, &server.operator(), "https://x").await.unwrap();
    assert_eq!((done.sent, done.put_off, done.given_up), (0, 0, 0));
    assert!(matches!(mailer.test("a@b.c", "").await, Err(SendError::NotConfigured)));
}

/// The mail server of the integration tests: aiosmtpd.
struct Server {
    directory: tempfile::TempDir,
    child: std::process::Child,
}

impl Server {
    fn start(port: u16) -> Self {
        use std::io::{BufRead, BufReader};
        let directory = tempfile::TempDir::new().unwrap();
        let script =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/smtpd.py");
        let mut child = std::process::Command::new("/usr/bin/python3")
            .args([script.as_os_str(), port.to_string().as_ref(), directory.path().as_os_str()])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), "ready", "install python3-aiosmtpd");
        Self { directory, child }
    }

    fn mails(&self) -> usize {
        std::fs::read_dir(self.directory.path()).unwrap().count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(port: u16) -> crate::config::Mail {
    let file = format!(
        "[mail]\nsmtp_host = \"127.0.0.1\"\nsmtp_tls = \"none\"\nsmtp_port = {port}\n\
         from = \"vault@example.org\"\n"
    );
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, file).unwrap();
    let sources = crate::config::Sources { file: Some(path), ..Default::default() };
    crate::config::Settings::load(sources).unwrap().mail
}

async fn post(server: &TestServer, realm: Realm, to: &str, letter: Letter) {
    let to = Recipient { address: to.into(), subject: None };
    let what = crate::tenants::SystemWrite::MailState;
    let write = server.tenants.system_write(realm, what, move |tx| queue(tx, &to, &letter));
    write.await.unwrap();
}

#[tokio::test]
async fn a_mail_waits_for_a_server_that_is_down_and_is_given_up_after_a_day() {
    let (server, clock) = manual();
    let tenant = server.tenant("acme").await;
    let realm = Realm::Tenant(tenant.id);
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let mailer = Mailer::new(&settings(port), &server.runtime);
    let operator = server.operator();
    let round = || mailer.deliver(&server.tenants, &operator, "https://vault.example.org");
    post(&server, realm, "ann@example.org", Letter::Test).await;
    assert_eq!(round().await.unwrap().put_off, 1);
    assert!(mailer.state().last_error.is_some());
    assert_eq!(round().await.unwrap(), deliver::Delivered::default(), "before its time");
    // It comes back.
    let smtpd = Server::start(port);
    clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(round().await.unwrap().sent, 1);
    assert_eq!((smtpd.mails(), mailer.state().waiting), (1, 0));
    assert!(mailer.state().last_error.is_none());
    // An address that is not there is given up at once, with an entry.
    post(&server, realm, "unknown-here@example.org", Letter::Test).await;
    assert_eq!(round().await.unwrap().given_up, 1);
    drop(smtpd);
    post(&server, realm, "bob@example.org", Letter::Test).await;
    let mut rounds = deliver::Delivered::default();
    for _ in 0..48 {
        let done = round().await.unwrap();
        rounds.put_off += done.put_off;
        rounds.given_up += done.given_up;
        clock.advance(std::time::Duration::from_secs(60 * 60));
    }
    assert_eq!(rounds.given_up, 1);
    assert!((20..32).contains(&rounds.put_off), "{rounds:?}");
    let entries = server.entries(&tenant).await;
    let failed: Vec<_> = entries.iter().filter(|entry| entry.action == "mail.failed").collect();
    assert_eq!(failed.len(), 2);
    assert!(!format!("{failed:?}").contains("bob@example.org"));
}

#[tokio::test]
async fn what_waits_in_a_file_is_found_when_it_is_opened_again() {
    let (server, clock) = manual();
    let tenant = server.tenant("acme").await;
    post(&server, Realm::Tenant(tenant.id), "ann@example.org", Letter::Test).await;
    assert_eq!(server.tenants.mail_due().len(), 1, "and forgotten");
    clock.advance(std::time::Duration::from_secs(60 * 60));
    // Whoever has just written lets go of the file a moment later.
    while server.tenants.open_count() > 0 {
        server.tenants.close_idle();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(server.tenants.mail_due().is_empty(), "nobody has opened it");
    server.tenants.open(tenant.id).await.unwrap();
    assert_eq!(server.tenants.mail_due(), [Realm::Tenant(tenant.id)]);
}

fn manual() -> (TestServer, std::sync::Arc<crate::kernel::clock::ManualClock>) {
    let start = Timestamp::parse("2026-11-22T06:00:00Z").unwrap();
    let clock = std::sync::Arc::new(crate::kernel::clock::ManualClock::new(start));
    let runtime =
        crate::kernel::Runtime { clock: clock.clone(), ..crate::kernel::Runtime::system() };
    let server = TestServer::start_with(runtime);
    server.tenants.open_outboxes();
    (server, clock)
}
