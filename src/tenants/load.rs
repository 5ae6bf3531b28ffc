//! How much is going on behind the doors, in numbers that say nothing about anybody.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::Tenants;
use super::realm::OpenRealm;

#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    pub tenants: usize,
    /// Tenants whose files are open.
    pub open: usize,
    pub platform: RealmLoad,
    /// Of all open tenants together.
    pub waiting: usize,
    pub reading: usize,
    pub entries: u64,
    /// Writes that wait at the tenant with most of them.
    pub longest: usize,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct RealmLoad {
    /// Writes that wait.
    pub waiting: usize,
    /// Reading connections in use.
    pub reading: usize,
    /// Of the audit log.
    pub entries: u64,
}

impl Tenants {
    /// Opens nothing and reads no file.
    pub fn load(&self) -> Load {
        let mut load = Load {
            tenants: self.tenant_ids().len(),
            platform: of(&self.inner.platform),
            ..Load::default()
        };
        let open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        for realm in open.values().filter_map(|cell| cell.get()) {
            let one = of(realm);
            load.open += 1;
            load.waiting += one.waiting;
            load.reading += one.reading;
            load.entries += one.entries;
            load.longest = load.longest.max(one.waiting);
        }
        load
    }
}

fn of(realm: &OpenRealm) -> RealmLoad {
    RealmLoad {
        waiting: realm.database.waiting(),
        reading: realm.database.readers().busy(),
        entries: realm.log_size.load(Ordering::Relaxed),
    }
}
