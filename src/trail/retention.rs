//! How long a log's entries are kept: looking at it and changing it.

use serde::{Deserialize, Serialize};

use super::TrailError;
use crate::approvals::{self, Act, Approved};
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue, pruning, read, retention};
use crate::authz::permission::{PlatformRetentionManage, RetentionManage};
use crate::authz::{Grant, Permission, Realm, Writes};
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, StoreError};
use crate::tenants::{AuditEvents, Tenants};

/// How long a log's entries are kept, and what that means for those that are there.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Entries are removed when they are older than this.
    pub days: u32,
    pub minimum_days: u32,
    pub default_days: u32,
    /// Entries up to this number have been removed; 0 when none was.
    pub removed_through: u64,
    /// When the oldest entry that is left was written down.
    pub oldest: Option<Timestamp>,
    /// Entries that the next run removes.
    pub due: u64,
    /// When the oldest entry gets past its retention.
    pub next_due: Option<Timestamp>,
    /// A legal hold is in force: no entry is removed before it is lifted.
    #[serde(default)]
    pub held: bool,
}

/// The setting of a realm's log; with `days`, what it would be like under that one.
/// `P` is a permission to see it or to change it.
pub async fn retention<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    days: Option<u32>,
) -> Result<Retention, TrailError> {
    if let Some(days) = days {
        check(days)?;
    }
    let (now, realm) = (tenants.runtime().now(), grant.realm());
    tenants.read(grant, move |tx| Ok(look(tx, realm, days, now)?)).await
}

/// Changes how long a tenant's entries are kept.
///
/// # Errors
/// [`TrailError::Retention`]; [`TrailError::Approval`] when a second person has to approve a shorter
/// time.
pub async fn set_retention(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    days: u32,
) -> Result<Retention, TrailError> {
    set(tenants, grant, days, None).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn set_retention_approved(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    days: u32,
    approved: Approved,
) -> Result<Retention, TrailError> {
    set(tenants, grant, days, Some(approved)).await
}

/// The same for the platform's own log.
pub async fn set_platform_retention(
    tenants: &Tenants,
    grant: &Grant<PlatformRetentionManage>,
    days: u32,
) -> Result<Retention, TrailError> {
    set(tenants, grant, days, None).await
}

async fn set<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    days: u32,
    approved: Option<Approved>,
) -> Result<Retention, TrailError> {
    check(days)?;
    let (now, realm) = (tenants.runtime().now(), grant.realm());
    let written = tenants.write(grant, move |tx| {
        let old = retention::days(tx)?;
        // The platform has no approvals.
        let shortens = days < old && realm != Realm::Platform;
        let passed = match approved.is_some() || shortens {
            true => {
                let act = Act::ShortenAuditRetention { from: old, to: days };
                approvals::pass(tx, approved.as_ref(), act)?
            }
            false => AuditEvents::none(),
        };
        if old == days {
            return Ok((look(tx, realm, None, now)?, passed));
        }
        retention::set_days(tx, days)?;
        let mut event = changed(old, days);
        approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok::<_, TrailError>((look(tx, realm, None, now)?, passed.and(event)))
    });
    Ok(written.await?.value)
}

fn check(days: u32) -> Result<(), TrailError> {
    let possible = limits::RETENTION_DAYS_MIN..=limits::RETENTION_DAYS_MAX;
    if possible.contains(&days) { Ok(()) } else { Err(TrailError::Retention) }
}

fn look(
    tx: &impl Sql,
    realm: Realm,
    days: Option<u32>,
    now: Timestamp,
) -> Result<Retention, StoreError> {
    let days = days.map_or_else(|| retention::days(tx), Ok)?;
    let removed_through = pruning::through(tx)?;
    let cut = super::pruning::cut(tx, realm, days, now)?;
    let oldest = match read::size(tx)? > removed_through {
        true => retention::entry_time(tx, removed_through + 1)?,
        false => None,
    };
    Ok(Retention {
        days,
        minimum_days: limits::RETENTION_DAYS_MIN,
        default_days: limits::RETENTION_DAYS_DEFAULT,
        removed_through,
        oldest,
        due: cut.map_or(0, |cut| cut.through - removed_through),
        next_due: oldest.map(|time| retention::ends(time, days)),
        held: super::pruning::is_held(tx, realm)?,
    })
}

fn changed(old: u32, new: u32) -> Event {
    let mut event = Event::new(catalogue::SETTINGS_CHANGED);
    event.resource = Some(Resource::new("setting", "audit.retention"));
    let change = Change { old: Some(old.into()), new: Some(new.into()) };
    event.changes.insert("retentionDays".into(), change);
    event
}
