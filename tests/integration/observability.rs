//! What is logged and measured of requests, and that nobody's data is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{PASSWORD, TestApp};
use crate::client::{Answer, Session};
use crate::jobs::run;
use crate::setup::{ADMIN, OWNER, set_up};

/// In everything that somebody types or sends.
const SEED: &str = "Quendolyn";
const SECRET: &str = "xyzzy-plugh-plover";

/// One sample: labels and value.
type Samples = Vec<(BTreeMap<String, String>, f64)>;

struct Family {
    kind: String,
    samples: BTreeMap<String, Samples>,
}

/// Reads Prometheus' text format and takes nothing that is not exactly it.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut helped = BTreeSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(is_name(name) && name.starts_with("strongroom_"), "{line}");
            assert!(kind != "counter" || name.ends_with("_total"), "{line}");
            let family = Family { kind: kind.to_owned(), samples: BTreeMap::new() };
            assert!(families.insert(name.to_owned(), family).is_none(), "twice: {line}");
            current = name.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).unwrap_or_else(|| panic!("no TYPE: {line}"));
            let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("astray: {line}"));
            let suffixes: &[&str] =
                if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.contains(&suffix), "{line}");
            let samples = family.samples.entry(suffix.to_owned()).or_default();
            assert!(samples.iter().all(|(before, _)| *before != labels), "twice: {line}");
            samples.push((labels, value));
        }
    }
    for (name, family) in families.iter().filter(|(_, family)| family.kind == "histogram") {
        is_histogram(name, family);
    }
    families
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let value = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
    let Some((name, rest)) = series.split_once('{') else {
        assert!(is_name(series), "{line}");
        return (series.to_owned(), BTreeMap::new(), value);
    };
    let mut rest = rest.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        // No value of ours holds a quote or a backslash.
        let (text, after) = after.split_once('"').unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(label) && !text.contains('\\'), "{line}");
        assert!(labels.insert(label.to_owned(), text.to_owned()).is_none(), "{line}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (name.to_owned(), labels, value)
}

/// Buckets rise, and the last one holds all.
fn is_histogram(name: &str, family: &Family) {
    for (labels, count) in &family.samples["_count"] {
        let buckets = family.samples["_bucket"].iter().filter(|(of, _)| {
            let mut of = of.clone();
            of.remove("le");
            of == *labels
        });
        let (mut bound, mut before) = (f64::NEG_INFINITY, 0.0);
        for (of, value) in buckets {
            let le = of["le"].parse::<f64>().unwrap();
            assert!(le > bound && *value >= before, "{name} {of:?}");
            (bound, before) = (le, *value);
        }
        assert!(bound.is_infinite() && before == *count, "{name} {labels:?}");
    }
}

/// Everything that somebody might type, in places where it might be logged.
async fn sow(app: &TestApp) -> Vec<u16> {
    let token = app.key("acme", "admin");
    let (api, nobody) = (app.client(token), app.anonymous());
    let mut statuses = Vec::new();
    let mut note = |answer: Answer| statuses.push(answer.status);
    let mail = format!("{}@example.org", SEED.to_lowercase());
    let new = json!({
        "subject": SEED,
        "dataSubject": { "id": SEED, "name": SEED, "email": mail },
        "customFields": { "note": SEED },
    });
    let made = api.post("/api/v1/conversations/acme", &new).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let messages = format!("/api/v1/conversations/acme/{id}/messages");
    let author = json!({ "type": "customer", "name": SEED });
    note(api.post(&messages, &json!({ "author": author, "body": SEED })).await);
    note(api.post(&messages, &json!({ "author": SEED, "body": [SEED] })).await);
    note(api.post_bytes(&messages, format!("{{\"body\": \"{SEED}").into_bytes()).await);
    note(api.get(&format!("/api/v1/conversations/acme?q={SEED}&cursor={SEED}")).await);
    note(api.get(&format!("/api/v1/conversations/acme/{SEED}")).await);
    note(api.get(&format!("/api/v1/conversations/{SEED}")).await);
    note(api.get(&format!("/api/v1/audit/acme/events?q={SEED}:(")).await);
    note(nobody.get(&format!("/api/v1/{SEED}/file-{SEED}.pdf?name={SEED}")).await);
    note(nobody.get(&format!("/files/{SEED}.pdf")).await);
    note(nobody.get(&format!("/setup?token={SECRET}")).await);
    note(app.client(SECRET).get("/api/v1/conversations/acme").await);
    note(app.client(format!("{SECRET}.a.b")).get("/api/v1/conversations/acme").await);
    note(nobody.delete(&format!("/status?{SEED}")).await);
    let methods = Method::from_bytes(SEED.to_uppercase().as_bytes()).unwrap();
    note(Answer::to(nobody.request(methods, "/status")).await);
    for name in ["user-agent", "referer", "x-forwarded-for", "cookie", "x-request-id", "origin"] {
        note(
            Answer::to(api.request(Method::GET, "/api/v1/conversations/acme").header(name, SEED))
                .await,
        );
        note(Answer::to(nobody.request(Method::GET, "/").header(name, SEED)).await);
    }
    let browser = Session::new(&app.server.url, app.data());
    for page in ["/t/acme/login", "/platform/login"] {
        let fields = [("email", mail.as_str()), ("password", SECRET)];
        note(browser.submit(page, page, &fields).await);
        note(browser.post(page, &fields).await);
    }
    note(browser.get(&format!("/t/{SEED}/login")).await);
    let owner = app.session("acme", OWNER, PASSWORD).await;
    note(owner.get(&format!("/t/acme/conversations?q={SEED}")).await);
    note(owner.get(&format!("/t/acme/admin/audit?q={SEED}")).await);
    statuses
}

