//! Backing up a tenant, against what an administrator would do with stock tools, and against reading
//! its pages and nothing more. `STRONGROOM_BENCH_MIB` asks for another size of the tenant's file.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use age::secrecy::ExposeSecret;
use rusqlite::Connection;
use strongroom::audit::ingest;
use strongroom::authz::permission::{AuditIngest, PlatformBackupRun, TenantCreate};
use strongroom::authz::{Caller, Principal, RequestContext, Role};
use strongroom::backup::{self, Identities, Kind, Manifest, Run, Target};
use strongroom::config::Settings;
use strongroom::crypto::Key32;
use strongroom::kernel::Runtime;
use strongroom::store::pages::{PageReader, PageWriter};
use strongroom::store::{Readers, StoreError};
use strongroom::tenants::{self, AuditEvents, Boot, DoorError, NewTenant, Tenant, TenantError};
use support::{Report, Series};

const MIB: f64 = 1024.0 * 1024.0;
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

fn mebibytes() -> u64 {
    let asked = std::env::var("STRONGROOM_BENCH_MIB").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(256).max(8)
}

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let (runtime, mut settings) = (Runtime::system(), Settings::default());
    settings.store.data_dir = directory.path().join("data");
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    settings.backup.recipients = vec![recipient.parse()?];
    let boot = Boot::open(&settings, &runtime)?;
    let operator = Arc::new(Caller {
        principal: Principal::LocalOperator { uid: 0 },
        request: RequestContext::local(runtime.id()),
    });
    let tenant = filled(&boot, &runtime, &operator).await?;

    let grant = boot.tenants.authorize_platform::<PlatformBackupRun>(&operator, "bench").await?;
    let target = Target::directory(&directory.path().join("target"))?;
    let run = Run::once(&boot.tenants, &settings.backup, grant, target.clone())?;
    let data = run.tenant(&tenant).await?.pop().map(|made| made.manifest);
    let data = data.filter(|one| one.kind == Kind::Data).ok_or("no archive of the data")?;
    let size = data.plain_bytes as f64 / MIB;
    let identities = Identities::parse(identity.to_string().expose_secret())?;
    let copy = Copy::new(directory.path(), &target, &data, identities, &recipient).await?;
    println!("{size:.0} MiB, archive {:.0} MiB", data.bytes as f64 / MIB);

    let (mut stock, mut read) = (Series::default(), Series::default());
    for _ in 0..support::rounds() {
        let start = Instant::now();
        run.tenant(&tenant).await?;
        let ours = size / start.elapsed().as_secs_f64();
        let start = Instant::now();
        copy.export()?;
        stock.push(ours, size / start.elapsed().as_secs_f64());
        let start = Instant::now();
        copy.read()?;
        read.push(ours, size / start.elapsed().as_secs_f64());
    }
    let mut report = Report::default();
    let what = "backup of a tenant";
    let ceiling = "sqlcipher_export, then zstd, then age";
    report.add(what, "MiB/s", stock, ceiling, support::Target::Ratio(2.0));
    report.add(what, "MiB/s", read, "reading its pages decrypted", support::Target::Ratio(0.6));
    report.print("Daily backups");
    boot.tenants.shut_down().await;
    Ok(())
}

/// A tenant whose file is as large as asked for.
async fn filled(boot: &Boot, runtime: &Runtime, operator: &Arc<Caller>) -> Result<Tenant, Failure> {
    let tenants = &boot.tenants;
    let grant = tenants.authorize_platform::<TenantCreate>(operator, "bench").await?;
    let new = NewTenant { slug: "copied".parse()?, name: "copied".to_owned() };
    let nobody = |_: &mut tenants::WriteTx<'_, _>, _| Ok::<_, BenchError>(AuditEvents::none());
    let tenant = tenants::create(tenants, &grant, new, nobody).await?;
    let principal = Principal::ApiKey {
        tenant: tenant.id,
        id: runtime.id(),
        name: "bench".into(),
        rights: Role::Admin.into(),
    };
    let caller = Arc::new(Caller { principal, request: RequestContext::local(runtime.id()) });
    let (grant, _) = tenants.authorize::<AuditIngest>(&caller, "copied", "bench").await?;
    let event = ingest::parse(EVENT, tenant.id, "copied")?.remove(0).payload(&[]);
    let payloads: Arc<[Vec<u8>]> = vec![event; 5000].into();
    // About 700 bytes an entry in the file.
    for _ in 0..mebibytes() * 1024 * 1024 / 700 / 5000 + 1 {
        let payloads = payloads.clone();
        tenants
            .write(&grant, move |_| {
                Ok::<_, DoorError>(((), AuditEvents::reported(payloads.clone())))
            })
            .await?;
    }
    Ok(tenant)
}

/// The same file under a key that is known here, for the ceilings.
struct Copy {
    directory: PathBuf,
    file: PathBuf,
    key: Key32,
    recipient: String,
}

impl Copy {
    async fn new(
        directory: &Path,
        target: &Target,
        data: &Manifest,
        identities: Identities,
        recipient: &str,
    ) -> Result<Self, Failure> {
        let (file, key) = (directory.join("copy.db"), Key32::from_slice(&[7; 32]).ok_or("key")?);
        let (target, data, out, with) = (target.clone(), data.clone(), file.clone(), key.clone());
        let restored = tokio::task::spawn_blocking(move || {
            let mut pages = PageWriter::create(&out, &with)?;
            backup::fetch(&target, &data, &identities, &mut pages)?;
            Ok::<_, backup::BackupError>(pages.finish()?)
        });
        restored.await??;
        let (directory, recipient) = (directory.to_owned(), recipient.to_owned());
        Ok(Self { directory, file, key, recipient })
    }

    /// What an administrator would do by hand.
    #[expect(clippy::disallowed_methods, reason = "the ceiling is SQLCipher without the store")]
    fn export(&self) -> Result<(), Failure> {
        let plain = self.directory.join("plain.db");
        let out = |name: &str| self.directory.join(name);
        for name in ["plain.db", "plain.db.zst", "plain.db.zst.age"] {
            let _ = std::fs::remove_file(out(name));
        }
        let connection = Connection::open(&self.file)?;
        connection.execute_batch(&format!(
            "PRAGMA cipher_log = off;
             PRAGMA key = \"x'{}'\";
             PRAGMA cipher_page_size = 8192;
             PRAGMA cipher_hmac_algorithm = HMAC_SHA256;
             ATTACH '{}' AS plain KEY '';",
            "07".repeat(32),
            plain.display()
        ))?;
        connection.query_row("SELECT sqlcipher_export('plain')", [], |_| Ok(()))?;
        drop(connection);
        run_tool(Command::new("zstd").args(["-q", "-f"]).arg(&plain))?;
        let age = ["-r", &self.recipient, "-o"];
        let (sealed, packed) = (out("plain.db.zst.age"), out("plain.db.zst"));
        run_tool(Command::new("age").args(age).arg(sealed).arg(packed))
    }

    fn read(&self) -> Result<(), Failure> {
        let readers = Readers::new(self.file.clone(), self.key.clone(), 1);
        let mut bytes = 0;
        PageReader::open(&readers)?.for_each(|page| {
            bytes += page.len();
            Ok::<_, StoreError>(())
        })?;
        std::hint::black_box(bytes);
        Ok(())
    }
}

fn run_tool(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}
