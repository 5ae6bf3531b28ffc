//! A directory of this machine as a target. Whoever else can write to it may put a link there that
//! leads to a directory of this machine: none is followed, so that nothing outside of the target is
//! listed, read, written over or taken for a leftover and deleted.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path as FsPath, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::lazy::generic;

/// Where something lies in a target, if no link leads there. The target itself may be one: its
/// operator has chosen it.
///
/// # Errors
/// For a link below `root`, and what looking fails with.
pub fn inside(root: &FsPath, path: &Path) -> io::Result<PathBuf> {
    let mut full = root.to_owned();
    for part in path.parts() {
        full.push(part.as_ref());
        match fs::symlink_metadata(&full) {
            Ok(about) if about.is_symlink() => {
                let text = format!("{} is a link, which is not followed", full.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(full)
}

#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    store: LocalFileSystem,
}

impl Directory {
    /// It has to be there.
    pub fn open(root: &FsPath) -> Result<Self> {
        // The file and its directory, before a write is answered.
        let store = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self { root: root.to_owned(), store })
    }

    async fn check(&self, path: &Path) -> Result<()> {
        let (root, path) = (self.root.clone(), path.clone());
        blocking(move || inside(&root, &path).map(|_| ())).await
    }
}

/// Files and directories in one directory, or all files below it; nothing when it is not there.
async fn below(root: PathBuf, prefix: Path, deep: bool) -> Result<ListResult> {
    blocking(move || {
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        let mut waiting = vec![prefix];
        while let Some(path) = waiting.pop() {
            let (files, directories) = entries(&inside(&root, &path)?, &path)?;
            objects.extend(files);
            match deep {
                true => waiting.extend(directories),
                false => common_prefixes.extend(directories),
            }
        }
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    })
    .await
}

/// What is neither a file nor a directory is passed over.
fn entries(directory: &FsPath, path: &Path) -> io::Result<(Vec<ObjectMeta>, Vec<Path>)> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((files, directories)),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // Another program's file may have a name that no object can have.
        let name = entry.file_name().into_string().ok();
        let location = name
            .as_ref()
            .and_then(|name| Path::parse(format!("{path}/{name}").trim_start_matches('/')).ok());
        let (Some(name), Some(location)) = (name, location) else { continue };
        // Of the entry itself, not of where it leads.
        let about = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about?,
        };
        if about.is_dir() {
            directories.push(location);
        } else if about.is_file() && !is_staged(&name) {
            let last_modified = DateTime::<Utc>::from(about.modified()?);
            let size = about.len();
            files.push(ObjectMeta { location, last_modified, size, e_tag: None, version: None });
        }
    }
    Ok((files, directories))
}

/// What the store is still writing has a `#` and a number behind its name.
fn is_staged(name: &str) -> bool {
    let number = name.split_once('#').map(|(_, number)| number);
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(f).await;
    let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| generic(error.to_string()))
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.store)
    }
}

#[async_trait]
impl ObjectStore for Directory {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.check(path).await?;
        self.store.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check(path).await?;
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(path).await?;
        self.store.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let root = self.root.clone();
        let checked = paths.and_then(move |path| {
            let root = root.clone();
            async move { blocking(move || inside(&root, &path).map(|_| path)).await }
        });
        self.store.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let all = below(self.root.clone(), prefix.cloned().unwrap_or_default(), true);
        let all = stream::once(all).map_ok(|all| stream::iter(all.objects.into_iter().map(Ok)));
        all.try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        below(self.root.clone(), prefix.cloned().unwrap_or_default(), false).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check(from).await?;
        self.check(to).await?;
        self.store.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn a_linked_directory_is_neither_listed_nor_read_nor_written_nor_emptied() {
        let (target, mine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(mine.path().join("tenant.db"), "mine").unwrap();
        fs::create_dir(target.path().join("data")).unwrap();
        fs::write(target.path().join("data/archive"), "backup").unwrap();
        std::os::unix::fs::symlink(mine.path(), target.path().join("data/other")).unwrap();
        std::os::unix::fs::symlink(mine.path(), target.path().join("keys")).unwrap();
        let store = Directory::open(target.path()).unwrap();
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
        let names: Vec<_> = listed.iter().map(|meta| meta.location.as_ref()).collect();
        assert_eq!(names, ["data/archive"]);
        let top = store.list_with_delimiter(None).await.unwrap();
        assert_eq!(top.common_prefixes, [Path::from("data")]);
        for path in ["data/other/tenant.db", "keys/tenant.db"].map(Path::from) {
            let said = store.get(&path).await.unwrap_err().to_string();
            assert!(said.contains("is a link"), "{said}");
            assert!(store.put(&path, PutPayload::from_static(b"theirs")).await.is_err());
            assert!(store.delete(&path).await.is_err());
        }
        assert!(store.list(Some(&Path::from("keys"))).try_collect::<Vec<_>>().await.is_err());
        assert_eq!(fs::read_to_string(mine.path().join("tenant.db")).unwrap(), "mine");
    }
}
