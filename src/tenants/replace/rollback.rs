//! Back to the release before: the files as they were before this one brought them up to date, in
//! the place of those in use. `way_back` says what that would do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{self, Journal, Move};
use super::{Tenants, WayBack};
use crate::config::Settings;
use crate::kernel::id::{RestoreId, TenantId};
use crate::kernel::{Runtime, limits};
use crate::store::StoreError;
use crate::store::before::{self, with};
use crate::store::lock::DirectoryLock;
use crate::tenants::release;
use crate::tenants::{Boot, BootError, DoorError};

/// Derived from a data file and of no use beside another one.
const DERIVED: [&str; 5] = ["index.db", "index.db-wal", "index.db-shm", "exports", "changes"];

impl Tenants {
    /// Deletes what is kept for longer than anybody goes back; how many files that was.
    pub(crate) async fn forget_before_upgrade(&self) -> Result<u64, DoorError> {
        let data = self.inner.ground.directory.clone();
        let days = Duration::from_secs(u64::from(limits::UPGRADE_KEPT_DAYS) * 86_400);
        let until = self.inner.ground.runtime.now().minus(days);
        let forget = move || -> Result<u64, StoreError> {
            let mut forgotten = before::forget_old_rollbacks(&data, until)?;
            for directory in release::directories(&data)? {
                let kept = before::find(&directory)?;
                for old in kept.iter().filter(|kept| !kept.is_gone && kept.time < until) {
                    before::discard(old)?;
                    forgotten += 1;
                }
                forgotten += before::forget_leftovers(&directory, until)?;
            }
            Ok(forgotten)
        };
        let forgotten = tokio::task::spawn_blocking(forget).await;
        Ok(forgotten.map_err(|_| StoreError::Panicked)??)
    }
}

/// Goes back. The renames are written down before anything is closed, so that whoever opens the
/// directory next completes them, this release or the one before; what was in use is kept in the
/// directory that is answered.
///
/// # Errors
/// Whatever the disk answers.
pub async fn roll_back(
    boot: Boot,
    settings: &Settings,
    runtime: &Runtime,
    way: &WayBack,
) -> Result<PathBuf, BootError> {
    let data = settings.store.data_dir.clone();
    let id: RestoreId = runtime.id();
    let kept = Path::new(before::ROLLED_BACK).join(id.to_string());
    let owner = TenantId::from_bytes(*boot.installation.bytes());
    boot.tenants.shut_down().await;
    let journal = moves(&data, way, id, owner, &kept);
    journal.write_down(&data)?;
    drop(boot);
    let _lock = DirectoryLock::take(&data)?;
    super::resume(&data)?;
    Ok(data.join(kept))
}

fn moves(data: &Path, way: &WayBack, id: RestoreId, owner: TenantId, kept: &Path) -> Journal {
    let mut journal = Journal {
        work: id,
        tenant: owner,
        directories: vec![kept.to_owned()],
        out: Vec::new(),
        inward: Vec::new(),
        // Whoever completes this knows nothing of the upgrade any more.
        leftovers: vec![release::FILE.into()],
    };
    let inside = |path: &Path| path.strip_prefix(data).unwrap_or(path).to_owned();
    for before in way.files.iter().filter(|before| !before.is_gone) {
        let file = inside(&before.file);
        let place = file.parent().unwrap_or(Path::new("")).to_owned();
        for end in ["", "-wal", "-shm"] {
            let from = with(&file, end);
            if data.join(&from).exists() {
                journal.out.push(Move { to: kept.join(&from), from });
            }
        }
        for end in ["", "-wal"] {
            let from = inside(&with(&before.copy, end));
            if data.join(&from).exists() {
                journal.inward.push(Move { from, to: with(&file, end) });
            }
        }
        if !file.ends_with("keys.db") {
            for name in DERIVED {
                let from = place.join(name);
                if data.join(&from).exists() {
                    // Goes with what was prepared, at the end.
                    let to = Path::new(journal::WORK).join(id.to_string()).join("old").join(&from);
                    journal.out.push(Move { from, to });
                }
            }
        }
        let copies = place.join(before::DIRECTORY);
        if !journal.leftovers.contains(&copies) {
            journal.leftovers.push(copies);
        }
    }
    for tenant in &way.made {
        let from = Path::new("tenants").join(tenant.id.to_string());
        if data.join(&from).exists() {
            journal.out.push(Move { to: kept.join(&from), from });
        }
    }
    journal
}
