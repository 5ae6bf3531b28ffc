//! Follows the commits of one data file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::local::{self, Batch, Broken, Chain, Fingerprint, Gap, Step};
use super::record::Hash;
use super::taps::Shared;
use super::wal_file::{FRAME_HEADER, Frames, HEADER, Header, Position, read_salts, read_sum};
use crate::kernel::id::BaseId;
use crate::kernel::{Timestamp, limits};
use crate::store::{StoreError, files};

/// Frames that came since changes were last taken after which the thread for it is woken.
const EARLY: u32 = 250;
/// Size of our pages in bytes; a file says the same.
const PAGE_SIZE: u32 = 8192;

/// One data file's, for as long as the process lives: it sees the file opened and closed.
pub struct Tap {
    database: PathBuf,
    directory: PathBuf,
    shared: Arc<Shared>,
    /// Known from commits, not taken yet. Locked shortly, by whoever commits too.
    pending: Mutex<Pending>,
    inner: Mutex<Inner>,
    /// A copy of the file is being made: no checkpoint may write into it.
    withheld: AtomicBool,
    wants_base: AtomicBool,
    kicked: AtomicBool,
    /// Rises with each checkpoint.
    checkpoints: AtomicU64,
}

#[derive(Default)]
struct Pending {
    /// Frames in the WAL after the last commit.
    frames: u32,
    /// At the last take.
    taken: u32,
    /// Commits, and when the last of them was made; one item for each second.
    runs: Vec<(u32, Timestamp)>,
    /// When the commits were made, at the latest, that an earlier process left in the WAL.
    recovered: Option<Timestamp>,
    /// The first commit that has not left this machine.
    unsent: Option<Timestamp>,
}

struct Inner {
    chain: Option<Chain>,
    broken: Vec<Broken>,
    ticket: Option<BaseTicket>,
    /// A connection writes to the file.
    attached: bool,
}

/// The moment that a copy of the file shows.
#[derive(Clone, Debug)]
pub struct BaseTicket {
    pub chain: BaseId,
    /// The record that it is at.
    pub number: u64,
    pub hash: Hash,
    /// When it began: everything committed by then is in it.
    pub taken: Timestamp,
    pub page_size: u32,
    pub database: PathBuf,
    checkpoints: u64,
}

/// Commits that are read from the WAL.
struct Commit {
    /// Frames read up to its end.
    end: usize,
    /// Pages in the file after it.
    pages: u32,
    position: Position,
}

impl Tap {
    pub(super) fn new(database: &Path, shared: Arc<Shared>) -> Self {
        let directory = local::directory(database);
        let (chain, broken) = match Chain::load(&directory) {
            Ok(chain) => (chain, Vec::new()),
            Err(broken) => (None, vec![broken]),
        };
        let inner = Inner { chain, broken, ticket: None, attached: false };
        Self {
            database: database.to_owned(),
            directory,
            shared,
            pending: Mutex::default(),
            inner: Mutex::new(inner),
            withheld: AtomicBool::new(false),
            wants_base: AtomicBool::new(false),
            kicked: AtomicBool::new(false),
            checkpoints: AtomicU64::new(0),
        }
    }

