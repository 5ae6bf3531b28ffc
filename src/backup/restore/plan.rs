//! What a restore would use, and what would be lost. Nothing is changed.

use super::available::{self, Available};
use super::model::{Moment, Plan, Wanted};
use super::{RestoreError, available as archives};
use crate::authz::permission::PlatformBackupRead;
use crate::authz::{Grant, Realm};
use crate::backup::Target;
use crate::config::Backup;
use crate::tenants::{Tenant, Tenants};

/// What was chosen for a restore.
pub(super) struct Chosen {
    pub tenant: Tenant,
    pub archive: Available,
    pub target: Target,
}

/// # Errors
/// [`RestoreError::NoTenant`], [`RestoreError::Nothing`] or [`RestoreError::NothingThen`].
pub async fn plan(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    settings: &Backup,
    wanted: &Wanted,
) -> Result<Plan, RestoreError> {
    let chosen = choose(tenants, grant, settings, wanted).await?;
    let Chosen { tenant, archive, target } = chosen;
    let manifest = archive.manifest;
    let live = tenants.entries_known(tenant.id).await;
    Ok(Plan {
        tenant: tenant.id,
        slug: tenant.slug.to_string(),
        backup: manifest.id.to_string(),
        target: target.name,
        moment: manifest.taken,
        bytes: manifest.bytes,
        plain_bytes: manifest.plain_bytes,
        entries: manifest.entries,
        lost: live.saturating_sub(manifest.entries),
        recipients: manifest.recipients,
        continuous: false,
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
    if all.is_empty() {
        return Err(RestoreError::Nothing(tenant.slug.to_string()));
    }
    let archive = all.into_iter().find(|one| match wanted.moment {
        Moment::Latest => true,
        Moment::At(time) => one.manifest.taken <= time,
        Moment::Backup(id) => one.manifest.id == id,
    });
    let archive = archive.ok_or_else(|| match wanted.moment {
        Moment::At(time) => {
            RestoreError::NothingThen { tenant: tenant.slug.to_string(), at: time.to_string() }
        }
        Moment::Backup(id) => RestoreError::Nothing(format!("{} with the id {id}", tenant.slug)),
        Moment::Latest => RestoreError::Nothing(tenant.slug.to_string()),
    })?;
    let target = available::target(settings, from, &archive.targets)?;
    Ok(Chosen { tenant, archive, target })
}
