//! An installation in a directory that is gone at the end, and tenants that are written to.

use std::sync::Arc;

use strongroom::audit::ingest;
use strongroom::authz::permission::{AuditIngest, TenantCreate};
use strongroom::authz::{Caller, Grant, Principal, RequestContext, Role};
use strongroom::config::Settings;
use strongroom::kernel::Runtime;
use strongroom::tenants::{
    self, AuditEvents, Boot, DoorError, NewTenant, Tenant, TenantError, Tenants, WriteTx,
};
use tempfile::TempDir;

pub type Failure = Box<dyn std::error::Error>;

const EVENT: &[u8] = br#"{"action":"invoice.exported","actor":{"id":"u-4711","type":"user",
    "name":"Grace Hopper"},"resource":{"type":"invoice","id":"2026-000123"},"outcome":"success",
    "ip":"10.20.30.40","userAgent":"billing/2.1","occurredAt":"2026-11-22T05:06:07Z",
    "changes":{"state":{"old":"open","new":"sent"}},"customFields":{"amount":129900}}"#;
/// Bytes that one such event takes in the data file, about.
const STORED: u64 = 500;
/// Events of one write that fills a tenant.
const BATCH: usize = 5000;

pub struct Installation {
    pub boot: Boot,
    pub runtime: Runtime,
    pub settings: Settings,
    pub directory: TempDir,
}

impl Installation {
    /// Without backups.
    pub fn new() -> Result<Self, Failure> {
        Self::with(|_, _| Ok(()))
    }

    /// With a directory as its one target, to which nothing goes but what is asked for.
    pub fn backed_up(recipient: &age::x25519::Recipient) -> Result<Self, Failure> {
        Self::with(|settings, directory| {
            settings.backup.archive_seconds = 0;
            target(settings, directory, recipient)
        })
    }

    /// The same, with changes taken for the archive.
    pub fn archived(recipient: &age::x25519::Recipient) -> Result<Self, Failure> {
        Self::with(|settings, directory| target(settings, directory, recipient))
    }

    fn with(
        set: impl FnOnce(&mut Settings, &TempDir) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let (directory, runtime) = (tempfile::tempdir()?, Runtime::system());
        let mut settings = Settings::default();
        settings.store.data_dir = directory.path().join("data");
        set(&mut settings, &directory)?;
        let boot = Boot::open(&settings, &runtime)?;
        Ok(Self { boot, runtime, settings, directory })
    }

    fn caller(&self, principal: Principal) -> Arc<Caller> {
        Arc::new(Caller { principal, request: RequestContext::local(self.runtime.id()) })
    }

    /// Somebody with a shell on the machine.
    pub fn operator(&self) -> Arc<Caller> {
        self.caller(Principal::LocalOperator { uid: 0 })
    }

    pub async fn tenant(&self, slug: &str) -> Result<Written, Failure> {
        let tenants = self.boot.tenants.clone();
        let operator = self.operator();
        let grant = tenants.authorize_platform::<TenantCreate>(&operator, "bench").await?;
        let new = NewTenant { slug: slug.parse()?, name: slug.to_owned() };
        let nobody = |_: &mut WriteTx<'_, _>, _| Ok::<_, TenantError>(AuditEvents::none());
        let tenant = tenants::create(&tenants, &grant, new, nobody).await?;
        let (id, name) = (self.runtime.id(), "bench".into());
        let principal =
            Principal::ApiKey { tenant: tenant.id, id, name, rights: Role::Admin.into() };
        let caller = self.caller(principal);
        let (grant, _) = tenants.authorize::<AuditIngest>(&caller, slug, "bench").await?;
        let payload = ingest::parse(EVENT, tenant.id, slug)?.remove(0).payload(&[]);
        Ok(Written { tenants, tenant, caller, grant, payload })
    }
}

fn target(
    settings: &mut Settings,
    directory: &TempDir,
    recipient: &age::x25519::Recipient,
) -> Result<(), Failure> {
    settings.backup.recipients = vec![recipient.to_string().parse()?];
    let place = directory.path().join("target");
    settings.backup.targets = vec![format!("file://{}", place.display()).parse()?];
    Ok(())
}

/// A tenant, and the right to append to its log.
#[derive(Clone)]
pub struct Written {
    pub tenants: Tenants,
    pub tenant: Tenant,
    pub caller: Arc<Caller>,
    grant: Grant<AuditIngest>,
    /// One event as canonical JSON.
    pub payload: Vec<u8>,
}

impl Written {
    /// So many events for one write.
    pub fn events(&self, count: usize) -> Arc<[Vec<u8>]> {
        vec![self.payload.clone(); count].into()
    }

    /// Entries that were appended.
    pub async fn append(&self, events: Arc<[Vec<u8>]>) -> Result<usize, DoorError> {
        let written = self.tenants.write(&self.grant, move |_| {
            Ok::<_, DoorError>(((), AuditEvents::reported(events.clone())))
        });
        let written = written.await?;
        Ok(usize::try_from(written.last_entry - written.first_entry + 1).unwrap_or(0))
    }

    /// Appends until the data file has grown by about so many MiB.
    pub async fn fill(&self, mebibytes: u64) -> Result<(), DoorError> {
        let events = self.events(BATCH);
        for _ in 0..mebibytes * 1024 * 1024 / STORED / BATCH as u64 + 1 {
            self.append(events.clone()).await?;
        }
        Ok(())
    }
}

/// Size of the data file that is copied; `STRONGROOM_BENCH_MIB` asks for another.
pub fn mebibytes(default: u64) -> u64 {
    let asked = std::env::var("STRONGROOM_BENCH_MIB").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(default).max(8)
}
