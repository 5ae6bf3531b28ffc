//! To targets and back.

use std::io::{self, Read};
use std::path::Path as FilePath;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt, PutPayload};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;

use crate::backup::{BackupError, Damage, Target, TargetError, place};
use crate::kernel::limits;

/// Files up to this size, in bytes, go in one piece.
const SMALL: u64 = 8 << 20;

/// Sends a file.
pub(super) async fn file(target: &Target, to: &Path, from: &FilePath) -> Result<(), BackupError> {
    let refused = |error: object_store::Error| not_stored(target, to, &error.to_string());
    if std::fs::metadata(from)?.len() <= SMALL {
        return text(target, to, std::fs::read(from)?).await;
    }
    let mut writer = object_store::buffered::BufWriter::with_capacity(
        target.store.clone(),
        to.clone(),
        usize::try_from(SMALL).unwrap_or(usize::MAX),
    );
    let mut input = std::fs::File::open(from)?;
    loop {
        let (read, chunk) = blocking(move || {
            let mut chunk = Vec::with_capacity(usize::try_from(SMALL).unwrap_or(0));
            let n = io::Read::by_ref(&mut input).take(SMALL).read_to_end(&mut chunk)?;
            chunk.truncate(n);
            Ok((input, chunk))
        })
        .await?;
        if chunk.is_empty() {
            break;
        }
        input = read;
        if let Err(error) = writer.put(Bytes::from(chunk)).await {
            let _ = writer.abort().await;
            return Err(refused(error));
        }
    }
    writer.shutdown().await.map_err(|error| not_stored(target, to, &error.to_string()))
}

/// Sends something small.
pub(super) async fn text(target: &Target, to: &Path, text: Vec<u8>) -> Result<(), BackupError> {
    let put = target.store.put(to, PutPayload::from(text)).await;
    put.map(|_| ()).map_err(|error| not_stored(target, to, &error.to_string()))
}

fn not_stored(target: &Target, to: &Path, reason: &str) -> BackupError {
    BackupError::NotStored { path: format!("{}/{to}", target.name), reason: reason.to_owned() }
}

/// Work that waits for a disk, off this thread.
pub(super) async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(f).await.map_err(|_| BackupError::Stopped)?
}

/// What lies below a path, and its size in bytes; the names are those behind it.
pub(super) async fn list(target: &Target, below: &Path) -> Result<Vec<(String, u64)>, BackupError> {
    let found = objects(target, below).await?;
    Ok(found.into_iter().map(|(name, meta)| (name, meta.size)).collect())
}

/// The same, with all that is known.
pub(super) async fn objects(
    target: &Target,
    below: &Path,
) -> Result<Vec<(String, ObjectMeta)>, BackupError> {
    let mut found = Vec::new();
    let mut listed = target.store.list(Some(below));
    while let Some(meta) = listed.next().await {
        let meta = meta.map_err(|error| unread(target, below, error))?;
        let name = meta.location.as_ref().strip_prefix(below.as_ref());
        if let Some(name) = name.and_then(|name| name.strip_prefix('/')) {
            found.push((name.to_owned(), meta));
        }
    }
    Ok(found)
}

/// Something small, whole.
pub(super) async fn get(target: &Target, path: &Path) -> Result<Bytes, BackupError> {
    let read = place::bounded(target, path, limits::BACKUP_NOTE_BYTES).await;
    let read = read.map_err(|error| unread(target, path, error))?;
    read.map(Bytes::from).ok_or_else(|| damaged(target, path, Damage::Size))
}

pub(super) fn unread(target: &Target, path: &Path, error: object_store::Error) -> BackupError {
    match error {
        object_store::Error::NotFound { .. } => damaged(target, path, Damage::Missing),
        error => BackupError::Io(io::Error::other(format!("{}/{path}: {error}", target.name))),
    }
}

pub(super) fn damaged(target: &Target, path: &Path, damage: Damage) -> BackupError {
    BackupError::Damaged { target: target.name.clone(), path: path.to_string(), damage }
}

/// Reads an object on a thread that may wait.
pub(super) struct Download {
    handle: Handle,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    chunk: Bytes,
}

impl Download {
    pub fn open(target: &Target, path: &Path, handle: &Handle) -> Result<Self, BackupError> {
        let got = handle.block_on(target.store.get(path));
        let got = got.map_err(|error| unread(target, path, error))?;
        Ok(Self { handle: handle.clone(), stream: got.into_stream(), chunk: Bytes::new() })
    }
}

impl Read for Download {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
            }
        }
        let n = out.len().min(self.chunk.len());
        out[..n].copy_from_slice(&self.chunk.split_to(n));
        Ok(n)
    }
}

/// Copies an object from one target to another, as it is.
pub(super) async fn copy(from: &Target, to: &Target, path: &Path) -> Result<(), BackupError> {
    let got = from.store.get(path).await.map_err(|error| unread(from, path, error))?;
    let mut stream = got.into_stream();
    let mut writer = object_store::buffered::BufWriter::with_capacity(
        to.store.clone(),
        path.clone(),
        usize::try_from(SMALL).unwrap_or(usize::MAX),
    );
    while let Some(chunk) = stream.next().await {
        let put = match chunk {
            Ok(chunk) => {
                writer.put(chunk).await.map_err(|it| not_stored(to, path, &it.to_string()))
            }
            Err(error) => Err(unread(from, path, error)),
        };
        if let Err(error) = put {
            let _ = writer.abort().await;
            return Err(error);
        }
    }
    writer.shutdown().await.map_err(|error| not_stored(to, path, &error.to_string()))
}

/// Deletes what nobody needs any more; whether the target refused (a lock on objects). It is tried
/// again when old things are looked for.
pub(super) async fn delete(target: &Target, path: &Path) -> bool {
    let deleted = target.delete(path).await;
    if let Err(error) = &deleted {
        tracing::warn!(place = target.name, %path, %error, "could not be deleted");
    }
    matches!(deleted, Err(TargetError::Locked { .. }))
}
