//! A file as it was: a copy of it, and the records that followed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::record::{Hash, Record, RecordReader};
use crate::kernel::Timestamp;
use crate::store::files;

/// A file that is being put together; deleted again unless [`finish`](Self::finish) is reached.
pub struct Rebuilt {
    file: File,
    path: PathBuf,
    page_size: u32,
    number: u64,
    hash: Hash,
    finished: bool,
}

/// What of some records was wanted.
pub struct Applied {
    /// The last record that counts; none when all are later.
    pub last: Option<Record>,
    /// Commits in those that count.
    pub commits: u64,
    /// A record was met that is later than what was wanted.
    pub passed: bool,
}

impl Rebuilt {
    /// Begins with nothing at all; what is copied in is the file after record `number`.
    ///
    /// # Errors
    /// When there is a file already.
    pub fn create(path: &Path, page_size: u32, number: u64, hash: Hash) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        Ok(Self { file, path: path.to_owned(), page_size, number, hash, finished: false })
    }

    /// The record that the file is at.
    pub fn at(&self) -> (u64, Hash) {
        (self.number, self.hash)
    }

    /// Applies the records that follow and are not later than `until`; reads and checks the others.
    ///
    /// # Errors
    /// Of kind `InvalidData` when they are damaged or do not follow.
    pub fn apply(&mut self, input: impl Read, until: Timestamp) -> io::Result<Applied> {
        self.apply_from(self.number, self.hash, input, until)
    }

    /// The same where the input begins after an earlier record, `number`: what the file has already
    /// is read and checked, no more.
    ///
    /// # Errors
    /// The same; of kind `InvalidData` too when it does not lead to the record that the file is at.
    pub fn apply_from(
        &mut self,
        number: u64,
        hash: Hash,
        input: impl Read,
        until: Timestamp,
    ) -> io::Result<Applied> {
        let mut applied = Applied { last: None, commits: 0, passed: false };
        let mut records = RecordReader::new(input, self.page_size, number, hash);
        let (file, size, (had, had_hash)) = (&self.file, u64::from(self.page_size), self.at());
        let wanted = |record: &Record| record.number > had && record.time <= until;
        while let Some(record) = records.read(|record, page, bytes| match wanted(record) {
            true => file.write_all_at(bytes, u64::from(page - 1) * size),
            false => Ok(()),
        })? {
            if record.number == had && records.last().1 != had_hash {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "another record"));
            }
            if record.number <= had {
                continue;
            }
            if record.time > until {
                applied.passed = true;
                continue;
            }
            file.set_len(u64::from(record.pages) * size)?;
            applied.commits += u64::from(record.commits);
            applied.last = Some(record);
        }
        (self.number, self.hash) = records.last();
        Ok(applied)
    }

    /// Everything is right: the file is durable and stays.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.path.parent().map_or(Ok(()), files::sync_directory)?;
        self.finished = true;
        Ok(())
    }
}

impl Write for Rebuilt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Rebuilt {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
