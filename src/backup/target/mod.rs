//! Where backups go: several places at once, behind one trait.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::config::{Backup, TargetUrl};
use crate::store::files;

#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("no backup target is configured: set backup.targets")]
    None,
    #[error("backup target {target}: {reason}")]
    Setting { target: String, reason: String },
    #[error("backup target {target}: {error}")]
    Store { target: String, error: Arc<object_store::Error> },
}

/// One of the places.
#[derive(Clone)]
pub struct Target {
    /// What people know it by: its address without secrets.
    pub name: String,
    pub store: Arc<dyn ObjectStore>,
}

impl Target {
    /// # Errors
    /// [`TargetError::Setting`] when the address cannot be used.
    pub fn open(url: &TargetUrl) -> Result<Self, TargetError> {
        let name = url.url().to_string();
        let refused = |reason: String| TargetError::Setting { target: name.clone(), reason };
        let directory = url.directory().ok_or_else(|| refused("not a directory".into()))?;
        files::private_directory(&directory).map_err(|error| refused(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&directory)
            .map_err(|error| refused(error.to_string()))?
            .with_fsync(true);
        Ok(Self { name, store: Arc::new(store) })
    }
}

/// All of them.
#[derive(Clone)]
pub struct Targets(pub Vec<Target>);

impl Targets {
    /// # Errors
    /// [`TargetError`] for the first that cannot be used.
    pub fn open(settings: &Backup) -> Result<Self, TargetError> {
        settings.targets.iter().map(Target::open).collect::<Result<_, _>>().map(Self)
    }
}
