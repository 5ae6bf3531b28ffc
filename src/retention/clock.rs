//! Which time it is, as far as that may be believed: what a clock that ran ahead deletes cannot be
//! given back.
//!
//! Data is as old by the later of the log's last entry and the last time that retention looked at the
//! clock, and never older than the wall clock says. Each run looks. When the clock is then far ahead
//! of the look before, nothing is deleted for a week, in which somebody can set it right.

use std::time::Duration;

use crate::args;
use crate::audit::{read, retention};
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, SystemWrite, Tenants};

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A clock that is this far ahead of the last look says that the appliance was off for long, or that
/// the clock is wrong.
const LEAP: Duration = DAY.saturating_mul(45);
/// For so long nothing is deleted then.
const DOUBT: Duration = DAY.saturating_mul(7);

/// When retention looked last, and when the clock was last seen to have leapt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looked {
    at: Timestamp,
    leapt: Option<Timestamp>,
}

fn looked(tx: &impl Sql) -> Result<Option<Looked>, StoreError> {
    tx.query_one("SELECT looked, leapt FROM retention_clock WHERE id = 1", &[], |row| {
        Ok(Looked { at: row.get(0)?, leapt: row.get(1)? })
    })
}

/// The time that data is as old by: `wall` at the most.
pub fn careful(tx: &impl Sql, wall: Timestamp) -> Result<Timestamp, StoreError> {
    let logged = retention::entry_time(tx, read::size(tx)?)?;
    let known = logged.max(looked(tx)?.map(|looked| looked.at));
    Ok(known.map_or(wall, |known| known.min(wall)))
}

/// Whether the clock leapt not long ago.
pub fn is_in_doubt(tx: &impl Sql, wall: Timestamp) -> Result<bool, StoreError> {
    let leapt = looked(tx)?.and_then(|looked| looked.leapt);
    Ok(leapt.is_some_and(|leapt| wall.since(leapt) < DOUBT))
}

/// What a run goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// By what was known before this look.
    pub now: Timestamp,
    /// Nothing is deleted, and no hold lifted because its time ended.
    pub in_doubt: bool,
}

/// Looks at a realm's clock, and writes down that it did.
pub async fn reading(tenants: &Tenants, realm: Realm) -> Result<Reading, DoorError> {
    let wall = tenants.runtime().now();
    let write = tenants.system_write(realm, SystemWrite::RetentionState, move |tx| {
        let now = careful(tx, wall)?;
        look(tx, wall)?;
        Ok(Reading { now, in_doubt: is_in_doubt(tx, wall)? })
    });
    write.await
}

/// Writes down that retention looked at the clock. A first look counts from the log's last entry.
fn look(tx: &mut impl SqlMut, wall: Timestamp) -> Result<(), StoreError> {
    let before = looked(tx)?;
    let since = match before {
        Some(looked) => Some(looked.at),
        None => retention::entry_time(tx, read::size(tx)?)?,
    };
    let leaps = since.is_some_and(|since| wall.since(since) > LEAP);
    let leapt = if leaps { Some(wall) } else { before.and_then(|looked| looked.leapt) };
    // A clock that was put right is believed: the doubt was about the one before.
    let leapt = leapt.filter(|leapt| *leapt <= wall);
    tx.execute(
        "INSERT INTO retention_clock (id, looked, leapt) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET looked = excluded.looked, leapt = excluded.leapt",
        args![wall, leapt],
    )?;
    Ok(())
}
