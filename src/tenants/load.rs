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
    pub readers: usize,
    pub entries: u64,
    pub unsigned: u64,
    /// Writes that wait at the tenant with most of them.
    pub longest: usize,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct RealmLoad {
    /// Writes that wait.
    pub waiting: usize,
    /// Reading connections in use.
    pub reading: usize,
    /// Reading connections that there may be.
    pub readers: usize,
    /// Of the audit log.
    pub entries: u64,
    /// Of these, what came after the newest checkpoint that this process knows of.
    pub unsigned: u64,
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
            load.readers += one.readers;
            load.entries += one.entries;
            load.unsigned += one.unsigned;
            load.longest = load.longest.max(one.waiting);
        }
        load
    }
}

fn of(realm: &OpenRealm) -> RealmLoad {
    let entries = realm.log_size.load(Ordering::Relaxed);
    let unsigned = match realm.checkpointed.load(Ordering::Relaxed) {
        0 => 0, // not looked at since it was opened
        signed => entries.saturating_sub(signed),
    };
    let readers = realm.database.readers();
    RealmLoad {
        waiting: realm.database.waiting(),
        reading: readers.busy(),
        readers: readers.most(),
        entries,
        unsigned,
    }
}