#[tokio::test]
async fn a_request_is_one_line_with_the_tenants_id_and_nothing_that_anybody_typed() {
    for format in ["json", "text"] {
        let settings = [("STRONGROOM_LOG__LEVEL", "trace"), ("STRONGROOM_LOG__FORMAT", format)];
        let app = TestApp::with(&settings);
        set_up(&app).await;
        let tenant = app.cli(&["tenant", "list"], "");
        let tenant = tenant["items"][0]["id"].as_str().unwrap().to_owned();
        let statuses = sow(&app).await;
        let refused = statuses.iter().filter(|status| **status >= 400).count();
        assert!(refused > 10 && statuses.iter().all(|status| *status < 500), "{statuses:?}");
        let metrics = app.anonymous().get("/metrics").await.body;
        let log = app.errors();
        let local = OWNER.split('@').next().unwrap();
        let bundle = bundle(&app);
        assert!(bundle.contains("strongroom_http_request_duration_seconds_count"), "{bundle}");
        for told in [&log, &metrics, &bundle] {
            let told = told.to_lowercase();
            for word in [SEED, SECRET, PASSWORD, OWNER, ADMIN, "Ada Admin", "acme/login"] {
                assert!(!told.contains(&word.to_lowercase()), "{format}: {word} is told: {told}");
            }
            assert!(!told.contains(&format!("{local}@")));
        }
        let lines = || log.lines().filter(|line| line.contains("latency_us"));
        assert!(lines().count() >= statuses.len(), "{log}");
        assert!(lines().any(|line| line.contains(&tenant)), "{log}");
        assert!(lines().any(|line| line.contains("(no route)")), "{log}");
        if format == "text" {
            assert!(!log.starts_with('{'));
            continue;
        }
        let wanted = ["request_id", "route", "method", "status", "latency_us"];
        let more = ["timestamp", "level", "message", "target", "tenant"];
        for line in lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| {
                panic!("{error}: {line}");
            });
            let keys: BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(wanted.iter().all(|key| keys.contains(key)), "{line}");
            assert!(keys.iter().all(|key| wanted.contains(key) || more.contains(key)), "{line}");
            assert!(line["tenant"].is_null() || line["tenant"] == tenant.as_str(), "{line}");
        }
    }
}

/// All of a bundle's files, one after another.
fn bundle(app: &TestApp) -> String {
    let out = app.data().with_extension("tar.zst");
    let listed = app.cli(&["support", "bundle", "--list"], "");
    assert!(listed["parts"].as_array().unwrap().len() > 5 && !out.exists(), "{listed}");
    let asked = app.try_cli(&["support", "bundle", "--out", out.to_str().unwrap()], "");
    assert!(asked.code != 0 && asked.err.contains("--yes") && !out.exists(), "{asked:?}");
    app.cli(&["support", "bundle", "--yes", "--out", out.to_str().unwrap()], "");
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let unpacked = zstd::decode_all(std::fs::File::open(&out).unwrap()).unwrap();
    let text = String::from_utf8(unpacked).unwrap();
    for inside in ["strongroom-support/doctor.json", "root-key-beside-data", "openTenants"] {
        assert!(text.contains(inside), "{inside}: {text}");
    }
    let again = app.try_cli(&["support", "bundle", "--yes", "--out", out.to_str().unwrap()], "");
    assert!(again.code != 0 && again.err.contains("cannot be written"), "{again:?}");
    text
}

