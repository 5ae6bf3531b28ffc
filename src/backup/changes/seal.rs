//! Making what goes to a target: encrypted to the recipients, written beside the records first, so
//! that every target gets the same bytes and a slow one holds nothing up.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::notes::{BaseNote, Said, SegmentNote};
use crate::audit::note::Signer;
use crate::backup::{BackupError, Recipients};
use crate::kernel::id::InstallationId;
use crate::store::changes::{BaseTicket, Batch, Hash, RecordReader, Taps};

/// Who makes it, for whom.
pub(super) struct Sealer<'a> {
    pub installation: InstallationId,
    pub owner: &'a str,
    pub recipients: &'a Recipients,
    pub signer: &'a Signer,
}

/// A file that is deleted when nobody needs it any more.
pub(super) struct Scratch(pub PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The longest note that begins a segment, in bytes.
pub(super) const NOTE_MOST: u32 = 64 * 1024;

impl Sealer<'_> {
    /// Reads batches that follow `previous` and says what they are.
    pub fn describe(
        &self,
        chain: crate::kernel::id::BaseId,
        batches: &[Batch],
        previous: Hash,
        page_size: u32,
    ) -> io::Result<SegmentNote> {
        let first = batches.first().map_or(0, |batch| batch.first);
        let (mut at, mut times) = ((first.saturating_sub(1), previous), None);
        let (mut bytes, mut commits) = (0, 0);
        for batch in batches {
            let file = BufReader::with_capacity(1 << 20, File::open(&batch.path)?);
            let mut records = RecordReader::new(file, page_size, at.0, at.1);
            while let Some(record) = records.read(|_, _, _| Ok(()))? {
                let (from, _) = times.unwrap_or((record.time, record.time));
                times = Some((from, record.time));
                bytes += record.bytes(page_size);
                commits += u64::from(record.commits);
            }
            at = records.last();
        }
        let (from, to) = times.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(SegmentNote {
            installation: self.installation,
            owner: self.owner.to_owned(),
            chain,
            first,
            last: at.0,
            previous: HEXLOWER.encode(&previous),
            hash: HEXLOWER.encode(&at.1),
            from,
            to,
            commits,
            page_size,
            bytes,
        })
    }

    /// Writes a segment of them.
    pub fn segment(
        &self,
        note: &SegmentNote,
        batches: &[Batch],
        folder: &Path,
    ) -> Result<Scratch, BackupError> {
        let scratch = Scratch(folder.join("segment.part"));
        let mut out = self.recipients.encrypt(BufWriter::new(create(&scratch.0)?))?;
        let text = note.sign(self.signer).map_err(crate::backup::ManifestError::from)?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        out.write_all(&length.to_be_bytes())?;
        out.write_all(text.as_bytes())?;
        for batch in batches {
            io::copy(&mut File::open(&batch.path)?, &mut out)?;
        }
        out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(scratch)
    }

    /// Copies the data file while nothing is written into it. Nothing when something was after all.
    pub fn base(
        &self,
        ticket: &BaseTicket,
        folder: &Path,
        taps: &Taps,
    ) -> Result<Option<BaseNote>, BackupError> {
        let scratch = Scratch(folder.join("base.part"));
        let mut file = File::open(&ticket.database)?;
        let all = file.metadata()?.len();
        let full = |gap: crate::store::changes::Gap| BackupError::Write {
            path: scratch.0.display().to_string(),
            reason: gap.to_string(),
        };
        taps.room(folder, all).map_err(full)?;
        let mut out = self.recipients.encrypt(BufWriter::new(create(&scratch.0)?))?;
        let (mut hash, mut buffer, mut left) = (Sha256::new(), vec![0; 1 << 20], all);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let n = file.read(&mut buffer[..most])?;
            if n == 0 {
                return Ok(None);
            }
            hash.update(&buffer[..n]);
            out.write_all(&buffer[..n])?;
            left -= n as u64;
        }
        let written = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        written.sync_all()?;
        let note = BaseNote {
            installation: self.installation,
            owner: self.owner.to_owned(),
            chain: ticket.chain,
            number: ticket.number,
            hash: HEXLOWER.encode(&ticket.hash),
            taken: ticket.taken,
            page_size: ticket.page_size,
            bytes: all,
            sha256: HEXLOWER.encode(&hash.finalize()),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let text = note.sign(self.signer).map_err(crate::backup::ManifestError::from)?;
        crate::store::files::replace(&note_path(folder, ticket.number), text.as_bytes())
            .map_err(crate::tenants::DoorError::from)?;
        std::fs::rename(&scratch.0, base_path(folder, ticket.number))?;
        Ok(Some(note))
    }
}

pub(super) fn base_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("base-{number:016}.age"))
}

pub(super) fn note_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("base-{number:016}.note"))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}
