//! The directory `changes/` beside a data file: records that were taken and where the next begin.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::record::{self, Hash, Record, RecordReader, RecordWriter};
use super::wal_file::{FRAME_HEADER, Header, Position};
use crate::kernel::Timestamp;
use crate::kernel::id::BaseId;
use crate::store::{StoreError, files};

/// Why a chain of changes broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    #[error("the file was changed while nothing was archived")]
    Unwatched,
    #[error("the space for changes on this machine was used up: no target took them")]
    SpoolFull,
    #[error("the data disk was full")]
    DiskFull,
    #[error("the system clock was set back")]
    Clock,
    #[error("no target that is configured has its beginning")]
    Targets,
    #[error("changes could not be taken: {0}")]
    Failed(String),
}

impl Gap {
    /// As the audit log names it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unwatched => "unwatched",
            Self::SpoolFull => "spool_full",
            Self::DiskFull => "disk_full",
            Self::Clock => "clock_set_back",
            Self::Targets => "other_targets",
            Self::Failed(_) => "failed",
        }
    }
}

impl From<std::io::Error> for Gap {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<StoreError> for Gap {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::DiskFull,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A chain that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub chain: BaseId,
    pub gap: Gap,
    /// Until when it has everything.
    pub until: Timestamp,
}

/// Records that are complete on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Batch {
    pub first: u64,
    pub last: u64,
    pub path: PathBuf,
}

/// Tells whether a file that was closed is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    file: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Fingerprint {
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self { file: file.ino(), bytes: file.len(), changed: (file.mtime(), file.mtime_nsec()) })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    chain: BaseId,
    number: u64,
    hash: String,
    time: i64,
    page_size: u32,
    position: Option<Position>,
    closed: Option<Fingerprint>,
}

/// A chain of records that goes on.
pub(super) struct Chain {
    directory: PathBuf,
    pub id: BaseId,
    /// Of the last record.
    pub number: u64,
    pub hash: Hash,
    pub time: Timestamp,
    pub page_size: u32,
    /// Where the WAL goes on; none when it is empty.
    pub position: Option<Position>,
    /// The file when it was closed with an empty WAL.
    pub closed: Option<Fingerprint>,
    open: Option<OpenBatch>,
}

struct OpenBatch {
    out: BufWriter<File>,
    path: PathBuf,
    first: u64,
    /// Up to the end of the last whole record.
    bytes: u64,
    synced: bool,
}

const STATE: &str = "state.json";

/// What became of a file in one second.
pub(super) struct Step<'a> {
    pub time: Timestamp,
    pub commits: u32,
    /// Pages in the file after it.
    pub pages: u32,
    /// Numbers of pages and the frames that have them, by rising number.
    pub frames: &'a [(u32, u32)],
    pub end: Position,
}

impl Chain {
    pub fn begin(
        directory: &Path,
        id: BaseId,
        time: Timestamp,
        page_size: u32,
        position: Option<Position>,
    ) -> Result<Self, StoreError> {
        let (number, hash) = (0, record::seed(id));
        let directory = directory.to_owned();
        let (closed, open) = (None, None);
        let chain = Self { directory, id, number, hash, time, page_size, position, closed, open };
        files::private_directory(&chain.folder())?;
        chain.write_state()?;
        Ok(chain)
    }

    /// The chain that an earlier run left; none when there was none.
    ///
    /// # Errors
    /// [`Broken`] when it cannot go on.
    pub fn load(directory: &Path) -> Result<Option<Self>, Broken> {
        let Ok(text) = fs::read(directory.join(STATE)) else { return Ok(None) };
        let Ok(state) = serde_json::from_slice::<State>(&text) else { return Ok(None) };
        let (chain, until) = (state.id(), Timestamp::from_micros(state.time));
        state.go_on(directory).map(Some).map_err(|gap| Broken { chain, gap, until })
    }

    fn folder(&self) -> PathBuf {
        self.directory.join(self.id.to_string())
    }

    /// Appends a record of pages that lie in the WAL. Not durable before [`sync`](Self::sync).
    pub fn append(&mut self, wal: &File, header: &Header, step: &Step<'_>) -> Result<u64, Gap> {
        let record = Record {
            number: self.number + 1,
            time: step.time,
            commits: step.commits,
            pages: step.pages,
            count: u32::try_from(step.frames.len()).unwrap_or(u32::MAX),
            position: step.end,
        };
        let hash = self.hash;
        let page_size = self.page_size;
        let batch = self.open_batch(record.number)?;
        batch.synced = false;
        let mut out = RecordWriter::begin(&mut batch.out, &record, &hash)?;
        let mut page = vec![0; page_size as usize];
        for (number, frame) in step.frames {
            wal.read_exact_at(&mut page, header.offset(*frame) + FRAME_HEADER as u64)?;
            out.page(*number, &page)?;
        }
        let hash = out.end()?;
        let bytes = record.bytes(page_size);
        batch.bytes += bytes;
        (self.number, self.hash, self.time) = (record.number, hash, record.time);
        (self.position, self.closed) = (Some(step.end), None);
        Ok(bytes)
    }

    fn open_batch(&mut self, first: u64) -> Result<&mut OpenBatch, Gap> {
        let folder = self.folder();
        match &mut self.open {
            Some(batch) => Ok(batch),
            none => {
                let path = folder.join(format!("{first:016}.open"));
                let mut options = OpenOptions::new();
                let file =
                    options.create(true).truncate(true).write(true).mode(0o600).open(&path)?;
                let out = BufWriter::with_capacity(256 * 1024, file);
                Ok(none.insert(OpenBatch { out, path, first, bytes: 0, synced: true }))
            }
        }
    }

