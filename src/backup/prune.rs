//! Deleting what is past its time, from every target.
//!
//! A store that refuses (object lock) is asked again the next time: the catalogue keeps the row
//! until every target is rid of the archive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use object_store::path::Path as StorePath;

use super::catalogue::{Entry, PlacementState};
use super::keep::{Rule, keep};
use super::overdue::{self, Source, Terms};
use super::tidy::Round;
use super::{BackupError, Kind, Layout, TargetError, Targets, fetch, place, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::config;
use crate::kernel::Timestamp;
use crate::kernel::id::BackupId;
use crate::retention::clock::{self, Reading};
use crate::tenants::{DoorError, SystemWrite, Tenants, WriteTx};

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
    let terms = Terms::now(tenants, settings, layout).await?;
    let mut kept = HashMap::new();
    for target in &targets.0 {
        // A target that cannot be reached keeps nothing else from being done.
        let round = Round { tenants, target, layout, terms, left };
        match round.run(&mut done).await {
            Ok(overdue) => {
                kept.insert(target.name.clone(), overdue);
            }
            Err(error) => {
                tracing::warn!(place = target.name, %error, "a backup target could not be listed");
                done.refused += 1;
            }
        }
    }
    // What is gone is on record, whatever comes in between.
    let mut ended = delete_over(tenants, settings, &targets, terms, &mut done, &mut kept).await;
    if ended.is_ok() && terms.is_some() {
        // No round of archiving says it then, and what is left of changes was looked at here.
        if settings.archive_seconds == 0 {
            let none = kept.keys().map(|target| (target.clone(), 0)).collect();
            overdue::record(tenants, Source::Changes, none).await?;
        }
        ended = overdue::record(tenants, Source::Archives, kept).await;
    }
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
    terms: Option<Terms>,
    done: &mut Pruned,
    kept: &mut HashMap<String, u64>,
) -> Result<(), BackupError> {
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
    let entries = tenants.credentials(Realm::Platform, read).await?;
    let names: HashSet<String> = targets.0.iter().map(|target| target.name.clone()).collect();
    let over = over(tenants, settings, &names, &entries).await?;
    for entry in entries.iter().filter(|entry| over.contains(&entry.manifest.id)) {
        let is_over =
            terms.is_some_and(|it| it.is_over(&entry.manifest.path, entry.manifest.taken));
        for target in delete(tenants, targets, entry, done).await? {
            if let Some(kept) = kept.get_mut(&target).filter(|_| is_over) {
                *kept += 1;
            }
        }
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
/// would be a backup that nobody knows of. Answers which targets keep it.
async fn delete(
    tenants: &Tenants,
    targets: &Targets,
    entry: &Entry,
    done: &mut Pruned,
) -> Result<Vec<String>, BackupError> {
    let id = entry.manifest.id;
    let path = StorePath::from(entry.manifest.path.as_str());
    let (mut left, mut elsewhere, mut keep) = (0, false, Vec::new());
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
                tracing::warn!(place = target.name, %path, %error, "a backup is not deleted yet");
                done.refused += 1;
                left += 1;
                keep.extend(is_kept(&error).then(|| target.name.clone()));
            }
        }
    }
    if left == 0 && !elsewhere {
        system(tenants, move |tx| Ok(repo::remove(tx, id)?)).await?;
        done.archives += 1;
        done.bytes += entry.manifest.bytes;
    }
    Ok(keep)
}

/// Whether a target refuses to delete something, rather than fails.
pub(super) fn is_kept(error: &BackupError) -> bool {
    matches!(error, BackupError::Target(TargetError::Locked { .. }))
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