/// Hosts, addresses and directories that settings name, and a reason that somebody gave.
const NAMES: [&str; 7] = [
    "vault.quendolyn.example",
    "security@quendolyn.example",
    "203.0.113.77",
    "app.quendolyn.example",
    "198.51.100.9",
    "60123",
    "quendolyn was here",
];

#[tokio::test]
async fn a_bundle_names_nothing_that_settings_or_people_have_named() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().join("quendolyn-backups");
    let target = format!("file://{}", place.display());
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let app = TestApp::with(&[
        ("STRONGROOM_SERVER__EXTERNAL_URL", "https://vault.quendolyn.example"),
        ("STRONGROOM_SERVER__SECURITY_CONTACT", "mailto:security@quendolyn.example"),
        ("STRONGROOM_SERVER__TRUSTED_PROXIES", "203.0.113.77"),
        ("STRONGROOM_SERVER__CORS_ORIGINS", "https://app.quendolyn.example"),
        ("STRONGROOM_SSO__ALLOWED_ADDRESSES", "198.51.100.9"),
        ("STRONGROOM_STREAMS__ENTERPRISE_NUMBER", "60123"),
        ("STRONGROOM_BACKUP__RECIPIENTS", &recipient),
        ("STRONGROOM_BACKUP__TARGETS", &target),
        ("STRONGROOM_BACKUP__DAILY", "17"),
    ]);
    run(&app, "backup.daily").await;
    app.cli(&["maintenance", "read-only", "on", "--reason", "quendolyn was here"], "");
    let text = bundle(&app);
    for word in NAMES.iter().chain(&["quendolyn", app.data().to_str().unwrap(), &recipient]) {
        assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{word} is told: {text}");
    }
    assert!(text.contains("strongroom_backup_target_up{target=\"1\"} 1"), "{text}");
    for kept in ["backup.daily\",\n    \"value\": \"17\"", "MiB available", "server.external_url"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[tokio::test]
async fn metrics_are_well_formed_and_count_what_happened() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    for n in 0..5 {
        let new = json!({ "subject": format!("{n}") });
        api.post("/api/v1/conversations/acme", &new).await.expect(201);
    }
    app.try_cli(&["job", "run", "audit.verify"], "");
    let metrics = settled(&app, |metrics| {
        metrics.get("strongroom_job_runs_total").is_some_and(|family| {
            family.samples[""].iter().any(|(labels, _)| labels["job_name"] == "audit.verify")
        })
    })
    .await;
    let requests = &metrics["strongroom_http_request_duration_seconds"].samples["_count"];
    let made = requests.iter().find(|(labels, _)| {
        labels["route"] == "/api/v1/conversations/{tenant}" && labels["method"] == "POST"
    });
    let (labels, count) = made.unwrap();
    assert_eq!((labels["status"].as_str(), *count), ("2xx", 5.0));
    let commits = &metrics["strongroom_writer_commit_duration_seconds"].samples["_count"][0].1;
    let batches = &metrics["strongroom_writer_batch_jobs"].samples["_count"][0].1;
    assert!(*commits >= 5.0 && commits == batches);
    let one = |name: &str| metrics[name].samples[""][0].1;
    assert_eq!((one("strongroom_tenants"), one("strongroom_open_tenants")), (1.0, 1.0));
    assert!(one("strongroom_resident_memory_bytes") > 1e6);
    for name in ["strongroom_audit_log_entries", "strongroom_writer_queue_jobs"] {
        let realms: Vec<_> =
            metrics[name].samples[""].iter().map(|(labels, _)| labels["realm"].as_str()).collect();
        assert_eq!(realms, ["platform", "tenants"], "{name}");
    }
}

