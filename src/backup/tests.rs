//! Runs against targets that are there, far away, slow to come back or gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path as StorePath;

use super::catalogue::PlacementState;
use super::place::blocking;
use super::prune::{Pruned, prune};
use super::run::{Made, Run};
use super::target::test_servers::S3;
use super::{
    BackupError, Identities, Kind, Layout, Manifest, Target, Targets, catalogue, fetch, keys, repo,
};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Principal, Realm};
use crate::config;
use crate::crypto::Key32;
use crate::crypto::keyring::KeyShelf;
use crate::kernel::clock::ManualClock;
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::store::shelf::FileShelf;
use crate::store::{Readers, Sql, SqlMut};
use crate::tenants::{StateChange, Tenant};
use crate::testing::TestServer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct House {
    clock: Arc<ManualClock>,
    server: TestServer,
    identities: Identities,
    tenant: Tenant,
    directory: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let tenant = server.tenant("acme").await;
        let directory = tempfile::tempdir().unwrap();
        Self { clock, server, identities: Identities::generate(), tenant, directory }
    }

    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }

    fn settings(&self) -> config::Backup {
        let recipients = self.identities.recipients();
        let target = format!("file://{}", self.directory.path().join("target").display());
        config::Backup {
            recipients: recipients.iter().map(|key| key.parse().unwrap()).collect(),
            targets: vec![target.parse().unwrap()],
            ..config::Backup::default()
        }
    }

    async fn grant(&self) -> Grant<PlatformBackupRun> {
        let system = self.server.caller(Principal::System { job: "backup.daily" });
        self.server.tenants.authorize_platform(&system, "test").await.unwrap()
    }

    async fn run(&self) -> Run {
        let (tenants, settings) = (&self.server.tenants, self.settings());
        Run::new(tenants, &settings, self.grant().await, Arc::new(|| true)).unwrap()
    }

    async fn run_to(&self, targets: Vec<Target>) -> Run {
        let (tenants, settings, grant) =
            (&self.server.tenants, self.settings(), self.grant().await);
        Run::to(tenants, &settings, grant, Targets(targets), Arc::new(|| true)).unwrap()
    }

    fn target(&self) -> Target {
        Target::open(&self.settings().targets[0]).unwrap()
    }

    async fn prune(&self) -> Pruned {
        let (tenants, settings) = (&self.server.tenants, self.settings());
        prune(tenants, &settings, &self.grant().await).await.unwrap()
    }

    async fn manifests(&self) -> Vec<Manifest> {
        let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
        let all = self.server.tenants.credentials(Realm::Platform, read).await.unwrap();
        all.into_iter().map(|entry| entry.manifest).collect()
    }
}

fn far() -> Target {
    Target::new("s3://bucket/".into(), Arc::new(InMemory::new()))
}

