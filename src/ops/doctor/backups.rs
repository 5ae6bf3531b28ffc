//! Backups: made, stored elsewhere, tried out, and readable to nobody here.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, some, span};
use crate::kernel::Timestamp;

/// Without them everything is gone with this machine's disk.
pub const CONFIGURED: Check = Check {
    name: "backup-set-up",
    room: Room::Backups,
    title: "Backups are set up",
    expected: "somebody who can read them, and a target that is not this machine's data disk",
    mend: "set backup.recipients and backup.targets (docs/backup.md)",
    run: configured,
    fix: None,
};

/// What was written since the last backup is lost with the machine, unless changes are archived too.
pub const LAST: Check = Check {
    name: "backup-last",
    room: Room::Backups,
    title: "The last backup",
    expected: "not older than 26 hours",
    mend: "look at the job backup.daily under Jobs, then run strongroom backup run",
    run: last,
    fix: None,
};

/// A target that takes nothing is noticed when it is needed.
pub const TARGETS: Check = Check {
    name: "backup-targets",
    room: Room::Backups,
    title: "Backup targets",
    expected: "every target took what was sent last",
    mend: "look at the target's error under Backups; strongroom job run backup.sync tries it again",
    run: targets,
    fix: None,
};

/// A backup that was never restored is a hope.
pub const RESTORE_TEST: Check = Check {
    name: "restore-test",
    room: Room::Backups,
    title: "The last restore test",
    expected: "passed, within backup.test_overdue_days",
    mend: "run strongroom restore test with a private key of one of the recipients (docs/restore.md)",
    run: restore_test,
    fix: None,
};

/// Backups are encrypted for somebody who is elsewhere, so that a thief of this machine has only
/// what is on it, and not every state that it ever had.
pub const IDENTITY: Check = Check {
    name: "backup-identity",
    room: Room::Backups,
    title: "Private keys of backups on this machine",
    expected: "none",
    mend: "keep private keys of age off this machine; for restore tests that run by themselves use one \
           that only their backups are made for, or test by hand",
    run: identity,
    fix: None,
};

/// What is not archived yet is what the loss of this machine would cost.
pub const ARCHIVE: Check = Check {
    name: "archive-lag",
    room: Room::Backups,
    title: "Continuous archiving",
    expected: "nothing waits for longer than ten times backup.archive_seconds",
    mend: "look at the targets under Backups; changes wait on this disk up to backup.spool_mib, then \
           archiving begins anew",
    run: archive,
    fix: None,
};

/// The ledger keeps restores from bringing back what was erased. It has to be where backups are.
pub const LEDGER: Check = Check {
    name: "erasure-ledger",
    room: Room::Backups,
    title: "The ledger of erasures in the targets",
    expected: "every target has every line",
    mend: "strongroom job run backup.sync sends what is missing; look at the target's error under \
           Backups",
    run: ledger,
    fix: None,
};

/// Nothing deletes archives in a target that was taken out of the settings: not by their age, and not
/// because of an erasure.
pub const ELSEWHERE: Check = Check {
    name: "backup-former-targets",
    room: Room::Backups,
    title: "Archives in former targets",
    expected: "none",
    mend: "destroy them there, then say so: strongroom backup forget-target (docs/backup-targets.md)",
    run: elsewhere,
    fix: None,
};

/// Certificates of erasures say until when backups are there.
pub const OVERDUE: Check = Check {
    name: "backup-overdue",
    room: Room::Backups,
    title: "Backups past their time",
    expected: "every target lets them be deleted",
    mend: "shorten the lock on objects, or give the credential the right to delete objects and their \
           versions (docs/backup-targets.md); pruning tries again every day",
    run: overdue,
    fix: None,
};

const DAY: Duration = Duration::from_secs(86_400);
const LATE: Duration = Duration::from_secs(26 * 3_600);
/// What a short failure of a target may add.
const PATIENCE: Duration = Duration::from_secs(300);
const IDENTITY_MARK: &str = "AGE-SECRET-KEY-1";
/// Larger than any file with a private key.
const IDENTITY_BYTES: u64 = 16 * 1024;

fn is_configured(facts: &Facts) -> bool {
    let backup = &facts.settings.backup;
    !backup.recipients.is_empty() && !backup.targets.is_empty()
}

fn where_set_up(facts: &Facts, look: impl FnOnce() -> Finding) -> Finding {
    if is_configured(facts) { look() } else { Finding::none("backups are not set up") }
}

fn configured(facts: &Facts) -> Finding {
    let backup = &facts.settings.backup;
    if !is_configured(facts) {
        return Finding::fail("not set up: if this machine is lost, everything is");
    }
    let device = |path: &Path| std::fs::metadata(path).ok().map(|about| about.dev());
    let data = device(&facts.settings.store.data_dir);
    let is_far = |place: Option<std::path::PathBuf>| {
        place.is_none_or(|path| device(&path).is_none_or(|found| Some(found) != data))
    };
    let names = || backup.targets.iter().map(|url| url.name().to_owned()).collect::<Vec<_>>();
    if backup.targets.iter().any(|url| is_far(url.directory())) {
        return Finding::ok(format!("{} readers, {}", backup.recipients.len(), some(&names())));
    }
    Finding::warn(format!("only on the disk of the data: {}", some(&names())))
}

fn last(facts: &Facts) -> Finding {
    where_set_up(facts, || facts.with_records(|records| aged(facts.now, records.last_backup)))
}

fn aged(now: Timestamp, last: Option<Timestamp>) -> Finding {
    let Some(at) = last else { return Finding::warn("none yet") };
    let age = now.since(at);
    let said = format!("{} ago", span(age));
    match age {
        age if age > DAY * 3 => Finding::fail(said),
        age if age > LATE => Finding::warn(said),
        _ => Finding::ok(said),
    }
}

