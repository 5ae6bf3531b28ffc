//! A directory of an SFTP server as an object store.
//!
//! What is written goes under a name beside its own, is synced where the server can (OpenSSH's
//! `fsync@openssh.com`) and then renamed, so that what has its name is whole.

use std::fmt;
use std::io::SeekFrom;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::Metadata;
use russh_sftp::protocol::StatusCode;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::sftp_connection::{Connection, ConnectionError, Way};
use super::sftp_upload::{Upload, is_aside, is_unfinished};
use crate::config::SftpPlace;

const READ_BYTES: usize = 256 * 1024;
/// Directories below each other: the layout has five.
const DEPTH: usize = 12;

#[derive(Clone)]
pub(super) struct Sftp {
    shared: Arc<Shared>,
}

struct Shared {
    way: Way,
    name: String,
    /// Where everything is, absolute, without a slash at its end.
    root: String,
    /// Held while connecting: whoever else wants a connection waits for the same.
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

impl Sftp {
    pub fn open(place: &SftpPlace) -> std::result::Result<Self, String> {
        let shared = Shared {
            way: Way::new(place)?,
            name: format!("{}@{}", place.user, place.host),
            root: place.path.trim_end_matches('/').to_owned(),
            connection: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The connection; a new one when the last has ended.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>> {
        let mut held = self.shared.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = Arc::new(self.shared.way.connect().await.map_err(unconnected)?);
        *held = Some(connection.clone());
        Ok(connection)
    }

    /// After an answer that never came the next operation connects anew.
    pub(super) async fn failed(&self, path: &Path, error: SftpError) -> Error {
        if !matches!(error, SftpError::Status(_)) {
            self.shared.connection.lock().await.take();
        }
        refused(path, error)
    }

    pub(super) fn file(&self, path: &Path) -> String {
        format!("{}/{path}", self.shared.root)
    }

    async fn meta(&self, connection: &Connection, path: &Path) -> Result<ObjectMeta> {
        match connection.sftp.metadata(self.file(path)).await {
            Ok(found) if found.is_dir() => Err(missing(path)),
            Ok(found) => Ok(meta(path.clone(), &found)),
            Err(error) => Err(self.failed(path, error).await),
        }
    }

    /// Files and directories in one directory; nothing when it is not there.
    async fn directory(&self, path: &Path) -> Result<(Vec<ObjectMeta>, Vec<Path>)> {
        let connection = self.connection().await?;
        let full =
            if path.as_ref().is_empty() { self.shared.root.clone() } else { self.file(path) };
        let entries = match connection.sftp.read_dir(full).await {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok((Vec::new(), Vec::new())),
            Err(error) => return Err(self.failed(path, error).await),
        };
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in entries {
            let (name, about) = (entry.file_name(), entry.metadata());
            // Another program's file may have a name that no object can have.
            let Ok(location) = Path::parse(format!("{path}/{name}").trim_start_matches('/')) else {
                continue;
            };
            match about {
                about if about.is_dir() => directories.push(location),
                about if about.is_regular() => files.push(meta(location, &about)),
                _ => {}
            }
        }
        Ok((files, directories))
    }

    /// What was not written to its end; nobody else is shown it.
    pub async fn unfinished(&self, prefix: &Path) -> Result<Vec<ObjectMeta>> {
        let mut found = self.all_below(prefix.clone()).await?;
        found.retain(|one| is_cut_off(one) && !one.location.filename().is_some_and(is_aside));
        Ok(found)
    }

    async fn all_below(&self, prefix: Path) -> Result<Vec<ObjectMeta>> {
        let (mut found, mut waiting) = (Vec::new(), vec![(prefix, 0)]);
        while let Some((path, depth)) = waiting.pop() {
            let (files, directories) = self.directory(&path).await?;
            found.extend(files);
            if depth < DEPTH {
                waiting.extend(directories.into_iter().map(|path| (path, depth + 1)));
            }
        }
        Ok(found)
    }

    async fn delete_one(&self, path: &Path) -> Result<()> {
        let connection = self.connection().await?;
        match connection.sftp.remove_file(self.file(path)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed(path, error).await),
        }
    }
}

#[async_trait]
impl ObjectStore for Sftp {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let replace = match options.mode {
            PutMode::Overwrite => true,
            PutMode::Create => false,
            PutMode::Update(_) => return Err(unknown("an update of one version", self)),
        };
        let mut upload = Upload::begin(self, path, replace).await?;
        upload.put_part(payload).await?;
        upload.complete().await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload::begin(self, path, true).await?))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let connection = self.connection().await?;
        let meta = self.meta(&connection, path).await?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => range.as_range(meta.size).map_err(|error| generic(error.into()))?,
        };
        let mut chunks = stream::empty().boxed();
        if !options.head {
            let mut file = match connection.sftp.open(self.file(path)).await {
                Ok(file) => file,
                Err(error) => return Err(self.failed(path, error).await),
            };
            let sought = file.seek(SeekFrom::Start(range.start)).await;
            sought.map_err(|error| generic(error.into()))?;
            let left = range.end - range.start;
            // The connection lives as long as what is read from it.
            let reading = (file, left, connection);
            chunks = stream::try_unfold(reading, |(mut file, left, connection)| async move {
                if left == 0 {
                    return Ok(None);
                }
                let chunk = chunk(&mut file, left).await?;
                let left = left - chunk.len() as u64;
                Ok(Some((chunk, (file, left, connection))))
            })
            .boxed();
        }
        Ok(GetResult {
            payload: GetResultPayload::Stream(chunks),
            attributes: Attributes::default(),
            range,
            meta,
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |path: Path| {
            let store = store.clone();
            async move { store.delete_one(&path).await.map(|()| path) }
        };
        paths.and_then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned().unwrap_or_default());
        let all = async move { store.all_below(prefix).await };
        let whole = |all: Vec<_>| all.into_iter().filter(|one| !is_cut_off(one)).map(Ok);
        let all = stream::once(all).map_ok(move |all| stream::iter(whole(all)));
        all.try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (mut objects, common_prefixes) =
            self.directory(&prefix.cloned().unwrap_or_default()).await?;
        objects.retain(|one| !is_cut_off(one));
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unknown("copying", self))
    }
}

