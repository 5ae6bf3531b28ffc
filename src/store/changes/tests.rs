use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::kernel::{Runtime, Timestamp};
use crate::store::Workers;
use crate::store::engine::{self, Mode};
use crate::store::test_support::{Fixture, write};

const LIMITS: TapsLimits = TapsLimits { bytes: 1 << 30, reserve: 0 };

/// A fixture whose changes are taken, and a copy of its file from the beginning of the chain.
struct Archived {
    fixture: Fixture,
    taps: Arc<Taps>,
    ticket: BaseTicket,
    base: PathBuf,
}

fn taps(runtime: &Runtime, limits: TapsLimits) -> Arc<Taps> {
    Taps::start(runtime, limits).unwrap()
}

impl Archived {
    fn new() -> Self {
        Self::with(LIMITS)
    }

    fn with(limits: TapsLimits) -> Self {
        let mut fixture = Fixture::new();
        fixture.append(3);
        let taps = taps(&fixture.runtime, limits);
        fixture.workers = Workers::tapped(1, Some(taps.clone())).unwrap();
        fixture.reopen();
        let ticket = base(&fixture, &taps);
        let base = fixture.directory.path().join("base");
        Self { fixture, taps, ticket, base }
    }

    fn tap(&self) -> Arc<Tap> {
        self.taps.of(&self.fixture.path)
    }

    /// One commit, a second later than the one before.
    fn commit(&self, name: u64, bytes: usize) {
        self.fixture.clock.advance(Duration::from_secs(1));
        assert!(matches!(self.fixture.run(write(name, bytes)), crate::store::Outcome::Committed));
    }

    /// What a file in another directory is after every record up to `until`.
    fn rebuild(&self, until: Timestamp) -> (tempfile::TempDir, u64) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tenant.db");
        let base = self.base.clone();
        let (number, hash) = (self.ticket.number, self.ticket.hash);
        let mut rebuilt = Rebuilt::create(&path, 8192, number, hash).unwrap();
        std::io::copy(&mut File::open(base).unwrap(), &mut rebuilt).unwrap();
        let mut commits = 0;
        for batch in self.tap().batches(self.ticket.chain).unwrap() {
            commits += rebuilt.apply(File::open(batch.path).unwrap(), until).unwrap().commits;
        }
        rebuilt.finish().unwrap();
        (directory, commits)
    }

    fn names_at(&self, until: Timestamp) -> Vec<u64> {
        let (directory, _) = self.rebuild(until);
        dump(&directory.path().join("tenant.db"), &self.fixture)
    }

    fn now(&self) -> Timestamp {
        self.fixture.runtime.now()
    }
}

fn base(fixture: &Fixture, taps: &Taps) -> BaseTicket {
    let tap = taps.of(&fixture.path);
    if tap.want_base() {
        fixture.run(Box::new(|_, _| Ok(true)));
        fixture.database.on_state(|_| ()); // what comes after the commit is done too
    }
    let ticket = tap.take_ticket().expect("a base");
    std::fs::copy(&fixture.path, fixture.directory.path().join("base")).unwrap();
    assert!(tap.end_base(&ticket));
    ticket
}

