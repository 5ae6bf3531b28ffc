use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::audit::{Event, catalogue};
use crate::authz::{Principal, Realm};
use crate::backup::target::fragile::Fragile;
use crate::backup::{BackupError, Identities, Kind, Manifest, SealError, Target, repo};
use crate::config;
use crate::kernel::clock::ManualClock;
use crate::kernel::{Runtime, Timestamp};
use crate::tenants::Tenant;
use crate::testing::TestServer;

/// An installation that archives to two directories, and who can read it.
struct Archive {
    server: TestServer,
    clock: Arc<ManualClock>,
    archiver: Archiver,
    identities: Identities,
    places: tempfile::TempDir,
    tenant: Tenant,
}

impl Archive {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-22T05:00:00Z").unwrap()));
        let runtime = Runtime { clock: clock.clone(), ..Runtime::system() };
        let (identities, places) = (Identities::generate(), tempfile::tempdir().unwrap());
        let server = TestServer::start_configured(runtime, |settings| {
            let keys = identities.recipients();
            settings.backup.recipients = keys.iter().map(|key| key.parse().unwrap()).collect();
            let places = ["one", "two"].map(|name| places.path().join(name));
            let url = |place: &PathBuf| format!("file://{}", place.display()).parse().unwrap();
            settings.backup.targets = places.iter().map(url).collect();
        });
        let tenant = server.tenant("acme").await;
        let app = server.app();
        let archiver =
            Archiver::new(&server.tenants, &app.settings.backup, app.installation).unwrap();
        let archiver = archiver.expect("archiving is on");
        Self { server, clock, archiver, identities, places, tenant }
    }

    /// What remembers nothing goes on; answers how many writes the first target takes.
    fn another_process(&mut self) -> Arc<AtomicUsize> {
        let app = self.server.app();
        let new = Archiver::new(&self.server.tenants, &app.settings.backup, app.installation);
        self.archiver = new.unwrap().expect("archiving is on");
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let target = &mut self.archiver.targets.0[0];
        target.store = Arc::new(Fragile { store: target.store.clone(), left: left.clone() });
        left
    }

    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }

    fn now(&self) -> Timestamp {
        self.server.runtime.now()
    }

    fn target(&self, at: usize) -> &Target {
        &self.archiver.targets.0[at]
    }

    /// An entry, a second after the one before.
    async fn write(&self) {
        self.clock.advance(Duration::from_secs(1));
        let event = Event::new(catalogue::TENANT_CREATED);
        self.server.tenants.record(self.realm(), event).await.unwrap();
    }

    /// Some writes and a round, several times: so many segments.
    async fn segments(&self, count: u32) {
        self.round().await;
        for _ in 0..count {
            self.write().await;
            self.write().await;
            self.round().await;
        }
    }

    async fn round(&self) -> Archived {
        self.archiver.round(None, Arc::new(|| true)).await.unwrap()
    }

    async fn materialise(
        &self,
        at: Timestamp,
        target: usize,
    ) -> Result<(Materialised, Vec<u8>), BackupError> {
        self.materialise_as(at, target, Identities::clone_for_tests(&self.identities)).await
    }

    async fn materialise_as(
        &self,
        at: Timestamp,
        target: usize,
        identities: Identities,
    ) -> Result<(Materialised, Vec<u8>), BackupError> {
        let (target, layout) = (self.target(target).clone(), self.archiver.layout);
        let (verifier, realm) = (self.server.tenants.notary().verifier(), self.realm());
        let out = self.places.path().join("out.db");
        let made = tokio::task::spawn_blocking(move || {
            let made = materialise(&target, layout, realm, at, &verifier, &identities, &out);
            let bytes = std::fs::read(&out);
            assert_eq!(made.is_ok(), bytes.is_ok(), "a file that is not right is not left behind");
            let _ = std::fs::remove_file(&out);
            made.map(|made| (made, bytes.unwrap()))
        });
        made.await.unwrap()
    }

    /// Where a target has the tenant's chain.
    fn folder(&self, target: usize) -> PathBuf {
        let place = self.places.path().join(["one", "two"][target]);
        let owner = place.join(self.archiver.layout.changes(self.realm()).as_ref());
        let mut chains: Vec<_> = std::fs::read_dir(owner).unwrap().map(Result::unwrap).collect();
        chains.sort_by_key(std::fs::DirEntry::file_name);
        chains.pop().unwrap().path()
    }

    fn files(&self, target: usize) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder(target)).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        files
    }

    fn segment_files(&self, target: usize) -> Vec<PathBuf> {
        let name = |path: &FilePath| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = self.files(target).into_iter();
        files.filter(|path| locate::range(&name(path)).is_some()).collect()
    }

    fn database(&self) -> PathBuf {
        self.server.tenants.database_file(self.realm())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_comes_back_byte_for_byte_from_every_target() {
    let archive = Archive::new().await;
    archive.segments(3).await;
    archive.write().await;
    archive.server.tenants.shut_down().await;
    archive.round().await;
    let live = std::fs::read(archive.database()).unwrap();
    for target in [0, 1] {
        let (made, bytes) = archive.materialise(archive.now(), target).await.unwrap();
        assert!(bytes == live, "other bytes");
        assert_eq!(made.at, archive.now());
        assert!(made.commits >= 7);
    }
    // Nothing lies in clear in a target: not even the encrypted pages, which hide their number.
    let sealed = std::fs::read(&archive.segment_files(0)[0]).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    assert!(status(&archive.server.tenants).iter().all(|it| it.lag == Duration::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_second_has_what_was_committed_by_then() {
    let archive = Archive::new().await;
    archive.segments(1).await;
    archive.write().await;
    let (middle, before) = (archive.now(), archive.round().await);
    assert_eq!(before.segments, 2, "one in each target");
    let (_, then) = archive.materialise(middle, 0).await.unwrap();
    archive.segments(3).await;
    let (made, again) = archive.materialise(middle, 0).await.unwrap();
    assert!(made.at <= middle && then == again);
    let early = archive.materialise(Timestamp::from_micros(1), 0).await;
    assert!(matches!(early, Err(BackupError::None(_))), "{early:?}");
    let (target, layout) = (archive.target(0), archive.archiver.layout);
    let verifier = archive.server.tenants.notary().verifier();
    let windows = window(target, layout, archive.realm(), &verifier).await.unwrap();
    assert_eq!(windows.len(), 1);
    assert!(windows[0].from < middle && windows[0].to > middle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_missing_swapped_or_foreign_is_refused() {
    let archive = Archive::new().await;
    archive.segments(4).await;
    assert!(archive.materialise(archive.now(), 0).await.is_ok());
    let files = archive.files(0);
    let whole: Vec<_> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let segments = archive.segment_files(0);
    let flip = |path: &PathBuf, at: f64| {
        let mut bytes = std::fs::read(path).unwrap();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let foreign = {
        let other = Archive::new().await;
        other.segments(4).await;
        std::fs::read(&other.segment_files(0)[1]).unwrap()
    };
    let base = files.iter().find(|it| it.to_string_lossy().contains("base-")).unwrap();
    let base = base.with_extension("age");
    type Harm<'a> = (&'a str, Box<dyn Fn() + 'a>);
    let spoil: Vec<Harm<'_>> = vec![
        ("changed", Box::new(|| flip(&segments[1], 0.7))),
        ("changed head", Box::new(|| flip(&files[files.len() - 1], 0.5))),
        ("changed base", Box::new(|| flip(&base, 0.9))),
        (
            "cut off",
            Box::new(|| {
                let bytes = std::fs::read(&segments[1]).unwrap();
                std::fs::write(&segments[1], &bytes[..bytes.len() / 2]).unwrap();
            }),
        ),
        ("missing", Box::new(|| std::fs::remove_file(&segments[1]).unwrap())),
        ("missing end", Box::new(|| std::fs::remove_file(segments.last().unwrap()).unwrap())),
        ("missing base", Box::new(|| std::fs::remove_file(&base).unwrap())),
        (
            "swapped",
            Box::new(|| {
                let (one, two) = (std::fs::read(&segments[1]), std::fs::read(&segments[2]));
                std::fs::write(&segments[1], two.unwrap()).unwrap();
                std::fs::write(&segments[2], one.unwrap()).unwrap();
            }),
        ),
        ("foreign", Box::new(|| std::fs::write(&segments[1], &foreign).unwrap())),
    ];
    for (what, spoil) in spoil {
        spoil();
        let made = archive.materialise(archive.now(), 0).await;
        assert!(made.is_err(), "{what}");
        println!("{what}: {}", made.err().unwrap());
        files.iter().zip(&whole).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    }
    let other = archive.materialise_as(archive.now(), 0, Identities::generate()).await;
    assert!(matches!(other, Err(BackupError::Seal(SealError::WrongKey))));
    assert!(archive.materialise(archive.now(), 0).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_archived_goes_in_time_when_nothing_is_archived_any_more() {
    let archive = Archive::new().await;
    archive.segments(2).await;
    let tenants = &archive.server.tenants;
    let settings =
        config::Backup { archive_seconds: 0, ..archive.server.app().settings.backup.clone() };
    let system = archive.server.caller(Principal::System { job: "backup.prune" });
    let prune = async || {
        let grant = tenants.authorize_platform(&system, "test").await.unwrap();
        crate::backup::prune(tenants, &settings, &grant).await.unwrap()
    };
    assert_eq!(prune().await.changes, 0, "it may be wanted still");
    let folders = [0, 1].map(|target| archive.folder(target));
    archive.clock.advance(Duration::from_secs(40 * 24 * 3600));
    // The first look finds the clock in doubt.
    assert!(prune().await.changes + prune().await.changes > 0);
    for folder in folders {
        assert_eq!(std::fs::read_dir(folder).map_or(0, Iterator::count), 0);
    }
}

/// Archives are in the catalogue; what is archived in between has no row there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_changes_were_sent_is_known_after_the_target_was_taken_out() {
    use crate::backup::catalogue::{Forgotten, elsewhere, forget_target};
    let archive = Archive::new().await;
    archive.segments(1).await;
    let tenants = &archive.server.tenants;
    let (kept, gone) = (archive.target(0).name.clone(), archive.target(1).name.clone());
    let mut settings = archive.server.app().settings.backup.clone();
    settings.targets.retain(|url| url.name() == kept);
    let known = elsewhere(tenants, &settings).await.unwrap();
    let [one] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!((&one.target, one.archives, one.changes), (&gone, 0, true));

    let system = archive.server.caller(Principal::System { job: "backup.daily" });
    let grant = tenants.authorize_platform(&system, "test").await.unwrap();
    let forgotten = forget_target(tenants, &grant, &settings, &gone).await.unwrap();
    assert_eq!(forgotten, Some(Forgotten { archives: 0, changes: true }));
    assert_eq!(elsewhere(tenants, &settings).await.unwrap(), []);
    assert_eq!(forget_target(tenants, &grant, &settings, &gone).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_was_away_catches_up() {
    let archive = Archive::new().await;
    archive.segments(1).await;
    let (place, aside) = (archive.places.path().join("two"), archive.places.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    std::fs::write(&place, b"a file, not a directory").unwrap();
    archive.write().await;
    archive.round().await;
    archive.clock.advance(Duration::from_secs(7200));
    archive.segments(2).await; // the other one has everything
    assert!(archive.materialise(archive.now(), 0).await.is_ok());
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&aside, &place).unwrap();
    archive.clock.advance(Duration::from_secs(100));
    archive.segments(1).await;
    let (one, two) = (
        archive.materialise(archive.now(), 0).await.unwrap(),
        archive.materialise(archive.now(), 1).await.unwrap(),
    );
    assert!(one == two);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_target_takes_anything_the_lag_grows_and_writes_go_on() {
    let archive = Archive::new().await;
    archive.segments(1).await;
    let places = ["one", "two"].map(|name| archive.places.path().join(name));
    for place in &places {
        std::fs::rename(place, place.with_extension("aside")).unwrap();
        std::fs::write(place, b"a file, not a directory").unwrap();
    }
    archive.write().await;
    let since = archive.now();
    assert!(archive.archiver.round(None, Arc::new(|| true)).await.is_err());
    archive.clock.advance(Duration::from_secs(100));
    archive.write().await;
    let lags = status(&archive.server.tenants);
    let lag = lags.iter().find(|it| it.realm == archive.realm()).unwrap();
    assert_eq!(lag.lag, archive.now().since(since));
    for place in &places {
        std::fs::remove_file(place).unwrap();
        std::fs::rename(place.with_extension("aside"), place).unwrap();
    }
    archive.round().await;
    assert!(status(&archive.server.tenants).iter().all(|it| it.lag == Duration::ZERO));
    assert!(archive.materialise(archive.now(), 0).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hours_segments_become_one_and_every_second_stays() {
    let archive = Archive::new().await;
    archive.segments(5).await;
    let middle = archive.now();
    let (_, before) = archive.materialise(middle, 0).await.unwrap();
    assert_eq!(archive.segment_files(0).len(), 5);
    archive.clock.advance(Duration::from_secs(3700));
    archive.write().await;
    let done = archive.round().await;
    assert!(done.merged >= 6, "{done:?}");
    assert_eq!(archive.segment_files(0).len(), 1);
    archive.segments(2).await;
    assert!(archive.materialise(middle, 0).await.unwrap().1 == before);
    assert!(archive.materialise(archive.now(), 1).await.is_ok());
    // What was sent and merged takes no space here.
    assert!(archive.archiver.taps.used() < 40 * 8192, "{}", archive.archiver.taps.used());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_window_goes_and_the_window_stays_whole() {
    let archive = Archive::new().await;
    archive.round().await;
    for _ in 0..45 {
        archive.clock.advance(Duration::from_secs(24 * 3600));
        archive.write().await;
        archive.round().await;
    }
    let bases = |it: &PathBuf| it.to_string_lossy().contains("base-");
    let count = archive.files(0).iter().filter(|it| bases(it)).count() / 2;
    assert!((4..=6).contains(&count), "{count}");
    for days in [0, 1, 15, 29, 30] {
        let at = archive.now().minus(Duration::from_secs(days * 24 * 3600));
        let (made, _) = archive.materialise(at, 0).await.unwrap();
        assert!(at.since(made.at) < Duration::from_secs(25 * 3600), "{days}");
    }
    let at = archive.now().minus(Duration::from_secs(44 * 24 * 3600));
    assert!(archive.materialise(at, 0).await.is_err());
}

/// Days between two rounds, so that each has something to merge and, in time, something to delete.
const STEP: Duration = Duration::from_secs(25 * 3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_or_deleting_that_breaks_off_anywhere_leaves_every_second_of_the_window() {
    let mut archive = Archive::new().await;
    archive.segments(2).await;
    let mut known: Vec<(Timestamp, Vec<u8>)> = Vec::new();
    let window = Duration::from_secs(29 * 24 * 3600);
    for step in 0..50 {
        let left = archive.another_process();
        archive.clock.advance(STEP);
        archive.write().await;
        archive.write().await;
        left.store(step % 11, Ordering::SeqCst);
        let _ = archive.archiver.round(None, Arc::new(|| true)).await;
        // As it was left.
        let young = known.iter().position(|(at, _)| archive.now().since(*at) < window);
        let looked = [young, known.len().checked_sub(2), known.len().checked_sub(1)];
        for at in looked.into_iter().flatten() {
            let (at, bytes) = &known[at];
            let (_, found) = archive.materialise(*at, 0).await.unwrap();
            assert!(found == *bytes, "step {step}: as of {at}");
        }
        archive.another_process();
        archive.round().await;
        let (made, bytes) = archive.materialise(archive.now(), 0).await.unwrap();
        assert_eq!(made.at, archive.now(), "step {step}");
        known.push((archive.now(), bytes));
    }
    let first = &known[0];
    assert!(archive.materialise(first.0, 0).await.is_err(), "what is too old is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_with_the_chain() {
    let archive = Archive::new().await;
    archive.segments(2).await;
    archive.write().await; // never collected by the first
    let copy = archive.places.path().join("copy");
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([archive.server.data_dir(), copy.clone()])
        .status();
    assert!(status.unwrap().success());
    let mut settings = archive.server.app().settings.clone();
    settings.store.data_dir = copy;
    let boot = crate::tenants::Boot::open(&settings, &archive.server.runtime).unwrap();
    let archiver = Archiver::new(&boot.tenants, &settings.backup, boot.installation);
    let archiver = archiver.unwrap().unwrap();
    let done = archiver.round(None, Arc::new(|| true)).await.unwrap();
    assert_eq!((done.gaps, done.bases), (0, 0), "{done:?}");
    let (made, _) = archive.materialise(archive.now(), 0).await.unwrap();
    assert_eq!(made.at, archive.now(), "what a killed process left in the WAL is there");
    boot.tenants.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_gone_by_the_time_that_is_said_though_nothing_happens_any_more() {
    let archive = Archive::new().await;
    archive.segments(2).await;
    let erased = archive.now();
    let ageing = archive.server.app().settings.backup.ageing().unwrap();
    let said = ageing.data_gone(erased);
    assert!(archive.materialise(erased, 0).await.is_ok() && !archive.segment_files(0).is_empty());
    while archive.now() < said {
        archive.clock.advance(Duration::from_secs(24 * 3600));
        archive.round().await;
    }
    for target in [0, 1] {
        assert!(archive.materialise(erased, target).await.is_err());
        assert_eq!(archive.segment_files(target), Vec::<PathBuf>::new());
        let (made, _) = archive.materialise(archive.now(), target).await.unwrap();
        assert!(made.at > erased, "what is there today comes back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_chain_begins_anew_what_lies_beside_the_data_file_leaves_with_it() {
    let archive = Archive::new().await;
    let logs = archive.database().with_file_name("logs");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("before.db"), b"the log before a restore").unwrap();
    let system = archive.server.caller(Principal::System { job: "backup.archive" });
    let copies = async || {
        let grant = archive.server.tenants.authorize_platform(&system, "test").await.unwrap();
        archive.archiver.round(Some(grant), Arc::new(|| true)).await.unwrap();
        let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
        let all = archive.server.tenants.credentials(Realm::Platform, read).await.unwrap();
        let own = archive.tenant.id.to_string();
        let is_beside = |one: &Manifest| one.kind == Kind::Blobs && one.owner == own;
        all.into_iter().filter(|entry| is_beside(&entry.manifest)).count()
    };
    assert_eq!(copies().await, 1);
    archive.write().await;
    assert_eq!(copies().await, 1, "not with every change");
}
