//! What is past its retention goes, what is not stays, and nothing else is ever removed.

use std::time::Duration;

use super::leaf::Hash;
use super::pruning::{self, Cut};
use super::read::{self, Opener};
use super::retention;
use super::tree::{Tree, tile_hashes};
use crate::args;
use crate::kernel::{Timestamp, limits};
use crate::store::test_support::{Fixture, Run};
use crate::store::{Outcome, Sql, SqlMut, StoreError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest retention there is.
const DAYS: u32 = limits::RETENTION_DAYS_MIN;

/// A log with 600 old entries, checkpoints at 300 and 590, and ten new ones.
fn old_log() -> Fixture {
    let fixture = Fixture::new();
    for (size, more) in [(300, 300), (590, 290), (0, 10)] {
        fixture.append(more);
        if size > 0 {
            checkpoint(&fixture);
        }
    }
    fixture.clock.advance(DAY * (DAYS + 1));
    fixture.append(10);
    fixture
}

/// Signs a checkpoint over all entries.
fn checkpoint(fixture: &Fixture) {
    let ran = fixture.run(Box::new(|tx, log| log.checkpoint(tx).map(|_| true)));
    assert!(matches!(ran, Outcome::Committed));
}

fn note(fixture: &Fixture, size: u64) -> String {
    let found = fixture.database.read_here(|tx| super::checkpoint::at(tx, size));
    found.unwrap().unwrap().map_or_else(String::new, |stored| stored.note)
}

/// Runs a write and answers with its result; one that fails is undone.
fn run<T: Send + 'static>(
    fixture: &Fixture,
    f: impl Fn(&mut crate::store::RawWriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let job: Run = Box::new(move |tx, _| {
        let result = f(tx);
        let kept = result.is_ok();
        sender.send(result).unwrap();
        Ok(kept)
    });
    match fixture.run(job) {
        Outcome::Failed(error) => Err(error),
        _ => receiver.try_iter().last().unwrap(),
    }
}

fn due(fixture: &Fixture, now: Timestamp) -> Option<Cut> {
    fixture.database.read_here(|tx| pruning::cut(tx, DAYS, now)).unwrap().unwrap()
}

fn now(fixture: &Fixture) -> Timestamp {
    fixture.runtime.now()
}

fn prune(fixture: &Fixture) -> Cut {
    let (cut, now) = (due(fixture, now(fixture)).unwrap(), now(fixture));
    let record: Run = {
        let cut = cut.clone();
        Box::new(move |tx, log| {
            let event = pruning::record(tx, &cut, log.id(), DAYS, now)?;
            log.append(tx, event, None).map(|_| true)
        })
    };
    assert!(matches!(fixture.run(record), Outcome::Committed));
    cut
}

fn rows(fixture: &Fixture) -> u64 {
    let count = "SELECT count(*) FROM audit_entries";
    fixture.database.read_here(|tx| tx.count(count, &[])).unwrap().unwrap()
}

/// Whether an entry can be read, one by one and in a list.
fn is_there(fixture: &Fixture, seq: u64) -> bool {
    let found = fixture.database.read_here(|tx| {
        let mut opener = Opener::new(tx, fixture.keys.clone())?;
        let one = read::entry(tx, &mut opener, seq)?;
        let listed = read::entries(tx, &mut opener, &[seq])?;
        assert_eq!(one.is_some(), listed.len() == 1);
        Ok::<_, StoreError>(one.is_some())
    });
    found.unwrap().unwrap()
}

#[test]
fn a_log_is_cut_at_the_last_checkpoint_that_is_covered_by_full_tiles() {
    let fixture = old_log();
    // 590 is a checkpoint, and 610 entries fill two tiles of 256: 512 is what they prove.
    let cut = due(&fixture, now(&fixture)).unwrap();
    assert_eq!((cut.from, cut.through), (1, 300));
    assert_eq!(cut.checkpoint, note(&fixture, 300));
    fixture.append(200);
    assert_eq!(due(&fixture, now(&fixture)).unwrap().through, 590);
}

#[test]
fn nothing_is_due_before_its_time_whatever_a_clock_says() {
    let fixture = Fixture::new();
    fixture.append(600);
    checkpoint(&fixture);
    fixture.append(200);
    fixture.clock.advance(DAY * (DAYS - 1));
    fixture.append(1);
    assert_eq!(due(&fixture, now(&fixture)), None);
    // A clock that runs ahead while nothing is written.
    assert_eq!(due(&fixture, now(&fixture).plus(DAY * 9999)), None);
    fixture.clock.advance(DAY * 2);
    fixture.append(1);
    assert_eq!(due(&fixture, now(&fixture)).unwrap().through, 600);
    // Nor whatever is asked for.
    let asked = |tx: &crate::store::RawReadTx<'_>| {
        retention::last_before(tx, 0, 802, retention::keep_from(fixture.runtime.now(), 0))
    };
    assert_eq!(fixture.database.read_here(asked).unwrap().unwrap(), 800);
}