    /// `changes/` beside the data file.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn database(&self) -> &Path {
        &self.database
    }

    fn wal(&self) -> PathBuf {
        self.database.with_extension("db-wal")
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the owner of checkpoints tells it, on the writer's thread.
impl Tap {
    /// The file was opened. `beat` makes a commit: on top of what an earlier process or a failed
    /// commit left in the WAL, it settles how much of that counts.
    pub fn opened(&self, beat: impl FnOnce() -> Result<(), StoreError>) {
        let mut inner = self.inner();
        inner.attached = true;
        self.take(&mut inner);
        let Some(chain) = &inner.chain else { return };
        if let Some(closed) = chain.closed
            && Fingerprint::of(&self.database).ok() != Some(closed)
        {
            return self.lose(&mut inner, Gap::Unwatched);
        }
        let wal = fs::metadata(self.wal()).ok().filter(|wal| wal.len() > HEADER as u64);
        let Some(wal) = wal else {
            if chain.position.is_some() {
                self.lose(&mut inner, Gap::Unwatched);
            }
            return;
        };
        let modified = wal.modified().ok().and_then(|time| {
            let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_micros()).ok().map(Timestamp::from_micros)
        });
        let now = self.shared.runtime.now();
        let modified = modified.map_or(now, |time| time.min(now));
        let mut pending = self.pending();
        pending.recovered = Some(modified);
        pending.unsent.get_or_insert(modified);
        drop(pending);
        if let Err(error) = beat() {
            tracing::warn!(%error, "changes of a file are taken with its next commit");
            return;
        }
        self.take(&mut inner);
    }

    /// After each commit: so many frames are in the WAL.
    pub fn committed(&self, frames: u32) {
        let now = self.shared.runtime.now();
        let mut pending = self.pending();
        pending.frames = frames;
        pending.unsent.get_or_insert(now);
        match pending.runs.last_mut() {
            Some((commits, time)) if second(*time) == second(now) => {
                *commits = commits.saturating_add(1);
                *time = now;
            }
            _ => pending.runs.push((1, now)),
        }
    }

    /// Wakes the thread that takes changes when enough have come.
    pub fn nudge(self: &Arc<Self>) {
        let pending = self.pending();
        let more = match pending.frames.checked_sub(pending.taken) {
            Some(more) => more,
            None => pending.frames, // begun anew
        };
        drop(pending);
        if more >= EARLY && !self.kicked.swap(true, Ordering::AcqRel) {
            self.shared.kick(self.clone());
        }
    }

    /// Takes what is left before a checkpoint. False when there must be none now; `must` says that
    /// it cannot wait any longer.
    pub fn before_checkpoint(&self, must: bool) -> bool {
        if self.withheld.load(Ordering::Acquire) && !must {
            return false;
        }
        let mut inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) if must => self.inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        self.take_durably(&mut inner);
        self.checkpoints.fetch_add(1, Ordering::AcqRel);
        true
    }

    /// The file was closed; `emptied`: everything in its WAL is in it.
    pub fn closed(&self, emptied: bool) {
        let mut inner = self.inner();
        inner.attached = false;
        let Some(chain) = inner.chain.as_mut().filter(|_| emptied) else { return };
        let mut settle = || {
            chain.rotate()?;
            (chain.position, chain.closed) = (None, Some(Fingerprint::of(&self.database)?));
            chain.write_state().map_err(Gap::from)
        };
        if let Err(gap) = settle() {
            self.lose(&mut inner, gap);
        }
    }

    /// Whether a copy of the file is to be begun.
    pub fn wants_base(&self) -> bool {
        self.wants_base.load(Ordering::Acquire)
    }

    /// Begins one. `copied` makes a checkpoint and answers with the number of frames in the WAL when
    /// all of them are in the file now.
    pub fn begin_base(&self, copied: impl FnOnce() -> Option<u32>) {
        let mut inner = self.inner();
        self.take_durably(&mut inner);
        self.checkpoints.fetch_add(1, Ordering::AcqRel);
        match copied() {
            Some(frames) => self.ticket(&mut inner, frames),
            // Somebody reads what is old: asked for again later, not with every commit.
            None => self.wants_base.store(false, Ordering::Release),
        }
    }
}

/// What archiving asks for, on threads of its own.
impl Tap {
    /// Asks for a copy of the file. It begins with the next commit, or the next job of the writer
    /// that changes nothing; at once when the file is closed. True when it is open.
    pub fn want_base(&self) -> bool {
        let mut inner = self.inner();
        if !inner.attached {
            let empty = fs::metadata(self.wal()).map_or(true, |wal| wal.len() == 0);
            if empty && self.database.exists() {
                let closed = Fingerprint::of(&self.database).ok();
                if inner.chain.as_ref().is_some_and(|chain| chain.closed != closed) {
                    self.lose(&mut inner, Gap::Unwatched);
                }
                self.ticket(&mut inner, 0);
                return false;
            }
        }
        self.wants_base.store(true, Ordering::Release);
        true
    }