fn targets(facts: &Facts) -> Finding {
    where_set_up(facts, || {
        facts.with_records(|records| {
            let wanted = &facts.settings.backup.targets;
            let of = |name: &str| records.targets.iter().find(|state| state.target == name);
            let failing: Vec<_> = wanted
                .iter()
                .filter_map(|url| of(url.name()))
                .filter_map(|state| {
                    let since = state.failing_since?;
                    let error = state.error.as_deref().unwrap_or("no reason is known");
                    Some(format!("{} since {}: {error}", state.target, since.display()))
                })
                .collect();
            let untried = wanted.iter().filter(|url| of(url.name()).is_none()).count();
            match (failing.len(), untried) {
                (0, 0) => Finding::ok(format!("{} work", wanted.len())),
                (0, untried) => Finding::none(format!("{untried} not used yet")),
                _ => Finding::fail(some(&failing)),
            }
        })
    })
}

fn restore_test(facts: &Facts) -> Finding {
    where_set_up(facts, || {
        facts.with_records(|records| {
            let Some(test) = records.tests.first() else {
                return Finding::warn("never tested");
            };
            if !test.passed {
                let why = test.problem.as_deref().unwrap_or("no reason is known");
                return Finding::fail(format!("failed at {}: {why}", test.started.display()));
            }
            let age = facts.age(test.started);
            let said = format!("passed {} ago", span(age));
            let overdue = DAY * facts.settings.backup.test_overdue_days;
            if age > overdue { Finding::warn(said) } else { Finding::ok(said) }
        })
    })
}

fn identity(facts: &Facts) -> Finding {
    if let Some(path) = &facts.settings.backup.recovery_identity_file {
        return Finding::warn(format!("{} is used for restore tests", path.display()));
    }
    let configuration = facts.settings.file.as_deref().and_then(Path::parent);
    let places = [Some(facts.settings.store.data_dir.as_path()), configuration];
    let files = places.into_iter().flatten().filter_map(|place| std::fs::read_dir(place).ok());
    let found: Vec<_> = files
        .flat_map(Iterator::flatten)
        .map(|entry| entry.path())
        .filter(|path| has_identity(path))
        .map(|path| path.display().to_string())
        .collect();
    if found.is_empty() { Finding::ok("none was found") } else { Finding::fail(some(&found)) }
}

fn has_identity(path: &Path) -> bool {
    let is_small = |about: std::fs::Metadata| about.is_file() && about.len() <= IDENTITY_BYTES;
    if !std::fs::symlink_metadata(path).is_ok_and(is_small) {
        return false;
    }
    let content = std::fs::read(path).map(zeroize::Zeroizing::new).unwrap_or_default();
    content.windows(IDENTITY_MARK.len()).any(|part| part == IDENTITY_MARK.as_bytes())
}

fn archive(facts: &Facts) -> Finding {
    let seconds = u64::from(facts.settings.backup.archive_seconds);
    if seconds == 0 {
        return Finding::none("switched off: backup.archive_seconds is 0");
    }
    where_set_up(facts, || {
        facts.with_records(|records| match records.unsent {
            None => Finding::none("nothing to archive yet"),
            Some(lag) if lag > Duration::from_secs(seconds * 10) + PATIENCE => {
                Finding::warn(format!("the oldest change waits for {}", span(lag)))
            }
            Some(lag) => Finding::ok(format!("the oldest change waits for {}", span(lag))),
        })
    })
}

fn ledger(facts: &Facts) -> Finding {
    where_set_up(facts, || {
        facts.with_records(|records| {
            let targets = &facts.settings.backup.targets;
            let behind: Vec<_> = records
                .targets
                .iter()
                .filter(|state| targets.iter().any(|url| url.name() == state.target))
                .filter(|state| state.ledger < records.ledger)
                .map(|state| format!("{} has {}", state.target, state.ledger))
                .collect();
            let said = format!("{} lines", records.ledger);
            match behind.is_empty() {
                true => Finding::ok(said),
                false => Finding::warn(format!("{said}; {}", some(&behind))),
            }
        })
    })
}

fn elsewhere(facts: &Facts) -> Finding {
    facts.with_records(|records| match records.elsewhere.is_empty() {
        true => Finding::ok("none"),
        false => Finding::warn(some(&records.elsewhere)),
    })
}

fn overdue(facts: &Facts) -> Finding {
    facts.with_records(|records| match records.overdue.is_empty() {
        true => Finding::ok("none"),
        false => Finding::warn(some(
            &records
                .overdue
                .iter()
                .map(|one| {
                    let (since, target) = (one.since.display(), &one.target);
                    format!("{target} keeps {} objects, since {since}", one.objects)
                })
                .collect::<Vec<_>>(),
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn a_backup_of_yesterday_is_fine_one_that_was_left_out_a_warning_and_a_week_without_a_failure()
    {
        let now = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let found =
            |hours: u64| aged(now, Some(now.minus(Duration::from_secs(hours * 3_600)))).state;
        assert_eq!(found(25), State::Ok);
        assert_eq!(found(30), State::Warn);
        assert_eq!(found(24 * 7), State::Fail);
        assert_eq!(aged(now, None).state, State::Warn);
    }

    #[test]
    fn a_private_key_is_known_by_what_is_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        std::fs::write(&path, "# public key: age1\nAGE-SECRET-KEY-1QQQ\n").unwrap();
        assert!(has_identity(&path));
        std::fs::write(&path, "age1qqq\n").unwrap();
        assert!(!has_identity(&path));
    }
}
