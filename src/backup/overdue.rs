//! What a target keeps beyond its time because it refuses to delete it: a lock on objects, or a
//! credential without the right. Nothing here can end that, but nobody is promised otherwise:
//! certificates name such a target, and the health checks do.

use std::collections::HashMap;
use std::time::Duration;

use object_store::path::Path;
use serde::Serialize;

use super::target::{Stale, Swept};
use super::{BackupError, Kind, Layout, Target, prune};
use crate::args;
use crate::authz::Realm;
use crate::config;
use crate::kernel::Timestamp;
use crate::retention::clock::{self, Reading};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::Tenants;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Each target is looked at once a day; what nobody has seen for longer may be gone.
const FRESH: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Which of two ways of deleting found it: each looks at all of what it deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Archives,
    Changes,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Archives => "archives",
            Self::Changes => "changes",
        }
    }
}

/// What one target keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overdue {
    pub target: String,
    pub objects: u64,
    pub since: Timestamp,
}

/// Until when something has to be gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    layout: Layout,
    keys: Timestamp,
    data: Timestamp,
    notes: Timestamp,
}

impl Terms {
    /// Nothing when the clock is in doubt: nothing is deleted then because of its age.
    pub async fn now(
        tenants: &Tenants,
        settings: &config::Backup,
        layout: Layout,
    ) -> Result<Option<Self>, BackupError> {
        let Reading { now, in_doubt } = clock::reading(tenants, Realm::Platform).await?;
        Ok(Self::at(now, settings, layout).filter(|_| !in_doubt))
    }

    pub fn at(now: Timestamp, settings: &config::Backup, layout: Layout) -> Option<Self> {
        let ageing = settings.ageing()?;
        let before = |days: u32| now.minus(DAY * days);
        let (keys, data) = (before(ageing.key_days()), before(ageing.data_days()));
        Some(Self { layout, keys, data, notes: before(1) })
    }

    /// Whether certificates say that something of this age is gone.
    pub fn is_over(&self, path: &str, made: Timestamp) -> bool {
        let is_key = Path::from(path).prefix_matches(&self.layout.folder(Kind::Keys));
        made < if is_key { self.keys } else { self.data }
    }

    /// What replaced or deleted versions of an object are. They stay as long as the object would
    /// have: that is what versioning is good for when a thief overwrites backups. Of how far a chain
    /// has come there are thousands in a day, which nobody needs.
    fn of_version(&self, path: &str, made: Timestamp) -> Stale {
        match path.ends_with(Layout::HEAD) {
            _ if self.is_over(path, made) => Stale::Overdue,
            true if made < self.notes => Stale::Clutter,
            _ => Stale::Not,
        }
    }

    pub async fn sweep(self, target: &Target) -> Result<Swept, BackupError> {
        let root = Path::from(self.layout.root());
        Ok(target.sweep(&root, move |path, made| self.of_version(path, made)).await?)
    }
}

/// Says what each of these targets was found to keep: nothing, as a rule.
pub(super) async fn record(
    tenants: &Tenants,
    source: Source,
    found: HashMap<String, u64>,
) -> Result<(), BackupError> {
    let now = tenants.runtime().now();
    let write = move |tx: &mut crate::tenants::WriteTx<'_, _>| {
        for (target, objects) in &found {
            note(tx, target, source, *objects, now)?;
        }
        Ok(())
    };
    prune::system(tenants, write).await
}

fn note(
    tx: &mut impl SqlMut,
    target: &str,
    source: Source,
    objects: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if objects == 0 {
        let sql = "DELETE FROM backup_overdue WHERE target = $1 AND source = $2";
        return tx.execute(sql, args![target, source.name()]).map(|_| ());
    }
    let sql = "INSERT INTO backup_overdue (target, source, objects, since, looked)
               VALUES ($1, $2, $3, $4, $4)
               ON CONFLICT (target, source) DO UPDATE SET
                   objects = excluded.objects, looked = excluded.looked";
    tx.execute(sql, args![target, source.name(), objects.cast_signed(), now]).map(|_| ())
}

/// Targets that keep something beyond its time, by name.
pub(super) fn all(tx: &impl Sql, now: Timestamp) -> Result<Vec<Overdue>, StoreError> {
    let sql = "SELECT target, sum(objects), min(since) FROM backup_overdue WHERE looked > $1
               GROUP BY target ORDER BY target";
    tx.query(sql, args![now.minus(FRESH)], |row| {
        Ok(Overdue { target: row.get(0)?, objects: row.get(1)?, since: row.get(2)? })
    })
}
