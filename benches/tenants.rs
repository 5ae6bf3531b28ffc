//! Many tenants on one machine: making them, touching them at random through the real server, what
//! that takes of memory and file handles; and, when it is asked for, whether either grows with time.
//!
//! `STRONGROOM_BENCH_TENANTS` (500), `STRONGROOM_SOAK_MINUTES` (0; fractions are taken).

mod load;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use load::{Connection, Failure, Request};
use strongroom::api_keys::{self, NewApiKey};
use strongroom::authz::permission::{ApiKeyCreate, TenantCreate};
use strongroom::authz::{Caller, Principal, RequestContext};
use strongroom::config::Settings;
use strongroom::kernel::Runtime;
use strongroom::tenants::{self, AuditEvents, Boot, NewTenant, TenantError, WriteTx};
use support::{Report, Target};

const EVENT: &str =
    r#"{"action":"invoice.exported","actor":{"id":"u-4711","type":"user"},"outcome":"success"}"#;
/// Tenants that are made with one opening of the directory: all of them stay open meanwhile.
const AT_ONCE: usize = 200;
/// Connections that touch tenants.
const CONNECTIONS: usize = 4;
/// Touches of each connection, but for a soak.
const TOUCHES: usize = 500;
/// Percent that memory and handles may grow by in a soak: more fails it.
const GROWTH: f64 = 5.0;
/// Between two looks at the process in a soak.
const LOOK: Duration = Duration::from_secs(1);

/// Short names, each with the token of a key.
type Tokens = Vec<(String, String)>;

fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let count = asked("STRONGROOM_BENCH_TENANTS", 500.0) as usize;
    let minutes = asked("STRONGROOM_SOAK_MINUTES", 0.0);
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let mut report = Report::default();

    let (tokens, times) = make(&data, count)?;
    report.alone("make a tenant with a key", "ms", times, Target::None);
    report.alone(
        "bytes of a tenant on disk",
        "KiB",
        vec![kib(&data)? / count as f64],
        Target::None,
    );

    let server = load::Server::start(&data)?;
    let started = server.started_in.as_secs_f64() * 1000.0;
    report.alone("start to first answer", "ms", vec![started], Target::Under(500.0));
    report.alone("resident memory, started", "MiB", vec![server.resident_mib()?], Target::None);
    let times = touch(&server, &tokens, None)?;
    report.latency("an event to a tenant at random", times.clone(), Vec::new(), 50.0, 200.0);
    report.alone("the same, p99", "ms", vec![percentile(times, 0.99)], Target::None);
    report.alone("resident memory, touched", "MiB", vec![server.resident_mib()?], Target::None);
    let handles = server.handles()? as f64;
    report.alone("file handles, touched", "", vec![handles], Target::Under(8192.0));
    let grown = match minutes > 0.0 {
        true => soak(&server, &tokens, Duration::from_secs_f64(minutes * 60.0), &mut report)?,
        false => 0.0,
    };
    server.stop();
    report.print(&format!("{count} tenants on one machine"));
    match grown < GROWTH {
        true => Ok(()),
        false => Err(format!("memory or handles grew by {grown:.1} % in a soak").into()),
    }
}

fn asked(name: &str, usual: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Short names with tokens, and how long each took in milliseconds.
fn make(data: &Path, count: usize) -> Result<(Tokens, Vec<f64>), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut tokens, mut times) = (Vec::new(), Vec::new());
    for begin in (0..count).step_by(AT_ONCE) {
        let end = (begin + AT_ONCE).min(count);
        runtime.block_on(make_some(data, begin..end, &mut tokens, &mut times))?;
    }
    Ok((tokens, times))
}

