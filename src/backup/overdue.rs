//! What a target keeps beyond its time because it refuses to delete it: a lock on objects, or a
//! credential without the right. Nothing here can end that, but nobody is promised otherwise:
//! certificates name such a target, and the health checks do.

use std::collections::HashMap;
use std::time::Duration;

use object_store::path::Path as StorePath;
use serde::Serialize;

use super::target::{Hidden, Stale, Swept};
use super::{BackupError, Kind, Layout, Target, prune};
use crate::args;
use crate::authz::Realm;
use crate::config;
use crate::kernel::Timestamp;
use crate::retention::clock::{self, Reading};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::Tenants;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
        let is_key = StorePath::from(path).prefix_matches(&self.layout.folder(Kind::Keys));
        made < if is_key { self.keys } else { self.data }
    }

    /// What hidden versions of an object are. Archives stay as long as they would have, changes as long
    /// as that from when they were replaced, because what an idle tenant has there is as old as its last
    /// change: if somebody overwrites it, the good one is still there. The ledger is kept for ever. Of
    /// how far a chain has come there are thousands in a day, of which nobody needs more than the last.
    fn of_version(&self, hidden: Hidden<'_>) -> Stale {
        let Hidden { path, made, replaced, newer } = hidden;
        let below = |folder: StorePath| StorePath::from(path).prefix_matches(&folder);
        if below(self.layout.ledger()) {
            return Stale::Not;
        }
        let since = if below(self.layout.all_changes()) { replaced } else { made };
        match path.ends_with(Layout::HEAD) {
            _ if self.is_over(path, since) => Stale::Overdue,
            true if newer > 1 && replaced < self.notes => Stale::Clutter,
            _ => Stale::Not,
        }
    }

    pub async fn sweep(self, target: &Target) -> Result<Swept, BackupError> {
        let root = StorePath::from(self.layout.root());
        Ok(target.sweep(&root, move |hidden| self.of_version(hidden)).await?)
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

/// Targets that keep something beyond its time, by name; until a look finds that it is gone.
pub(super) fn all(tx: &impl Sql) -> Result<Vec<Overdue>, StoreError> {
    let sql = "SELECT target, sum(objects), min(since) FROM backup_overdue
               GROUP BY target ORDER BY target";
    tx.query(sql, &[], |row| {
        Ok(Overdue { target: row.get(0)?, objects: row.get(1)?, since: row.get(2)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thief_overwrites_stays_as_long_as_it_would_have_and_the_ledger_for_ever() {
        let layout = Layout::new("01980000-0000-7000-8000-000000000001".parse().unwrap());
        let recipient = age::x25519::Identity::generate().to_public().to_string();
        let settings =
            config::Backup { recipients: vec![recipient.parse().unwrap()], ..Default::default() };
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let terms = Terms::at(now, &settings, layout).unwrap();
        let ago = |days: u32| now.minus(DAY * days);
        let of = |path: &str, made, replaced, newer| {
            let path = format!("{}/{path}", layout.root());
            let (made, replaced) = (ago(made), ago(replaced));
            terms.of_version(Hidden { path: &path, made, replaced, newer })
        };
        assert_eq!(of("ledger/1-2.jsonl", 4000, 4000, 1), Stale::Not);
        assert_eq!(of("keys/acme/1.db.zst.age", 6, 0, 1), Stale::Not);
        assert_eq!(of("keys/acme/1.db.zst.age", 8, 0, 1), Stale::Overdue);
        assert_eq!(of("data/acme/1.db.zst.age", 38, 0, 1), Stale::Not);
        assert_eq!(of("data/acme/1.db.zst.age", 40, 40, 1), Stale::Overdue);
        // An idle tenant's: as old as its last change, and overwritten yesterday.
        assert_eq!(of("changes/acme/c/base-0.age", 300, 1, 1), Stale::Not);
        assert_eq!(of("changes/acme/c/base-0.age", 300, 40, 1), Stale::Overdue);
        assert_eq!(of("changes/acme/c/head.note", 300, 2, 1), Stale::Not);
        assert_eq!(of("changes/acme/c/head.note", 3, 2, 2), Stale::Clutter);
        assert_eq!(of("changes/acme/c/head.note", 1, 0, 2), Stale::Not);
    }
}