async fn chunk(file: &mut russh_sftp::client::fs::File, left: u64) -> Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(READ_BYTES);
    let most = left.min(READ_BYTES as u64);
    while (buffer.len() as u64) < most {
        let mut rest = (&mut *file).take(most - buffer.len() as u64);
        let read = rest.read_buf(&mut buffer).await.map_err(|error| generic(error.into()))?;
        if read == 0 {
            return Err(generic("the file ended early".into()));
        }
    }
    Ok(buffer.freeze())
}

fn meta(location: Path, about: &Metadata) -> ObjectMeta {
    let (seconds, size) = (about.mtime.unwrap_or_default(), about.len());
    ObjectMeta {
        location,
        last_modified: DateTime::from_timestamp(seconds.into(), 0).unwrap_or_default(),
        size,
        e_tag: Some(format!("{seconds:x}-{size:x}")),
        version: None,
    }
}

fn is_cut_off(one: &ObjectMeta) -> bool {
    one.location.filename().is_some_and(is_unfinished)
}

pub(super) fn is_missing(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

fn refused(path: &Path, error: SftpError) -> Error {
    let code = match &error {
        SftpError::Status(status) => Some(status.status_code),
        _ => None,
    };
    let (path, source) = (path.to_string(), Box::new(error));
    match code {
        Some(StatusCode::NoSuchFile) => Error::NotFound { path, source },
        Some(StatusCode::PermissionDenied) => Error::PermissionDenied { path, source },
        _ => Error::Generic { store: "SFTP", source },
    }
}

fn missing(path: &Path) -> Error {
    Error::NotFound { path: path.to_string(), source: "it is a directory".into() }
}

fn unconnected(error: ConnectionError) -> Error {
    let path = String::new();
    match error {
        ConnectionError::Key(..) => Error::Unauthenticated { path, source: error.into() },
        error => generic(error.into()),
    }
}

pub(super) fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic { store: "SFTP", source }
}

fn unknown(operation: &str, store: &Sftp) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: store.to_string() }
}

impl fmt::Display for Sftp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sftp://{}{}", self.shared.name, self.shared.root)
    }
}

impl fmt::Debug for Sftp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