fn states(made: &Made) -> Vec<PlacementState> {
    made.placements.iter().map(|one| one.state).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_far_away_gets_the_same_by_way_of_the_spool_which_is_empty_again() {
    let house = House::new().await;
    let target = far();
    let run = house.run_to(vec![target.clone()]).await;
    let made = run.tenant(&house.tenant).await.unwrap();
    assert_eq!(
        made.iter().map(|one| one.manifest.kind).collect::<Vec<_>>(),
        [Kind::Keys, Kind::Data]
    );
    let data = made[1].manifest.clone();
    let plain = blocking(move || {
        let mut plain = Vec::new();
        fetch::fetch(&target, &data, &house.identities, &mut plain)?;
        Ok(plain)
    });
    assert!(plain.await.unwrap().starts_with(b"SQLite format 3\0"));
    let mut waiting = vec![house.server.data_dir().join("backup-spool")];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            assert!(entry.metadata().unwrap().is_dir(), "{entry:?} is left");
            waiting.push(entry.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_gone_keeps_no_other_from_its_backup() {
    let house = House::new().await;
    let broken = house.directory.path().join("broken");
    let gone = Target::directory(&broken).unwrap();
    std::fs::write(&broken, "no directory").unwrap();
    let run = house.run_to(vec![gone.clone(), far(), house.target()]).await;
    let made = run.tenant(&house.tenant).await.unwrap();
    for one in &made {
        use PlacementState::{Missing, Stored};
        assert_eq!(states(one), [Missing, Stored, Stored], "{:?}", one.manifest.kind);
    }
    let run = house.run_to(vec![gone]).await;
    assert!(run.tenant(&house.tenant).await.is_err());
    let failed = house.server.entries_of(Realm::Platform).await;
    assert_eq!(failed.last().unwrap().action, "backup.failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_copy_and_the_deltas_behind_it_give_every_key_that_was_not_destroyed() {
    let house = House::new().await;
    let (run, realm) = (house.run().await, house.realm());
    let tenants = &house.server.tenants;
    let kind = |made: Option<Made>| made.map(|made| made.manifest.kind);
    let tick = || house.clock.advance(Duration::from_secs(1));
    assert_eq!(kind(keys::archive_delta(&run, realm).await.unwrap()), Some(Kind::Keys));
    assert_eq!(kind(keys::archive_delta(&run, realm).await.unwrap()), None);
    let mut people = Vec::new();
    for _ in 0..3 {
        tick();
        people.push(tenants.new_subject(realm).await.unwrap());
        assert_eq!(kind(keys::archive_delta(&run, realm).await.unwrap()), Some(Kind::KeysDelta));
    }
    assert_eq!(restored(&house, &people, "a").await, [true, true, true]);
    tick();
    house.server.destroy_subject(&house.tenant, people[1]).await;
    assert_eq!(kind(keys::archive_delta(&run, realm).await.unwrap()), Some(Kind::Keys));
    tick();
    people.push(tenants.new_subject(realm).await.unwrap());
    keys::archive_delta(&run, realm).await.unwrap();
    assert_eq!(restored(&house, &people, "b").await, [true, false, true, true]);
}

/// Which keys a store has that was made from the archives.
async fn restored(house: &House, people: &[crate::kernel::id::KeyId], name: &str) -> Vec<bool> {
    let (target, manifests) = (house.target(), house.manifests().await);
    let path = house.directory.path().join(name);
    let (key, owner) = (Key32::generate(&SystemRandom), house.tenant.id.to_string());
    tokio::task::block_in_place(|| {
        keys::read_keys(&target, &manifests, &owner, &house.identities, &key, &path).unwrap();
    });
    let shelf = FileShelf::open(&path, &key).unwrap();
    people.iter().map(|id| shelf.find(*id).unwrap().is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_its_time_goes_from_the_target_and_the_last_good_one_stays() {
    let house = House::new().await;
    for _ in 0..40 {
        let run = house.run().await;
        run.tenant(&house.tenant).await.unwrap();
        house.prune().await;
        house.clock.advance(DAY);
    }
    let kept = house.manifests().await;
    let of = |kind| kept.iter().filter(move |one| one.kind == kind).collect::<Vec<_>>();
    let (data, keys) = (of(Kind::Data), of(Kind::Keys));
    assert!((9..=11).contains(&data.len()), "{}", data.len());
    assert_eq!(keys.len(), 7);
    let now = house.server.runtime.now();
    assert!(data.iter().all(|one| now.since(one.taken) <= 30 * DAY));
    assert_eq!(stored(&house).await, kept.iter().map(|one| one.path.clone()).collect());
    // Nothing new for months: the last of each stays.
    house.clock.advance(90 * DAY);
    house.prune().await;
    let kept = house.manifests().await;
    let kinds: BTreeSet<_> = kept.iter().map(|one| one.kind.name()).collect();
    assert_eq!((kept.len(), kinds), (2, BTreeSet::from(["data", "keys"])));
    assert_eq!(stored(&house).await.len(), 2);
    let deleted = house.server.entries_of(Realm::Platform).await;
    assert!(deleted.iter().any(|entry| entry.action == "backup.deleted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bucket_locks_beyond_its_time_is_named_as_long_as_it_is_there() {
    let house = House::new().await;
    let tenants = &house.server.tenants;
    let s3 = S3::start().await;
    let targets = vec![s3.bucket("locked", "secret").parse().unwrap()];
    let settings = config::Backup { targets, ..house.settings() };
    let prune = async || {
        let grant = house.grant().await;
        prune(tenants, &settings, &grant).await.unwrap()
    };
    let run = async || {
        let run = house.run_to(vec![Target::open(&settings.targets[0]).unwrap()]).await;
        run.tenant(&house.tenant).await.unwrap();
        prune().await
    };
    run().await;
    house.clock.advance(8 * DAY);
    // Of the keys, the second is enough; of the data, both are wanted.
    let done = run().await;
    assert_eq!((done.archives, done.refused), (0, 1));
    let named = catalogue::overdue(tenants).await.unwrap();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].target, settings.targets[0].name());
    assert_eq!((named[0].objects, named[0].since), (1, house.server.runtime.now()));
    house.clock.advance(32 * DAY);
    run().await;
    assert_eq!(catalogue::overdue(tenants).await.unwrap()[0].objects, 3);
    assert!(catalogue::beyond_reach(tenants).await.unwrap().contains(&named[0].target));
    let (grant, without) = (house.grant().await, house.settings());
    let forgotten = catalogue::forget_target(tenants, &grant, &without, settings.targets[0].name());
    assert!(forgotten.await.unwrap().is_some());
    assert_eq!(catalogue::overdue(tenants).await.unwrap(), []);
}

/// Archives that lie in the target; a manifest lies beside each.
async fn stored(house: &House) -> BTreeSet<String> {
    let listed: Vec<_> = house.target().store.list(None).try_collect().await.unwrap();
    let names: BTreeSet<_> = listed.iter().map(|meta| meta.location.to_string()).collect();
    let archives: BTreeSet<_> =
        names.iter().filter(|name| !name.ends_with(".manifest")).cloned().collect();
    assert_eq!(names.len(), 2 * archives.len());
    archives
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_are_cleared_away_and_what_the_catalogue_forgot_is_taken_in_again() {
    let house = House::new().await;
    let made = house.run().await.tenant(&house.tenant).await.unwrap();
    let folder = house.directory.path().join("target").join(&made[1].manifest.path);
    let folder = folder.parent().unwrap();
    let long_ago = |path: std::path::PathBuf| {
        std::fs::write(&path, "unfinished").unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    for name in ["20260101T000000Z-x.db.zst.age", "y.db.zst.age.partial", "z.manifest#1"] {
        long_ago(folder.join(name));
    }
    // Among what is archived continuously too.
    let root = Layout::new(house.server.tenants.installation()).root();
    let changes = house.directory.path().join("target").join(root).join("changes");
    std::fs::create_dir_all(&changes).unwrap();
    long_ago(changes.join("1-2.age#1"));
    let ids: Vec<_> = made.iter().map(|one| one.manifest.id).collect();
    let forget = move |tx: &mut crate::tenants::WriteTx<'_, _>| {
        for id in &ids {
            repo::remove(tx, *id)?;
        }
        Ok(())
    };
    super::prune::system(&house.server.tenants, forget).await.unwrap();
    assert!(house.manifests().await.is_empty());
    // The others have the machine's time, which is no reason to take them for old.
    house.clock.advance(36_500 * DAY);
    std::fs::write(folder.join("w.db.zst.age.partial"), "being written").unwrap();
    let done = house.prune().await;
    assert_eq!((done.leftovers, done.archives), (4, 0));
    assert_eq!(house.manifests().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_is_on_record_though_a_target_refuses_the_rest_of_it() {
    let house = House::new().await;
    let made = house.run().await.tenant(&house.tenant).await.unwrap();
    house.clock.advance(40 * DAY);
    house.run().await.tenant(&house.tenant).await.unwrap();
    for one in &made {
        let archive = house.directory.path().join("target").join(&one.manifest.path);
        let manifest = archive.parent().unwrap().join(
            Layout::manifest(&StorePath::from(one.manifest.path.as_str())).filename().unwrap(),
        );
        std::fs::remove_file(&manifest).unwrap();
        // Nobody can remove it like a file.
        std::fs::create_dir_all(manifest.join("inside")).unwrap();
    }
    let done = house.prune().await;
    assert!(done.archives == 0 && done.refused > 0, "{done:?}");
    let entries = house.server.entries_of(Realm::Platform).await;
    let entry = entries.iter().find(|entry| entry.action == "backup.deleted").expect("an entry");
    let count = |name: &str| entry.custom_fields.get(name).and_then(serde_json::Value::as_u64);
    assert_eq!(count("archives"), Some(0));
    assert!(count("copies").or(count("leftovers")) >= Some(1), "{entry:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_makes_no_backup_and_deletes_none() {
    let house = House::new().await;
    house.run().await.tenant(&house.tenant).await.unwrap();
    house.clock.advance(DAY);
    house.run().await.tenant(&house.tenant).await.unwrap();
    house.prune().await;
    let all = house.manifests().await.len();
    let ahead = i64::try_from((90 * DAY).as_micros()).unwrap();
    house.clock.jump(ahead);
    assert!(house.run().await.tenant(&house.tenant).await.is_err());
    assert_eq!(house.manifests().await.len(), all);
    // Nor when the process begins with it.
    house.server.tenants.forget_looks();
    for _ in 0..2 {
        assert_eq!(house.prune().await.archives, 0);
    }
    house.clock.jump(-ahead);
    house.run().await.tenant(&house.tenant).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_dated_too_late_goes_once_there_is_a_right_one() {
    let house = House::new().await;
    let made = house.run().await.tenant(&house.tenant).await.unwrap();
    house.prune().await;
    // As if it had been made by a clock that ran a year ahead.
    let (ids, late) = (
        made.iter().map(|one| one.manifest.id).collect::<Vec<_>>(),
        house.server.runtime.now().plus(365 * DAY),
    );
    let notary = house.server.tenants.notary().clone();
    let manifests: Vec<_> = made.iter().map(|one| one.manifest.clone()).collect();
    super::prune::system(&house.server.tenants, move |tx| {
        for manifest in &manifests {
            let manifest = Manifest { taken: late, ..manifest.clone() };
            let note = manifest.sign(notary.signer()).unwrap();
            let sql = "UPDATE backups SET taken = $1, manifest = $2 WHERE id = $3";
            tx.execute(sql, crate::args![late, note.as_str(), manifest.id])?;
        }
        Ok(())
    })
    .await
    .unwrap();
    house.prune().await;
    assert_eq!(house.manifests().await.len(), 2, "the last of each stays");
    house.clock.advance(DAY);
    let person = house.server.tenants.new_subject(house.realm()).await.unwrap();
    house.run().await.tenant(&house.tenant).await.unwrap();
    // The newest keys are those that hold the most, whatever time they bear.
    assert_eq!(restored(&house, &[person], "late").await, [true]);
    house.prune().await;
    let left = house.manifests().await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|one| !ids.contains(&one.id) && one.taken < late));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_and_suspended_tenants_are_backed_up_too() {
    let house = House::new().await;
    for change in [StateChange::Freeze, StateChange::Suspend] {
        let tenant = house.server.change_state(&house.tenant, change).await;
        let made = house.run().await.tenant(&tenant).await.unwrap();
        assert_eq!(made.len(), 2, "{change:?}");
    }
    let log = house.server.entries(&house.tenant).await;
    assert_eq!(log.iter().filter(|entry| entry.action == "backup.completed").count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_file_has_the_rows_that_its_manifest_says() {
    let house = House::new().await;
    let made = house.run().await.tenant(&house.tenant).await.unwrap();
    let (manifest, target) = (made[1].manifest.clone(), house.target());
    let (path, key) = (house.directory.path().join("x.db"), Key32::generate(&SystemRandom));
    tokio::task::block_in_place(|| {
        let mut pages = crate::store::pages::PageWriter::create(&path, &key).unwrap();
        fetch::fetch(&target, &manifest, &house.identities, &mut pages).unwrap();
        pages.finish().unwrap();
    });
    let readers = Readers::new(path, key, 1);
    let rows = readers.read_here(|tx| repo::rows(tx)).unwrap().unwrap();
    assert_eq!(rows, manifest.rows);
    let entries = readers.read_here(|tx| tx.count("SELECT max(seq) FROM audit_entries", &[]));
    assert_eq!(entries.unwrap().unwrap(), manifest.entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_in_a_target_that_was_taken_out_is_not_forgotten_until_somebody_says_so() {
    let house = House::new().await;
    house.run().await.tenant(&house.tenant).await.unwrap();
    let old = house.target().name;
    let elsewhere = format!("file://{}", house.directory.path().join("other").display());
    let settings = config::Backup { targets: vec![elsewhere.parse().unwrap()], ..house.settings() };
    let (tenants, grant) = (&house.server.tenants, house.grant().await);
    let clean = async || {
        let run = Run::new(tenants, &settings, house.grant().await, Arc::new(|| true)).unwrap();
        run.tenant(&house.tenant).await.unwrap();
        prune(tenants, &settings, &house.grant().await).await.unwrap()
    };
    clean().await;
    house.clock.advance(40 * DAY);
    clean().await;
    clean().await;
    let known = catalogue::elsewhere(tenants, &settings).await.unwrap();
    let [one] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!((&one.target, one.archives, one.key_archives), (&old, 2, 1));
    assert_eq!(stored(&house).await.len(), 2, "nobody can reach them there");
    assert_eq!(catalogue::elsewhere(tenants, &house.settings()).await.unwrap().len(), 1);
    let kept = house.manifests().await;
    assert!(kept.iter().filter(|one| one.kind == Kind::Data).count() >= 2);

    let refused = catalogue::forget_target(tenants, &grant, &settings, &elsewhere).await;
    assert!(matches!(refused, Err(BackupError::StillTarget(_))), "{refused:?}");
    let forgotten = catalogue::forget_target(tenants, &grant, &settings, &old).await.unwrap();
    let expected = catalogue::Forgotten { archives: 2, changes: false };
    assert_eq!(forgotten, Some(expected));
    assert_eq!(catalogue::elsewhere(tenants, &settings).await.unwrap(), []);
    let log = house.server.entries_of(Realm::Platform).await;
    let said = log.iter().find(|entry| entry.custom_fields.contains_key("byHand")).unwrap();
    assert_eq!(
        (said.action.as_str(), &said.custom_fields["target"]),
        ("backup.deleted", &old.into())
    );
}
