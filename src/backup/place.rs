//! Files of a target: written whole or not at all, read as a stream.
//!
//! A directory of this machine is written to and read from directly: that is what a copy must keep
//! up with. What lies over a network goes through the target's store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use object_store::path::Path as StorePath;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::pack::{self, Packed};
use super::target::inside;
use super::{BackupError, Damage, Recipients, Target, TargetError};
use crate::config::TargetUrl;
use crate::kernel::limits;
use crate::store::files;

/// Pieces of a file on its way to a store: the most that a store takes is 10,000 of them.
const PIECE: usize = 16 * 1024 * 1024;
/// Pieces under way to one store.
const PIECES: usize = 2;
/// Bytes after which a growing archive is brought to the disk.
const SYNCED: usize = 16 * 1024 * 1024;
/// What is being written has this behind its name.
const PARTIAL: &str = "partial";

/// Where a target lies on this machine, if it does.
pub fn directory(target: &Target) -> Option<PathBuf> {
    directory_of(&target.name)
}

/// The same, by a target's name.
pub fn directory_of(target: &str) -> Option<PathBuf> {
    target.parse::<TargetUrl>().ok()?.directory()
}

/// The same, when it can be written to: made if it has to be, and the disk mounted that it was on.
///
/// # Errors
/// [`TargetError::Store`]
pub async fn ready(target: &Target) -> Result<Option<PathBuf>, BackupError> {
    let Some(directory) = directory(target) else { return Ok(None) };
    target.make_ready(&directory).await?;
    Ok(Some(directory))
}

/// Writes an archive into a directory: synced, and there under its name only when it is whole.
///
/// # Errors
/// [`BackupError::Write`] when the directory is at fault, what `write` answers otherwise.
pub fn write<T: Send>(
    directory: &Path,
    path: &StorePath,
    recipients: &Recipients,
    write: impl FnOnce(&mut dyn Write) -> Result<T, BackupError> + Send,
) -> Result<(T, Packed), BackupError> {
    let to = inside(directory, path).map_err(|error| refused(path, &error))?;
    whole(&to, |file| fill(file, path, recipients, write))
}

/// Packs into a file, and brings it to the disk meanwhile.
fn fill<T: Send>(
    file: &File,
    path: &StorePath,
    recipients: &Recipients,
    write: impl FnOnce(&mut dyn Write) -> Result<T, BackupError> + Send,
) -> Result<(T, Packed), BackupError> {
    let at_fault = |error| match error {
        BackupError::Io(error) => refused(path, &error),
        other => other,
    };
    std::thread::scope(|scope| {
        let (ask, asked) = std::sync::mpsc::sync_channel(1);
        let syncing = scope.spawn(move || asked.iter().try_for_each(|()| file.sync_data()));
        let packed = pack::pack(Paced { file, unsynced: 0, ask }, recipients, write);
        let packed = packed.map(|(value, _, packed)| (value, packed));
        // A failed sync is told once: the one at the end does not hear of it.
        let synced = syncing.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        let packed = packed.map_err(at_fault)?;
        synced.map_err(|error| refused(path, &error))?;
        Ok(packed)
    })
}

/// A file that is brought to the disk as it grows: to sync it all at the end would take as long
/// again, and everybody else's syncs would wait behind it.
struct Paced<'a> {
    file: &'a File,
    unsynced: usize,
    ask: std::sync::mpsc::SyncSender<()>,
}