async fn make_some(
    data: &Path,
    numbers: std::ops::Range<usize>,
    tokens: &mut Tokens,
    times: &mut Vec<f64>,
) -> Result<(), Failure> {
    let system = Runtime::system();
    let mut settings = Settings::default();
    settings.store.data_dir = data.to_owned();
    let tenants = Boot::open(&settings, &system)?.tenants;
    let principal = Principal::LocalOperator { uid: 0 };
    let operator = Arc::new(Caller { principal, request: RequestContext::local(system.id()) });
    let may_create = tenants.authorize_platform::<TenantCreate>(&operator, "bench").await?;
    for number in numbers {
        let begun = Instant::now();
        let slug = format!("tenant-{number}");
        let new = NewTenant { slug: slug.parse()?, name: slug.clone() };
        let nobody = |_: &mut WriteTx<'_, _>, _| Ok::<_, TenantError>(AuditEvents::none());
        tenants::create(&tenants, &may_create, new, nobody).await?;
        let (grant, _) = tenants.authorize::<ApiKeyCreate>(&operator, &slug, "bench").await?;
        let (role, networks) = (Some("admin".into()), Vec::new());
        let new =
            NewApiKey { name: "bench".into(), role, scopes: None, networks, expires_at: None };
        let made = api_keys::create(&tenants, &grant, new).await?;
        tokens.push((slug, made.token.to_string()));
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    tenants.shut_down().await;
    Ok(())
}

/// Milliseconds of each touch: so many on each connection, or until the time is over.
fn touch(
    server: &load::Server,
    tokens: &[(String, String)],
    time: Option<Duration>,
) -> Result<Vec<f64>, Failure> {
    let begun = Instant::now();
    let one = |connection: usize| -> Result<Vec<f64>, Failure> {
        let mut open = Connection::open(server)?;
        let (mut times, mut at) = (Vec::new(), connection * 7919);
        while time.map_or(times.len() < TOUCHES, |time| begun.elapsed() < time) {
            // Any order that is far from the one they were made in.
            at = (at * 1_103_515_245 + 12_345) % (1 << 31);
            let (slug, token) = &tokens[at % tokens.len()];
            let path = format!("/api/v1/audit/{slug}/events");
            let asked = Instant::now();
            let answer = open.ask(&Request::post(server, token, &path, EVENT))?;
            if !(200..300).contains(&answer.status) {
                let body = String::from_utf8_lossy(&answer.body);
                return Err(format!("{path} answers {}: {body}", answer.status).into());
            }
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..CONNECTIONS).map(|connection| scope.spawn(move || one(connection))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().unwrap_or_else(|_| Err("a thread died".into()))?);
        }
        Ok(all)
    })
}

/// Touches tenants for so long and compares the second quarter with the last: caches have filled by
/// then, and what still grows goes on growing. Answers by how many percent.
fn soak(
    server: &load::Server,
    tokens: &[(String, String)],
    time: Duration,
    report: &mut Report,
) -> Result<f64, Failure> {
    let begun = Instant::now();
    let (mut memory, mut handles) = (Vec::new(), Vec::new());
    let touched = std::thread::scope(|scope| {
        let load = scope.spawn(|| touch(server, tokens, Some(time)));
        while begun.elapsed() < time {
            std::thread::sleep(LOOK);
            memory.push(server.resident_mib()?);
            handles.push(server.handles()? as f64);
        }
        load.join().unwrap_or_else(|_| Err("the load died".into()))
    })?;
    let quarter = (memory.len() / 4).max(1);
    let middle = |values: &[f64], from: usize| {
        support::median(values.iter().skip(from).take(quarter).copied().collect())
    };
    let growth = |values: &[f64]| {
        let early = middle(values, quarter);
        (middle(values, values.len().saturating_sub(quarter)) - early) / early * 100.0
    };
    let minutes = time.as_secs_f64() / 60.0;
    report.alone(
        &format!("soak of {minutes:.1} min: events"),
        "",
        vec![touched.len() as f64],
        Target::None,
    );
    let end = memory.last().copied().unwrap_or(f64::NAN);
    report.alone("resident memory at its end", "MiB", vec![end], Target::None);
    let grown = [growth(&memory), growth(&handles)];
    report.alone("soak: growth of memory", "%", vec![grown[0]], Target::Under(GROWTH));
    report.alone("soak: growth of handles", "%", vec![grown[1]], Target::Under(GROWTH));
    Ok(grown[0].max(grown[1]))
}

fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Of everything below a directory.
fn kib(directory: &Path) -> Result<f64, Failure> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { kib(&entry.path())? } else { about.len() as f64 / 1024.0 };
    }
    Ok(sum)
}