fn dump(path: &Path, fixture: &Fixture) -> Vec<u64> {
    let file = engine::open(path, fixture.keys.file_key().unwrap(), Mode::Read).unwrap();
    let whole: Vec<String> = file
        .prepare("PRAGMA cipher_integrity_check")
        .and_then(|mut sql| sql.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    assert_eq!(whole, Vec::<String>::new());
    let sql = "SELECT created FROM idempotency ORDER BY created";
    let mut sql = file.prepare(sql).unwrap();
    let names = sql.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    names.map(|name| name.unwrap().cast_unsigned()).collect()
}

#[test]
fn every_second_can_be_restored_over_checkpoints_and_reopenings() {
    let mut archived = Archived::new();
    let mut expected = vec![(archived.now(), archived.fixture.names())];
    for n in 0..40 {
        // Large rows: the WAL passes its checkpoint several times.
        archived.commit(100 + n, 900_000);
        expected.push((archived.now(), archived.fixture.names()));
        if n % 13 == 5 {
            archived.fixture.reopen();
        }
    }
    let (chain, broken) = archived.tap().collect();
    assert_eq!((chain, broken), (Some(archived.ticket.chain), Vec::new()));
    for (time, names) in expected {
        assert_eq!(archived.names_at(time), names, "{time}");
    }
    // The end is the live file, byte for byte.
    archived.fixture.database.close();
    let (directory, _) = archived.rebuild(archived.now());
    let rebuilt = std::fs::read(directory.path().join("tenant.db")).unwrap();
    assert!(rebuilt == std::fs::read(&archived.fixture.path).unwrap(), "other bytes");
}

#[test]
fn commits_of_one_second_are_one_record_with_each_page_once() {
    let archived = Archived::new();
    archived.fixture.clock.advance(Duration::from_secs(1));
    (0..50).for_each(|n| drop(archived.fixture.run(write(n, 10))));
    archived.tap().collect();
    let batches = archived.tap().batches(archived.ticket.chain).unwrap();
    assert_eq!((batches.len(), batches[0].first, batches[0].last), (1, 1, 1));
    let (_, commits) = archived.rebuild(archived.now());
    assert_eq!(commits, 50);
    let bytes = batches[0].path.metadata().unwrap().len();
    assert!(bytes < 50 * 8192, "{bytes}");
}

/// A copy of the directory is what a killed process leaves.
fn after_a_crash(archived: &Archived) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(archived.fixture.directory.path(), copy.path());
    copy
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_killed_process_leaves_nothing_untaken() {
    for step in 0..4 {
        let archived = Archived::new();
        for n in 0..15 {
            archived.commit(100 + n, 900_000);
            match (step, n) {
                (1, 7) => drop(archived.tap().collect()),
                (2, 14) => drop(archived.tap().collect()),
                _ => {}
            }
        }
        let names = archived.fixture.names();
        let copy = after_a_crash(&archived);
        let path = copy.path().join("tenant.db");
        let taps = taps(&archived.fixture.runtime, LIMITS);
        let workers = Workers::tapped(1, Some(taps.clone())).unwrap();
        let database = archived.fixture.open_with(&path, &workers);
        let (chain, broken) = taps.of(&path).collect();
        assert_eq!((chain, broken), (Some(archived.ticket.chain), Vec::new()), "{step}");
        let rebuilt = Archived { taps, ..archived };
        let mut other = rebuilt;
        other.fixture.path = path;
        assert_eq!(other.names_at(other.now()), names, "{step}");
        database.close();
    }
}

#[test]
fn a_file_that_was_written_without_a_tap_begins_a_new_chain() {
    let mut archived = Archived::new();
    archived.commit(7, 10);
    archived.fixture.database.close();
    let plain = Workers::start(1).unwrap();
    let database = archived.fixture.open_with(&archived.fixture.path, &plain);
    database.close();
    let again = taps(&archived.fixture.runtime, LIMITS);
    assert_eq!(again.of(&archived.fixture.path).collect(), (None, Vec::new()));
    // The same when an older state is put back.
    archived.taps = again;
    archived.fixture.workers = Workers::tapped(1, Some(archived.taps.clone())).unwrap();
    archived.fixture.reopen();
    archived.ticket = base(&archived.fixture, &archived.taps);
    archived.commit(8, 10);
    archived.fixture.database.close();
    let copy = archived.fixture.directory.path().join("other");
    std::fs::copy(&archived.fixture.path, &copy).unwrap();
    std::fs::rename(&copy, &archived.fixture.path).unwrap();
    archived.fixture.database = archived.fixture.open_at(&archived.fixture.path).unwrap();
    let (chain, broken) = archived.tap().collect();
    assert_eq!((chain, broken[0].gap.clone()), (None, Gap::Unwatched));
}

#[test]
fn a_full_spool_ends_the_chain_and_no_write_fails() {
    let archived = Archived::with(TapsLimits { bytes: 3 << 20, reserve: 0 });
    for n in 0..20 {
        archived.commit(100 + n, 900_000);
    }
    let (chain, broken) = archived.tap().collect();
    assert_eq!((chain, broken[0].gap.clone()), (None, Gap::SpoolFull));
    assert_eq!(archived.fixture.names().len(), 23);
    // What it has until then is whole.
    let names = archived.names_at(broken[0].until);
    assert!(names.len() > 3 && names.len() < 23, "{names:?}");
}

#[test]
fn a_clock_that_is_set_back_far_begins_a_new_chain_and_a_little_does_not() {
    let mut archived = Archived::new();
    archived.commit(1, 10);
    archived.fixture.clock.jump(-60_000_000);
    archived.commit(2, 10);
    assert_eq!(archived.tap().collect().1, Vec::new());
    archived.fixture.clock.jump(-600_000_000);
    archived.fixture.reopen(); // the log takes nothing before
    archived.fixture.append(1);
    assert_eq!(archived.tap().collect().1[0].gap, Gap::Clock);
}

#[test]
fn a_checkpoint_during_a_copy_is_withheld_or_spoils_the_copy() {
    let archived = Archived::new();
    let tap = archived.tap();
    tap.want_base();
    archived.fixture.run(Box::new(|_, _| Ok(true)));
    archived.fixture.database.on_state(|_| ());
    let ticket = tap.take_ticket().unwrap();
    let before = std::fs::read(&archived.fixture.path).unwrap();
    (0..20).for_each(|n| archived.commit(100 + n, 900_000));
    assert!(before == std::fs::read(&archived.fixture.path).unwrap(), "written into");
    archived.fixture.database.close();
    assert!(!tap.end_base(&ticket), "the file was closed: everything was copied into it");
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// A commit with so many bytes.
    Commit(usize),
    Reopen,
    Collect,
    /// The process is killed; another goes on.
    Crash,
}

fn act() -> impl proptest::strategy::Strategy<Value = Act> {
    use proptest::prelude::*;
    prop_oneof![
        4 => (1_usize..20_000).prop_map(Act::Commit),
        3 => (400_000_usize..2_500_000).prop_map(Act::Commit),
        1 => Just(Act::Reopen),
        1 => Just(Act::Collect),
        1 => Just(Act::Crash),
    ]
}

impl Archived {
    /// Goes on in a copy of the directory, as another process does after a kill.
    fn crash(&mut self, kept: &mut Vec<tempfile::TempDir>) {
        let copy = after_a_crash(self);
        self.fixture.path = copy.path().join("tenant.db");
        self.taps = taps(&self.fixture.runtime, LIMITS);
        self.fixture.workers = Workers::tapped(1, Some(self.taps.clone())).unwrap();
        self.fixture.database = self.fixture.open_at(&self.fixture.path).unwrap();
        kept.push(std::mem::replace(&mut self.fixture.directory, copy));
    }

    fn try_acts(mut self, acts: &[Act]) {
        let mut kept = Vec::new();
        let mut expected = vec![(self.now(), self.fixture.names())];
        // Entries that were taken for sure: what a killed process had not taken yet comes back with
        // the time of its WAL.
        let mut settled = 1;
        for (n, act) in acts.iter().enumerate() {
            match act {
                Act::Commit(bytes) => {
                    self.commit(1000 + n as u64, *bytes);
                    expected.push((self.now(), self.fixture.names()));
                    continue;
                }
                Act::Reopen => self.fixture.reopen(),
                Act::Collect => drop(self.tap().collect()),
                Act::Crash => {
                    // A copy is another file than the one that was closed last: something has to be
                    // on record since.
                    self.commit(2000 + n as u64, 10);
                    expected.push((self.now(), self.fixture.names()));
                    self.tap().collect();
                    settled = expected.len();
                    self.commit(3000 + n as u64, 10);
                    expected.push((self.now(), self.fixture.names()));
                    let last = expected.len() - 1;
                    expected.drain(settled.min(last)..last);
                    self.crash(&mut kept);
                }
            }
            settled = expected.len();
        }
        assert_eq!(self.tap().collect(), (Some(self.ticket.chain), Vec::new()));
        for (time, names) in expected {
            assert_eq!(self.names_at(time), names, "{time}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 6, ..Default::default() })]
    #[test]
    fn whatever_happens_every_commit_can_be_restored(
        acts in proptest::collection::vec(act(), 1..25)
    ) {
        Archived::new().try_acts(&acts);
    }
}
