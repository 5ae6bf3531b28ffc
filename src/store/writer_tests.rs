//! What group commit promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::test_support::{Fixture, OPTIONS, Run, append, names, put, verified, write};
use super::{DatabaseOptions, Outcome, SqlMut, StoreError};

fn committed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Committed)
}

fn failed(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(error) => format!("{error:?}"),
        Outcome::Committed => "committed".into(),
        Outcome::RolledBack => "rolled back".into(),
    }
}

/// Counts commits on the writing connection.
fn commits(fixture: &Fixture) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let hook = count.clone();
    fixture.database.on_state(|state| {
        let connection = state.connection.as_mut().unwrap();
        let count = move || {
            hook.fetch_add(1, Ordering::SeqCst);
            false
        };
        connection.commit_hook(Some(count)).unwrap();
    });
    count
}

#[test]
fn those_who_wait_together_share_one_commit_and_find_their_writes_after_reopening() {
    let mut fixture = Fixture::new();
    let count = commits(&fixture);
    let outcomes = fixture.group((0..64).map(|n| write(n, 100)).collect());
    assert!(outcomes.iter().all(committed));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    std::thread::scope(|scope| {
        for thread in 1..5 {
            let fixture = &fixture;
            scope.spawn(move || {
                for n in 0..100 {
                    assert!(committed(&fixture.run(write(thread * 1000 + n, 100))));
                }
            });
        }
    });
    fixture.reopen();
    assert_eq!(fixture.names().len(), 64 + 400);
    fixture.assert_head_in_step();
    assert_eq!(fixture.verify().size, 464);
}

#[test]
fn a_failing_job_is_undone_alone_and_the_head_of_the_log_follows() {
    let fixture = Fixture::new();
    fixture.append(250); // the failing ones cross the end of a tile
    let fail: fn(u64) -> Run = |n| {
        Box::new(move |tx, log| {
            for _ in 0..10 {
                append(tx, log)?;
            }
            put(tx, n, 10)?;
            Err(StoreError::Constraint("no".into()))
        })
    };
    let give_up: Run = Box::new(|tx, log| append(tx, log).map(|_| false));
    let runs =
        vec![write(1000, 1), fail(1001), write(1002, 1), give_up, fail(1003), write(1004, 1)];
    let outcomes = fixture.group(runs);
    assert!(committed(&outcomes[0]) && committed(&outcomes[2]) && committed(&outcomes[5]));
    assert!(failed(&outcomes[1]).starts_with("Constraint"));
    assert!(matches!(outcomes[3], Outcome::RolledBack));
    assert_eq!(fixture.names()[250..], [1000, 1002, 1004]);
    assert_eq!(fixture.verify().size, 253);
    fixture.assert_head_in_step();
}

#[test]
fn a_panicking_job_takes_nobody_with_it() {
    let fixture = Fixture::new();
    let panic: Run = Box::new(|tx, log| {
        append(tx, log)?;
        std::panic::resume_unwind(Box::new("on purpose"))
    });
    let outcomes = fixture.group(vec![write(1, 1), panic, write(2, 1)]);
    assert!(committed(&outcomes[0]) && committed(&outcomes[2]));
    assert_eq!(failed(&outcomes[1]), "Panicked");
    assert_eq!(fixture.names(), [1, 2]);
    fixture.assert_head_in_step();
}

#[test]
fn on_a_full_disk_what_fits_lands_whole_and_what_does_not_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.append(20);
    let pages: u32 = fixture
        .database
        .on_state(|state| {
            let connection = state.connection.as_ref().unwrap();
            connection.query_row("SELECT page_count FROM pragma_page_count", [], |row| row.get(0))
        })
        .unwrap_or(60);
    fixture.past_authorizer(&format!("PRAGMA max_page_count = {}", pages + 12));
    let runs = vec![write(100, 10), write(101, 200_000), write(102, 10), write(103, 200_000)];
    let outcomes = fixture.group(runs);
    assert_eq!(failed(&outcomes[1]), "Full");
    assert_eq!(failed(&outcomes[3]), "Full");
    assert!(committed(&outcomes[0]) && committed(&outcomes[2]));
    assert_eq!(fixture.names()[20..], [100, 102]);
    fixture.assert_head_in_step();
    // One that makes light of it is stopped all the same.
    let careless: Run = Box::new(|tx, log| {
        append(tx, log)?;
        let _ = put(tx, 104, 200_000);
        Ok(true)
    });
    assert_eq!(failed(&fixture.run(careless)), "Full");
    fixture.assert_head_in_step();
    fixture.past_authorizer("PRAGMA max_page_count = 1000000");
    assert!(committed(&fixture.run(write(105, 200_000))));
    fixture.assert_head_in_step();
}