/// Metrics once they say what is waited for.
async fn settled(
    app: &TestApp,
    ready: impl Fn(&BTreeMap<String, Family>) -> bool,
) -> BTreeMap<String, Family> {
    for _ in 0..300 {
        let text = app.anonymous().get("/metrics").await;
        assert_eq!((text.status, text.header("content-type")), (200, "text/plain; version=0.0.4"));
        let metrics = parse(&text.body);
        if ready(&metrics) {
            return metrics;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("{}", app.anonymous().get("/metrics").await.body);
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_for_who_has_the_token() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("token");
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(&file, token).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let settings = [
        ("STRONGROOM_SERVER__METRICS_TOKEN_FILE", file.to_str().unwrap()),
        ("STRONGROOM_SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let app = TestApp::with(&settings);
    let ask = async |bearer: Option<&str>, from: Option<&str>| {
        let client = app.anonymous();
        let mut request = client.request(Method::GET, "/metrics");
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        if let Some(from) = from {
            request = request.header("x-forwarded-for", from);
        }
        Answer::to(request).await.status
    };
    assert_eq!(ask(None, None).await, 200);
    assert_eq!(ask(Some(token), Some("203.0.113.7")).await, 200);
    assert_eq!(ask(None, Some("203.0.113.7")).await, 403);
    // A proxy here hands on what it is told.
    assert_eq!(ask(None, Some("127.0.0.1")).await, 403);
    assert_eq!(ask(Some("0123456789abcdef0123456789abcdee"), None).await, 403);
    assert_eq!(ask(Some(""), None).await, 403);

    let data = directory.path().join("data");
    std::fs::write(&file, "short").unwrap();
    let said = crate::server::Server::try_start(&data, &settings).err().unwrap();
    assert!(said.contains("openssl rand -hex 32") && !said.contains("short\n"), "{said}");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let said = crate::server::Server::try_start(&data, &settings).err().unwrap();
    assert!(said.contains("server.metrics_token_file"), "{said}");
}

/// Metrics that only something set up elsewhere brings; the places that set them are in `src`.
const NOT_HERE: [&str; 8] = [
    "strongroom_archive_lag_seconds",
    "strongroom_audit_contradictions_total",
    "strongroom_backup_last_success_timestamp_seconds",
    "strongroom_backup_target_failing",
    "strongroom_restore_test_passed",
    "strongroom_restore_test_timestamp_seconds",
    "strongroom_stream_failing",
    "strongroom_stream_lag_entries",
];

#[tokio::test]
async fn dashboard_and_alarms_name_metrics_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| {
        std::fs::read_to_string(root.join("packaging/observability").join(name)).unwrap()
    };
    let (dashboard, rules) = (read("grafana-dashboard.json"), read("prometheus-rules.yml"));
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() > 10);
    let (app, token) = TestApp::with_tenant();
    app.client(token).get("/api/v1/conversations/acme").await.expect(200);
    let metrics = settled(&app, |metrics| metrics.contains_key("strongroom_job_runs_total")).await;
    let mut there: BTreeSet<String> = NOT_HERE.iter().map(ToString::to_string).collect();
    for (name, family) in &metrics {
        there.extend(family.samples.keys().map(|suffix| format!("{name}{suffix}")));
    }
    for text in [&dashboard, &rules] {
        let mut named = BTreeSet::new();
        for part in text.split("strongroom_").skip(1) {
            let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            named.insert(format!("strongroom_{}", &part[..end.unwrap_or(part.len())]));
        }
        assert!(named.len() > 8, "{named:?}");
        for name in named {
            assert!(there.contains(&name), "there is no metric {name}");
        }
    }
    for name in NOT_HERE {
        assert!(!metrics.contains_key(name) && sources_hold(&root.join("src"), name), "{name}");
    }
    // The packages have both.
    let cargo = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for name in ["grafana-dashboard.json", "prometheus-rules.yml"] {
        assert_eq!(cargo.matches(&format!("\"packaging/observability/{name}\"")).count(), 2);
    }
}

fn sources_hold(directory: &Path, name: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources_hold(&path, name),
            false => std::fs::read_to_string(path)
                .is_ok_and(|text| text.contains(&format!("\"{name}\""))),
        }
    })
}

#[tokio::test]
async fn the_console_shows_how_long_requests_took_and_status_what_runs() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    assert!(admin.get("/platform/jobs").await.body.contains("href=\"/platform/performance\""));
    for page in ["/platform/performance", "/platform/performance?range=24h"] {
        let shown = admin.get(page).await;
        assert_eq!(shown.status, 200);
        for said in ["POST /platform/login", "p95", "Refused (4xx)"] {
            assert!(shown.body.contains(said), "{page}: {said}: {}", shown.body);
        }
    }
    assert_ne!(
        Session::new(&app.server.url, app.data()).get("/platform/performance").await.status,
        200
    );
    let status = app.anonymous().get("/status").await.expect(200);
    assert_eq!((&status["status"], status["build"].is_string()), (&"ok".into(), true));
    assert!(status["version"].is_string() && status["uptimeSeconds"].is_u64(), "{status}");
}
