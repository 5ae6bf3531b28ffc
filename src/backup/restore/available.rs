//! What a tenant, or the platform, could be restored from.

use serde::Serialize;

use super::RestoreError;
use crate::authz::permission::PlatformBackupRead;
use crate::authz::{Grant, Realm};
use crate::backup::changes::{self, Window};
use crate::backup::{
    BackupError, Kind, Layout, Manifest, Target, Targets, catalogue, scan, scan_all,
};
use crate::config::{Backup, TargetUrl};
use crate::tenants::Tenants;

/// One archive of data, and the targets that have it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Available {
    pub manifest: Manifest,
    pub targets: Vec<String>,
}

/// The archives of data of one owner, or of all, the newest first: those of the catalogue, or what
/// lies in `from`, as far as this installation signed it.
pub async fn available(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    realm: Option<Realm>,
    from: Option<&TargetUrl>,
) -> Result<Vec<Available>, RestoreError> {
    let installation = tenants.installation();
    let mut found = match from {
        Some(url) => in_target(tenants, url).await?,
        None => in_catalogue(tenants, grant, realm).await?,
    };
    let owner = realm.map(owner);
    found.retain(|one| {
        one.manifest.kind == Kind::Data
            && one.manifest.installation == installation
            && owner.as_ref().is_none_or(|owner| *owner == one.manifest.owner)
    });
    found.sort_by_key(|one| (std::cmp::Reverse(one.manifest.taken), one.manifest.id));
    Ok(found)
}

/// Between which moments each of these can be had as of any second, from the targets that answer;
/// and which did not, with the reason.
///
/// # Errors
/// When a target cannot be used at all.
pub async fn windows(
    tenants: &Tenants,
    settings: &Backup,
    realms: &[Realm],
    from: Option<&TargetUrl>,
) -> Result<(Vec<(Realm, Window)>, Vec<String>), RestoreError> {
    let targets = match from {
        Some(url) => Targets(vec![Target::open(url)?]),
        None => crate::backup::targets(tenants, settings)?,
    };
    let (layout, verifier) = (Layout::new(tenants.installation()), tenants.notary().verifier());
    let (mut all, mut unread): (Vec<(Realm, Window)>, Vec<String>) = (Vec::new(), Vec::new());
    for target in &targets.0 {
        for realm in realms {
            let windows = match changes::window(target, layout, *realm, &verifier).await {
                Ok(windows) => windows,
                Err(error) => {
                    tracing::warn!(place = target.name, %error, "its changes cannot be listed");
                    unread.push(unlisted(target, &error));
                    break;
                }
            };
            for window in windows {
                match all.iter_mut().find(|(_, known)| known.base == window.base) {
                    Some((_, known)) => {
                        known.from = known.from.min(window.from);
                        known.to = known.to.max(window.to);
                    }
                    None => all.push((*realm, window)),
                }
            }
        }
    }
    Ok((all, unread))
}

/// A target and why it was not looked into, for whoever wants to restore.
pub(super) fn unlisted(target: &Target, error: &BackupError) -> String {
    match error.to_string() {
        said if said.contains(&target.name) => said,
        said => format!("{}: {said}", target.name),
    }
}

pub(super) fn owner(realm: Realm) -> String {
    match realm {
        Realm::Platform => "platform".to_owned(),
        Realm::Tenant(id) => id.to_string(),
    }
}

async fn in_catalogue(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    realm: Option<Realm>,
) -> Result<Vec<Available>, RestoreError> {
    let entries = match realm {
        Some(realm) => catalogue::of_owner(tenants, grant, realm).await?,
        None => catalogue::list(tenants, grant).await?,
    };
    let stored = entries.into_iter().filter(catalogue::Entry::is_stored);
    Ok(stored
        .map(|entry| {
            let is_there =
                |place: &&catalogue::Placement| place.state == catalogue::PlacementState::Stored;
            let there = entry.placements.iter().filter(is_there);
            let targets = there.map(|place| place.target.clone()).collect();
            Available { manifest: entry.manifest, targets }
        })
        .collect())
}

/// What lies in `from` under the name of a newer archive of data than `newest`, and cannot be
/// believed, in words.
pub(super) async fn newest_left_out(
    tenants: &Tenants,
    from: &TargetUrl,
    realm: Realm,
    newest: Option<&Manifest>,
) -> Result<Option<RestoreError>, RestoreError> {
    let targets = Targets(vec![Target::open(from)?]);
    let (verifier, layout) = (tenants.notary().verifier(), Layout::new(tenants.installation()));
    let (_, left_out) = scan_all(&targets, layout, Some(&verifier)).await?;
    let place = format!("{}/", layout.of_owner(Kind::Data, realm));
    // Names begin with the time.
    let is_newer = |why: &&String| {
        why.starts_with(&place) && newest.is_none_or(|newest| why.as_str() > newest.path.as_str())
    };
    let target = from.name().to_owned();
    let why = left_out.iter().filter(is_newer).max().cloned();
    Ok(why.map(|why| RestoreError::NewestLeftOut { target, why }))
}

async fn in_target(tenants: &Tenants, url: &TargetUrl) -> Result<Vec<Available>, RestoreError> {
    let targets = Targets(vec![Target::open(url)?]);
    let verifier = tenants.notary().verifier();
    let found = scan(&targets, Layout::new(tenants.installation()), Some(&verifier)).await?;
    let one = |(manifest, target)| Available { manifest, targets: vec![target] };
    Ok(found.into_iter().map(one).collect())
}

/// The target of that name, among those that are configured or the one that was asked for.
pub(super) fn target(
    tenants: &Tenants,
    settings: &Backup,
    from: Option<&TargetUrl>,
    names: &[String],
) -> Result<Target, RestoreError> {
    let targets = match from {
        Some(url) => Targets(vec![Target::open(url)?]),
        None => crate::backup::targets(tenants, settings)?,
    };
    let found = targets.0.into_iter().find(|target| names.contains(&target.name));
    found.ok_or_else(|| RestoreError::Nothing(names.join(", ")))
}
