//! Brings what lies in a target and what the catalogue knows together: takes in what is not known,
//! and clears away what runs that were killed, tenants that are destroyed and versions that were
//! replaced have left.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::ObjectMeta;
use object_store::path::Path as StorePath;

use super::catalogue::{Entry, Placement, PlacementState};
use super::fetch::Folder;
use super::overdue::Terms;
use super::prune::{Pruned, is_kept, system};
use super::target::inside;
use super::{BackupError, Kind, Layout, Target, fetch, place, repo};
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::id::TenantId;
use crate::tenants::Tenants;

/// A younger file without a manifest may still be on its way.
const LEFTOVER: Duration = Duration::from_secs(60 * 60);

/// One target, once.
pub(super) struct Round<'a> {
    pub tenants: &'a Tenants,
    pub target: &'a Target,
    pub layout: Layout,
    /// Nothing when the clock is in doubt.
    pub terms: Option<Terms>,
    /// Where nothing is archived continuously any more, what ended before is deleted.
    pub left: Option<Timestamp>,
}

impl Round<'_> {
    /// How many objects the target refused to delete although their time is over.
    pub async fn run(&self, done: &mut Pruned) -> Result<u64, BackupError> {
        let mut kept = self.tidy(done).await?;
        kept += self.forget_changes(done).await?;
        if let Some(terms) = self.terms {
            let swept = terms.sweep(self.target).await?;
            done.leftovers += swept.removed;
            done.refused += swept.refused + swept.failed;
            kept += swept.refused;
        }
        Ok(kept)
    }

    /// A restore of the platform brings an older catalogue back: what it misses is taken in.
    async fn tidy(&self, done: &mut Pruned) -> Result<u64, BackupError> {
        let (tenants, target, layout) = (self.tenants, self.target, self.layout);
        let verifier = tenants.notary().verifier();
        let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
        let known: HashMap<String, Entry> = tenants
            .credentials(Realm::Platform, read)
            .await?
            .into_iter()
            .map(|entry| (entry.manifest.path.clone(), entry))
            .collect();
        let now = tenants.runtime().now();
        let (mut written, mut kept) = (None, 0);
        for folder in [Kind::Data, Kind::Blobs, Kind::Keys] {
            let Folder { whole, alone, newest } = fetch::archives(target, layout, folder).await?;
            written = written.max(newest);
            for path in whole {
                let entry = known.get(path.as_ref());
                let is_placed = entry.is_some_and(|entry| {
                    entry.placements.iter().any(|place| place.target == target.name)
                });
                if !is_placed
                    && let Ok(manifest) =
                        fetch::manifest(target, layout, &path, Some(&verifier)).await
                {
                    self.adopt(&path, manifest, entry.is_none()).await?;
                }
            }
            for meta in alone {
                // What the catalogue knows was whole: somebody has deleted the other half of it.
                let path = meta.location.as_ref();
                let known = known.contains_key(path.strip_suffix(".manifest").unwrap_or(path));
                if known || !is_left_over(changed(&meta), now, newest) {
                    continue;
                }
                // Where versions are kept it is only hidden, and goes when its time is over.
                match target.hide(&meta.location).await {
                    Ok(()) => done.leftovers += 1,
                    Err(error) => {
                        self.refused(&meta, error.into(), done)?;
                        kept += u64::from(self.is_over(&meta));
                    }
                }
            }
        }
        done.leftovers += cut_off(target, &StorePath::from(layout.root()), now, written).await?;
        Ok(kept)
    }

    async fn adopt(
        &self,
        path: &StorePath,
        manifest: super::Manifest,
        is_new: bool,
    ) -> Result<(), BackupError> {
        let Some(realm) = fetch::realm(&manifest) else { return Ok(()) };
        let note = place::text(self.target, &Layout::manifest(path)).await?;
        let Some(note) = note else { return Ok(()) };
        let since = self.tenants.runtime().now();
        let (target, state) = (self.target.name.clone(), PlacementState::Stored);
        let placement = Placement { target, state, since, verified: None };
        system(self.tenants, move |tx| {
            match is_new {
                true => {
                    repo::insert(tx, realm, &manifest, &note, std::slice::from_ref(&placement))?
                }
                false => repo::place(tx, manifest.id, &placement)?,
            }
            Ok(())
        })
        .await
    }

    /// What was archived continuously of a tenant that is destroyed goes, and what is left since
    /// nothing is archived any more: no round of archiving comes by it.
    async fn forget_changes(&self, done: &mut Pruned) -> Result<u64, BackupError> {
        let target = self.target;
        let folder = self.layout.all_changes();
        let listed = target.store.list_with_delimiter(Some(&folder)).await;
        let mut kept = 0;
        for owner in listed.map_err(|error| place::failed(target, error))?.common_prefixes {
            let is_destroyed = match owner.filename().unwrap_or_default().parse::<TenantId>() {
                Ok(tenant) => self.tenants.is_destroyed(tenant).await?,
                Err(_) => false,
            };
            if !is_destroyed && self.left.is_none() {
                continue;
            }
            let files: Vec<_> = target
                .store
                .list(Some(&owner))
                .try_collect()
                .await
                .map_err(|error| place::failed(target, error))?;
            if !is_destroyed && files.iter().map(changed).max() >= self.left {
                continue;
            }
            for file in files {
                if self.delete(&file, done).await? {
                    done.changes += 1;
                    done.bytes += file.size;
                } else {
                    kept += u64::from(self.is_over(&file));
                }
            }
        }
        Ok(kept)
    }

    /// Whether it is gone; a target may keep what it has.
    async fn delete(&self, file: &ObjectMeta, done: &mut Pruned) -> Result<bool, BackupError> {
        match place::delete(self.target, &file.location).await {
            Ok(()) => Ok(true),
            Err(error) => self.refused(file, error, done).map(|()| false),
        }
    }

    fn refused(
        &self,
        file: &ObjectMeta,
        error: BackupError,
        done: &mut Pruned,
    ) -> Result<(), BackupError> {
        if !is_kept(&error) {
            return Err(error);
        }
        tracing::warn!(place = self.target.name, path = %file.location, %error,
            "something is not deleted yet");
        done.refused += 1;
        Ok(())
    }

    fn is_over(&self, file: &ObjectMeta) -> bool {
        self.terms.is_some_and(|terms| terms.is_over(file.location.as_ref(), changed(file)))
    }
}

