//! Which archive holds the most, when there is nothing left but archives.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::backup::{Kind, Manifest};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;

/// Archives of one kind, and of one owner, the newest first.
pub(super) fn of_kind<'a>(
    all: &'a [Manifest],
    kind: Kind,
    owner: Option<&str>,
) -> Vec<&'a Manifest> {
    let is_wanted =
        |one: &&Manifest| one.kind == kind && owner.is_none_or(|owner| one.owner == owner);
    let mut found: Vec<_> = all.iter().filter(is_wanted).collect();
    found.sort_by_key(|one| Reverse((one.taken, one.id)));
    if kind == Kind::Data {
        by_content(&mut found);
    }
    found
}

/// Those that hold more come first, whatever the clock said when they were made: by the entries that
/// were ever written until then, in this log and in those that it follows, which grow with every
/// restore and every undo of one. A restore that was undone has left archives of a log that did not
/// go on.
///
/// Archives of releases that did not note this are as old as their entries in a log of which another
/// archive does. Else they come last: of one log by its size; of several, the one that knows more
/// erasures, then the one that was archived last.
fn by_content(archives: &mut [&Manifest]) {
    let mut logs: HashMap<Option<LogId>, (u64, Timestamp)> = HashMap::new();
    for one in archives.iter() {
        let (ledger, last) = logs.entry(one.log).or_insert((0, one.taken));
        (*ledger, *last) = ((*ledger).max(one.ledger.0), (*last).max(one.taken));
    }
    let mut followed: HashMap<Option<LogId>, u64> = HashMap::new();
    for one in archives.iter().filter(|one| one.history > 0) {
        let before = followed.entry(one.log).or_insert(0);
        *before = (*before).max(one.history.saturating_sub(one.entries));
    }
    let age = |one: &Manifest| {
        let log = (logs.get(&one.log).copied(), one.log);
        let history = match (one.history, followed.get(&one.log)) {
            (0, Some(before)) => one.entries + before,
            (noted, _) => noted,
        };
        (history, log, one.entries, one.ledger.0, one.taken, one.id)
    };
    archives.sort_by_key(|one| Reverse(age(one)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::example;

    fn archive(log: u8, entries: u64, history: u64, taken: i64) -> Manifest {
        let (log, taken) = (Some(LogId::from_bytes([log; 16])), Timestamp::from_micros(taken));
        Manifest { log, entries, history, taken, ..example() }
    }

    #[test]
    fn what_was_written_after_a_restore_was_undone_comes_before_what_the_restore_had_brought() {
        let before = archive(1, 100, 100, 1);
        // Restored to 50 entries; the log of 110 is followed by another.
        let restored = archive(2, 55, 165, 2);
        // Undone: the first goes on, and follows the second.
        let after = archive(1, 120, 175, 3);
        let late = archive(1, 125, 180, 0);
        for all in [
            [&before, &restored, &after, &late].map(Clone::clone),
            [&late, &after, &restored, &before].map(Clone::clone),
        ] {
            let order: Vec<_> =
                of_kind(&all, Kind::Data, None).iter().map(|one| one.history).collect();
            assert_eq!(order, [180, 175, 165, 100]);
        }
    }

    #[test]
    fn an_archive_that_does_not_say_is_as_old_as_its_log() {
        let all = [
            archive(1, 900, 0, 9),
            archive(1, 950, 0, 1),
            archive(1, 901, 901, 3),
            archive(2, 990, 0, 10),
        ];
        let order: Vec<_> = of_kind(&all, Kind::Data, None).iter().map(|one| one.entries).collect();
        assert_eq!(order, [950, 901, 900, 990]);
    }
}
