//! What archiving costs writers, and a daily backup on top of it: the slowest hundredth of writes
//! with and without, in turns. `STRONGROOM_BENCH_MIB` asks for another size of the tenant's file.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strongroom::authz::permission::PlatformBackupRun;
use strongroom::backup::changes::Archiver;
use strongroom::backup::{BackupError, Run, Target as Place};
use support::installation::{Failure, Installation, Written, mebibytes};
use support::{Report, Series, Target};

const TIME: Duration = Duration::from_secs(5);
const CALLERS: usize = 16;
/// Entries of one write.
const BATCH: usize = 20;

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let key = age::x25519::Identity::generate().to_public();
    let plain = Writers::new(Installation::new()?).await?;
    let archived = Writers::new(Installation::archived(&key)?).await?;
    let mut series: [Series; 4] = std::array::from_fn(|_| Series::default());
    for _ in 0..support::rounds() {
        let without = plain.measure(false).await?;
        let [slow, rate, slow_copied, rate_copied] = &mut series;
        // As speeds, so that more is better: 1.5 times as slow is two thirds of the speed.
        let with = archived.measure(false).await?;
        slow.push(1.0 / with.p99, 1.0 / without.p99);
        rate.push(with.rate, without.rate);
        let with = archived.measure(true).await?;
        slow_copied.push(1.0 / with.p99, 1.0 / without.p99);
        rate_copied.push(with.rate, without.rate);
    }
    let [slow, rate, slow_copied, rate_copied] = series;
    let mut report = Report::default();
    let (against, wanted) = ("without either", Target::Ratio(0.67));
    report.add("writes while archived, p99", "1/s", slow, against, wanted);
    report.add("writes while archived", "writes/s", rate, against, Target::None);
    report.add("and backed up without pause, p99", "1/s", slow_copied, against, wanted);
    report.add("and backed up without pause", "writes/s", rate_copied, against, Target::None);
    report.print("Writers while changes are archived and backups made");
    Ok(())
}

/// An installation with one tenant that is written to.
struct Writers {
    installation: Installation,
    written: Written,
    archiver: Option<Archiver>,
}

struct Measured {
    /// Seconds.
    p99: f64,
    /// Writes a second.
    rate: f64,
}

impl Writers {
    async fn new(installation: Installation) -> Result<Self, Failure> {
        let Installation { boot, settings, .. } = &installation;
        let archiver = Archiver::new(&boot.tenants, &settings.backup, boot.installation)?;
        let written = installation.tenant("bench").await?;
        written.fill(mebibytes(256)).await?;
        if let Some(archiver) = &archiver {
            archiver.round(None, Arc::new(|| true)).await?;
        }
        Ok(Self { installation, written, archiver })
    }

    /// Writes from many callers, with a round of archiving each second where there is one, and
    /// backups one after the other if asked for.
    async fn measure(&self, backups: bool) -> Result<Measured, Failure> {
        let (start, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let copying = match backups {
            true => Some(self.copy(over.clone()).await?),
            false => None,
        };
        let callers: Vec<_> =
            (0..CALLERS).map(|_| tokio::spawn(write(self.written.clone(), start))).collect();
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
        over.store(true, Ordering::Relaxed);
        if let Some(copying) = copying {
            copying.await??;
        }
        all.sort_by(f64::total_cmp);
        let p99 = all.get(all.len() * 99 / 100).copied().ok_or("nothing was written")?;
        Ok(Measured { p99, rate: all.len() as f64 / TIME.as_secs_f64() })
    }

    /// Daily backups without pause, until it is over.
    async fn copy(
        &self,
        over: Arc<AtomicBool>,
    ) -> Result<tokio::task::JoinHandle<Result<(), BackupError>>, Failure> {
        let Installation { boot, settings, directory, .. } = &self.installation;
        let operator = self.installation.operator();
        let grant =
            boot.tenants.authorize_platform::<PlatformBackupRun>(&operator, "bench").await?;
        let place = directory.path().join("daily");
        let run = Run::once(&boot.tenants, &settings.backup, grant, Place::directory(&place)?)?;
        let tenant = self.written.tenant.clone();
        Ok(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                for made in run.tenant(&tenant).await? {
                    let _ = std::fs::remove_file(place.join(&made.manifest.path));
                }
            }
            Ok(())
        }))
    }
}

/// Seconds that each write took.
async fn write(written: Written, start: Instant) -> Vec<f64> {
    let (mut took, events) = (Vec::new(), written.events(BATCH));
    while start.elapsed() < TIME {
        let begin = Instant::now();
        if written.append(events.clone()).await.is_ok() {
            took.push(begin.elapsed().as_secs_f64());
        }
    }
    took
}
