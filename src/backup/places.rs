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
    /// A target that cannot be used, whether it can be reached or not.
    pub fn open(
        settings: &Backup,
        installation: InstallationId,
        tenants: &Tenants,
    ) -> Result<Self, BackupError> {
        let (targets, layout) = (Targets::open(settings)?, Layout::new(installation));
        let copier = Copier::new(&targets, layout, tenants.notary().signer().clone())?;
        if !targets.0.is_empty() {
            tenants.copy_ledger_to(Arc::new(copier.clone()));
        }
        Ok(Self { targets, layout, copier })
    }
}
