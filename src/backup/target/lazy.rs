//! A target that is opened when it is needed, and again until that works: what is wrong with one
//! target keeps neither the others nor the server from working.
//!
//! A directory may be the place where a disk is mounted. When the disk is not there, what lies
//! under it must neither be filled nor be taken for an empty target.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path as FsPath;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::connect;
use crate::config::{Place, TargetUrl};
use crate::store::files;

/// What every installation's directory in a target begins with.
const FOLDER: &str = "strongroom-";

#[derive(Debug)]
pub(super) struct Lazy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: TargetUrl,
    store: OnceLock<Arc<dyn ObjectStore>>,
    /// What has to be in the directory, once something was seen or is known to be there.
    folder: OnceLock<String>,
}

impl Lazy {
    /// With `folder`, the target is known to have that one at its top.
    pub fn new(url: &TargetUrl, folder: Option<&str>) -> Self {
        let known = OnceLock::new();
        if let Some(folder) = folder {
            let _ = known.set(folder.to_owned());
        }
        Self(Arc::new(Inner { url: url.clone(), store: OnceLock::new(), folder: known }))
    }

    async fn to_write(&self) -> Result<Arc<dyn ObjectStore>> {
        match self.at_hand(true).await? {
            Some(store) => Ok(store),
            None => Err(generic("it is not there".to_owned())),
        }
    }

    /// Nothing when it is a directory that nobody has written to yet.
    async fn at_hand(&self, writing: bool) -> Result<Option<Arc<dyn ObjectStore>>> {
        let inner = self.0.clone();
        // A disk that hangs keeps no thread from answering requests.
        let opened = tokio::task::spawn_blocking(move || inner.at_hand(writing)).await;
        opened.unwrap_or_else(|error| Err(generic(error.to_string())))
    }
}

impl Inner {
    fn at_hand(&self, writing: bool) -> Result<Option<Arc<dyn ObjectStore>>> {
        if let Place::Directory(path) = self.url.place()
            && !self.is_in_use(path)?
        {
            if writing {
                make(path).map_err(|error| generic(error.to_string()))?;
            } else if !is_there(path).map_err(|error| generic(error.to_string()))? {
                return Ok(None);
            }
        }
        if self.store.get().is_none() {
            let _ = self.store.set(connect(&self.url).map_err(generic)?.store);
        }
        Ok(self.store.get().cloned())
    }

    /// Whether backups are in it.
    fn is_in_use(&self, path: &FsPath) -> Result<bool> {
        if let Some(folder) = self.folder.get() {
            return match path.join(folder).is_dir() {
                true => Ok(true),
                false => Err(generic(format!(
                    "it looks empty although backups were made there: is it mounted? If its disk \
                     was replaced by an empty one, make the directory {}",
                    path.join(folder).display()
                ))),
            };
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(generic(error.to_string())),
        };
        let mut names = entries.flatten().map(|entry| entry.file_name());
        let found =
            names.find_map(|name| name.into_string().ok().filter(|n| n.starts_with(FOLDER)));
        Ok(found
            .is_some_and(|folder| self.folder.set(folder).is_ok() || self.folder.get().is_some()))
    }
}

/// Makes the directory, but none above it: where the one above is missing, a disk is.
pub(super) fn make(path: &FsPath) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), files::sync_directory),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(above_is_missing(path)),
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("{} cannot be made: {error}", path.display())))
        }
    }
}

fn is_there(path: &FsPath) -> io::Result<bool> {
    match path.is_dir() {
        true => Ok(true),
        false if path.parent().is_none_or(FsPath::is_dir) => Ok(false),
        false => Err(above_is_missing(path)),
    }
}

fn above_is_missing(path: &FsPath) -> io::Error {
    let above = path.parent().unwrap_or(path).display();
    let text = format!(
        "{above} is not there: is it mounted? Otherwise make it, or correct backup.targets"
    );
    io::Error::new(io::ErrorKind::NotFound, text)
}

pub(super) fn generic(reason: String) -> Error {
    Error::Generic { store: "backup target", source: reason.into() }
}

fn nothing(path: &Path) -> Error {
    Error::NotFound { path: path.to_string(), source: "nothing was written there yet".into() }
}

impl fmt::Display for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.url.name())
    }
}

#[async_trait]
impl ObjectStore for Lazy {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.to_write().await?.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.to_write().await?.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        match self.at_hand(false).await? {
            Some(store) => store.get_opts(path, options).await,
            None => Err(nothing(path)),
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let lazy = Self(self.0.clone());
        let all = async move {
            Ok::<_, Error>(match lazy.at_hand(false).await? {
                Some(store) => store.delete_stream(paths),
                None => paths.and_then(async |path| Err(nothing(&path))).boxed(),
            })
        };
        stream::once(all).try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (lazy, prefix) = (Self(self.0.clone()), prefix.cloned());
        let all = async move {
            Ok::<_, Error>(match lazy.at_hand(false).await? {
                Some(store) => store.list(prefix.as_ref()),
                None => stream::empty().boxed(),
            })
        };
        stream::once(all).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        match self.at_hand(false).await? {
            Some(store) => store.list_with_delimiter(prefix).await,
            None => Ok(ListResult {
                common_prefixes: Vec::new(),
                objects: Vec::new(),
                extensions: Default::default(),
            }),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.to_write().await?.copy_opts(from, to, options).await
    }
}
