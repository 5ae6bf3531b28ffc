//! Removing what is past its retention: the cut, then the rows behind it.

use std::time::Duration;

use super::TrailError;
use crate::audit::pruning::{self, Cut};
use crate::audit::read::Opener;
use crate::audit::retention;
use crate::authz::permission::{PlatformRetentionManage, RetentionManage};
use crate::authz::{Grant, Realm, Writes};
use crate::kernel::Timestamp;
use crate::retention::holds;
use crate::store::{Sql, StoreError};
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants};

/// Cuts a tenant's log where its retention says; nothing when nothing is due. From then on nobody
/// sees what is before the cut; [`prune_index`] and then [`remove_rows`] remove it.
pub async fn cut_log(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
) -> Result<Option<Cut>, TrailError> {
    run(tenants, grant).await
}

/// The same for the platform's own log.
pub async fn cut_platform_log(
    tenants: &Tenants,
    grant: &Grant<PlatformRetentionManage>,
) -> Result<Option<Cut>, TrailError> {
    run(tenants, grant).await
}

async fn run<P: Writes>(tenants: &Tenants, grant: &Grant<P>) -> Result<Option<Cut>, TrailError> {
    let (now, realm) = (tenants.runtime().now(), grant.realm());
    // Most days nothing is due, and finding that out must not hold the writer.
    let due = tenants.read(grant, move |tx| {
        Ok::<_, TrailError>(cut(tx, realm, retention::days(tx)?, now)?.is_some())
    });
    if !due.await? {
        return Ok(None);
    }
    let written = tenants.write(grant, move |tx| {
        let days = retention::days(tx)?;
        let Some(cut) = cut(tx, realm, days, now)? else {
            return Ok((None, AuditEvents::none()));
        };
        let log = Opener::new(tx, tx.shared_keys())?.log();
        let event = pruning::record(tx, &cut, log, days, now)?;
        Ok::<_, TrailError>((Some(cut), event.into()))
    });
    Ok(written.await?.value)
}

/// Where a realm's log is cut now. Any legal hold in force keeps all of a tenant's log: what happened
/// to whatever is held may stand in any entry.
pub(super) fn cut(
    tx: &impl Sql,
    realm: Realm,
    days: u32,
    now: Timestamp,
) -> Result<Option<Cut>, StoreError> {
    if is_held(tx, realm)? {
        return Ok(None);
    }
    pruning::cut(tx, days, now)
}

/// Whether a legal hold keeps the log from being cut; nothing of the platform's is held.
pub(super) fn is_held(tx: &impl Sql, realm: Realm) -> Result<bool, StoreError> {
    Ok(realm != Realm::Platform && holds::any(tx)?.is_some())
}

/// Takes what a cut left behind out of the search index. It needs the rows, so it comes first.
/// Whether there was anything left behind.
pub async fn prune_index<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<bool, TrailError> {
    let pruned = tenants.read(grant, |tx| {
        let unfinished = pruning::is_unfinished(tx)?;
        if unfinished {
            tx.prune_index(pruning::through(tx)?)?;
        }
        Ok::<_, DoorError>(unfinished)
    });
    Ok(pruned.await?)
}

/// How many rows are removed in one write, so that others wait for it shortly only.
pub struct Pace {
    rows: u32,
}

/// A write that removes rows should hold the writer for about so long …
const GOAL: Duration = Duration::from_millis(15);
/// … and is begun with so many.
const ROWS_FIRST: u32 = 128;
const ROWS_LEAST: u32 = 16;
const ROWS_MOST: u32 = 4096;

impl Default for Pace {
    fn default() -> Self {
        Self { rows: ROWS_FIRST }
    }
}

impl Pace {
    /// After a write that took so long: fewer at once if it was slow, some more if it was fast.
    fn adapt(&mut self, took: Duration) {
        self.rows = match took {
            took if took > GOAL => (self.rows / 2).max(ROWS_LEAST),
            took if took < GOAL / 3 => (self.rows + self.rows / 2).min(ROWS_MOST),
            _ => self.rows,
        };
    }
}

/// What one write removed.
#[derive(Clone, Copy, Debug)]
pub struct Removed {
    pub rows: u64,
    /// From its beginning to its being durable.
    pub took: Duration,
}

/// Removes some of the rows that a cut left behind. Whoever removes all of them calls it until
/// nothing is left, and lets others write in between.
pub async fn remove_rows<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    pace: &mut Pace,
) -> Result<Removed, TrailError> {
    let (most, clock) = (pace.rows, tenants.runtime().clock.clone());
    let begun = clock.clone();
    let write = tenants.system_write(grant.realm(), SystemWrite::Removal, move |tx| {
        let start = begun.monotonic();
        Ok((tx.remove_pruned(most)?, start))
    });
    let (rows, start) = write.await?;
    let took = clock.monotonic().saturating_sub(start);
    pace.adapt(took);
    Ok(Removed { rows, took })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_gets_fewer_rows_at_once_and_a_fast_one_more() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace.adapt(Duration::from_millis(100));
        }
        assert_eq!(pace.rows, ROWS_LEAST);
        for _ in 0..20 {
            pace.adapt(Duration::from_millis(1));
        }
        assert_eq!(pace.rows, ROWS_MOST);
        pace.adapt(Duration::from_millis(10));
        assert_eq!(pace.rows, ROWS_MOST);
    }
}
