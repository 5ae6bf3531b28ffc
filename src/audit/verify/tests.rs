//! What verification finds in a log that somebody with the key and a shell has worked on.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;

use crate::audit::leaf::{Hash, Leaf};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::test_support::{Fixture, verified};

const SIZE: u64 = 600;

/// One log that every case works on inside a transaction of its own, which is undone.
fn with_log(cases: impl FnOnce(&Fixture, &Connection)) {
    let fixture = Fixture::new();
    fixture.append(SIZE);
    assert!(fixture.verify().ok);
    cases(&fixture, &fixture.raw());
}

/// What verification says after `change`, which is taken back.
fn tampered(
    fixture: &Fixture,
    raw: &Connection,
    change: impl FnOnce(&Connection),
) -> (bool, Option<u64>) {
    let undo = "DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM temp.entries;
                DELETE FROM audit_tiles; INSERT INTO audit_tiles SELECT * FROM temp.tiles;
                DELETE FROM audit_subtrees; INSERT INTO audit_subtrees SELECT * FROM temp.subtrees;
                DELETE FROM checkpoints; INSERT INTO checkpoints SELECT * FROM temp.signed;";
    raw.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS entries AS SELECT * FROM main.audit_entries;
         CREATE TEMP TABLE IF NOT EXISTS tiles AS SELECT * FROM main.audit_tiles;
         CREATE TEMP TABLE IF NOT EXISTS subtrees AS SELECT * FROM main.audit_subtrees;
         CREATE TEMP TABLE IF NOT EXISTS signed AS SELECT * FROM main.checkpoints;",
    )
    .unwrap();
    change(raw);
    let verification = fixture.verify();
    raw.execute_batch(undo).unwrap();
    (verification.ok, verification.first_bad)
}

fn flip(raw: &Connection, column: &str, seq: u64, at: usize) {
    let sql = format!("SELECT {column} FROM audit_entries WHERE seq = ?1");
    let mut bytes: Vec<u8> = raw.query_row(&sql, [seq.cast_signed()], |row| row.get(0)).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1 << (at % 8);
    let sql = format!("UPDATE audit_entries SET {column} = ?1 WHERE seq = ?2");
    raw.execute(&sql, (bytes, seq.cast_signed())).unwrap();
}