    /// The copy that may be made now; no checkpoint is made until [`end_base`](Self::end_base).
    pub fn take_ticket(&self) -> Option<BaseTicket> {
        self.inner().ticket.take()
    }

    /// Forgets that one was asked for.
    pub fn abandon_base(&self) {
        self.wants_base.store(false, Ordering::Release);
        let mut inner = self.inner();
        inner.ticket = None;
        self.withheld.store(false, Ordering::Release);
    }

    /// The copy is made; whether nothing was written into the file meanwhile.
    pub fn end_base(&self, ticket: &BaseTicket) -> bool {
        let _inner = self.inner();
        self.withheld.store(false, Ordering::Release);
        self.checkpoints.load(Ordering::Acquire) == ticket.checkpoints
    }

    fn ticket(&self, inner: &mut Inner, frames: u32) {
        self.wants_base.store(false, Ordering::Release);
        let now = self.shared.runtime.now();
        if inner.chain.is_none() {
            match self.begin_chain(frames, now) {
                Ok(chain) => inner.chain = Some(chain),
                Err(gap) => {
                    tracing::warn!(file = %self.database.display(), %gap, "archiving cannot begin");
                    return;
                }
            }
            let mut pending = self.pending();
            pending.runs.clear();
            pending.recovered = None;
            pending.unsent = Some(now); // until the copy is away
        }
        let Some(chain) = &inner.chain else { return };
        inner.ticket = Some(BaseTicket {
            chain: chain.id,
            number: chain.number,
            hash: chain.hash,
            taken: now.max(chain.time),
            page_size: PAGE_SIZE,
            database: self.database.clone(),
            checkpoints: self.checkpoints.load(Ordering::Acquire),
        });
        self.withheld.store(true, Ordering::Release);
    }

    fn begin_chain(&self, frames: u32, now: Timestamp) -> Result<Chain, Gap> {
        let position = match frames.checked_sub(1) {
            None => None,
            Some(last) => Some(self.position_after(last)?),
        };
        files::private_directory(&self.directory)?;
        let id = self.shared.runtime.id();
        let mut chain = Chain::begin(&self.directory, id, now, PAGE_SIZE, position)?;
        if !self.is_attached_wal() {
            chain.closed = Some(Fingerprint::of(&self.database)?);
            chain.write_state()?;
        }
        Ok(chain)
    }

    /// Whether there is a WAL with something in it.
    fn is_attached_wal(&self) -> bool {
        fs::metadata(self.wal()).is_ok_and(|wal| wal.len() > 0)
    }

    /// After frame `last`, counted from 0.
    fn position_after(&self, last: u32) -> Result<Position, Gap> {
        let wal = File::open(self.wal())?;
        let header = header(&wal)?;
        let mut head = [0; FRAME_HEADER];
        wal.read_exact_at(&mut head, header.offset(last))?;
        match read_salts(&head) == header.salts {
            true => Ok(Position { salts: header.salts, frame: last + 1, sum: read_sum(&head) }),
            false => Err(Gap::Failed("its WAL was begun anew".into())),
        }
    }

    /// On the thread for it, while the WAL grows.
    pub(super) fn take_early(&self) {
        self.kicked.store(false, Ordering::Release);
        self.take_durably(&mut self.inner());
    }

    /// Takes everything and ends the batch under way. The chain that goes on, with its last record;
    /// chains that broke off since the last call.
    pub fn collect(&self) -> (Option<BaseId>, Vec<Broken>) {
        let mut inner = self.inner();
        self.take(&mut inner);
        if let Some(chain) = &mut inner.chain
            && let Err(gap) = chain.rotate()
        {
            self.lose(&mut inner, gap);
        }
        (inner.chain.as_ref().map(|chain| chain.id), std::mem::take(&mut inner.broken))
    }

