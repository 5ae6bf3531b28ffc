//! Where backups go: several places at once, behind one trait.

mod directory;
#[cfg(test)]
pub(super) mod fragile;
mod lazy;
mod s3;
mod s3_bucket;
mod s3_versions;
mod sftp;
mod sftp_connection;
mod sftp_upload;
#[cfg(test)]
pub(super) mod test_servers;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

pub(super) use directory::inside;
use lazy::Lazy;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

pub use s3_versions::{Hidden, Stale, Swept};

use crate::config::{Backup, Place, TargetUrl};

#[derive(Clone, Debug, thiserror::Error)]
pub enum TargetError {
    #[error("no backup target is configured: set backup.targets")]
    None,
    #[error("backup target {target}: {reason}")]
    Setting { target: String, reason: String },
    #[error("backup target {target}: {}", told(error))]
    Store { target: String, error: Arc<object_store::Error> },
    /// It keeps what it has: an object lock, an append-only directory, a credential without the
    /// right to delete.
    #[error("backup target {target} does not let {path} be deleted")]
    Locked { target: String, path: String },
}

/// One of the places.
#[derive(Clone)]
pub struct Target {
    /// What people know it by: its address without secrets.
    pub name: String,
    pub store: Arc<dyn ObjectStore>,
    own: Own,
}

/// The same store, where that knows more than what it lists.
#[derive(Clone)]
enum Own {
    Nothing,
    Bucket(s3_bucket::Bucket),
    Sftp(sftp::Sftp),
}

impl Target {
    pub fn new(name: String, store: Arc<dyn ObjectStore>) -> Self {
        Self { name, store, own: Own::Nothing }
    }

    /// Makes no connection and no directory yet. Blocks while certificates are read.
    ///
    /// # Errors
    /// [`TargetError::Setting`] when the address cannot be used.
    pub fn open(url: &TargetUrl) -> Result<Self, TargetError> {
        let name = url.name().to_owned();
        let refused = |reason: String| TargetError::Setting { target: name.clone(), reason };
        match url.place() {
            Place::Directory(_) => Ok(Self::new(name.clone(), Arc::new(Lazy::new(url, None)))),
            _ => connect(url).map_err(refused),
        }
    }

    /// One that may be unusable now: whoever uses it is told why, each time anew.
    fn of_settings(url: &TargetUrl, folder: Option<&str>) -> Self {
        let name = url.name().to_owned();
        let opened = match url.place() {
            Place::Directory(_) => None,
            _ => connect(url).ok(),
        };
        opened.unwrap_or_else(|| Self::new(name, Arc::new(Lazy::new(url, folder))))
    }

    /// Makes its directory when nothing was ever written there.
    ///
    /// # Errors
    /// [`TargetError::Store`] when it cannot be made, or what was in it is not there.
    pub async fn make_ready(&self, directory: &std::path::Path) -> Result<(), TargetError> {
        let listed = self.store.list_with_delimiter(None).await;
        listed.map_err(|error| self.failed(error))?;
        let directory = directory.to_owned();
        let made = tokio::task::spawn_blocking(move || lazy::make(&directory)).await;
        let made = made.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        made.map_err(|error| self.failed(lazy::generic(error.to_string())))
    }

    /// Deletes one object, with every version that the store keeps of it; one that is not there is no
    /// error.
    ///
    /// # Errors
    /// [`TargetError::Locked`] when the target keeps it, [`TargetError::Store`] when it fails.
    pub async fn delete(&self, path: &Path) -> Result<(), TargetError> {
        let deleted = match &self.own {
            Own::Bucket(bucket) => bucket.delete(self.store.as_ref(), path).await,
            _ => self.store.delete(path).await,
        };
        self.deleted(path, deleted)
    }

    fn deleted(&self, path: &Path, deleted: object_store::Result<()>) -> Result<(), TargetError> {
        match deleted {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) if keeps(&error) => {
                Err(TargetError::Locked { target: self.name.clone(), path: path.to_string() })
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What uploads that were cut off have left below `prefix` and the store does not list. Those to
    /// a directory of this machine are looked for there; those to S3 end by a rule of the bucket.
    ///
    /// # Errors
    /// [`TargetError::Store`]
    pub async fn unfinished(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, TargetError> {
        match &self.own {
            Own::Sftp(sftp) => sftp.unfinished(prefix).await.map_err(|error| self.failed(error)),
            _ => Ok(Vec::new()),
        }
    }

    /// Names the target that an operation failed on.
    pub fn failed(&self, error: object_store::Error) -> TargetError {
        TargetError::Store { target: self.name.clone(), error: Arc::new(error) }
    }
}

/// All of them.
#[derive(Clone, Default)]
pub struct Targets(pub Vec<Target>);

impl Targets {
    /// Makes no connection and no directory yet: a target that cannot be used now is no error here,
    /// but fails when it is used. Those in `stored` have archives, in the directory `folder`.
    ///
    /// # Errors
    /// [`TargetError::Setting`] for one that is given twice.
    pub fn open(
        settings: &Backup,
        folder: &str,
        stored: &HashSet<String>,
    ) -> Result<Self, TargetError> {
        let open = |url: &TargetUrl| {
            Target::of_settings(url, stored.contains(url.name()).then_some(folder))
        };
        let all: Vec<Target> = settings.targets.iter().map(open).collect();
        for (at, target) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.name == target.name) {
                let reason = "it is given twice in backup.targets".to_owned();
                return Err(TargetError::Setting { target: target.name.clone(), reason });
            }
        }
        Ok(Self(all))
    }
}

/// Makes no connection yet; a directory has to be there.
fn connect(url: &TargetUrl) -> Result<Target, String> {
    let name = url.name().to_owned();
    let (store, own): (Arc<dyn ObjectStore>, Own) = match url.place() {
        Place::Directory(path) => {
            let opened = directory::Directory::open(path).map_err(|error| error.to_string())?;
            (Arc::new(opened), Own::Nothing)
        }
        Place::S3(place) => {
            let (store, bucket) = s3::open(place)?;
            (store, Own::Bucket(bucket))
        }
        Place::Sftp(place) => {
            let sftp = sftp::Sftp::open(place)?;
            (Arc::new(sftp.clone()), Own::Sftp(sftp))
        }
    };
    Ok(Target { name, store, own })
}

/// Whether the target refused rather than failed.
fn keeps(error: &object_store::Error) -> bool {
    let refused = matches!(error, object_store::Error::PermissionDenied { .. });
    refused || io_kind(error) == Some(std::io::ErrorKind::PermissionDenied)
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// What went wrong, in one line, with its innermost cause.
fn told(error: &object_store::Error) -> String {
    use object_store::Error as E;
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error {
        E::NotFound { path, .. } => format!("{path} is not there"),
        E::AlreadyExists { path, .. } => format!("{path} is there already"),
        E::PermissionDenied { path, .. } => format!("it refuses access to {path}"),
        E::Unauthenticated { .. } => format!("it does not accept the credentials ({cause})"),
        _ => cause.to_string(),
    }
}
