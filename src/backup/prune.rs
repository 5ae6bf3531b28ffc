//! Deleting what is past its time, from every target; what a killed run left behind, too.
//!
//! A store that refuses (object lock) is asked again the next time: the catalogue keeps the row
//! until every target is rid of the archive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::path::Path as StorePath;

use super::catalogue::{Entry, Placement, PlacementState};
use super::fetch::Folder;
use super::keep::{Rule, keep};
use super::target::inside;
use super::{BackupError, Kind, Layout, Target, Targets, fetch, place, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::config;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, TenantId};
use crate::retention::clock::{self, Reading};
use crate::tenants::{DoorError, SystemWrite, Tenants, WriteTx};

/// A younger file without a manifest may still be on its way.
const LEFTOVER: Duration = Duration::from_secs(60 * 60);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub archives: u64,
    pub bytes: u64,
    /// Copies in targets: an archive has one in each, and stays known while one is left.
    pub copies: u64,
    /// Objects of the continuous archive that nothing else deletes.
    pub changes: u64,
    /// Of runs that were killed.
    pub leftovers: u64,
    /// Deletions that a target refused; they are tried again.
    pub refused: u64,
}

/// Brings the catalogue up to date with what lies in the targets, and deletes what is over.
pub async fn prune(
    tenants: &Tenants,
    settings: &config::Backup,
    grant: &Grant<PlatformBackupRun>,
) -> Result<Pruned, BackupError> {
    let targets = super::places::targets(tenants, settings)?;
    let (layout, mut done) = (Layout::new(tenants.installation()), Pruned::default());
    let left = left_changes(tenants, settings).await?;
    for target in &targets.0 {
        // A target that cannot be reached keeps nothing else from being done.
        let tidied = match tidy(tenants, target, layout, &mut done).await {
            Ok(()) => forget_changes(tenants, target, layout, left, &mut done).await,
            refused => refused,
        };
        if let Err(error) = tidied {
            tracing::warn!(target = target.name, %error, "a backup target could not be listed");
            done.refused += 1;
        }
    }
    // What is gone is on record, whatever comes in between.
    let ended = delete_over(tenants, settings, &targets, &mut done).await;
    if done.copies + done.archives + done.changes + done.leftovers > 0 {
        let event = deleted(&done);
        let write = move |_: &mut WriteTx<'_, _>| Ok::<_, DoorError>(((), event.clone().into()));
        tenants.write(grant, write).await?;
    }
    ended.map(|()| done)
}

/// Archives that are past their time.
async fn delete_over(
    tenants: &Tenants,
    settings: &config::Backup,
    targets: &Targets,
    done: &mut Pruned,
) -> Result<(), BackupError> {
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
    let entries = tenants.credentials(Realm::Platform, read).await?;
    let names: HashSet<String> = targets.0.iter().map(|target| target.name.clone()).collect();
    let over = over(tenants, settings, &names, &entries).await?;
    for entry in entries.iter().filter(|entry| over.contains(&entry.manifest.id)) {
        delete(tenants, targets, entry, done).await?;
    }
    Ok(())
}

/// Which archives are past their time.
async fn over(
    tenants: &Tenants,
    settings: &config::Backup,
    targets: &HashSet<String>,
    entries: &[Entry],
) -> Result<HashSet<BackupId>, BackupError> {
    let mut groups: BTreeMap<(String, &str), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let key = (entry.manifest.owner.clone(), entry.manifest.kind.name());
        groups.entry(key).or_default().push(entry);
    }
    let (Reading { now, in_doubt }, mut over) =
        (clock::reading(tenants, Realm::Platform).await?, HashSet::new());
    if in_doubt {
        tracing::warn!("the clock is in doubt: no backup is deleted because of its age");
    }
    for ((owner, kind), group) in &groups {
        let (lives, destroyed) = match fetch::realm(&group[0].manifest) {
            Some(Realm::Tenant(id)) => {
                (tenants.tenant_by_id(id).is_some(), tenants.is_destroyed(id).await?)
            }
            _ => (true, false),
        };
        if destroyed {
            over.extend(group.iter().map(|entry| entry.manifest.id));
            continue;
        }
        if in_doubt {
            continue;
        }
        if *kind == Kind::KeysDelta.name() {
            let fulls = groups.get(&(owner.clone(), Kind::Keys.name()));
            over.extend(old_deltas(
                group,
                fulls.map_or(&[], Vec::as_slice),
                targets,
                settings,
                now,
            ));
            continue;
        }
        let rule = match group[0].manifest.kind.holds_keys() {
            true => Rule::keys(settings),
            false => Rule::data(settings),
        };
        over.extend(past(group, targets, now, rule, lives));
    }
    Ok(over)
}