    /// Ends a chain if it goes on; another begins with the next copy of the file.
    pub fn break_off(&self, chain: BaseId, gap: Gap) {
        let mut inner = self.inner();
        if inner.chain.as_ref().is_some_and(|it| it.id == chain) {
            self.lose(&mut inner, gap);
        }
    }

    /// Complete batches of a chain, in order.
    ///
    /// # Errors
    /// When its directory cannot be read.
    pub fn batches(&self, chain: BaseId) -> std::io::Result<Vec<Batch>> {
        local::batches(&self.directory.join(chain.to_string()))
    }

    /// Whether something was committed since the last [`collect`](Self::collect), or no chain goes
    /// on.
    pub fn is_stirred(&self) -> bool {
        !self.pending().runs.is_empty() || self.inner().chain.is_none()
    }

    /// Whether a process that was killed left commits in the WAL, and nobody has opened the file
    /// since.
    pub fn is_left_behind(&self) -> bool {
        !self.inner().attached && self.is_attached_wal()
    }

    /// When the first commit was made that has not left this machine; none when all have.
    pub fn unsent(&self) -> Option<Timestamp> {
        self.pending().unsent
    }

    /// Takes that time away before changes are collected; what is committed from here on sets it
    /// anew.
    pub fn take_unsent(&self) -> Option<Timestamp> {
        self.pending().unsent.take()
    }

    /// They could not be sent after all.
    pub fn put_back_unsent(&self, time: Timestamp) {
        let mut pending = self.pending();
        pending.unsent = Some(pending.unsent.map_or(time, |since| since.min(time)));
    }
}

/// Taking.
impl Tap {
    fn take_durably(&self, inner: &mut Inner) {
        self.take(inner);
        if let Some(chain) = &mut inner.chain
            && let Err(gap) = chain.sync()
        {
            self.lose(inner, gap);
        }
    }

    fn take(&self, inner: &mut Inner) {
        let mut pending = self.pending();
        if pending.runs.is_empty() {
            return;
        }
        let runs = std::mem::take(&mut pending.runs);
        let recovered = pending.recovered.take();
        let frames = pending.frames;
        pending.taken = frames;
        drop(pending);
        let Some(chain) = &mut inner.chain else { return };
        if let Err(gap) = self.copy(chain, frames, runs, recovered) {
            self.lose(inner, gap);
        }
    }

    /// Copies what is behind the chain's position, up to `frames`.
    fn copy(
        &self,
        chain: &mut Chain,
        frames: u32,
        runs: Vec<(u32, Timestamp)>,
        recovered: Option<Timestamp>,
    ) -> Result<(), Gap> {
        let wal = File::open(self.wal())?;
        let header = header(&wal)?;
        let from = match chain.position {
            None => header.start(),
            Some(at) if at.salts == header.salts => at,
            // SQLite adds one for each generation; a checkpoint took the rest of the last one.
            Some(at) if at.salts.0.wrapping_add(1) == header.salts.0 => header.start(),
            Some(_) => return Err(Gap::Unwatched),
        };
        if header.page_size != chain.page_size || from.frame > frames {
            return Err(Gap::Unwatched);
        }
        let more = u64::from(frames - from.frame) * u64::from(header.page_size);
        self.shared.room(&self.directory, more)?;
        let (pages, commits) = read(&wal, header, from, frames)?;
        let mut start = 0;
        for (count, time) in steps(&commits, runs, recovered)? {
            let Some(last) = commits.get(start + count - 1) else {
                return Err(Gap::Failed("commits are missing in the WAL".into()));
            };
            let begin = start.checked_sub(1).map_or(0, |before| commits[before].end);
            let step = Step {
                time: not_before(chain.time, time)?,
                commits: u32::try_from(count).unwrap_or(u32::MAX),
                pages: last.pages,
                frames: &latest(&pages[begin..last.end], from.frame, begin, last.pages),
                end: last.position,
            };
            let bytes = chain.append(&wal, &header, &step)?;
            self.shared.add(bytes);
            start += count;
        }
        Ok(())
    }

