//! Writing one object to an SFTP server.

use std::fmt;
use std::io::SeekFrom;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::FutureExt;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::File;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Mutex;

use super::sftp::{Sftp, generic, is_missing};
use super::sftp_connection::Connection;

const UNFINISHED: &str = ".unfinished";
/// What is about to be replaced.
const ASIDE: &str = ".before";
static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

/// Whether it is what was about to be replaced: after a connection that broke off just then it is all
/// there is, so that nobody clears it away.
pub(super) fn is_aside(name: &str) -> bool {
    name.strip_suffix(UNFINISHED).is_some_and(|name| name.ends_with(ASIDE))
}

/// Whether it is the name of something that was not written to its end.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(UNFINISHED)
}

pub(super) struct Upload {
    store: Sftp,
    connection: Arc<Connection>,
    path: Path,
    /// Where it lies until it is whole.
    beside: String,
    replace: bool,
    /// Parts are written where they belong, one at a time. None once it has ended.
    file: Arc<Mutex<Option<File>>>,
    offset: u64,
}

impl Upload {
    pub async fn begin(store: &Sftp, path: &Path, replace: bool) -> Result<Self> {
        let connection = store.connection().await?;
        let full = store.file(path);
        let (directory, name) = full.rsplit_once('/').unwrap_or(("", &full));
        // Two attempts of this process at once are kept apart; what one that was killed has left is
        // written over.
        let (process, attempt) = (std::process::id(), ATTEMPTS.fetch_add(1, Ordering::Relaxed));
        let beside = format!("{directory}/.{name}.{process}-{attempt}{UNFINISHED}");
        let file = match create(&connection, &beside).await {
            Err(error) if is_missing(&error) => {
                directories(&connection, directory).await;
                create(&connection, &beside).await
            }
            result => result,
        };
        let file = match file {
            Ok(file) => Arc::new(Mutex::new(Some(file))),
            Err(error) => return Err(store.failed(path, error).await),
        };
        let (store, path) = (store.clone(), path.clone());
        Ok(Self { store, connection, path, beside, replace, file, offset: 0 })
    }

    /// Gives it its name, if need be instead of another file.
    async fn rename(&self) -> Result<()> {
        let (sftp, full) = (&self.connection.sftp, self.store.file(&self.path));
        // Most are new: this needs nothing but the protocol, and never takes another's place.
        let Err(error) = sftp.rename(&self.beside, &full).await else { return Ok(()) };
        if !sftp.try_exists(&full).await.unwrap_or(false) {
            return Err(self.store.failed(&self.path, error).await);
        }
        if !self.replace {
            let (path, source) = (self.path.to_string(), error.into());
            return Err(Error::AlreadyExists { path, source });
        }
        let replaced = match self.connection.replace(&self.beside, &full).await {
            // The server does not know that request, or allows no second channel.
            Err(_) if !self.connection.is_closed() => self.replace_in_two_steps(&full).await,
            result => result,
        };
        match replaced {
            Ok(()) => Ok(()),
            Err(error) => Err(self.store.failed(&self.path, error).await),
        }
    }

    /// For a server that cannot replace a file: what was there has another name for a moment, and
    /// its own again when this fails.
    async fn replace_in_two_steps(&self, full: &str) -> std::result::Result<(), SftpError> {
        let sftp = &self.connection.sftp;
        let aside = format!("{}{ASIDE}{UNFINISHED}", self.beside.trim_end_matches(UNFINISHED));
        match sftp.rename(full, &aside).await {
            Err(error) if is_missing(&error) => return sftp.rename(&self.beside, full).await,
            result => result?,
        }
        let renamed = sftp.rename(&self.beside, full).await;
        match renamed {
            Ok(()) => drop(sftp.remove_file(&aside).await), // if not now, when it is cleared away
            Err(_) => drop(sftp.rename(&aside, full).await),
        }
        renamed
    }
}

async fn create(connection: &Connection, name: &str) -> std::result::Result<File, SftpError> {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
    let private = FileAttributes { permissions: Some(0o600), ..FileAttributes::empty() };
    connection.sftp.open_with_flags_and_attributes(name, flags, private).await
}

/// Makes what is missing of a path; whether it worked shows when a file is made there.
async fn directories(connection: &Connection, path: &str) {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    for end in ends {
        let _ = connection.sftp.create_dir(&path[..end]).await;
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (file, offset) = (self.file.clone(), self.offset);
        self.offset += data.content_length() as u64;
        async move {
            let mut file = file.lock().await;
            let Some(file) = file.as_mut() else { return Err(generic("it has ended".into())) };
            let write = async {
                file.seek(SeekFrom::Start(offset)).await?;
                for piece in &data {
                    file.write_all(piece).await?;
                }
                Ok::<_, std::io::Error>(())
            };
            write.await.map_err(|error| generic(error.into()))
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Some(mut file) = self.file.lock().await.take() else {
            return Err(generic("it has ended".into()));
        };
        // Waits for every answer, and syncs the file where the server can.
        let ended = match file.flush().await {
            Ok(()) => file.close().await,
            Err(error) => Err(error),
        };
        let renamed = match ended {
            Ok(()) => self.rename().await,
            Err(error) => Err(generic(error.into())),
        };
        if renamed.is_err() {
            let _ = self.connection.sftp.remove_file(&self.beside).await;
        }
        renamed.map(|()| PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn abort(&mut self) -> Result<()> {
        if let Some(file) = self.file.lock().await.take() {
            let _ = file.close().await;
        }
        match self.connection.sftp.remove_file(&self.beside).await {
            Err(error) if !is_missing(&error) => Err(self.store.failed(&self.path, error).await),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upload of {}", self.path)
    }
}