/// Of archives of one owner and kind, the newest first. What no target has counts as nothing: it
/// does not push out a good one.
fn past(
    group: &[&Entry],
    targets: &HashSet<String>,
    now: Timestamp,
    rule: Rule,
    lives: bool,
) -> Vec<BackupId> {
    let (good, bad): (Vec<&Entry>, Vec<&Entry>) =
        group.iter().partition(|one| one.is_stored_in(targets));
    // A clock that ran ahead has dated some too late: those go once a rightly dated one was made.
    let right = good.iter().filter(|one| one.manifest.taken <= now).map(|one| one.row).max();
    let ran_ahead =
        |one: &&Entry| one.manifest.taken > now && right.is_some_and(|right| right > one.row);
    let (late, good): (Vec<&Entry>, Vec<&Entry>) = good.into_iter().partition(ran_ahead);
    let taken: Vec<_> = good.iter().map(|entry| entry.manifest.taken).collect();
    let kept = keep(&taken, now, rule, lives);
    let over = good.iter().zip(kept).filter(|(_, kept)| !kept).map(|(entry, _)| *entry);
    let spoiled = bad.into_iter().filter(|entry| rule.is_over(entry.manifest.taken, now));
    over.chain(late).chain(spoiled).map(|entry| entry.manifest.id).collect()
}

/// A delta is of use until two full copies are newer: one may turn out to be damaged.
fn old_deltas(
    deltas: &[&Entry],
    fulls: &[&Entry],
    targets: &HashSet<String>,
    settings: &config::Backup,
    now: Timestamp,
) -> Vec<BackupId> {
    let newer = |delta: &Entry| {
        let stored = fulls.iter().filter(|full| full.is_stored_in(targets));
        // By what they hold: times may be wrong.
        let order = |one: &Entry| one.manifest.keys.map(|keys| (keys.gone, keys.made));
        stored.filter(|full| order(full) >= order(delta)).count()
    };
    let is_over = |delta: &&&Entry| match newer(delta) {
        0 => false,
        1 => Rule::keys(settings).is_over(delta.manifest.taken, now),
        _ => true,
    };
    deltas.iter().filter(is_over).map(|delta| delta.manifest.id).collect()
}

/// The archive first: a manifest without one is cleared away later, an archive without a manifest
/// would be a backup that nobody knows of.
async fn delete(
    tenants: &Tenants,
    targets: &Targets,
    entry: &Entry,
    done: &mut Pruned,
) -> Result<(), BackupError> {
    let id = entry.manifest.id;
    let path = StorePath::from(entry.manifest.path.as_str());
    let (mut left, mut elsewhere) = (0, false);
    for placement in &entry.placements {
        // A target that is not configured any more is out of reach: what lies there stays known.
        let Some(target) = targets.0.iter().find(|one| one.name == placement.target) else {
            elsewhere |= placement.state != PlacementState::Missing;
            continue;
        };
        let deleted = match place::delete(target, &path).await {
            Ok(()) => {
                done.copies += u64::from(placement.state != PlacementState::Missing);
                place::delete(target, &Layout::manifest(&path)).await
            }
            Err(error) => Err(error),
        };
        match deleted {
            Ok(()) => {
                let name = target.name.clone();
                system(tenants, move |tx| Ok(repo::displace(tx, id, &name)?)).await?;
            }
            Err(error) => {
                tracing::warn!(target = target.name, %path, %error, "a backup is not deleted yet");
                done.refused += 1;
                left += 1;
            }
        }
    }
    if left == 0 && !elsewhere {
        system(tenants, move |tx| Ok(repo::remove(tx, id)?)).await?;
        done.archives += 1;
        done.bytes += entry.manifest.bytes;
    }
    Ok(())
}

/// Takes in what lies in a target but not in the catalogue (a restore of the platform brings an
/// older catalogue back), and clears away what was not finished.
async fn tidy(
    tenants: &Tenants,
    target: &Target,
    layout: Layout,
    done: &mut Pruned,
) -> Result<(), BackupError> {
    let verifier = tenants.notary().verifier();
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
    let known: HashMap<String, Entry> = tenants
        .credentials(Realm::Platform, read)
        .await?
        .into_iter()
        .map(|entry| (entry.manifest.path.clone(), entry))
        .collect();
    let now = tenants.runtime().now();
    let mut written = None;
    for folder in [Kind::Data, Kind::Blobs, Kind::Keys] {
        let Folder { whole, alone, newest } = fetch::archives(target, layout, folder).await?;
        written = written.max(newest);
        for path in whole {
            let entry = known.get(path.as_ref());
            let is_placed = entry.is_some_and(|entry| {
                entry.placements.iter().any(|place| place.target == target.name)
            });
            if !is_placed
                && let Ok(manifest) = fetch::manifest(target, layout, &path, Some(&verifier)).await
            {
                adopt(tenants, target, &path, manifest, entry.is_none()).await?;
            }
        }
        for meta in alone {
            if is_left_over(changed(&meta), now, newest) {
                place::delete(target, &meta.location).await?;
                done.leftovers += 1;
            }
        }
    }
    done.leftovers += cut_off(target, &StorePath::from(layout.root()), now, written).await?;
    Ok(())
}

