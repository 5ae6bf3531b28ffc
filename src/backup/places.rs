//! The targets of this installation, opened once.

use std::sync::Arc;

use super::ledger::Copier;
use super::{BackupError, Layout, Targets};
use crate::config::Backup;
use crate::kernel::id::InstallationId;
use crate::tenants::Tenants;

#[derive(Clone)]
pub struct Places {
    pub targets: Targets,
    pub layout: Layout,
    pub copier: Copier,
}

impl Places {
    /// Opens the targets of the settings and has the ledger of erasures copied there from now on,
    /// before any key is destroyed. Connects to nobody yet.
    ///
    /// # Errors
    /// A target that is given twice. One that cannot be used is none: it fails when it is used.
    pub fn open(
        settings: &Backup,
        installation: InstallationId,
        tenants: &Tenants,
    ) -> Result<Self, BackupError> {
        let (targets, layout) = (targets(tenants, settings)?, Layout::new(installation));
        let copier = Copier::new(&targets, layout, tenants.notary().signer().clone())?;
        if !targets.0.is_empty() {
            tenants.copy_ledger_to(Arc::new(copier.clone()));
        }
        Ok(Self { targets, layout, copier })
    }
}

/// The targets of the settings, each with what the catalogue says of it: one that archives were
/// stored in is not taken for an empty one when its disk is not mounted. Reads the catalogue at
/// once, which blocks for a moment.
///
/// # Errors
/// A target that is given twice; what the platform's own file answers.
pub fn targets(tenants: &Tenants, settings: &Backup) -> Result<Targets, BackupError> {
    if settings.targets.is_empty() {
        return Ok(Targets::default());
    }
    let stored = tenants.read_platform_here(|tx| super::repo::in_use(tx))?;
    let folder = Layout::new(tenants.installation()).root();
    Ok(Targets::open(settings, &folder, &stored.into_iter().collect())?)
}
