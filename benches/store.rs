//! Appending to the audit log through the store's doors, and verifying it, against raw SQLCipher.

mod support;

use std::time::{Duration, Instant};

use strongroom::authz::permission::AuditVerify;
use strongroom::trail;
use support::installation::{Failure, Installation, Written};
use support::raw::{self, RawLog};
use support::{Report, Series, Target};

const TIME: Duration = Duration::from_millis(700);
const CALLERS: usize = 64;
const BATCH: usize = 1000;
/// Entries in the log that is verified; `STRONGROOM_BENCH_ENTRIES` asks for another number.
const VERIFIED: usize = 200_000;

fn verified() -> usize {
    let asked = std::env::var("STRONGROOM_BENCH_ENTRIES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(VERIFIED).max(10_000)
}

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let installation = Installation::new()?;
    let directory = installation.directory.path();
    let append = installation.tenant("appended").await?;
    let size = append.payload.len();
    println!("one event is {size} bytes as canonical JSON; {} rounds", support::rounds());

    let raw = |name: &str| RawLog::create(&directory.join(name), size);
    let (mut ones, mut groups, mut batches) =
        (raw("ones.db")?, raw("groups.db")?, raw("batch.db")?);
    let mut series: [Series; 5] = std::array::from_fn(|_| Series::default());
    for _ in 0..support::rounds() {
        let one = rate(&append, 1, 1).await;
        let many = rate(&append, CALLERS, 1).await;
        let raw_one = support::rate(TIME, || ones.append(1).unwrap_or(0));
        let raw_many = support::rate(TIME, || groups.append(CALLERS).unwrap_or(0));
        let batch = rate(&append, 1, BATCH).await;
        let raw_batch = support::rate(TIME, || batches.append(BATCH).unwrap_or(0));
        let crypto = raw::crypto(size, TIME / 4);
        let [a, b, c, d, e] = &mut series;
        a.push(one, raw_one);
        b.push(many, raw_many);
        c.push(many, one);
        d.push(batch, raw_batch);
        e.push(batch, crypto);
    }
    let [a, b, c, d, e] = series;
    let mut report = Report::default();
    let unit = "events/s";
    report.add("append, 1 caller", unit, a, "raw SQLCipher, 1 row a transaction", Target::None);
    let ceiling = "raw SQLCipher, 64 rows a transaction";
    report.add("append, 64 callers", unit, b, ceiling, Target::Ratio(0.5));
    let ceiling = "append, 1 event a transaction";
    report.add("append, 64 callers", unit, c, ceiling, Target::Ratio(5.0));
    let ceiling = "raw SQLCipher, 1,000 rows a transaction";
    report.add("append, 1,000 a call", unit, d, ceiling, Target::None);
    report.add("append, 1,000 a call", unit, e, "raw SHA-256 and AES-256-GCM", Target::None);

    let series = verification(&installation, &directory.join("scan.db")).await?;
    let ceiling = "raw scan of the same table";
    report.add("chain verification", "entries/s", series, ceiling, Target::Ratio(0.7));
    report.print("The audit log through the store");
    Ok(())
}

/// Events a second that callers append who each wait for their answer.
async fn rate(log: &Written, callers: usize, events: usize) -> f64 {
    let (start, events) = (Instant::now(), log.events(events));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (log, events) = (log.clone(), events.clone());
            tokio::spawn(async move {
                let mut done = 0;
                while start.elapsed() < TIME {
                    done += log.append(events.clone()).await.unwrap_or(0);
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap_or(0);
    }
    done as f64 / start.elapsed().as_secs_f64()
}

async fn verification(
    installation: &Installation,
    raw: &std::path::Path,
) -> Result<Series, Failure> {
    let log = installation.tenant("verified").await?;
    let mut table = RawLog::create(raw, log.payload.len())?;
    table.fill(verified())?;
    let events = log.events(10_000);
    for _ in 0..verified() / events.len() {
        log.append(events.clone()).await?;
    }
    let tenants = &installation.boot.tenants;
    let (grant, _) = tenants.authorize::<AuditVerify>(&log.caller, "verified", "bench").await?;
    let mut series = Series::default();
    for _ in 0..support::rounds() {
        let start = Instant::now();
        let found = trail::verify(tenants, &grant).await?;
        if !found.ok {
            return Err(format!("the log is broken at {:?}", found.first_bad).into());
        }
        series.push(found.size as f64 / start.elapsed().as_secs_f64(), table.scan()?);
    }
    Ok(series)
}