/// Whether something that is not finished will never be: nobody has written to it for a while. The
/// target's clock counts, as far as what was written last shows it: it may be hours behind this one,
/// and then what is being written looks old.
fn is_left_over(changed: Timestamp, now: Timestamp, newest: Option<Timestamp>) -> bool {
    newest.is_some_and(|newest| changed < newest.min(now).minus(LEFTOVER))
}

fn changed(meta: &object_store::ObjectMeta) -> Timestamp {
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

/// Where continuous archiving is switched off, what it left goes when its end is older than this:
/// not later than a daily backup of the same day.
async fn left_changes(
    tenants: &Tenants,
    settings: &config::Backup,
) -> Result<Option<Timestamp>, BackupError> {
    if settings.archive_seconds > 0 {
        return Ok(None);
    }
    let Reading { now, in_doubt } = clock::reading(tenants, Realm::Platform).await?;
    let days = u64::from(settings.days.min(settings.archive_days));
    Ok((!in_doubt).then(|| now.minus(Duration::from_secs(days * 24 * 60 * 60))))
}

/// What was archived continuously of a tenant that is destroyed goes, and what is left since nothing
/// is archived any more: no round of archiving comes by it.
async fn forget_changes(
    tenants: &Tenants,
    target: &Target,
    layout: Layout,
    left: Option<Timestamp>,
    done: &mut Pruned,
) -> Result<(), BackupError> {
    let folder = layout.all_changes();
    let listed = target.store.list_with_delimiter(Some(&folder)).await;
    for owner in listed.map_err(|error| place::failed(target, error))?.common_prefixes {
        let is_destroyed = match owner.filename().unwrap_or_default().parse::<TenantId>() {
            Ok(tenant) => tenants.is_destroyed(tenant).await?,
            Err(_) => false,
        };
        if !is_destroyed && left.is_none() {
            continue;
        }
        let files: Vec<_> = target
            .store
            .list(Some(&owner))
            .try_collect()
            .await
            .map_err(|error| place::failed(target, error))?;
        let newest = files.iter().map(|file| file.last_modified.timestamp_micros()).max();
        let is_over = newest.map(Timestamp::from_micros) < left;
        if !is_destroyed && !is_over {
            continue;
        }
        for file in files {
            match place::delete(target, &file.location).await {
                Ok(()) => {
                    done.changes += 1;
                    done.bytes += file.size;
                }
                Err(error) => {
                    tracing::warn!(target = target.name, path = %file.location, %error,
                        "archived changes are not deleted yet");
                    done.refused += 1;
                }
            }
        }
    }
    Ok(())
}

async fn adopt(
    tenants: &Tenants,
    target: &Target,
    path: &StorePath,
    manifest: super::Manifest,
    is_new: bool,
) -> Result<(), BackupError> {
    let Some(realm) = fetch::realm(&manifest) else { return Ok(()) };
    let Some(note) = place::text(target, &Layout::manifest(path)).await? else { return Ok(()) };
    let since = tenants.runtime().now();
    let state = PlacementState::Stored;
    let placement = Placement { target: target.name.clone(), state, since, verified: None };
    system(tenants, move |tx| {
        match is_new {
            true => repo::insert(tx, realm, &manifest, &note, std::slice::from_ref(&placement))?,
            false => repo::place(tx, manifest.id, &placement)?,
        }
        Ok(())
    })
    .await
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

pub(super) async fn system(
    tenants: &Tenants,
    f: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<(), DoorError> + Send + 'static,
) -> Result<(), BackupError> {
    Ok(tenants.system_write(Realm::Platform, SystemWrite::BackupCatalogue, f).await?)
}

fn deleted(done: &Pruned) -> Event {
    let mut event = Event::new(events::BACKUP_DELETED);
    event.resource = Some(Resource::new("backup", "archives"));
    event.custom_fields.insert("archives".into(), done.archives.into());
    for (name, count) in
        [("copies", done.copies), ("changes", done.changes), ("leftovers", done.leftovers)]
    {
        if count > 0 {
            event.custom_fields.insert(name.into(), count.into());
        }
    }
    event.custom_fields.insert("bytes".into(), done.bytes.into());
    event
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
