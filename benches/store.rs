//! Appending to the audit log through the store's doors, and verifying it, against raw SQLCipher.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom::audit::ingest;
use strongroom::authz::permission::{AuditIngest, AuditVerify, TenantCreate};
use strongroom::authz::{Caller, Grant, Principal, RequestContext, Role};
use strongroom::config::Settings;
use strongroom::kernel::Runtime;
use strongroom::tenants::{self, AuditEvents, Boot, DoorError, NewTenant, TenantError, Tenants};
use strongroom::trail;
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

const EVENT: &[u8] = br#"{"action":"invoice.exported","actor":{"id":"u-4711","type":"user",
    "name":"Grace Hopper"},"resource":{"type":"invoice","id":"2026-000123"},"outcome":"success",
    "ip":"10.20.30.40","userAgent":"billing/2.1","occurredAt":"2026-11-22T05:06:07Z",
    "changes":{"state":{"old":"open","new":"sent"}},"customFields":{"amount":129900}}"#;

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(transparent)]
    Door(#[from] DoorError),
}

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let runtime = Runtime::system();
    let mut settings = Settings::default();
    settings.store.data_dir = directory.path().join("data");
    let boot = Boot::open(&settings, &runtime)?;
    let append = Append::new(&boot.tenants, &runtime).await?;
    let size = append.payload.len();
    println!("one event is {size} bytes as canonical JSON; {} rounds", support::rounds());

    let raw = |name: &str| RawLog::create(&directory.path().join(name), size);
    let (mut ones, mut groups, mut batches) =
        (raw("ones.db")?, raw("groups.db")?, raw("batch.db")?);
    let mut series: [Series; 5] = std::array::from_fn(|_| Series::default());
    for _ in 0..support::rounds() {
        let one = append.rate(1, 1).await;
        let many = append.rate(CALLERS, 1).await;
        let raw_one = support::rate(TIME, || ones.append(1).unwrap_or(0));
        let raw_many = support::rate(TIME, || groups.append(CALLERS).unwrap_or(0));
        let batch = append.rate(1, BATCH).await;
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
    let rate = "events/s";
    report.add("append, 1 caller", rate, a, "raw SQLCipher, 1 row a transaction", Target::None);
    let ceiling = "raw SQLCipher, 64 rows a transaction";
    report.add("append, 64 callers", rate, b, ceiling, Target::Ratio(0.5));
    let ceiling = "append, 1 event a transaction";
    report.add("append, 64 callers", rate, c, ceiling, Target::Ratio(5.0));
    let ceiling = "raw SQLCipher, 1,000 rows a transaction";
    report.add("append, 1,000 a call", rate, d, ceiling, Target::None);
    report.add("append, 1,000 a call", rate, e, "raw SHA-256 and AES-256-GCM", Target::None);

    let series = verification(&boot.tenants, &runtime, &directory.path().join("scan.db")).await?;
    let ceiling = "raw scan of the same table";
    report.add("chain verification", "entries/s", series, ceiling, Target::Ratio(0.7));
    report.print("The audit log through the store");
    Ok(())
}

/// A tenant of its own, and the right to append to its log.
struct Append {
    tenants: Tenants,
    grant: Grant<AuditIngest>,
    payload: Vec<u8>,
}

impl Append {
    async fn new(tenants: &Tenants, runtime: &Runtime) -> Result<Self, Failure> {
        let (caller, tenant) = new_tenant(tenants, runtime, "appended").await?;
        let event = ingest::parse(EVENT, tenant.id, tenant.slug.as_str())?.remove(0);
        let (grant, _) = tenants.authorize(&caller, "appended", "bench").await?;
        Ok(Self { tenants: tenants.clone(), grant, payload: event.payload(&[]) })
    }

    /// Events a second that callers append who each wait for their answer.
    async fn rate(&self, callers: usize, events: usize) -> f64 {
        let start = Instant::now();
        let payloads: Arc<[Vec<u8>]> = vec![self.payload.clone(); events].into();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let (tenants, grant) = (self.tenants.clone(), self.grant.clone());
                let payloads = payloads.clone();
                tokio::spawn(async move {
                    let mut done = 0;
                    while start.elapsed() < TIME {
                        done += append(&tenants, &grant, payloads.clone()).await;
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
}

async fn append(tenants: &Tenants, grant: &Grant<AuditIngest>, payloads: Arc<[Vec<u8>]>) -> usize {
    let written = tenants
        .write(grant, move |_| Ok::<_, DoorError>(((), AuditEvents::reported(payloads.clone()))))
        .await;
    written.map_or(0, |written| (written.last_entry - written.first_entry + 1) as usize)
}

async fn new_tenant(
    tenants: &Tenants,
    runtime: &Runtime,
    slug: &str,
) -> Result<(Arc<Caller>, tenants::Tenant), Failure> {
    let context = || RequestContext::local(runtime.id());
    let operator = Principal::LocalOperator { uid: 0 };
    let operator = Arc::new(Caller { principal: operator, request: context() });
    let grant = tenants.authorize_platform::<TenantCreate>(&operator, "bench").await?;
    let new = NewTenant { slug: slug.parse()?, name: slug.to_owned() };
    let nobody = |_: &mut tenants::WriteTx<'_, _>, _| Ok::<_, BenchError>(AuditEvents::none());
    let tenant = tenants::create(tenants, &grant, new, nobody).await?;
    let principal = Principal::ApiKey {
        tenant: tenant.id,
        id: runtime.id(),
        name: "bench".into(),
        rights: Role::Admin.into(),
    };
    Ok((Arc::new(Caller { principal, request: context() }), tenant))
}

async fn verification(
    tenants: &Tenants,
    runtime: &Runtime,
    raw: &std::path::Path,
) -> Result<Series, Failure> {
    let (caller, tenant) = new_tenant(tenants, runtime, "verified").await?;
    let event = ingest::parse(EVENT, tenant.id, "verified")?.remove(0).payload(&[]);
    let mut table = RawLog::create(raw, event.len())?;
    table.fill(verified())?;
    let payloads: Arc<[Vec<u8>]> = vec![event; 10_000].into();
    let (ingest, _) = tenants.authorize::<AuditIngest>(&caller, "verified", "bench").await?;
    for _ in 0..verified() / payloads.len() {
        append(tenants, &ingest, payloads.clone()).await;
    }
    let (grant, _) = tenants.authorize::<AuditVerify>(&caller, "verified", "bench").await?;
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