/// Chains everything from `from` on anew, as one who knows the format would.
fn rechain(raw: &Connection, from: u64) {
    let log: [u8; 16] = raw.query_row("SELECT id FROM audit_log", [], |row| row.get(0)).unwrap();
    let sql = "SELECT seq, time, envelope, hash FROM audit_entries WHERE seq >= ?1 ORDER BY seq";
    let mut statement = raw.prepare(sql).unwrap();
    let entries: Vec<(i64, i64, Vec<u8>, [u8; 32])> = statement
        .query_map([from.cast_signed() - 1], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut prev_hash = Hash::ZERO;
    for (seq, time, envelope, hash) in entries {
        if seq.cast_unsigned() < from {
            prev_hash = Hash::from_bytes(hash);
            continue;
        }
        let leaf = Leaf {
            log: LogId::from_bytes(log),
            seq: seq.cast_unsigned(),
            time: Timestamp::from_micros(time),
            payload_hash: Hash::of(&envelope),
            prev_hash,
        };
        prev_hash = leaf.hash();
        let sql = "UPDATE audit_entries SET hash = ?1 WHERE seq = ?2";
        raw.execute(sql, (prev_hash.bytes(), seq)).unwrap();
    }
}

#[test]
fn a_changed_byte_is_found_in_exactly_its_entry() {
    with_log(|fixture, raw| {
        let case = (1..=SIZE, 0..1000_usize, prop_oneof!["envelope", "hash"]);
        let mut runner = TestRunner::new(ProptestConfig::with_cases(48));
        let run = runner.run(&case, |(seq, at, column)| {
            let found = tampered(fixture, raw, |raw| flip(raw, &column, seq, at));
            prop_assert_eq!(found, (false, Some(seq)));
            Ok(())
        });
        run.unwrap();
        for seq in [1_u64, 256, 257, SIZE] {
            let sql = "UPDATE audit_entries SET time = time + 1 WHERE seq = ?1";
            let found = tampered(fixture, raw, |raw| drop(raw.execute(sql, [seq.cast_signed()])));
            assert_eq!(found, (false, Some(seq)));
        }
        assert!(fixture.verify().ok);
    });
}

#[test]
fn a_missing_entry_is_named_and_so_is_a_tail_that_a_tile_remembers() {
    with_log(|fixture, raw| {
        for seq in [1_u64, 2, 255, 256, 257, 599] {
            let sql = "DELETE FROM audit_entries WHERE seq = ?1";
            let found = tampered(fixture, raw, |raw| drop(raw.execute(sql, [seq.cast_signed()])));
            assert_eq!(found, (false, Some(seq)));
        }
        for last in [0_u64, 1, 255, 256, 511] {
            let sql = "DELETE FROM audit_entries WHERE seq > ?1";
            let found = tampered(fixture, raw, |raw| drop(raw.execute(sql, [last.cast_signed()])));
            assert_eq!(found, (false, Some(last + 1)));
        }
    });
}

#[test]
fn a_chain_written_anew_is_given_away_by_its_tiles() {
    with_log(|fixture, raw| {
        for seq in [1, 17, 256, 257, 512] {
            let found = tampered(fixture, raw, |raw| {
                flip(raw, "envelope", seq, 100);
                rechain(raw, seq);
            });
            assert_eq!(found, (false, Some(seq)));
        }
    });
}

#[test]
fn tiles_that_were_changed_or_taken_away_are_found() {
    with_log(|fixture, raw| {
        let sql = "DELETE FROM audit_tiles WHERE idx = 1";
        let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
        assert!(!found.0);
        let sql = "UPDATE audit_tiles SET hashes = zeroblob(8192) WHERE idx = 1";
        let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
        assert_eq!(found, (false, Some(257)));
    });
}

#[test]
fn values_that_cannot_be_read_are_an_answer_and_not_an_error() {
    with_log(|fixture, raw| {
        raw.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        for sql in [
            "INSERT INTO audit_entries VALUES (-1, 0, x'00', zeroblob(32))",
            "UPDATE audit_entries SET envelope = 'text' WHERE seq = 1",
            "UPDATE audit_entries SET time = 'yesterday' WHERE seq = 1",
        ] {
            let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
            assert_eq!(found, (false, Some(1)), "{sql}");
        }
    });
}

/// The log's checkpoints as somebody changes them.
fn signed(fixture: &Fixture) {
    let ran = fixture.run(Box::new(|tx, log| log.checkpoint(tx).map(|_| true)));
    assert!(matches!(ran, crate::store::Outcome::Committed));
}

#[test]
fn a_checkpoint_that_was_forged_or_changed_is_found() {
    with_log(|fixture, raw| {
        signed(fixture);
        let good = fixture.verify();
        assert!(good.ok && good.checkpoints == 1, "{good:?}");
        for sql in [
            "UPDATE checkpoints SET note = replace(note, 'strongroom/test', 'strongroom/tess')",
            "UPDATE checkpoints SET root = zeroblob(32)",
            "UPDATE checkpoints SET note = 'x'",
            "UPDATE checkpoints SET note = x'00'",
            "INSERT INTO checkpoints (size, root, time, note) SELECT 300, root, time, note
                FROM checkpoints",
            "INSERT INTO checkpoints (size, root, time, note) SELECT 700, root, time, note
                FROM checkpoints",
        ] {
            let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
            assert!(!found.0 && found.1.is_some(), "{sql}: {found:?}");
        }
        assert!(fixture.verify().ok);
    });
}

#[test]
fn another_logs_checkpoint_is_refused() {
    let other = Fixture::new();
    other.append(600);
    signed(&other);
    let (size, root, time, note): (i64, Vec<u8>, i64, String) = other
        .raw()
        .query_row("SELECT size, root, time, note FROM checkpoints", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    with_log(|fixture, raw| {
        let sql = "INSERT INTO checkpoints (size, root, time, note) VALUES (?1, ?2, ?3, ?4)";
        let put = |raw: &Connection| {
            raw.execute(sql, (size, root, time, note)).unwrap();
        };
        assert_eq!(tampered(fixture, raw, put), (false, Some(600)));
    });
}

#[test]
fn a_tail_cut_off_inside_a_tile_is_given_away_by_a_checkpoint() {
    with_log(|fixture, raw| {
        signed(fixture);
        let sql = "DELETE FROM audit_entries WHERE seq > 590";
        let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
        assert_eq!(found, (false, Some(591)));
    });
}

#[test]
fn a_log_written_anew_with_its_tiles_is_given_away_by_a_checkpoint() {
    with_log(|fixture, raw| {
        signed(fixture);
        let found = tampered(fixture, raw, |raw| {
            flip(raw, "envelope", 530, 100);
            rechain(raw, 530); // after the last full tile: no tile remembers
        });
        assert_eq!(found, (false, Some(1)), "no smaller checkpoint says from where on");
    });
}

#[test]
fn inner_hashes_that_proofs_are_made_from_are_checked_too() {
    with_log(|fixture, raw| {
        for sql in [
            "UPDATE audit_subtrees SET hash = zeroblob(32) WHERE idx = 1",
            "DELETE FROM audit_subtrees WHERE idx = 1",
        ] {
            let found = tampered(fixture, raw, |raw| raw.execute_batch(sql).unwrap());
            assert_eq!(found, (false, Some(257)), "{sql}");
        }
    });
}

#[test]
fn a_head_outside_excludes_a_cut_and_finds_an_older_copy() {
    let mut fixture = Fixture::new();
    fixture.append(300);
    assert_eq!(fixture.verify().excluded_by, None);
    fixture.past_authorizer("PRAGMA wal_checkpoint(TRUNCATE)");
    let copy = fixture.directory.path().join("copy.db");
    std::fs::copy(&fixture.path, &copy).unwrap();
    fixture.append(5);
    fixture.reopen();
    let good = fixture.verify();
    assert_eq!((good.ok, good.excluded_by.map(|by| by.size)), (true, Some(305)));

    fixture.database.close();
    let old = fixture.open_at(&copy).unwrap();
    let found = verified(&old, &fixture.runtime);
    assert_eq!((found.ok, found.first_bad), (false, Some(301)), "{found:?}");
}

#[test]
fn ranges_are_whole_across_their_borders_and_breaks_in_two_name_the_first() {
    let fixture = Fixture::new();
    let events = vec![br#"{"action":"x.y","outcome":"success"}"#.to_vec(); 10_000];
    for _ in 0..4 {
        let events = events.clone();
        let ran = fixture.run(Box::new(move |tx, log| {
            log.append_payloads(tx, &events)?;
            Ok(true)
        }));
        assert!(matches!(ran, crate::store::Outcome::Committed));
    }
    let good = fixture.verify();
    assert_eq!((good.ok, good.size, good.checkpoints), (true, 40_000, 4), "{good:?}");
    let raw = fixture.raw();
    let sql = "SELECT root FROM checkpoints WHERE size = 40000";
    let root: [u8; 32] = raw.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(good.root.bytes(), &root);
    flip(&raw, "envelope", 32_769, 99);
    assert_eq!(fixture.verify().first_bad, Some(32_769));
    flip(&raw, "envelope", 16_384, 99);
    let found = fixture.verify();
    assert_eq!(found.first_bad, Some(16_384));
    let sql = "SELECT hash FROM audit_entries WHERE seq = 16383";
    let head: [u8; 32] = raw.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(found.head.bytes(), &head);
}
