//! How long a log's entries are kept: the setting, and which entries are past it.

use std::time::Duration;

use crate::args;
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, StoreError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The setting, in days.
pub fn days(tx: &impl Sql) -> Result<u32, StoreError> {
    let days =
        tx.query_one("SELECT days FROM log_retention WHERE id = 1", &[], |row| row.get(0))?;
    Ok(days.unwrap_or(limits::RETENTION_DAYS_DEFAULT))
}

pub fn set_days(tx: &mut impl SqlMut, days: u32) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO log_retention (id, days) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET days = excluded.days",
        args![i64::from(days)],
    )?;
    Ok(())
}

/// Whole years as days, with as many leap days as they can have.
pub fn years(years: u32) -> u32 {
    years.saturating_mul(365).saturating_add(years.div_ceil(4))
}

/// Entries from before this moment are past a retention of `days`, which is never taken for less
/// than the floor.
pub fn keep_from(now: Timestamp, days: u32) -> Timestamp {
    now.minus(DAY * days.max(limits::RETENTION_DAYS_MIN))
}

/// When an entry of `time` gets past a retention of `days`.
pub fn ends(time: Timestamp, days: u32) -> Timestamp {
    time.plus(DAY * days.max(limits::RETENTION_DAYS_MIN))
}

/// The last entry from before `time`, 0 for none; `after` is a number below which not to look.
/// Times never run backwards in a log, so halving finds it.
pub fn last_before(
    tx: &impl Sql,
    after: u64,
    size: u64,
    time: Timestamp,
) -> Result<u64, StoreError> {
    let (mut low, mut high) = (after, size);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match entry_time(tx, middle)? {
            Some(found) if found < time => low = middle,
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

/// When an entry was written down; nothing for one that is not there.
pub fn entry_time(tx: &impl Sql, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT time FROM audit_entries WHERE seq = $1";
    tx.query_one(sql, args![seq.cast_signed()], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_years_is_never_shorter_than_those_years() {
        assert_eq!(years(2), limits::RETENTION_DAYS_MIN);
        assert_eq!(years(7), limits::RETENTION_DAYS_DEFAULT);
        assert_eq!(years(100), limits::RETENTION_DAYS_MAX);
        assert_eq!(years(u32::MAX), u32::MAX);
    }

    #[test]
    fn whatever_the_setting_says_nothing_younger_than_two_years_is_past_it() {
        let now = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        assert_eq!(Some(keep_from(now, 0)), Timestamp::parse("2024-02-29T00:00:00Z"));
        assert_eq!(ends(keep_from(now, 3000), 3000), now);
    }
}