    /// The chain breaks off; what it has stays.
    fn lose(&self, inner: &mut Inner, gap: Gap) {
        let Some(chain) = inner.chain.take() else { return };
        tracing::error!(file = %self.database.display(), %gap, "archiving of changes breaks off");
        inner.broken.push(Broken { chain: chain.id, gap, until: chain.time });
        chain.give_up();
    }
}

fn header(wal: &File) -> Result<Header, Gap> {
    let mut bytes = [0; HEADER];
    wal.read_exact_at(&mut bytes, 0)?;
    Header::parse(&bytes).ok_or(Gap::Unwatched)
}

/// The pages of all frames up to `frames`, and the commits among them; the last frame is one.
fn read(
    wal: &File,
    header: Header,
    from: Position,
    frames: u32,
) -> Result<(Vec<u32>, Vec<Commit>), Gap> {
    let mut input = wal.try_clone()?;
    input.seek(SeekFrom::Start(header.offset(from.frame)))?;
    let input = BufReader::with_capacity(1 << 20, input);
    let mut reader = Frames::new(input, header, from);
    let (mut pages, mut commits) = (Vec::new(), Vec::new());
    while reader.position().frame < frames {
        let Some(frame) = reader.read()? else {
            return Err(Gap::Failed("its WAL is not what was committed".into()));
        };
        pages.push(frame.page);
        if frame.size > 0 {
            let (end, position) = (pages.len(), reader.position());
            commits.push(Commit { end, pages: frame.size, position });
        }
    }
    match commits.last().map_or(0, |commit| commit.end) == pages.len() {
        true => Ok((pages, commits)),
        false => Err(Gap::Failed("a commit in its WAL has no end".into())),
    }
}

/// How many commits go together, and their time. Those that nobody counted were left by an earlier
/// process, in front of the others.
fn steps(
    commits: &[Commit],
    runs: Vec<(u32, Timestamp)>,
    recovered: Option<Timestamp>,
) -> Result<Vec<(usize, Timestamp)>, Gap> {
    let mut steps: Vec<_> = runs.into_iter().map(|(n, time)| (n as usize, time)).collect();
    let counted: usize = steps.iter().map(|(n, _)| n).sum();
    match (commits.len().checked_sub(counted), recovered) {
        (Some(0), _) => {}
        (Some(others), Some(time)) => steps.insert(0, (others, time)),
        _ => return Err(Gap::Failed("its WAL has other commits than were made".into())),
    }
    Ok(steps)
}

/// The last frame of each page that is still in the file; `begin` frames after frame `first` comes
/// the first of `pages`.
fn latest(pages: &[u32], first: u32, begin: usize, size: u32) -> Vec<(u32, u32)> {
    let begin = first + u32::try_from(begin).unwrap_or(u32::MAX);
    let frames = pages.iter().copied().zip(begin..);
    let latest: BTreeMap<_, _> = frames.filter(|(page, _)| *page <= size).collect();
    latest.into_iter().collect()
}

/// Times in a chain never decrease.
fn not_before(last: Timestamp, time: Timestamp) -> Result<Timestamp, Gap> {
    match last.since(time) > limits::CLOCK_JUMP.max(Duration::from_secs(1)) {
        true => Err(Gap::Clock),
        false => Ok(time.max(last)),
    }
}

/// The second that a time belongs to: a restore to a full second has everything up to it.
fn second(time: Timestamp) -> i64 {
    time.as_micros().saturating_add(999_999).div_euclid(1_000_000)
}
