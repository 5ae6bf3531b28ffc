//! Restoring a tenant, with all that is checked, against copying its archive and decrypting it with
//! stock tools. `STRONGROOM_BENCH_MIB` asks for another size of the tenant's file: 1024 for a GiB.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use age::secrecy::{ExposeSecret, SecretString};
use strongroom::authz::Grant;
use strongroom::authz::permission::{PlatformBackupRead, PlatformBackupRun, PlatformRestoreRun};
use strongroom::backup::restore::{self, Moment, Wanted};
use strongroom::backup::{Identities, Kind, Manifest, Run};
use support::installation::{Failure, Installation, mebibytes};
use support::{Report, Series, Target, tools};

const MIB: f64 = 1024.0 * 1024.0;
const SLUG: &str = "restored";

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let identity = age::x25519::Identity::generate();
    let installation = Installation::backed_up(&identity.to_public())?;
    let written = installation.tenant(SLUG).await?;
    written.fill(mebibytes(256)).await?;
    let bench = Bench::new(installation, identity.to_string()).await?;
    let data = bench.backup(&written.tenant).await?;
    let size = data.plain_bytes as f64 / MIB;
    let by_hand = ByHand::new(&bench, &data)?;
    println!("{size:.0} MiB, archive {:.0} MiB", data.bytes as f64 / MIB);

    let (mut tested, mut in_place) = (Series::default(), Series::default());
    for _ in 0..support::rounds() {
        let start = Instant::now();
        by_hand.copy_and_decrypt()?;
        let ceiling = size / start.elapsed().as_secs_f64();
        let start = Instant::now();
        bench.test().await?;
        tested.push(size / start.elapsed().as_secs_f64(), ceiling);
        // What was written since the backup: the log before is kept, and a new one follows it.
        written.append(written.events(1000)).await?;
        let start = Instant::now();
        let done = bench.restore().await?;
        in_place.push(size / start.elapsed().as_secs_f64(), ceiling);
        restore::undo(&bench.installation.boot.tenants, &bench.restoring, done).await?;
    }
    let mut report = Report::default();
    let ceiling = "copying its archive, then age and zstd";
    let wanted = Target::Ratio(0.5);
    report.add("restored and verified", "MiB/s", tested, ceiling, wanted);
    report.add("restored in place, log kept", "MiB/s", in_place, ceiling, Target::None);
    report.print("Restores");
    bench.installation.boot.tenants.shut_down().await;
    Ok(())
}

struct Bench {
    installation: Installation,
    key: SecretString,
    reading: Grant<PlatformBackupRead>,
    running: Grant<PlatformBackupRun>,
    restoring: Grant<PlatformRestoreRun>,
}

impl Bench {
    async fn new(installation: Installation, key: SecretString) -> Result<Self, Failure> {
        let (tenants, operator) = (&installation.boot.tenants, installation.operator());
        let reading = tenants.authorize_platform(&operator, "bench").await?;
        let running = tenants.authorize_platform(&operator, "bench").await?;
        let restoring = tenants.authorize_platform(&operator, "bench").await?;
        Ok(Self { reading, running, restoring, key, installation })
    }

    async fn backup(&self, tenant: &strongroom::tenants::Tenant) -> Result<Manifest, Failure> {
        let Installation { boot, settings, .. } = &self.installation;
        let go_on = Arc::new(|| true);
        let run = Run::new(&boot.tenants, &settings.backup, self.running.clone(), go_on)?;
        let mut made = run.tenant(tenant).await?.into_iter().map(|made| made.manifest);
        Ok(made.rfind(|one| one.kind == Kind::Data).ok_or("no archive")?)
    }

    fn identities(&self) -> Result<Identities, Failure> {
        Ok(Identities::parse(self.key.expose_secret())?)
    }

    /// Into a scratch directory, with every check of a restore.
    async fn test(&self) -> Result<(), Failure> {
        let Installation { boot, settings, .. } = &self.installation;
        let (grants, told) = ((&self.reading, &self.running), Arc::new(|_: &str| ()));
        let tested =
            restore::rehearse(&boot.tenants, grants, &settings.backup, self.identities()?, told);
        match tested.await?.problem {
            Some(problem) => Err(problem.into()),
            None => Ok(()),
        }
    }

    async fn restore(&self) -> Result<strongroom::kernel::id::RestoreId, Failure> {
        let Installation { boot, settings, .. } = &self.installation;
        let (grants, told) = ((&self.reading, &self.restoring), Arc::new(|_: &str| ()));
        let wanted = Wanted { tenant: SLUG.to_owned(), moment: Moment::Latest, from: None };
        let identities = self.identities()?;
        let restored =
            restore::run(&boot.tenants, grants, &settings.backup, &wanted, identities, told);
        Ok(restored.await?.id)
    }
}

/// What an administrator would do by hand, who checks nothing.
struct ByHand {
    archive: PathBuf,
    key: PathBuf,
    directory: PathBuf,
}

impl ByHand {
    fn new(bench: &Bench, data: &Manifest) -> Result<Self, Failure> {
        let directory = bench.installation.directory.path().to_owned();
        let key = directory.join("key.txt");
        std::fs::write(&key, bench.key.expose_secret())?;
        Ok(Self { archive: directory.join("target").join(&data.path), key, directory })
    }

    fn copy_and_decrypt(&self) -> Result<(), Failure> {
        let (copy, plain) = (self.directory.join("copy.age"), self.directory.join("plain.db"));
        for file in [&copy, &plain] {
            let _ = std::fs::remove_file(file);
        }
        durable_copy(&self.archive, &copy)?;
        let mut age = Command::new("age");
        age.arg("-d").arg("-i").arg(&self.key).arg(&copy);
        tools::pipe(&mut age, Command::new("zstd").args(["-q", "-d"]), &plain)
    }
}

fn durable_copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let (mut from, mut to) = (std::fs::File::open(from)?, std::fs::File::create(to)?);
    std::io::copy(&mut from, &mut to)?;
    Ok(to.sync_all()?)
}
