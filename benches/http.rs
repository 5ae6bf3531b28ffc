//! The release binary over HTTPS: requests a second on 64 connections, memory, time to start.
//!
//! The load tool and the server share the machine, for `/healthz` as for what is held against it.

mod load;
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use load::{Failure, Load, Request};
use strongroom::audit::event::ReportedBy;
use strongroom::audit::ingest;
use strongroom::kernel::id::TenantId;
use support::raw::RawLog;
use support::{Report, Series, Target};

const TIME: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 64;
const BATCH: usize = 1000;
const SIGNING_IN: usize = 4;

const EVENT: &str = r#"{"action":"invoice.exported","actor":{"id":"u-4711","type":"user","name":"Grace Hopper"},"resource":{"type":"invoice","id":"2026-000123"},"outcome":"success","ip":"10.20.30.40","userAgent":"billing/2.1","occurredAt":"2026-11-22T05:06:07Z","changes":{"state":{"old":"open","new":"sent"}},"customFields":{"amount":129900}}"#;
const MESSAGE: &str = r#"{"author":{"type":"customer","id":"customer-7","name":"Ada"},"body":"Where is the refund for my order? It was promised for last week."}"#;

fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let mut report = Report::default();

    load::Server::start(&data)?.stop();
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..support::rounds() {
        let server = load::Server::start(&data)?;
        starts.push(server.started_in.as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(500));
        memory.push(server.resident_mib()?);
        server.stop();
    }
    report.alone("start to first answer", "ms", starts, Target::Under(500.0));
    report.alone("resident memory, idle", "MiB", memory, Target::Under(60.0));

    let server = load::Server::start(&data)?;
    let token = server.tenant("acme")?;
    throughput(&server, &token, directory.path(), &mut report)?;
    authentication(&server, &mut report)?;
    sign_in(&server, &mut report)?;
    flood(&server, &token, &mut report)?;
    let after = server.resident_mib()?;
    report.alone("resident memory, after the load", "MiB", vec![after], Target::None);
    report.print("The server over HTTPS, 64 connections");
    Ok(())
}

fn throughput(
    server: &load::Server,
    token: &str,
    scratch: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let conversation = server.post(
        token,
        "/api/v1/conversations/acme",
        r#"{"subject":"Load","dataSubject":{"id":"customer-7","name":"Ada"}}"#,
    )?;
    let conversation = conversation["id"].as_str().unwrap_or_default().to_owned();
    let bearer = |path: &str, body: &str| Request::post(server, token, path, body);
    let health = Request::get(server, "/healthz");
    let single = bearer("/api/v1/audit/acme/events", EVENT);
    let batch = bearer("/api/v1/audit/acme/events", &format!("[{}]", [EVENT; BATCH].join(",")));
    let message = bearer(&format!("/api/v1/conversations/acme/{conversation}/messages"), MESSAGE);

    let load = Load::connect(server, CONNECTIONS)?;
    let mut raw = RawLog::create(&scratch.join("raw.db"), stored_bytes()?)?;
    let mut series: [Series; 3] = std::array::from_fn(|_| Series::default());
    for _ in 0..support::rounds() {
        let health = load.rate(&health, 200, TIME)?;
        series[0].push(load.rate(&single, 201, TIME)?, health);
        series[1].push(load.rate(&message, 201, TIME)?, health);
        let ceiling = support::rate(TIME / 2, || raw.append(BATCH).unwrap_or(0));
        series[2].push(load.rate(&batch, 201, TIME * 2)? * BATCH as f64, ceiling);
    }
    let [single, message, batch] = series;
    report.add("POST one event", "requests/s", single, "GET /healthz", Target::Ratio(0.5));
    report.add("POST one message", "requests/s", message, "GET /healthz", Target::None);
    let ceiling = "raw SQLCipher, 1,000 rows a transaction";
    report.add("POST 1,000 events", "events/s", batch, ceiling, Target::Ratio(0.5));
    Ok(())
}

