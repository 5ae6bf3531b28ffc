//! The live view of the log, as a browser opens it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Client, Session, escape};
use crate::conversations::start_conversation;

pub type Socket = WebSocketStream<TlsStream<TcpStream>>;

pub const TAIL: &str = "/t/acme/admin/audit/tail";
const PATIENCE: Duration = Duration::from_secs(20);

/// Signs in; answers with the session's cookie beside the session.
pub async fn signed_in(app: &TestApp, email: &str) -> (Session, String) {
    let session = app.session("acme", email, PASSWORD).await;
    let cookies = session.cookies();
    let cookie = cookies.iter().find(|(name, _)| name == "__Host-strongroom");
    let (name, value) = cookie.unwrap_or_else(|| panic!("not signed in: {cookies:?}"));
    let cookie = format!("{name}={value}");
    (session, cookie)
}

/// Opens a WebSocket; what the server answered instead when it refuses.
async fn open(
    app: &TestApp,
    path: &str,
    cookie: &str,
    origin: &str,
) -> Result<Socket, Box<Response<Option<Vec<u8>>>>> {
    let pem = std::fs::read(app.data().join("tls").join("cert.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = app.server.url.strip_prefix("https://").unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut request = format!("wss://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    if !origin.is_empty() {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response),
        Err(error) => panic!("{error}"),
    }
}

pub async fn open_here(app: &TestApp, path: &str, cookie: &str) -> Socket {
    open(app, path, cookie, &app.server.url).await.unwrap_or_else(|answer| panic!("{answer:?}"))
}

/// The next message; nothing when the server ends the connection, with what it said.
pub async fn next(socket: &mut Socket) -> Result<Value, String> {
    tokio::time::timeout(PATIENCE, spoken(socket)).await.expect("silence")
}

async fn spoken(socket: &mut Socket) -> Result<Value, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(reason))) => {
                return Err(reason.map(|reason| reason.reason.to_string()).unwrap_or_default());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err(String::new()),
        }
    }
}

async fn ingest(log: &Client, action: &str) {
    log.post("/api/v1/audit/acme/events", &json!({ "action": action })).await.expect(201);
}

/// Entries about live views, oldest first.
async fn tailed(log: &Client) -> Vec<Value> {
    let mut found = log.list("/api/v1/audit/acme/events?q=action:audit.tailed").await;
    found.reverse();
    found
}