#[test]
fn a_cut_is_seen_at_once_and_its_rows_go_a_few_at_a_time() {
    let mut fixture = old_log();
    let before = fixture.database.read_here(|tx| read::tile_hash(tx, 300)).unwrap().unwrap();
    let cut = prune(&fixture);
    for (seq, there) in [(1, false), (300, false), (301, true), (611, true), (612, false)] {
        assert_eq!(is_there(&fixture, seq), there, "{seq}");
    }
    assert_eq!(rows(&fixture), 611, "the rows are there still");
    assert_eq!(run(&fixture, |tx| pruning::remove(tx, 128)).unwrap(), 128);
    // Killed here: what is left is found again.
    fixture.reopen();
    let unfinished = |fixture: &Fixture| {
        fixture.database.read_here(|tx| pruning::is_unfinished(tx)).unwrap().unwrap()
    };
    assert!(unfinished(&fixture));
    assert!(fixture.verify().ok, "half of the rows gone");
    assert_eq!(run(&fixture, |tx| pruning::remove(tx, 1000)).unwrap(), cut.through - 128);
    assert_eq!(run(&fixture, |tx| pruning::remove(tx, 1000)).unwrap(), 0);
    assert!(!unfinished(&fixture));
    assert_eq!(rows(&fixture), 311);
    let verified = fixture.verify();
    assert!(verified.ok && verified.size == 611, "{verified:?}");
    // The chain goes on over the cut, from the hash that the tile keeps.
    let entry = fixture.database.read_here(|tx| {
        let mut opener = Opener::new(tx, fixture.keys.clone())?;
        read::entry(tx, &mut opener, 301)
    });
    let (_, leaf) = entry.unwrap().unwrap().unwrap();
    assert_eq!(Some(leaf.prev_hash), before);
    fixture.append(300);
    fixture.reopen();
    fixture.append(1);
    assert_eq!(fixture.database.on_state(|state| state.companion.size()), 912);
    fixture.assert_head_in_step();
    // A change behind the cut is found as before, and named.
    let change = "UPDATE audit_entries SET time = time + 1 WHERE seq = 301";
    fixture.raw().execute_batch(change).unwrap();
    assert_eq!(fixture.verify().first_bad, Some(301));
}

#[test]
fn the_tree_is_the_same_after_a_cut_as_it_would_be_without() {
    let fixture = old_log();
    prune(&fixture);
    run(&fixture, |tx| pruning::remove(tx, 1000)).unwrap();
    let hashes: Vec<Hash> = fixture
        .database
        .read_here(|tx| {
            let mut hashes = Vec::new();
            let tiles = "SELECT hashes FROM audit_tiles WHERE level = 0 ORDER BY idx";
            tx.for_each(tiles, &[], |row| {
                hashes.extend(tile_hashes(row.blob(0)?).unwrap());
                Ok(())
            })?;
            let rest = "SELECT hash FROM audit_entries WHERE seq > $1 ORDER BY seq";
            hashes.extend(
                tx.query(rest, args![hashes.len() as i64], |row| row.get(0).map(Hash::from_bytes))?,
            );
            Ok::<_, StoreError>(hashes)
        })
        .unwrap()
        .unwrap();
    let mut tree = Tree::empty();
    for hash in &hashes {
        tree.append(*hash);
    }
    assert_eq!(tree.root(), fixture.database.on_state(|state| state.companion.root()));
}

#[test]
fn the_application_cannot_delete_or_change_an_entry_in_any_other_way() {
    let fixture = old_log();
    prune(&fixture);
    for sql in [
        "DELETE FROM audit_entries WHERE seq <= 300",
        "DELETE FROM audit_entries",
        "UPDATE audit_entries SET time = 0 WHERE seq = 1",
        "UPDATE audit_pruned SET through = 500",
        "DELETE FROM audit_pruned",
        "DELETE FROM audit_tiles",
        "REPLACE INTO audit_pruned (through, checkpoint, time) VALUES (300, 'x', 0)",
    ] {
        // The way that removal opens is closed again by then.
        run(&fixture, |tx| pruning::remove(tx, 16)).unwrap();
        assert!(run(&fixture, move |tx| tx.execute(sql, &[])).is_err(), "{sql}");
    }
    assert!(run(&fixture, |tx| tx.remove_entries(301, 1000)).is_err(), "beyond the cut");
    assert_eq!(rows(&fixture), 611 - 7 * 16);
}

#[test]
fn the_file_itself_refuses_a_cut_that_is_too_young_unsigned_unproven_or_lower() {
    let fixture = old_log();
    fixture.append(200);
    let now = now(&fixture);
    let cut = |through: u64, note: String, time: Timestamp| {
        run(&fixture, move |tx| {
            tx.execute(
                "INSERT INTO audit_pruned (through, checkpoint, time) VALUES ($1, $2, $3)",
                args![through.cast_signed(), &note, time],
            )
        })
    };
    let (early, first) = (now.minus(DAY * 3), note(&fixture, 300));
    assert!(cut(300, first.clone(), early).is_err(), "too young");
    assert!(cut(300, first.clone(), Timestamp::from_micros(0)).is_err(), "too young");
    assert!(cut(301, first.clone(), now).is_err(), "no checkpoint has that size");
    assert!(cut(300, note(&fixture, 590), now).is_err(), "not that checkpoint");
    checkpoint(&fixture);
    assert!(cut(810, note(&fixture, 810), now).is_err(), "too young and not in a full tile");
    let beyond = "INSERT INTO checkpoints (size, root, time, note)
                  VALUES (900, zeroblob(32), 0, 'made up')";
    run(&fixture, |tx| tx.execute(beyond, &[])).unwrap();
    assert!(cut(900, "made up".into(), now).is_err(), "beyond the end");
    cut(590, note(&fixture, 590), now).unwrap();
    assert!(cut(300, first, now).is_err(), "lower");
    assert!(cut(590, note(&fixture, 590), now).is_err(), "the same once more");
}