/// What it costs the server to know who asks: CPU time of a request that comes with a key or an
/// access token and finds nothing, over that of one that comes without and finds nothing.
fn authentication(server: &load::Server, report: &mut Report) -> Result<(), Failure> {
    let key = server.key("acme", "viewer")?;
    let token = server.access_token("acme")?;
    let without = Request::get(server, "/api/v1/nothing/acme/here");
    let with = |token: &str| Request::get_as(server, token, "/api/v1/conversations/acme/here");
    let load = Load::connect(server, CONNECTIONS)?;
    let cost = |request: &Request| -> Result<f64, Failure> {
        let before = server.cpu_micros()?;
        let done = load.rate(request, 404, TIME)? * TIME.as_secs_f64();
        Ok((server.cpu_micros()? - before) / done)
    };
    let mut series: [Series; 2] = std::array::from_fn(|_| Series::default());
    let mut extra: [Vec<f64>; 2] = Default::default();
    for _ in 0..support::rounds() {
        let alone = cost(&without)?;
        for (n, credential) in [&key, &token].into_iter().enumerate() {
            let cost = cost(&with(credential))?;
            series[n].push(cost, alone);
            extra[n].push(cost - alone);
        }
    }
    let names = ["with an API key", "with an access token"];
    for ((name, series), extra) in names.into_iter().zip(series).zip(extra) {
        report.add(&format!("request {name}"), "µs of CPU", series, "without", Target::None);
        report.alone(&format!("authentication {name}"), "µs of CPU", extra, Target::Under(100.0));
    }
    Ok(())
}

/// Size of the event's payload as the server stores it: canonical, with the key that reported it.
fn stored_bytes() -> Result<usize, Failure> {
    let mut event =
        ingest::parse(EVENT.as_bytes(), TenantId::from_bytes([0; 16]), "acme")?.remove(0);
    let id = TenantId::from_bytes([0; 16]).to_string();
    event.reported_by = Some(ReportedBy { id, name: "api_key".to_owned() });
    Ok(event.payload(&[]).len())
}

/// Sign-ins a second against bcrypt by itself on as many threads as there are cores.
fn sign_in(server: &load::Server, report: &mut Report) -> Result<(), Failure> {
    let mut series = Series::default();
    for _ in 0..support::rounds() {
        let done = load::sign_ins(server, SIGNING_IN, TIME)?;
        series.push(done, bcrypt_rate(TIME)?);
    }
    report.add("sign-in", "a second", series, "bcrypt, cost 12", Target::Ratio(0.9));
    Ok(())
}

/// What one application gets done while more people sign in than there are cores.
fn flood(server: &load::Server, token: &str, report: &mut Report) -> Result<(), Failure> {
    let event = Request::post(server, token, "/api/v1/audit/acme/events", EVENT);
    let one = Load::connect(server, 1)?;
    let mut series = Series::default();
    for _ in 0..support::rounds() {
        let quiet = one.rate(&event, 201, TIME)?;
        let flooded = std::thread::scope(|scope| {
            let people = scope.spawn(|| load::sign_ins(server, SIGNING_IN, TIME * 2));
            std::thread::sleep(TIME / 4);
            let flooded = one.rate(&event, 201, TIME)?;
            people.join().unwrap_or_else(|_| Err("a person's thread died".into()))?;
            Ok::<_, Failure>(flooded)
        })?;
        series.push(flooded, quiet);
    }
    let name = "POST one event, one connection, while people sign in";
    report.add(name, "requests/s", series, "the same, quiet", Target::Ratio(0.5));
    Ok(())
}

fn bcrypt_rate(time: Duration) -> Result<f64, Failure> {
    let hash = bcrypt::hash(load::PASSWORD, 12)?;
    let cores = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    let done: usize = std::thread::scope(|scope| {
        let count = || {
            let mut done = 0;
            while start.elapsed() < time {
                done += usize::from(bcrypt::verify(load::PASSWORD, &hash).unwrap_or(false));
            }
            done
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    });
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