/// Makes every commit fail while the flag is up, on the connection in use and on those to come.
fn spoil_commits(fixture: &Fixture) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(true));
    fixture.database.on_state(|state| {
        let spoil = flag.clone();
        let hook = move || spoil.load(Ordering::SeqCst);
        state.connection.as_mut().unwrap().commit_hook(Some(hook.clone())).unwrap();
        let reopen = std::mem::replace(&mut state.reopen, Box::new(|| Err(StoreError::Closed)));
        state.reopen = Box::new(move || {
            let mut connection = reopen()?;
            connection.commit_hook(Some(hook.clone()))?;
            Ok(connection)
        });
    });
    flag
}

#[test]
fn a_commit_that_fails_is_answered_with_the_truth_and_writing_goes_on() {
    let fixture = Fixture::new();
    fixture.append(3);
    let before = fixture.database.credentials_generation();
    // Once: the connection that is opened next commits again.
    fixture.database.on_state(|state| {
        state.connection.as_mut().unwrap().commit_hook(Some(|| true)).unwrap();
    });
    let outcomes = fixture.group(vec![write(10, 1), write(11, 1)]);
    assert!(outcomes.iter().all(|outcome| failed(outcome).starts_with("Io")));
    assert_ne!(fixture.database.credentials_generation(), before);
    fixture.assert_head_in_step();
    assert!(committed(&fixture.run(write(12, 1))));
    assert_eq!(fixture.names(), [0, 1, 2, 12]);
    fixture.assert_head_in_step();
}

#[test]
fn while_commits_go_on_failing_nothing_is_claimed_and_afterwards_writing_goes_on() {
    let fixture = Fixture::new();
    fixture.append(3);
    let spoiled = spoil_commits(&fixture);
    for _ in 0..2 {
        let outcomes = fixture.group(vec![write(10, 1), write(11, 1)]);
        assert!(outcomes.iter().all(|outcome| failed(outcome) == "OutcomeUnknown"));
    }
    spoiled.store(false, Ordering::SeqCst);
    assert!(committed(&fixture.run(write(12, 1))));
    assert_eq!(fixture.names(), [0, 1, 2, 12]);
    fixture.assert_head_in_step();
}

#[test]
fn a_full_queue_refuses_the_next_and_loses_none() {
    let fixture = Fixture::with(DatabaseOptions { queue: 5, ..OPTIONS });
    let answers = fixture.database.on_state(|_| {
        // The worker may have taken nothing yet: it waits for the state.
        let taken: Vec<_> = (0..20).map(|n| fixture.submit(write(n, 1))).collect();
        assert!(matches!(taken.last(), Some(Err(StoreError::QueueFull))));
        taken
    });
    let taken: Vec<_> = answers.into_iter().flatten().collect();
    assert!(taken.len() >= 5);
    let count = taken.iter().filter(|answer| committed(&answer.recv().unwrap())).count();
    assert_eq!(fixture.names().len(), count);
    assert_eq!(count, taken.len());
}

#[test]
fn after_closing_nothing_is_written_and_the_file_stays_closed() {
    let fixture = Fixture::new();
    fixture.append(1);
    let (outcome, waiting) = {
        let waiting = fixture.database.on_state(|_| fixture.submit(write(5, 1)).unwrap());
        fixture.database.close();
        (fixture.submit(write(6, 1)), waiting.recv().unwrap())
    };
    assert!(matches!(outcome, Err(StoreError::Closed)));
    assert!(committed(&waiting) || failed(&waiting) == "Closed");
    assert!(fixture.database.on_state(|state| state.connection.is_none()));
}

