//! What verification finds in a log that somebody with the key and a shell has worked on.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;

use crate::audit::leaf::{Hash, Leaf};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::test_support::Fixture;

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