impl Write for Paced<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.unsynced += count;
        if self.unsynced >= SYNCED {
            self.unsynced = 0;
            // One that is under way comes first; what is added meanwhile is taken by the next.
            let _ = self.ask.try_send(());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Copies a file of this machine into a target.
///
/// # Errors
/// [`BackupError::Write`] or [`TargetError::Store`].
pub async fn send(target: &Target, path: &StorePath, file: &Path) -> Result<(), BackupError> {
    match ready(target).await? {
        Some(directory) => {
            let (from, path) = (file.to_owned(), path.clone());
            blocking(move || {
                let to = inside(&directory, &path).map_err(|error| refused(&path, &error))?;
                whole(&to, |mut out| {
                    io::copy(&mut File::open(&from)?, &mut out)
                        .map_err(|error| refused(&path, &error))?;
                    Ok(())
                })
            })
            .await
        }
        None => upload(target, path, file).await,
    }
}

async fn upload(target: &Target, path: &StorePath, file: &Path) -> Result<(), BackupError> {
    let named = |error| failed(target, error);
    let upload = target.store.put_multipart(path).await.map_err(named)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
    let (sender, mut pieces) = mpsc::channel::<io::Result<Bytes>>(1);
    let file = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_pieces(&file, &sender));
    while let Some(piece) = pieces.recv().await {
        let sent = match piece {
            Ok(piece) => upload.wait_for_capacity(PIECES).await.map(|()| upload.put(piece)),
            Err(error) => {
                let _ = upload.abort().await;
                return Err(error.into());
            }
        };
        if let Err(error) = sent {
            let _ = upload.abort().await;
            return Err(named(error));
        }
    }
    reading.await.map_err(|_| BackupError::Stopped)?;
    upload.finish().await.map_err(named)?;
    Ok(())
}

fn read_pieces(file: &Path, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let read = || -> io::Result<()> {
        let mut file = File::open(file)?;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
            if piece.is_empty() || sender.blocking_send(Ok(piece.into())).is_err() {
                return Ok(());
            }
        }
    };
    if let Err(error) = read() {
        let _ = sender.blocking_send(Err(error));
    }
}

/// Puts a small file.
pub async fn put(target: &Target, path: &StorePath, text: String) -> Result<(), BackupError> {
    let Some(directory) = ready(target).await? else {
        let payload = PutPayload::from(text);
        return target.store.put(path, payload).await.map(|_| ()).map_err(|e| failed(target, e));
    };
    let path = path.clone();
    blocking(move || {
        let to = inside(&directory, &path).map_err(|error| refused(&path, &error))?;
        whole(&to, |mut out| out.write_all(text.as_bytes()).map_err(|error| refused(&path, &error)))
    })
    .await
}

/// The length of a file in bytes; none when it is not there.
pub async fn size(target: &Target, path: &StorePath) -> Result<Option<u64>, BackupError> {
    match target.store.head(path).await {
        Ok(meta) => Ok(Some(meta.size)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(target, error)),
    }
}

/// A small text file; none when it is not there or longer than anything that was put.
pub async fn text(target: &Target, path: &StorePath) -> Result<Option<String>, BackupError> {
    match bounded(target, path, limits::BACKUP_NOTE_BYTES).await {
        Ok(bytes) => Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok())),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(target, error)),
    }
}

/// A small file; none when it is longer than `most` bytes, whatever the target says that it is.
pub async fn bounded(
    target: &Target,
    path: &StorePath,
    most: u64,
) -> object_store::Result<Option<Vec<u8>>> {
    let got = target.store.get(path).await?;
    if got.meta.size > most {
        return Ok(None);
    }
    let (mut all, mut pieces) = (Vec::new(), got.into_stream());
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if (all.len() + piece.len()) as u64 > most {
            return Ok(None);
        }
        all.extend_from_slice(&piece);
    }
    Ok(Some(all))
}

/// One that is not there is deleted already.
///
/// # Errors
/// [`TargetError::Locked`] when the target keeps what it has.
pub async fn delete(target: &Target, path: &StorePath) -> Result<(), BackupError> {
    Ok(target.delete(path).await?)
}

/// A file as a stream, on a thread that may wait and belongs to a runtime.
///
/// # Errors
/// [`BackupError::Damaged`] when it is missing.
pub fn open(target: &Target, path: &StorePath) -> Result<Box<dyn Read + Send>, BackupError> {
    let missing = || BackupError::Damaged {
        target: target.name.clone(),
        path: path.to_string(),
        damage: Damage::Missing,
    };
    if let Some(directory) = directory(target) {
        Handle::current().block_on(look(target))?;
        return match inside(&directory, path).and_then(|path| regular(&path)) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        };
    }
    let (handle, store) = (Handle::current(), target.store.clone());
    let got = match handle.block_on(store.get(path)) {
        Ok(got) => got,
        Err(object_store::Error::NotFound { .. }) => return Err(missing()),
        Err(error) => return Err(failed(target, error)),
    };
    let (sender, pieces) = mpsc::channel(4);
    handle.spawn(async move {
        let mut stream = got.into_stream();
        while let Some(piece) = stream.next().await {
            if sender.send(piece.map_err(io::Error::other)).await.is_err() {
                break;
            }
        }
    });
    Ok(Box::new(Stream { pieces, piece: Bytes::new() }))
}