async fn until_closed_is_recorded(log: &Client) -> Value {
    for _ in 0..200 {
        let entries = tailed(log).await;
        if let Some(closed) = entries.iter().find(|e| e["customFields"]["phase"] == "closed") {
            return closed.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the end of a live view was not recorded");
}

#[tokio::test]
async fn entries_that_match_arrive_as_rows_and_the_watching_is_recorded_at_both_ends() {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    let (_, cookie) = signed_in(&app, OWNER).await;
    let path = format!("{TAIL}?q={}", escape("action:invoice.*"));
    let mut socket = open_here(&app, &path, &cookie).await;
    let opened = tailed(&log).await.remove(0);
    assert_eq!(opened["customFields"]["phase"], "opened");
    assert_eq!(opened["customFields"]["q"], "action:invoice.*");

    ingest(&log, "parcel.sent").await;
    ingest(&log, "invoice.exported").await;
    let news = next(&mut socket).await.unwrap();
    let rows = news["rows"].as_str().unwrap();
    assert!(rows.contains("invoice.exported") && !rows.contains("parcel.sent"), "{rows}");
    assert_eq!((rows.matches("<tr>").count(), &news["more"]), (1, &json!(false)));
    assert!(rows.contains("href=\"/t/acme/admin/audit/"), "{rows}");

    socket.close(None).await.unwrap();
    let closed = until_closed_is_recorded(&log).await;
    let fields = &closed["customFields"];
    let last = log.list("/api/v1/audit/acme/events?q=action:invoice.exported").await;
    assert_eq!((&fields["firstSeq"], &fields["lastSeq"]), (&last[0]["seq"], &last[0]["seq"]));
    assert_eq!((&fields["entries"], &fields["opened"]), (&json!(1), &opened["seq"]));
    assert_eq!(fields["reason"], "closed");
}

#[tokio::test]
async fn watching_everything_goes_on_from_what_the_page_shows_and_feeds_on_nothing_of_its_own() {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    let (_, cookie) = signed_in(&app, OWNER).await;
    ingest(&log, "parcel.sent").await;
    let seq = log.list("/api/v1/audit/acme/events?q=action:parcel.sent").await[0]["seq"].clone();
    ingest(&log, "parcel.arrived").await;
    let mut socket = open_here(&app, &format!("{TAIL}?after={seq}"), &cookie).await;
    let first = next(&mut socket).await.unwrap()["rows"].as_str().unwrap().to_owned();
    assert!(first.contains("parcel.arrived") && !first.contains("parcel.sent"), "{first}");
    assert!(first.contains("audit.tailed"), "the opening itself is an entry: {first}");
    let quiet = tokio::time::timeout(Duration::from_millis(1500), next(&mut socket)).await;
    assert!(quiet.is_err(), "watching makes entries to watch: {quiet:?}");
}

#[tokio::test]
async fn the_view_ends_when_the_session_the_person_or_the_tenant_does() {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    let create = ["user", "create", "--tenant", "acme", "--role", "auditor", "--password-stdin"];
    app.cli(&[&create[..], &["eve@example.org"]].concat(), PASSWORD);
    let (owner, at_owner) = signed_in(&app, OWNER).await;
    let (_, at_eve) = signed_in(&app, "eve@example.org").await;
    let mut eve = open_here(&app, TAIL, &at_eve).await;
    let mut owners = open_here(&app, TAIL, &at_owner).await;
    app.cli(&["user", "disable", "--tenant", "acme", "eve@example.org"], "");
    while let Ok(news) = next(&mut eve).await {
        let rows = news["rows"].as_str().unwrap();
        assert!(!rows.contains("user.disabled"), "shown to who may no longer see it: {rows}");
    }
    while !next(&mut owners).await.unwrap()["rows"].as_str().unwrap().contains("user.disabled") {}
    assert_eq!(owner.submit("/t/acme/", "/t/acme/logout", &[]).await.status, 303);
    while next(&mut owners).await.is_ok() {}
    let (_, cookie) = signed_in(&app, OWNER).await;
    let mut frozen = open_here(&app, TAIL, &cookie).await;
    app.cli(&["tenant", "freeze", "acme"], "");
    while next(&mut frozen).await.is_ok() {}
    let ends = tailed(&log).await.into_iter().filter(|e| e["customFields"]["phase"] == "closed");
    let reasons: Vec<_> = ends.map(|end| end["customFields"]["reason"].clone()).collect();
    assert_eq!(reasons, ["rights", "rights", "rights"]);
}

#[tokio::test]
async fn nobody_elses_page_no_stranger_and_no_foreign_tenant_gets_a_view() {
    let (app, token) = TestApp::with_tenant();
    app.tenant("globex");
    let log = app.client(token);
    start_conversation(&log).await;
    let (_, cookie) = signed_in(&app, OWNER).await;
    for origin in ["https://evil.example", "null", "", "http://127.0.0.1"] {
        let refused = open(&app, TAIL, &cookie, origin).await.unwrap_err();
        assert_eq!(refused.status(), 403, "origin {origin:?}");
    }
    let here = app.server.url.clone();
    let status = async |path: &str, cookie: &str| {
        open(&app, path, cookie, &here)
            .await
            .map_or_else(|answer| answer.status().as_u16(), |_| 101)
    };
    assert_eq!(status(TAIL, "").await, 303);
    assert_eq!(status("/t/globex/admin/audit/tail", &cookie).await, 403);
    assert_eq!(status("/t/nobody/admin/audit/tail", &cookie).await, 403);
    assert_eq!(status(&format!("{TAIL}?q={}", escape("seq:x")), &cookie).await, 422);
    assert_eq!(tailed(&log).await, Vec::<Value>::new());
    assert_eq!(status(TAIL, &cookie).await, 101);
}

#[tokio::test]
async fn a_client_that_speaks_is_cut_off() {
    let (app, token) = TestApp::with_tenant();
    let (_, cookie) = signed_in(&app, OWNER).await;
    let mut socket = open_here(&app, TAIL, &cookie).await;
    socket.send(Message::text("DROP TABLE")).await.unwrap();
    while next(&mut socket).await.is_ok() {}
    let closed = until_closed_is_recorded(&app.client(token)).await;
    assert_eq!(closed["customFields"]["reason"], "protocol");
}

#[tokio::test]
async fn one_address_opens_so_many_views_a_minute_and_no_more() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS__TAILS_PER_MINUTE", "3")]);
    app.tenant("acme");
    let (_, cookie) = signed_in(&app, OWNER).await;
    let (_, again) = signed_in(&app, OWNER).await;
    let mut open_ones = Vec::new();
    for cookie in [&cookie, &again, &cookie] {
        open_ones.push(open_here(&app, TAIL, cookie).await);
    }
    let refused = open(&app, TAIL, &again, &app.server.url).await.unwrap_err();
    assert_eq!(refused.status(), 429);
}
