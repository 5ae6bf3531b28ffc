//! Which time it is, as far as that may be believed: what a clock that ran ahead deletes cannot be
//! given back.
//!
//! The time at the last look is carried on by the clock that nobody sets, and the wall clock only
//! makes it earlier: looking twice helps nobody. After a start of the process, which that clock says
//! nothing about, a wall clock that is at most a week ahead of the last look is believed. When it is
//! further ahead, nothing is deleted for a week, in which somebody can set it right. The first look
//! of all goes by the log's last entry.

use std::time::Duration;

use crate::args;
use crate::audit::{read, retention};
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, SystemWrite, Tenants};

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A clock that is this far ahead says that the appliance was off for long, or that the clock is
/// wrong.
const LEAP: Duration = DAY.saturating_mul(7);
/// For so long nothing is deleted then, by the clock that nobody sets.
const DOUBT: Duration = DAY.saturating_mul(7);

/// The time as of the last look, and the one since when the clock is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looked {
    at: Timestamp,
    leapt: Option<Timestamp>,
}

impl Looked {
    const fn sure(at: Timestamp) -> Self {
        Self { at, leapt: None }
    }

    fn reading(self) -> Reading {
        Reading { now: self.at, in_doubt: self.leapt.is_some() }
    }
}

fn looked(tx: &impl Sql) -> Result<Option<Looked>, StoreError> {
    tx.query_one("SELECT looked, leapt FROM retention_clock WHERE id = 1", &[], |row| {
        Ok(Looked { at: row.get(0)?, leapt: row.get(1)? })
    })
}

/// What a look finds: after the look `before`, carried on to `carried` if it was in this process.
fn judge(
    before: Option<Looked>,
    carried: Option<Timestamp>,
    logged: Option<Timestamp>,
    wall: Timestamp,
) -> Looked {
    let Some(known) = carried.or(before.map(|before| before.at)).or(logged) else {
        return Looked::sure(wall);
    };
    if wall.since(known) <= LEAP {
        return Looked::sure(if carried.is_some() { wall.min(known) } else { wall });
    }
    let leapt = before.and_then(|before| before.leapt).unwrap_or(known);
    if known.since(leapt) >= DOUBT {
        return Looked::sure(wall);
    }
    Looked { at: known, leapt: Some(leapt) }
}

fn look(tx: &impl Sql, carried: Option<Timestamp>, wall: Timestamp) -> Result<Looked, StoreError> {
    let logged = retention::entry_time(tx, read::size(tx)?)?;
    Ok(judge(looked(tx)?, carried, logged, wall))
}

/// The time that data is as old by: `wall` at the most. `carried` is the look before, in this
/// process, and the time since.
pub fn careful(
    tx: &impl Sql,
    carried: Option<Timestamp>,
    wall: Timestamp,
) -> Result<Timestamp, StoreError> {
    Ok(look(tx, carried, wall)?.at)
}

/// Whether the last look found the clock in doubt.
pub fn is_in_doubt(tx: &impl Sql) -> Result<bool, StoreError> {
    Ok(looked(tx)?.is_some_and(|looked| looked.leapt.is_some()))
}

/// What a run goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub now: Timestamp,
    /// Nothing is deleted, and no hold lifted because its time ended.
    pub in_doubt: bool,
}

/// Looks at a realm's clock, and writes down that it did.
///
/// # Errors
/// Whatever the file answers.
pub async fn reading(tenants: &Tenants, realm: Realm) -> Result<Reading, DoorError> {
    let (wall, carried) = (tenants.runtime().now(), tenants.carried(realm));
    let monotonic = tenants.runtime().clock.monotonic();
    let write = tenants.system_write(realm, SystemWrite::RetentionState, move |tx| {
        let looked = look(tx, carried, wall)?;
        note(tx, looked)?;
        Ok(looked)
    });
    let looked = write.await?;
    tenants.looked(realm, looked.at, monotonic);
    Ok(looked.reading())
}

fn note(tx: &mut impl SqlMut, Looked { at, leapt }: Looked) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO retention_clock (id, looked, leapt) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET looked = excluded.looked, leapt = excluded.leapt",
        args![at, leapt],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);

    #[test]
    fn a_clock_that_is_set_ahead_moves_nothing_however_often_one_looks() {
        let mut looked = judge(None, None, Some(THEN), THEN);
        for ahead in [1, 6, 7, 7] {
            looked = judge(Some(looked), Some(looked.at), Some(THEN), THEN.plus(DAY * ahead));
            assert_eq!(looked, Looked::sure(THEN));
        }
        // What went by, went by.
        let carried = Some(THEN.plus(DAY));
        let looked = judge(Some(looked), carried, Some(THEN), THEN.plus(DAY * 5));
        assert_eq!(looked, Looked::sure(THEN.plus(DAY)));
    }

    #[test]
    fn a_start_with_a_clock_far_ahead_is_doubted_for_a_week_that_went_by() {
        let wrong = THEN.plus(DAY * 30);
        // The log has believed it already.
        let mut looked = judge(Some(Looked::sure(THEN)), None, Some(wrong), wrong);
        assert_eq!(looked, Looked { at: THEN, leapt: Some(THEN) });
        // Looking again, another leap and another start change nothing.
        for (carried, wall) in [(Some(THEN), wrong), (Some(THEN), wrong.plus(DAY * 99))] {
            looked = judge(Some(looked), carried, Some(wall), wall);
            assert!(looked.reading().in_doubt);
            looked = judge(Some(looked), None, Some(wall), wall);
            assert!(looked.reading().in_doubt);
        }
        for day in 1..7 {
            let carried = Some(THEN.plus(DAY * day));
            looked = judge(Some(looked), carried, Some(wrong), wrong.plus(DAY * day));
            assert!(looked.reading().in_doubt, "day {day}");
        }
        let (carried, wall) = (Some(THEN.plus(DAY * 7)), wrong.plus(DAY * 7));
        assert_eq!(judge(Some(looked), carried, Some(wrong), wall), Looked::sure(wall));
        // One that is put right is believed at once.
        let right = THEN.plus(DAY);
        assert_eq!(judge(Some(looked), None, Some(wrong), right), Looked::sure(right));
    }
}
