//! `erasures.log`: a line for every key that was destroyed on purpose, hash-chained and
//! append-only. It is copied to backup targets, never rolled back by a restore, and replayed before
//! a restored system serves, so that what was erased stays erased.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::crypto::mac;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;

/// The cause of lines about persons who were erased: of them nothing may come back, also of what was
/// not sealed under their key.
pub const OF_A_PERSON: &str = "erasure of a person";

/// What was destroyed: opaque ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Erasure {
    pub time: Timestamp,
    /// The owner of the key store: a tenant's id or the installation's.
    pub owner: String,
    pub key: KeyId,
    pub cause: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    erasure: Erasure,
    prev: String,
    hash: String,
}

/// Where lines are copied to before what they name is destroyed. Set when the installation has
/// backup targets.
pub trait LedgerCopy: Send + Sync {
    /// Returns when at least one place has every line up to number `through`; blocks.
    ///
    /// # Errors
    /// Why none has, for an administrator.
    fn copy(&self, ledger: &Erasures, through: u64) -> Result<(), String>;

    /// Names of the places.
    fn places(&self) -> Vec<String>;
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Lines before it.
    pub lines: u64,
    /// Hash of the last, in hexadecimal.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { lines: 0, hash: "0".repeat(64) }
    }
}

impl Head {
    /// Goes on by one line, which has to follow.
    ///
    /// # Errors
    /// [`Unchained`]
    pub fn follow(&mut self, line: &str) -> Result<Erasure, Unchained> {
        let line: Line = serde_json::from_str(line).map_err(|_| Unchained)?;
        let hash = chain(line.seq, &line.erasure, &line.prev);
        if line.seq != self.lines + 1 || line.prev != self.hash || line.hash != hash {
            return Err(Unchained);
        }
        *self = Self { lines: line.seq, hash };
        Ok(line.erasure)
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a line of the ledger of erasures does not follow from the one before")]
pub struct Unchained;

/// Lines from one remembered offset to the next.
const STEP: u64 = 256;

/// The ledger; clones are the same one.
#[derive(Clone)]
pub struct Erasures {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    inner: Mutex<Inner>,
    copy: OnceLock<Arc<dyn LedgerCopy>>,
}

struct Inner {
    file: File,
    head: Head,
    /// Offsets of the lines 1, 1 + [`STEP`], 1 + 2 × [`STEP`]…
    marks: Vec<u64>,
    /// Where what a failed write left begins, until it is cut off.
    torn: Option<u64>,
}

impl Erasures {
    /// Opens (or starts) the ledger and checks its chain.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a line does not follow from the one before.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::file(path, &error);
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        if let Some(directory) = path.parent() {
            super::files::sync_directory(directory).map_err(io)?;
        }
        drop_torn_line(&file, path).map_err(io)?;
        let mut inner = Inner { file, head: Head::default(), marks: Vec::new(), torn: None };
        let mut offset = 0;
        for line in BufReader::new(File::open(path).map_err(io)?).lines() {
            let line = line.map_err(io)?;
            inner.mark(offset);
            offset += line.len() as u64 + 1;
            let corrupt = |_| StoreError::Corrupt(path.display().to_string().into());
            inner.head.follow(&line).map_err(corrupt)?;
        }
        let (path, inner) = (path.to_owned(), Mutex::new(inner));
        Ok(Self { shared: Arc::new(Shared { path, inner, copy: OnceLock::new() }) })
    }

    /// Whether a line says that this key was destroyed.
    pub fn holds(&self, key: KeyId) -> Result<bool, StoreError> {
        Ok(self.number_of(key)?.is_some())
    }

    /// The first line that says so: its number and its hash, in hexadecimal.
    pub fn number_of(&self, key: KeyId) -> Result<Option<(u64, String)>, StoreError> {
        for line in self.whole_lines()? {
            let line = line?;
            if line.erasure.key == key {
                return Ok(Some((line.seq, line.hash)));
            }
        }
        Ok(None)
    }

    /// How many lines say that a key was destroyed at this time or later.
    pub fn since(&self, time: Timestamp) -> Result<usize, StoreError> {
        let mut found = 0;
        for line in self.whole_lines()? {
            found += usize::from(line?.erasure.time >= time);
        }
        Ok(found)
    }

    /// All that are whole; another may be half written meanwhile.
    fn whole_lines(&self) -> Result<impl Iterator<Item = Result<Line, StoreError>>, StoreError> {
        let path = &self.shared.path;
        let end = self.locked().end().map_err(|error| StoreError::file(path, &error))?;
        let file = File::open(path).map_err(|error| StoreError::file(path, &error))?;
        Ok(BufReader::new(file.take(end)).lines().map(move |line| {
            let line = line.map_err(|error| StoreError::file(path, &error))?;
            serde_json::from_str(&line)
                .map_err(|_| StoreError::Corrupt(path.display().to_string().into()))
        }))
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is copied to.
    pub fn places(&self) -> Vec<String> {
        self.shared.copy.get().map_or_else(Vec::new, |copy| copy.places())
    }

    /// Copies every line from now on before [`Self::record`] returns. The first call counts.
    pub fn copy_to(&self, place: Arc<dyn LedgerCopy>) {
        let _ = self.shared.copy.set(place);
    }

    /// Durable when it returns, here and in a backup target if there is any; only then may the key
    /// be destroyed. Blocks.
    ///
    /// # Errors
    /// [`StoreError`]: the key must not be destroyed then, and it may be tried again. The line may
    /// stand all the same, and will be copied: what it names was to be destroyed.
    pub fn record(&self, erasure: Erasure) -> Result<(), StoreError> {
        self.record_all(&[erasure])
    }

    /// The same for many, with one wait for the disk and one copy.
    pub fn record_all(&self, erasures: &[Erasure]) -> Result<(), StoreError> {
        if erasures.is_empty() {
            return Ok(());
        }
        let through = self.append(erasures)?;
        // Without the lock: others may record while a target is slow.
        match self.shared.copy.get() {
            None => Ok(()),
            Some(place) => {
                place.copy(self, through).map_err(|why| StoreError::LedgerNotCopied(why.into()))
            }
        }
    }

    fn append(&self, erasures: &[Erasure]) -> Result<u64, StoreError> {
        let mut inner = self.locked();
        let (mut head, mut text, mut starts) = (inner.head.clone(), Vec::new(), Vec::new());
        let io = |error: std::io::Error| StoreError::file(&self.shared.path, &error);
        inner.cut_off().map_err(io)?;
        let before = inner.file.metadata().map_err(io)?.len();
        for erasure in erasures {
            starts.push(before + text.len() as u64);
            let (seq, prev) = (head.lines + 1, head.hash);
            let hash = chain(seq, erasure, &prev);
            head = Head { lines: seq, hash: hash.clone() };
            let line = Line { seq, erasure: erasure.clone(), prev, hash };
            text.extend(serde_json::to_vec(&line).unwrap_or_default());
            text.push(b'\n');
        }
        let write = inner.file.write_all(&text).and_then(|()| inner.file.sync_all());
        if let Err(error) = write {
            // What a full disk left of a line must not stand before the next one. If it cannot be
            // taken away now, nothing is appended until it can.
            inner.torn = Some(before);
            let _ = inner.cut_off();
            return Err(io(error));
        }
        for start in starts {
            inner.mark(start);
            inner.head.lines += 1;
        }
        inner.head = head;
        Ok(inner.head.lines)
    }

    pub fn head(&self) -> Head {
        self.locked().head.clone()
    }

    /// The lines from number `first` on (from 1), `most` at the most, each with its end.
    pub fn lines(&self, first: u64, most: u64) -> Result<String, StoreError> {
        let io = |error: std::io::Error| StoreError::file(&self.shared.path, &error);
        let (offset, end) = {
            let inner = self.locked();
            let mark = inner.marks.get((first.saturating_sub(1) / STEP) as usize).copied();
            // What is behind it may be half written.
            (mark, inner.end().map_err(io)?)
        };
        let Some(offset) = offset.filter(|_| first > 0) else { return Ok(String::new()) };
        let mut file = File::open(&self.shared.path).map_err(io)?;
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let lines = BufReader::new(file.take(end.saturating_sub(offset))).lines();
        let mut text = String::new();
        for line in lines.skip(((first - 1) % STEP) as usize).take(most as usize) {
            text += &line.map_err(io)?;
            text.push('\n');
        }
        Ok(text)
    }
}

impl Inner {
    /// Remembers where the line after the head begins.
    fn mark(&mut self, offset: u64) {
        if self.head.lines.is_multiple_of(STEP) {
            self.marks.push(offset);
        }
    }

    /// Where the last whole line ends.
    fn end(&self) -> std::io::Result<u64> {
        self.torn.map_or_else(|| Ok(self.file.metadata()?.len()), Ok)
    }

    fn cut_off(&mut self) -> std::io::Result<()> {
        if let Some(end) = self.torn {
            self.file.set_len(end)?;
            self.file.sync_all()?;
            self.torn = None;
        }
        Ok(())
    }
}

/// Cuts off a last line without its end: power was lost while it was written, and nothing was
/// destroyed on its account yet.
fn drop_torn_line(file: &File, path: &Path) -> std::io::Result<()> {
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        tracing::warn!(file = %path.display(), "the last line was not finished; it is dropped");
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

fn chain(seq: u64, erasure: &Erasure, prev: &str) -> String {
    let erasure = serde_json::to_vec(erasure).unwrap_or_default();
    let bytes = [seq.to_be_bytes().as_slice(), prev.as_bytes(), &erasure].concat();
    HEXLOWER.encode(&mac::sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(n: u8) -> Erasure {
        Erasure {
            time: Timestamp::from_micros(1),
            owner: "t".into(),
            key: KeyId::from_bytes([n; 16]),
            cause: "erasure request".into(),
        }
    }

    #[test]
    fn lines_are_read_from_any_place_after_a_restart_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("erasures.log");
        let ledger = Erasures::open(&path).unwrap();
        let many: Vec<_> = (0..600).map(|n| erasure((n % 256) as u8)).collect();
        ledger.record(erasure(0)).unwrap();
        ledger.record_all(&many).unwrap();
        ledger.record(erasure(1)).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        for ledger in [ledger, Erasures::open(&path).unwrap()] {
            assert_eq!(ledger.head().lines, 602);
            for first in [1, 2, 256, 257, 258, 513, 602, 603, 900] {
                let rest: String = whole.split_inclusive('\n').skip(first - 1).collect();
                assert_eq!(ledger.lines(first as u64, 1000).unwrap(), rest, "{first}");
            }
            assert_eq!(ledger.lines(300, 2).unwrap().lines().count(), 2);
        }
    }

    #[test]
    fn nothing_may_be_destroyed_before_a_target_has_its_line_and_the_line_stays() {
        struct Broken;
        impl LedgerCopy for Broken {
            fn copy(&self, ledger: &Erasures, through: u64) -> Result<(), String> {
                assert_eq!(ledger.lines(1, through).unwrap().lines().count() as u64, through);
                Err("the target is gone".into())
            }

            fn places(&self) -> Vec<String> {
                vec!["gone".into()]
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("erasures.log");
        let ledger = Erasures::open(&path).unwrap();
        ledger.copy_to(Arc::new(Broken));
        let refused = ledger.record_all(&[erasure(1), erasure(2)]).unwrap_err();
        assert!(matches!(refused, StoreError::LedgerNotCopied(_)), "{refused}");
        assert_eq!(refused.kind(), crate::kernel::ErrorKind::Unavailable);
        assert_eq!(Erasures::open(&path).unwrap().head().lines, 2);
    }

    #[test]
    fn half_a_line_that_could_not_be_taken_away_is_in_no_ones_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("erasures.log");
        let ledger = Erasures::open(&path).unwrap();
        ledger.record(erasure(1)).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        // The disk was full, and then it could only be read: nothing is written behind that.
        std::fs::write(&path, format!("{whole}{{\"seq\":2,")).unwrap();
        let good = {
            let mut inner = ledger.locked();
            inner.torn = Some(whole.len() as u64);
            std::mem::replace(&mut inner.file, File::open(&path).unwrap())
        };
        assert!(ledger.record(erasure(2)).is_err());
        assert!(ledger.holds(erasure(1).key).unwrap() && !ledger.holds(erasure(2).key).unwrap());
        assert_eq!(ledger.since(Timestamp::from_micros(0)).unwrap(), 1);
        assert_eq!(ledger.lines(1, 10).unwrap(), whole);
        // Once it can be written again all goes on.
        ledger.locked().file = good;
        ledger.record(erasure(2)).unwrap();
        assert_eq!(ledger.number_of(erasure(2).key).unwrap().unwrap().0, 2);
        assert_eq!(Erasures::open(&path).unwrap().head(), ledger.head());
    }

    #[test]
    fn a_line_taken_out_of_the_ledger_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("erasures.log");
        for n in 1..4 {
            // Opened anew each time: the chain goes on over restarts.
            Erasures::open(&path).unwrap().record(erasure(n)).unwrap();
        }
        Erasures::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let without_second: Vec<_> = text.lines().enumerate().filter(|(n, _)| *n != 1).collect();
        let text: String = without_second.iter().map(|(_, line)| format!("{line}\n")).collect();
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Erasures::open(&path), Err(StoreError::Corrupt(_))));
    }
}
