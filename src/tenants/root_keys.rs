//! Replacing the root key: another one is added, the server is started with it, and the former one is
//! retired. At no moment is there none that opens the installation.

use std::path::Path;

use super::root_key::EMBEDDED;
use super::{AuditEvents, DoorError, Tenants};
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::PlatformKeyRotate;
use crate::config::RootKeyConfig;
use crate::crypto::Key32;
use crate::crypto::passphrase::Derivation;
use crate::crypto::root::{LocalRoot, RootFile, RootSource};
use crate::store::{StoreError, files};

/// One that opens the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootKeyInfo {
    pub fingerprint: String,
    /// Made of a passphrase; a key that is kept somewhere otherwise.
    pub passphrase: bool,
    /// The one that this process was started with.
    pub in_use: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    #[error("this root key opens the installation already")]
    Known,
    #[error(
        "two root keys open the installation already: start the server with the new one, then \
         strongroom root-key retire"
    )]
    UnderWay,
    #[error(
        "no other root key opens the installation: add one first (strongroom root-key add), start the \
         server with it, and retire this one then"
    )]
    Alone,
    #[error(transparent)]
    Door(#[from] DoorError),
}

type Changed = Result<Vec<RootKeyInfo>, RootKeyError>;

impl Tenants {
    pub fn root_keys(&self, _: &Grant<PlatformKeyRotate>) -> Changed {
        Ok(self.infos(&self.root_file()?))
    }

    /// Lets another root key open the installation. `passphrase` says how it was made, if of one.
    ///
    /// # Errors
    /// [`RootKeyError::Known`], [`RootKeyError::UnderWay`]; what the disk answers: nothing was
    /// changed then.
    pub async fn add_root_key(
        &self,
        grant: &Grant<PlatformKeyRotate>,
        source: LocalRoot,
        passphrase: Option<Derivation>,
    ) -> Changed {
        let _only = self.inner.changing.lock().await;
        let mut file = self.root_file()?;
        if file.is_sealed_under(&source) {
            return Err(RootKeyError::Known);
        }
        if file.root_keys().count() > 1 {
            return Err(RootKeyError::UnderWay);
        }
        let mut event = Event::new(catalogue::ROOT_KEY_ADDED);
        event.resource = Some(Resource::new("root_key", source.fingerprint()));
        let made = if passphrase.is_some() { "passphrase" } else { "key" };
        event.custom_fields.insert("madeOf".into(), made.into());
        let keys = &self.inner.platform.keys;
        keys.add_root_key(&mut file, &source, passphrase).map_err(DoorError::from)?;
        self.replace_root_file(grant, &file, event).await?;
        Ok(self.infos(&file))
    }

    /// Leaves the root key that this process was started with as the only one.
    ///
    /// # Errors
    /// [`RootKeyError::Alone`]; what the disk answers.
    pub async fn retire_root_keys(&self, grant: &Grant<PlatformKeyRotate>) -> Changed {
        let _only = self.inner.changing.lock().await;
        let mut file = self.root_file()?;
        let in_use = &self.inner.ground.root_key;
        let gone = file.keep_only(in_use);
        if gone.is_empty() {
            // Not the first time: until archives of before are gone, it may be their only copy.
            return match self.forget_embedded().await? {
                true => Ok(self.infos(&file)),
                false => Err(RootKeyError::Alone),
            };
        }
        let mut event = Event::new(catalogue::ROOT_KEY_RETIRED);
        event.resource = Some(Resource::new("root_key", gone.join(" ")));
        event.custom_fields.insert("inUse".into(), in_use.as_str().into());
        self.replace_root_file(grant, &file, event).await?;
        Ok(self.infos(&file))
    }

    /// Deletes the key that was made beside the data, when it opens nothing any more.
    async fn forget_embedded(&self) -> Result<bool, DoorError> {
        let ground = &self.inner.ground;
        let (path, in_use) = (ground.directory.join(EMBEDDED), ground.root_key.clone());
        let forgotten = tokio::task::spawn_blocking(move || forget(&path, &in_use)).await;
        Ok(forgotten.map_err(|_| StoreError::Panicked)??)
    }

    /// The entry first: nobody adds a key that the log does not tell of.
    async fn replace_root_file(
        &self,
        grant: &Grant<PlatformKeyRotate>,
        file: &RootFile,
        event: Event,
    ) -> Result<(), RootKeyError> {
        let failed = Event { outcome: Outcome::Failure, ..event.clone() };
        self.note_root_key(grant, event).await?;
        let (path, text) = (self.inner.ground.directory.join("root.json"), file.to_json());
        let (place, new) = (path.clone(), text.clone());
        let replaced = tokio::task::spawn_blocking(move || files::replace(&path, &text)).await;
        let replaced = replaced.map_err(|_| StoreError::Panicked).and_then(|replaced| replaced);
        if let Err(error) = replaced {
            // When only the last sync failed, it is the new one that is there.
            if std::fs::read(&place).ok().as_deref() != Some(&new) {
                self.note_root_key(grant, failed).await?;
            }
            return Err(DoorError::from(error).into());
        }
        Ok(())
    }

    async fn note_root_key(
        &self,
        grant: &Grant<PlatformKeyRotate>,
        event: Event,
    ) -> Result<(), DoorError> {
        let note = move |_: &mut super::WriteTx<'_, PlatformKeyRotate>| {
            Ok::<_, DoorError>(((), AuditEvents::from(event.clone())))
        };
        self.write(grant, note).await.map(|_| ())
    }

    fn root_file(&self) -> Result<RootFile, DoorError> {
        Ok(RootFile::read(&self.inner.ground.directory.join("root.json"))?)
    }

    fn infos(&self, file: &RootFile) -> Vec<RootKeyInfo> {
        let info = |(fingerprint, passphrase): (&str, bool)| RootKeyInfo {
            fingerprint: fingerprint.to_owned(),
            passphrase,
            in_use: fingerprint == self.inner.ground.root_key,
        };
        file.root_keys().map(info).collect()
    }
}

/// What cannot be read as a key may be one that somebody needs: it stays.
fn forget(path: &Path, in_use: &str) -> Result<bool, StoreError> {
    let key = RootKeyConfig::File(path.to_owned()).load().ok().flatten();
    let key = key.and_then(|key| Key32::from_slice(key.expose_secret()));
    match key.map(|key| LocalRoot(key).fingerprint()) {
        Some(fingerprint) if fingerprint != in_use => {}
        _ => return Ok(false),
    }
    files::remove_if_there(path)?;
    let synced = path.parent().map_or(Ok(()), files::sync_directory);
    synced.map_err(|error| StoreError::file(path, &error))?;
    Ok(true)
}
