//! Backing up a tenant, against what an administrator would do with stock tools, and against reading
//! its pages and nothing more. `STRONGROOM_BENCH_MIB` asks for another size of the tenant's file.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use age::secrecy::ExposeSecret;
use rusqlite::Connection;
use strongroom::authz::permission::PlatformBackupRun;
use strongroom::backup::{self, Identities, Kind, Manifest, Run, Target};
use strongroom::crypto::Key32;
use strongroom::store::pages::{PageReader, PageWriter};
use strongroom::store::{Readers, StoreError};
use support::installation::{Failure, Installation, mebibytes};
use support::{Report, Series, tools};

const MIB: f64 = 1024.0 * 1024.0;

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let identity = age::x25519::Identity::generate();
    let installation = Installation::backed_up(&identity.to_public())?;
    let tenants = &installation.boot.tenants;
    let written = installation.tenant("copied").await?;
    written.fill(mebibytes(256)).await?;

    let operator = installation.operator();
    let grant = tenants.authorize_platform::<PlatformBackupRun>(&operator, "bench").await?;
    let target = Target::directory(&installation.directory.path().join("target"))?;
    let run = Run::once(tenants, &installation.settings.backup, grant, target.clone())?;
    let data = run.tenant(&written.tenant).await?.pop().map(|made| made.manifest);
    let data = data.filter(|one| one.kind == Kind::Data).ok_or("no archive of the data")?;
    let size = data.plain_bytes as f64 / MIB;
    let identities = Identities::parse(identity.to_string().expose_secret())?;
    let recipient = identity.to_public().to_string();
    let directory = installation.directory.path();
    let copy = Copy::new(directory, &target, &data, identities, recipient).await?;
    println!("{size:.0} MiB, archive {:.0} MiB", data.bytes as f64 / MIB);

    let (mut stock, mut read) = (Series::default(), Series::default());
    for _ in 0..support::rounds() {
        let start = Instant::now();
        let made = run.tenant(&written.tenant).await?;
        let ours = size / start.elapsed().as_secs_f64();
        for one in &made {
            std::fs::remove_file(directory.join("target").join(&one.manifest.path))?;
        }
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
    tenants.shut_down().await;
    Ok(())
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
        recipient: String,
    ) -> Result<Self, Failure> {
        let (file, key) = (directory.join("copy.db"), Key32::from_slice(&[7; 32]).ok_or("key")?);
        let (target, data, out, with) = (target.clone(), data.clone(), file.clone(), key.clone());
        let restored = tokio::task::spawn_blocking(move || {
            let mut pages = PageWriter::create(&out, &with)?;
            backup::fetch(&target, &data, &identities, &mut pages)?;
            Ok::<_, backup::BackupError>(pages.finish()?)
        });
        restored.await??;
        Ok(Self { directory: directory.to_owned(), file, key, recipient })
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
        tools::run(Command::new("zstd").args(["-q", "-f"]).arg(&plain))?;
        let age = ["-r", &self.recipient, "-o"];
        let (sealed, packed) = (out("plain.db.zst.age"), out("plain.db.zst"));
        tools::run(Command::new("age").args(age).arg(sealed).arg(packed))
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
