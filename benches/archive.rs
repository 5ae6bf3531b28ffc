//! What archiving costs writers: the slowest hundredth of writes with and without it, in turns.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom::audit::ingest;
use strongroom::authz::permission::{AuditIngest, TenantCreate};
use strongroom::authz::{Caller, Grant, Principal, RequestContext, Role};
use strongroom::backup::changes::Archiver;
use strongroom::config::Settings;
use strongroom::kernel::Runtime;
use strongroom::tenants::{self, AuditEvents, Boot, DoorError, NewTenant, TenantError, Tenants};
use support::{Report, Series, Target};
use tempfile::TempDir;

const TIME: Duration = Duration::from_secs(5);
const CALLERS: usize = 16;
/// Entries of one write.
const BATCH: usize = 20;

const EVENT: &[u8] = br#"{"action":"invoice.exported","actor":{"id":"u-4711","type":"user",
    "name":"Grace Hopper"},"resource":{"type":"invoice","id":"2026-000123"},"outcome":"success",
    "ip":"10.20.30.40","userAgent":"billing/2.1","occurredAt":"2026-11-22T05:06:07Z",
    "customFields":{"amount":129900}}"#;

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
    let (plain, archived) = (Writers::new(false).await?, Writers::new(true).await?);
    let (mut slow, mut rate) = (Series::default(), Series::default());
    for _ in 0..support::rounds() {
        let without = plain.measure().await?;
        let with = archived.measure().await?;
        // As speeds, so that more is better: 1.5 times as slow is two thirds of the speed.
        slow.push(1.0 / with.p99, 1.0 / without.p99);
        rate.push(with.rate, without.rate);
    }
    let mut report = Report::default();
    let against = "without archiving";
    report.add("writes while archived, p99", "1/s", slow, against, Target::Ratio(0.67));
    report.add("writes while archived", "writes/s", rate, against, Target::None);
    report.print("Writers while changes are archived");
    Ok(())
}

/// An installation with one tenant that is written to.
struct Writers {
    tenants: Tenants,
    grant: Grant<AuditIngest>,
    payload: Vec<u8>,
    archiver: Option<Archiver>,
    _directory: TempDir,
}

struct Measured {
    /// Seconds.
    p99: f64,
    /// Writes a second.
    rate: f64,
}

impl Writers {
    async fn new(is_archived: bool) -> Result<Self, Failure> {
        let (directory, runtime) = (tempfile::tempdir()?, Runtime::system());
        let mut settings = Settings::default();
        settings.store.data_dir = directory.path().join("data");
        if is_archived {
            let key = age::x25519::Identity::generate().to_public().to_string();
            settings.backup.recipients = vec![key.parse()?];
            let place = directory.path().join("target");
            settings.backup.targets = vec![format!("file://{}", place.display()).parse()?];
        }
        let boot = Boot::open(&settings, &runtime)?;
        let archiver = Archiver::new(&boot.tenants, &settings.backup, boot.installation)?;
        let context = || RequestContext::local(runtime.id());
        let operator = Principal::LocalOperator { uid: 0 };
        let operator = Arc::new(Caller { principal: operator, request: context() });
        let grant = boot.tenants.authorize_platform::<TenantCreate>(&operator, "bench").await?;
        let new = NewTenant { slug: "bench".parse()?, name: "bench".to_owned() };
        let nobody = |_: &mut tenants::WriteTx<'_, _>, _| Ok::<_, BenchError>(AuditEvents::none());
        let tenant = tenants::create(&boot.tenants, &grant, new, nobody).await?;
        let principal = Principal::ApiKey {
            tenant: tenant.id,
            id: runtime.id(),
            name: "bench".into(),
            rights: Role::Admin.into(),
        };
        let caller = Arc::new(Caller { principal, request: context() });
        let (grant, _) = boot.tenants.authorize(&caller, "bench", "bench").await?;
        let payload = ingest::parse(EVENT, tenant.id, "bench")?.remove(0).payload(&[]);
        Ok(Self { tenants: boot.tenants, grant, payload, archiver, _directory: directory })
    }

    /// Writes from many callers, with a round of archiving each second where there is one.
    async fn measure(&self) -> Result<Measured, Failure> {
        let start = Instant::now();
        let payloads: Arc<[Vec<u8>]> = vec![self.payload.clone(); BATCH].into();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (tenants, grant) = (self.tenants.clone(), self.grant.clone());
                tokio::spawn(write(tenants, grant, payloads.clone(), start))
            })
            .collect();
        while start.elapsed() < TIME {
            if let Some(archiver) = &self.archiver {
                archiver.round(None, Arc::new(|| true)).await?;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut all = Vec::new();
        for caller in callers {
            all.append(&mut caller.await?);
        }
        all.sort_by(f64::total_cmp);
        let p99 = all.get(all.len() * 99 / 100).copied().ok_or("nothing was written")?;
        Ok(Measured { p99, rate: all.len() as f64 / start.elapsed().as_secs_f64() })
    }
}

/// Seconds that each write took.
async fn write(
    tenants: Tenants,
    grant: Grant<AuditIngest>,
    payloads: Arc<[Vec<u8>]>,
    start: Instant,
) -> Vec<f64> {
    let mut took = Vec::new();
    while start.elapsed() < TIME {
        let (begin, payloads) = (Instant::now(), payloads.clone());
        let write = move |_: &mut tenants::WriteTx<'_, AuditIngest>| {
            Ok::<_, DoorError>(((), AuditEvents::reported(payloads.clone())))
        };
        if tenants.write(&grant, write).await.is_ok() {
            took.push(begin.elapsed().as_secs_f64());
        }
    }
    took
}
