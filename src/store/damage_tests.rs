//! Files that are damaged, foreign, missing or taken: the error names the file and the cure.

use std::path::Path;

use super::StoreError;
use super::engine::{self, Mode};
use super::erasures::{Erasure, Erasures};
use super::lock::DirectoryLock;
use super::test_support::{Fixture, try_verified, verified};
use crate::crypto::Key32;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;

/// A closed copy of a file that was in use.
fn copy(fixture: &Fixture) -> std::path::PathBuf {
    fixture.append(600);
    let copy = fixture.directory.path().join("copy.db");
    fixture.past_authorizer("PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(&fixture.path, &copy).unwrap();
    copy
}

/// Opens and verifies; what the first error says.
fn complaint(fixture: &Fixture, path: &Path) -> String {
    let verified =
        fixture.open_at(path).and_then(|database| try_verified(&database, &fixture.runtime));
    match verified {
        Ok(verification) => format!("{:?}", verification.first_bad),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            text
        }
    }
}

#[test]
fn a_wrong_key_is_told_from_a_good_one() {
    let fixture = Fixture::new();
    let path = copy(&fixture);
    let wrong = Key32::generate(fixture.runtime.random.as_ref());
    for mode in [Mode::Create, Mode::Write, Mode::Read] {
        let error = engine::open(&path, &wrong, mode).unwrap_err();
        assert!(matches!(error, StoreError::WrongKey(_)));
        assert!(error.to_string().contains("restore both"), "{error}");
    }
    let database = fixture.open_at(&path).unwrap();
    assert!(verified(&database, &fixture.runtime).ok, "a wrong key leaves a file as it was");
}

#[test]
fn flipped_bytes_are_noticed_wherever_they_are() {
    let fixture = Fixture::new();
    let path = copy(&fixture);
    let good = std::fs::read(&path).unwrap();
    for at in [0, 20, 5000, good.len() / 2, good.len() - 5000] {
        let mut bad = good.clone();
        bad[at] ^= 4;
        std::fs::write(&path, &bad).unwrap();
        let _ = std::fs::remove_file(path.with_extension("db-wal"));
        let complaint = complaint(&fixture, &path);
        let noticed = complaint.contains("damaged") || complaint.contains("cannot be read");
        let noticed = noticed || at > 20 && (complaint != "None" || pages_damaged(&fixture, &path));
        assert!(noticed, "byte {at}: {complaint}");
    }
}

/// What SQLCipher's own check of every page says, for pages that hold no entry.
fn pages_damaged(fixture: &Fixture, path: &Path) -> bool {
    let raw = engine::open(path, fixture.keys.file_key().unwrap(), Mode::Write).unwrap();
    let mut check = raw.prepare("PRAGMA cipher_integrity_check").unwrap();
    check.exists([]).unwrap()
}

#[test]
fn a_file_that_was_cut_off_or_emptied_or_is_gone_is_not_made_anew() {
    let fixture = Fixture::new();
    let path = copy(&fixture);
    let good = std::fs::read(&path).unwrap();
    for length in [good.len() / 2, good.len() / 16384 * 8192, 8192, 100, 0] {
        std::fs::write(&path, &good[..length]).unwrap();
        let complaint = complaint(&fixture, &path);
        assert!(complaint.contains("damaged"), "{length}: {complaint}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(complaint(&fixture, &path).contains("missing"));
    assert!(!path.exists());
}

#[test]
fn a_file_of_a_newer_release_is_left_alone() {
    let fixture = Fixture::new();
    let path = copy(&fixture);
    let raw = engine::open(&path, fixture.keys.file_key().unwrap(), Mode::Write).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(complaint(&fixture, &path).contains("newer release (schema 99"));
}

#[test]
fn a_directory_has_one_process_and_the_second_learns_which() {
    let directory = tempfile::tempdir().unwrap();
    let lock = DirectoryLock::take(directory.path()).unwrap();
    let Err(error) = DirectoryLock::take(directory.path()) else { panic!("taken twice") };
    let text = error.to_string();
    assert!(text.contains(directory.path().to_str().unwrap()), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    drop(lock);
    DirectoryLock::take(directory.path()).unwrap();
}

#[test]
fn a_line_that_power_loss_cut_short_does_not_stop_the_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("erasures.log");
    let record = || {
        let erasure = Erasure {
            time: Timestamp::from_micros(1),
            owner: "t".into(),
            key: KeyId::from_bytes([1; 16]),
            cause: "erasure request".into(),
        };
        Erasures::open(&path).unwrap().record(erasure).unwrap();
    };
    record();
    record();
    let whole = std::fs::read(&path).unwrap();
    let end = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in end..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        record();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}
