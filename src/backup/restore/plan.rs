//! What a restore would use, and what would be lost. Nothing is changed.

use super::available::{self, Available};
use super::model::{Moment, Plan, Wanted};
use super::{RestoreError, available as archives};
use crate::audit::index;
use crate::authz::permission::PlatformBackupRead;
use crate::authz::{Grant, Realm};
use crate::backup::changes::{self, Window};
use crate::backup::{Layout, Manifest, Target, Targets};
use crate::config::Backup;
use crate::kernel::Timestamp;
use crate::retention::holds;
use crate::tenants::{ReadTx, Tenant, Tenants};

/// What was chosen for a restore.
pub(super) struct Chosen {
    pub tenant: Tenant,
    pub target: Target,
    pub source: Source,
    /// Targets that did not say how far their continuous archive reaches, and why.
    pub unread: Vec<String>,
}

pub(super) enum Source {
    /// A daily archive.
    Archive(Box<Manifest>),
    /// The continuous archive, up to a time.
    Changes { window: Window, at: Timestamp },
}

impl Source {
    /// The moment that it shows, as far as that is known before it is read.
    pub fn moment(&self) -> Timestamp {
        match self {
            Self::Archive(manifest) => manifest.taken,
            Self::Changes { window, at } => window.to.min(*at),
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::Archive(manifest) => manifest.id.to_string(),
            Self::Changes { window, .. } => format!("changes after {}", window.base),
        }
    }

    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Archive(manifest) => Some(manifest),
            Self::Changes { .. } => None,
        }
    }
}

/// # Errors
/// [`RestoreError::NoTenant`], [`RestoreError::Nothing`] or [`RestoreError::NothingThen`].
pub async fn plan(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    settings: &Backup,
    wanted: &Wanted,
) -> Result<Plan, RestoreError> {
    let Chosen { tenant, source, target, unread } =
        choose(tenants, grant, settings, wanted).await?;
    let live = tenants.entries_known(tenant.id).await;
    let after = Timestamp::from_micros(source.moment().as_micros().saturating_add(1));
    let read = move |tx: &ReadTx<'_>| {
        Ok::<_, RestoreError>((holds::any(tx)?, Some(index::seq_from(tx, after)?)))
    };
    // A file that cannot be read is what a restore may be for.
    let read = tenants.credentials(Realm::Tenant(tenant.id), read).await;
    let (hold, next) = read.unwrap_or((None, None));
    let manifest = source.manifest();
    let entries = manifest.map(|manifest| manifest.entries);
    let lost = match entries {
        Some(entries) => Some(live.saturating_sub(entries)),
        // How many entries were archived is read with them; how many are later is known here.
        None => next.map(|next| (live + 1).saturating_sub(next)),
    };
    let configured = || settings.recipients.iter().map(|one| one.key().to_string()).collect();
    Ok(Plan {
        tenant: tenant.id,
        slug: tenant.slug.to_string(),
        backup: source.name(),
        target: target.name,
        moment: source.moment(),
        bytes: manifest.map_or(0, |manifest| manifest.bytes),
        plain_bytes: manifest.map_or(0, |manifest| manifest.plain_bytes),
        entries,
        lost,
        recipients: manifest.map_or_else(configured, |manifest| manifest.recipients.clone()),
        hold,
        continuous: manifest.is_none(),
        unread,
    })
}

pub(super) async fn choose(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    settings: &Backup,
    wanted: &Wanted,
) -> Result<Chosen, RestoreError> {
    let tenant = tenants.tenant(&wanted.tenant);
    let tenant = tenant.ok_or_else(|| RestoreError::NoTenant(wanted.tenant.clone()))?;
    let (realm, from) = (Realm::Tenant(tenant.id), wanted.from.as_ref());
    let all = archives(tenants, grant, Some(realm), from).await?;
    let archive = all.iter().find(|one| match wanted.moment {
        Moment::Latest => true,
        Moment::At(time) => one.manifest.taken <= time,
        Moment::Backup(id) => one.manifest.id == id,
    });
    let until = match wanted.moment {
        Moment::Latest => Some(tenants.now()),
        Moment::At(time) => Some(time),
        Moment::Backup(_) => None,
    };
    let (changes, unread) = match until {
        Some(at) => newest_changes(tenants, settings, wanted, realm, at).await?,
        None => (None, Vec::new()),
    };
    let newer = |(_, source): &(Target, Source)| {
        archive.is_none_or(|archive| source.moment() > archive.manifest.taken)
    };
    if let Some((target, source)) = changes.filter(newer) {
        return Ok(Chosen { tenant, target, source, unread });
    }
    if let (Some(from), Moment::Latest) = (from, wanted.moment) {
        let newest = archive.map(|archive| &archive.manifest);
        let left_out = available::newest_left_out(tenants, from, realm, newest).await?;
        left_out.map_or(Ok(()), Err)?;
    }
    let slug = tenant.slug.to_string();
    let Some(Available { manifest, targets }) = archive.cloned() else {
        return Err(match wanted.moment {
            Moment::At(time) if !all.is_empty() => {
                RestoreError::NothingThen { tenant: slug, at: time.to_string() }
            }
            Moment::Backup(id) => RestoreError::Nothing(format!("{slug} with the id {id}")),
            _ => RestoreError::Nothing(slug),
        });
    };
    let target = available::target(tenants, settings, from, &targets)?;
    Ok(Chosen { tenant, target, source: Source::Archive(Box::new(manifest)), unread })
}

/// The continuous archive that reaches furthest up to `at`, and which targets did not answer.
async fn newest_changes(
    tenants: &Tenants,
    settings: &Backup,
    wanted: &Wanted,
    realm: Realm,
    at: Timestamp,
) -> Result<(Option<(Target, Source)>, Vec<String>), RestoreError> {
    let targets = match &wanted.from {
        Some(url) => Targets(vec![Target::open(url)?]),
        None => crate::backup::targets(tenants, settings)?,
    };
    let (layout, verifier) = (Layout::new(tenants.installation()), tenants.notary().verifier());
    let (mut best, mut unread): (Option<(Target, Source)>, _) = (None, Vec::new());
    for target in targets.0 {
        let windows = match changes::window(&target, layout, realm, &verifier).await {
            Ok(windows) => windows,
            Err(error) => {
                tracing::warn!(place = target.name, %error, "its changes cannot be listed");
                unread.push(available::unlisted(&target, &error));
                continue;
            }
        };
        for window in windows.into_iter().filter(|window| window.from <= at) {
            let source = Source::Changes { window, at };
            if best.as_ref().is_none_or(|(_, best)| best.moment() < source.moment()) {
                best = Some((target.clone(), source));
            }
        }
    }
    Ok((best, unread))
}