/// Whether a target is there at all: what is missing in it is missing then.
async fn look(target: &Target) -> Result<(), BackupError> {
    let listed = target.store.list_with_delimiter(None).await;
    listed.map(|_| ()).map_err(|error| failed(target, error))
}

struct Stream {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(out.len());
        self.piece.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

/// Makes a file that is there under its name only when `fill` went well, synced.
fn whole<T>(
    path: &Path,
    fill: impl FnOnce(&File) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let at_fault = |error: io::Error| BackupError::Write {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    if let Some(directory) = path.parent() {
        files::private_directory(directory)?;
    }
    let (partial, file) = partial(path).map_err(at_fault)?;
    let result = fill(&file).and_then(|value| {
        file.sync_all().map_err(at_fault)?;
        fs::rename(&partial, path).map_err(at_fault)?;
        path.parent().map_or(Ok(()), files::sync_directory).map_err(at_fault)?;
        Ok(value)
    });
    if result.is_err() {
        let _ = fs::remove_file(&partial);
    }
    result
}

/// Names that are tried: more are there only when somebody has put them there.
const PARTIALS: u32 = 1000;

/// Makes a file beside `path`, under a name of its own. Who can write to the directory may have put a
/// link there that leads to a file of this machine: nothing that exists is opened or followed.
fn partial(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(0o600);
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    for n in 0..PARTIALS {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}-{n}.{PARTIAL}", std::process::id()));
        let partial = PathBuf::from(name);
        match options.open(&partial) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((partial, opened?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a file to read it: a link would lead out of the target, a pipe or a device has no end.
fn regular(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
    }
}

/// Whether a name is that of a file that was not finished, by this program or by the store.
pub fn is_unfinished(name: &str) -> bool {
    name.ends_with(PARTIAL) || name.contains('#')
}

pub fn failed(target: &Target, error: object_store::Error) -> BackupError {
    TargetError::Store { target: target.name.clone(), error: Arc::new(error) }.into()
}

fn refused(path: &StorePath, error: &io::Error) -> BackupError {
    BackupError::Write { path: path.to_string(), reason: error.to_string() }
}

/// Runs what waits for a disk on a thread for that.
pub async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(f).await.unwrap_or(Err(BackupError::Stopped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_a_directory_lead_neither_a_write_nor_a_read_to_other_files() {
        let directory = tempfile::tempdir().unwrap();
        let (mine, name) = (directory.path().join("mine"), directory.path().join("archive"));
        fs::write(&mine, "kept").unwrap();
        for link in ["archive", "archive.partial"] {
            std::os::unix::fs::symlink(&mine, directory.path().join(link)).unwrap();
        }
        assert!(regular(&name).is_err());
        whole(&name, |mut file| Ok(file.write_all(b"backup")?)).unwrap();
        assert_eq!(fs::read_to_string(&mine).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&name).unwrap(), "backup");
        assert!(fs::symlink_metadata(&name).unwrap().is_file());
    }

    /// Linux lets nobody sync this device.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_sync_that_fails_while_an_archive_grows_fails_the_archive() {
        let device = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let recipients = crate::backup::Identities::generate().to_recipients();
        let random: Vec<u8> = (0..SYNCED as u64 + 1024 * 1024)
            .map(|n| (n.wrapping_mul(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        let path = StorePath::from("archive");
        let filled = |bytes: &[u8]| {
            fill(&device, &path, &recipients, |out| Ok(out.write_all(bytes)?)).map(|_| ())
        };
        filled(&random[..1000]).unwrap();
        assert!(matches!(filled(&random), Err(BackupError::Write { .. })));
    }

    #[tokio::test]
    async fn a_note_without_an_end_is_not_read() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let target = Target::new("a".into(), store);
        let path = StorePath::from("note");
        target.store.put(&path, vec![b'a'; 100].into()).await.unwrap();
        assert_eq!(bounded(&target, &path, 100).await.unwrap().unwrap().len(), 100);
        assert!(bounded(&target, &path, 99).await.unwrap().is_none());
    }
}