/// Whether something that is not finished will never be: nobody has written to it for a while. The
/// target's clock counts, as far as what was written last shows it: it may be hours behind this one,
/// and then what is being written looks old.
fn is_left_over(changed: Timestamp, now: Timestamp, newest: Option<Timestamp>) -> bool {
    newest.is_some_and(|newest| changed < newest.min(now).minus(LEFTOVER))
}

fn changed(meta: &ObjectMeta) -> Timestamp {
    Timestamp::from_micros(meta.last_modified.timestamp_micros())
}

/// Removes what writes that were cut off have left, which stores do not list.
async fn cut_off(
    target: &Target,
    root: &StorePath,
    now: Timestamp,
    written: Option<Timestamp>,
) -> Result<u64, BackupError> {
    if let Some(directory) = place::directory(target) {
        let folder = inside(&directory, root)?;
        let is_old = move |changed| is_left_over(changed, now, written);
        return place::blocking(move || unfinished(&folder, is_old)).await;
    }
    let unfinished = target.unfinished(root).await?;
    let newest = written.max(fetch::newest(&unfinished));
    let mut removed = 0;
    for one in unfinished {
        if is_left_over(changed(&one), now, newest) {
            place::delete(target, &one.location).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes what a directory's own store left half-written, which it does not list.
fn unfinished(folder: &Path, is_old: impl Fn(Timestamp) -> bool) -> Result<u64, BackupError> {
    let (mut waiting, mut removed) = (vec![folder.to_owned()], 0);
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries {
            let (entry, is_old) = match entry.and_then(|entry| {
                let about = entry.metadata()?;
                let changed = chrono::DateTime::<chrono::Utc>::from(about.modified()?);
                if about.is_dir() {
                    waiting.push(entry.path());
                }
                let is_old = is_old(Timestamp::from_micros(changed.timestamp_micros()));
                Ok((entry, about.is_file() && is_old))
            }) {
                Ok(found) => found,
                Err(_) => continue, // gone meanwhile
            };
            if is_old && place::is_unfinished(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_written_is_not_cleared_away_although_the_clocks_differ() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let now = at(100_000);
        assert!(is_left_over(at(100_000 - 61), now, Some(now)));
        assert!(!is_left_over(at(100_000 - 59), now, Some(now)));
        // The target is three hours behind: this was written last, a minute ago.
        assert!(!is_left_over(at(100_000 - 181), now, Some(at(100_000 - 181))));
        assert!(is_left_over(at(100_000 - 300), now, Some(at(100_000 - 181))));
        // Three hours ahead: this machine's clock counts.
        assert!(!is_left_over(at(100_000 - 30), now, Some(at(100_000 + 180))));
        assert!(!is_left_over(at(0), now, None), "nothing tells the target's time");
    }
}