    /// What was appended is durable when this returns.
    pub fn sync(&mut self) -> Result<(), Gap> {
        let Some(batch) = self.open.as_mut().filter(|batch| !batch.synced) else { return Ok(()) };
        batch.out.flush()?;
        batch.out.get_ref().sync_data()?;
        batch.synced = true;
        Ok(())
    }

    /// Ends the batch under way: it will not change any more.
    pub fn rotate(&mut self) -> Result<(), Gap> {
        self.sync()?;
        let Some(batch) = self.open.take() else { return Ok(()) };
        complete(&batch.path, batch.first, self.number)?;
        Ok(self.write_state()?)
    }

    /// Keeps what is whole of the batch under way, and goes on no more.
    pub fn give_up(mut self) {
        let _ = fs::remove_file(self.directory.join(STATE));
        let Some(mut batch) = self.open.take() else { return };
        // The tail of a record that failed half-way is cut off. When not even whole records could be
        // flushed, the batch is lost: what the chain has then ends with the batch before.
        let flushed = batch.out.flush();
        let file = batch.out.get_ref();
        let whole =
            flushed.and_then(|()| file.set_len(batch.bytes)).and_then(|()| file.sync_data());
        if whole.is_err()
            || batch.bytes == 0
            || complete(&batch.path, batch.first, self.number).is_err()
        {
            let _ = fs::remove_file(&batch.path);
        }
    }

    pub fn write_state(&self) -> Result<(), StoreError> {
        let state = State {
            chain: self.id,
            number: self.number,
            hash: HEXLOWER.encode(&self.hash),
            time: self.time.as_micros(),
            page_size: self.page_size,
            position: self.position,
            closed: self.closed,
        };
        let text = serde_json::to_vec(&state).unwrap_or_default();
        files::replace(&self.directory.join(STATE), &text)
    }
}

impl State {
    fn id(&self) -> BaseId {
        self.chain
    }

    /// Reads what was taken after the state was written.
    fn go_on(self, directory: &Path) -> Result<Chain, Gap> {
        let hash = HEXLOWER.decode(self.hash.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
        let mut chain = Chain {
            directory: directory.to_owned(),
            id: self.chain,
            number: self.number,
            hash: hash.ok_or_else(|| Gap::Failed("its state is damaged".into()))?,
            time: Timestamp::from_micros(self.time),
            page_size: self.page_size,
            position: self.position,
            closed: self.closed,
            open: None,
        };
        let folder = chain.folder();
        for batch in batches(&folder)? {
            if batch.last > chain.number {
                chain.follow(&batch.path)?;
            }
        }
        let open = format!("{:016}.open", chain.number + 1);
        for path in paths(&folder, "open")? {
            if path.ends_with(&open) {
                chain.follow_open(&path)?;
            } else {
                fs::remove_file(&path)?; // nothing whole was ever in it
            }
        }
        Ok(chain)
    }
}

impl Chain {
    /// Reads on in a complete batch.
    fn follow(&mut self, path: &Path) -> Result<(), Gap> {
        let file = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut records = RecordReader::new(file, self.page_size, self.number, self.hash);
        while let Some(record) = records.read(|_, _, _| Ok(()))? {
            self.follow_record(&record, records.last().1);
        }
        Ok(())
    }

    /// The same in one that was being written; what is not whole at its end is dropped: the WAL
    /// still has it.
    fn follow_open(&mut self, path: &Path) -> Result<(), Gap> {
        let first = self.number + 1;
        let file = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut records = RecordReader::new(file, self.page_size, self.number, self.hash);
        let mut bytes = 0;
        while let Ok(Some(record)) = records.read(|_, _, _| Ok(())) {
            self.follow_record(&record, records.last().1);
            bytes += record.bytes(self.page_size);
        }
        if bytes == 0 {
            return Ok(fs::remove_file(path)?);
        }
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(bytes)?;
        file.sync_data()?;
        Ok(complete(path, first, self.number)?)
    }

    fn follow_record(&mut self, record: &Record, hash: Hash) {
        (self.number, self.hash, self.time) = (record.number, hash, record.time);
        self.position = Some(record.position);
        self.closed = None;
    }
}

fn complete(path: &Path, first: u64, last: u64) -> std::io::Result<()> {
    let to = path.with_file_name(format!("{first:016}-{last:016}.records"));
    fs::rename(path, &to)?;
    to.parent().map_or(Ok(()), files::sync_directory)
}

/// Complete batches in a chain's directory, in order.
pub(super) fn batches(folder: &Path) -> std::io::Result<Vec<Batch>> {
    let mut found: Vec<_> = paths(folder, "records")?
        .into_iter()
        .filter_map(|path| {
            let (first, last) = path.file_stem()?.to_str()?.split_once('-')?;
            Some(Batch { first: first.parse().ok()?, last: last.parse().ok()?, path })
        })
        .collect();
    found.sort();
    Ok(found)
}

fn paths(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    Ok(paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect())
}

/// Nobody watches the file from here on: no chain can go on after that.
pub(in crate::store) fn forget(database: &Path) {
    let _ = fs::remove_file(directory(database).join(STATE));
}

/// Where the changes of a data file lie.
pub(super) fn directory(database: &Path) -> PathBuf {
    database.with_file_name("changes")
}