/// A job may hold the last handle on the file whose writer runs it.
#[test]
fn the_last_handle_on_a_file_may_go_with_its_last_job() {
    struct Closes(Arc<super::Database<crate::audit::AuditLog>>);
    impl Drop for Closes {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    let fixture = Fixture::new();
    let path = fixture.directory.path().join("other.db");
    let database = Arc::new(fixture.make_at(&path));
    let held = Closes(database.clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    let run: Run = Box::new(move |tx, log| {
        let _ = &held;
        append(tx, log).map(|_| true)
    });
    let done = Box::new(move |outcome| drop(sender.send(outcome)));
    database.submit(super::Job { run, done }).unwrap();
    assert!(committed(&receiver.recv().unwrap()));
    // The same worker serves the other file: it must not hang.
    let other = fixture.submit(write(1, 1)).unwrap();
    assert!(committed(&other.recv_timeout(Duration::from_secs(20)).unwrap()));
}

#[test]
fn every_copy_taken_under_load_opens_and_holds_what_was_acknowledged_before() {
    let fixture = Fixture::new();
    let (acknowledged, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let (fixture, acknowledged, stop) = (&fixture, &acknowledged, &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    assert!(committed(&fixture.run(write(thread * 1_000_000 + n, 2000))));
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..12_u64 {
            std::thread::sleep(Duration::from_millis(5 + round * 13 % 40));
            let before = acknowledged.load(Ordering::SeqCst);
            let copy = fixture.directory.path().join(format!("copy-{round}.db"));
            // Even rounds copy while the writer stands still, odd ones while the WAL grows: a crash
            // finds the file as it was at the last checkpoint and the WAL up to anywhere.
            let copy_both = || {
                let beside = |path: &std::path::Path| path.with_extension("db-wal");
                std::fs::copy(&fixture.path, &copy).unwrap();
                std::fs::copy(beside(&fixture.path), beside(&copy)).unwrap();
            };
            match round % 2 {
                0 => fixture.database.on_state(|_| copy_both()),
                _ => fixture.database.on_state(|state| state.wal.take()).map_or((), |wal| {
                    copy_both();
                    fixture.database.on_state(|state| state.wal = Some(wal));
                }),
            }
            let database = fixture.open_at(&copy).unwrap();
            let verification = verified(&database, &fixture.runtime);
            assert!(verification.ok, "{verification:?}");
            assert!(verification.size >= before as u64);
            assert_eq!(names(&database).len() as u64, verification.size);
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(fixture.names().len(), acknowledged.load(Ordering::SeqCst));
}

#[test]
fn the_writing_connection_can_neither_rewrite_the_log_nor_change_the_schema() {
    let fixture = Fixture::new();
    fixture.append(2);
    for sql in [
        "UPDATE audit_entries SET time = 1",
        "DELETE FROM audit_entries",
        "REPLACE INTO audit_entries (seq, time, envelope, hash) SELECT seq, 1, envelope, hash FROM audit_entries",
        "INSERT INTO audit_entries SELECT -1, time, envelope, hash FROM audit_entries",
        "UPDATE audit_tiles SET hashes = x''",
        "DELETE FROM audit_log",
        "DROP TABLE audit_entries",
        "DROP TRIGGER audit_entries_no_update",
        "ALTER TABLE users RENAME TO people",
        "CREATE TABLE t (x)",
        "ATTACH ':memory:' AS other",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, '')",
    ] {
        let outcome = fixture.run(Box::new(move |tx, _| tx.execute(sql, &[]).map(|_| true)));
        assert!(matches!(outcome, Outcome::Failed(_)), "{sql}");
    }
    fixture.assert_head_in_step();
    let raw = super::engine::open(
        &fixture.path,
        fixture.keys.file_key().unwrap(),
        super::engine::Mode::Write,
    )
    .unwrap();
    let sql = "REPLACE INTO audit_entries SELECT seq, 1, envelope, hash FROM audit_entries";
    assert!(raw.execute_batch(sql).unwrap_err().to_string().contains("append-only"));
    for table in ["audit_log", "audit_entries"] {
        for sql in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET rowid = 9")] {
            let error = raw.execute_batch(&sql).unwrap_err();
            assert!(error.to_string().contains("append-only"), "{error}");
        }
    }
}

#[tokio::test]
async fn readers_survive_errors_and_panics_of_what_they_run() {
    let fixture = Fixture::new();
    fixture.append(1);
    for _ in 0..10 {
        let panicked =
            fixture.database.read(|_| -> u64 { std::panic::resume_unwind(Box::new(1)) }).await;
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        let failed = fixture.database.read(|tx| super::Sql::count(tx, "SELECT nothing", &[])).await;
        assert!(matches!(failed, Ok(Err(StoreError::Sql(_)))));
        // Every connection must see what is written from now on: none is left in a transaction.
        fixture.append(1);
        let sql = "SELECT count(*) FROM audit_entries";
        let size = fixture.verify().size;
        let seen = fixture.database.read(move |tx| super::Sql::count(tx, sql, &[])).await;
        assert_eq!(seen.unwrap().unwrap(), size);
    }
}

#[test]
fn a_clock_that_was_set_stops_appends_until_it_is_set_back() {
    let fixture = Fixture::new();
    fixture.append(1);
    fixture.clock.jump(600_000_000);
    assert_eq!(failed(&fixture.run(write(1, 1))), "ClockJump");
    fixture.clock.jump(-600_000_000);
    assert!(committed(&fixture.run(write(2, 1))));
    fixture.clock.jump(-100_000_000);
    assert!(committed(&fixture.run(write(3, 1))), "small steps are taken, time stands still");
    fixture.assert_head_in_step();
}

#[test]
fn the_wal_stays_short_although_readers_overlap_without_end() {
    let fixture = Fixture::new();
    let stop = AtomicBool::new(false);
    let wal = fixture.path.with_extension("db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let size = fixture.database.read_here(|tx| {
                        let size = super::Sql::count(tx, "SELECT count(*) FROM audit_entries", &[]);
                        std::thread::sleep(Duration::from_millis(3));
                        size
                    });
                    size.unwrap().unwrap();
                }
            });
        }
        // 240 MB in all; the WAL is begun anew at 128 MiB (32,000 pages) at the latest.
        for n in 0..400 {
            assert!(committed(&fixture.run(write(n, 200_000))));
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(length() < 160 << 20, "{}", length());
    fixture.assert_head_in_step();
}
