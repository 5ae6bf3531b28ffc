//! The restores that there were.

use super::{Restore, RestoreError, repo};
use crate::authz::Grant;
use crate::authz::permission::PlatformBackupRead;
use crate::kernel::id::RestoreId;
use crate::tenants::Tenants;

/// The last ones, the newest first.
pub async fn restores(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
) -> Result<Vec<Restore>, RestoreError> {
    tenants.read(grant, |tx| Ok(repo::all(tx)?)).await
}

/// # Errors
/// [`RestoreError::Unknown`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let found = tenants.read(grant, move |tx| Ok::<_, RestoreError>(repo::find(tx, id)?)).await?;
    found.ok_or_else(|| RestoreError::Unknown(id.to_string()))
}
