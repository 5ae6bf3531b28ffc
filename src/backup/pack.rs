//! Plain bytes into a compressed, encrypted stream, and back with every check.
//!
//! `age -d -i KEY < archive | zstd -d` does the latter without this program.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Scope, ScopedJoinHandle};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{BackupError, Identities, Recipients, SealError};

/// What is stored is sealed mostly, which does not compress. On a tenant's pages this level takes
/// two thirds of the time of level 1, for an archive that is a hundredth larger.
const LEVEL: i32 = -3;
/// Requests go first (`nice(2)`). The moment that is copied keeps the WAL from being begun anew, so
/// a backup may not be starved either: where all cores are busy with requests it gets a tenth of one.
const NICENESS: i32 = 10;
/// Bytes handed from one thread to the next at a time.
const BLOCK: usize = 1024 * 1024;
/// Blocks on their way.
const BLOCKS: usize = 4;

/// Sizes in bytes and hashes of an archive and of what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub bytes: u64,
    pub sha256: String,
    pub plain_bytes: u64,
    pub plain_sha256: String,
}

/// Sizes in bytes of an archive and of what was in it, and the hash of the latter. The archive itself
/// is not hashed on the way: each piece of it is authenticated by `age`, and what comes out is
/// compared whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub bytes: u64,
    pub plain_bytes: u64,
    pub plain_sha256: String,
}

/// Runs `write` on a thread of its own, compresses what it writes on a second and encrypts that on a
/// third.
///
/// # Errors
/// What `write` answers; [`BackupError::Io`] when `out` takes no more, which comes first.
pub fn pack<W: Write + Send, T: Send>(
    out: W,
    recipients: &Recipients,
    write: impl FnOnce(&mut dyn Write) -> Result<T, BackupError> + Send,
) -> Result<(T, W, Packed), BackupError> {
    std::thread::scope(|scope| {
        let (mut plain, blocks) = Pipe::new();
        let (mut smaller, compressed) = Pipe::new();
        let writing = aside(scope, move || {
            let value = write(&mut plain)?;
            plain.send()?;
            Ok(value)
        });
        let compressing = aside(scope, move || {
            let counts = compress(&blocks, &mut smaller)?;
            smaller.send()?;
            Ok(counts)
        });
        let sealed = aside(scope, move || seal(out, recipients, &compressed)).end();
        let (compressing, written) = (compressing.end(), writing.end());
        // The last in the row is the one whose end ended the others.
        let (out, bytes, sha256) = sealed?;
        let (plain_bytes, plain_sha256) = compressing?;
        Ok((written?, out, Packed { bytes, sha256, plain_bytes, plain_sha256 }))
    })
}

/// Bytes that came, and their hash.
fn compress(blocks: &Receiver<Vec<u8>>, out: &mut Pipe) -> Result<(u64, String), BackupError> {
    let mut compressed = zstd::Encoder::new(out, LEVEL)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    for block in blocks {
        hash.update(&block);
        bytes += block.len() as u64;
        compressed.write_all(&block)?;
    }
    compressed.finish()?;
    Ok((bytes, HEXLOWER.encode(&hash.finalize())))
}

fn seal<W: Write>(
    out: W,
    recipients: &Recipients,
    blocks: &Receiver<Vec<u8>>,
) -> Result<(W, u64, String), BackupError> {
    let mut sealed = recipients.encrypt(Hashing::new(out))?;
    for block in blocks {
        sealed.write_all(&block)?;
    }
    let mut out = sealed.finish()?;
    out.inner.flush()?;
    let (bytes, sha256) = out.end();
    Ok((out.inner, bytes, sha256))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the other thread ended")
}

/// A thread of a backup.
struct Aside<'scope, T>(ScopedJoinHandle<'scope, Result<T, BackupError>>);

fn aside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'scope,
) -> Aside<'scope, T> {
    Aside(scope.spawn(move || {
        lower_priority();
        work()
    }))
}

impl<T> Aside<'_, T> {
    fn end(self) -> Result<T, BackupError> {
        self.0.join().unwrap_or_else(|_| Err(broken().into()))
    }
}

/// On Linux, the priority of one thread.
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "a backup is made at the priority of everything else");
    }
}

/// Blocks on their way to another thread.
struct Pipe {
    sender: SyncSender<Vec<u8>>,
    block: Vec<u8>,
}

impl Pipe {
    fn new() -> (Self, Receiver<Vec<u8>>) {
        let (sender, blocks) = mpsc::sync_channel(BLOCKS);
        (Self { sender, block: Vec::with_capacity(BLOCK) }, blocks)
    }

    /// What is left.
    fn send(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        self.sender.send(block).map_err(|_| broken())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() + bytes.len() > BLOCK && !self.block.is_empty() {
            self.send()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why an archive could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    #[error("it is damaged or was changed: {0}")]
    Damaged(String),
    #[error(transparent)]
    Key(SealError),
    #[error("what is in it cannot be written: {0}")]
    Write(io::Error),
}

/// Decrypts and decompresses the whole of `archive` into `out`, `most` bytes at the most; sizes and
/// hashes are for the caller to compare. `out` is written here, all else is done on another thread.
pub fn unpack(
    archive: impl Read + Send,
    identities: &Identities,
    out: &mut dyn Write,
    most: u64,
) -> Result<Unpacked, UnpackError> {
    std::thread::scope(|scope| {
        let (sender, blocks) = mpsc::sync_channel(BLOCKS);
        let opening = scope.spawn(move || open(archive, identities, &sender, most));
        let mut written = Ok(());
        for block in &blocks {
            written = out.write_all(&block);
            if written.is_err() {
                break;
            }
        }
        drop(blocks);
        let opened = opening.join().unwrap_or_else(|_| Err(UnpackError::Read(broken())));
        written.map_err(UnpackError::Write)?;
        opened
    })
}

fn open(
    archive: impl Read,
    identities: &Identities,
    out: &SyncSender<Vec<u8>>,
    most: u64,
) -> Result<Unpacked, UnpackError> {
    let mut archive = CountingReader { inner: archive, bytes: 0, failed: None };
    let result = open_from(&mut archive, identities, out, most);
    if let Some(error) = archive.failed.take() {
        return Err(UnpackError::Read(error));
    }
    let (plain_bytes, plain_sha256) = result?;
    // Nothing may stand behind its end; what does is counted.
    io::copy(&mut archive, &mut io::sink()).map_err(UnpackError::Read)?;
    Ok(Unpacked { bytes: archive.bytes, plain_bytes, plain_sha256 })
}

fn open_from(
    archive: impl Read,
    identities: &Identities,
    out: &SyncSender<Vec<u8>>,
    most: u64,
) -> Result<(u64, String), UnpackError> {
    let damaged = |error: io::Error| UnpackError::Damaged(error.to_string());
    let plain = identities.decrypt(archive).map_err(|error| match error {
        SealError::WrongKey => UnpackError::Key(error),
        other => UnpackError::Damaged(other.to_string()),
    })?;
    let mut plain = zstd::Decoder::new(plain).map_err(damaged)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        (&mut plain).take(BLOCK as u64).read_to_end(&mut block).map_err(damaged)?;
        if block.is_empty() {
            return Ok((bytes, HEXLOWER.encode(&hash.finalize())));
        }
        hash.update(&block);
        bytes += block.len() as u64;
        if bytes > most {
            return Err(UnpackError::Damaged("there is more in it than there should be".into()));
        }
        out.send(block).map_err(|_| UnpackError::Write(broken()))?;
    }
}

/// Counts and hashes what passes.
pub struct Hashing<W> {
    pub inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Bytes so far and their hash.
    pub fn end(&mut self) -> (u64, String) {
        (self.bytes, HEXLOWER.encode(&self.hash.finalize_reset()))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct CountingReader<R> {
    inner: R,
    bytes: u64,
    /// The first failure of the reader itself, which decryption would pass on as damage.
    failed: Option<io::Error>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Ok(count) => {
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.failed.get_or_insert(error);
                Err(told)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.0.checked_sub(bytes.len());
            self.0 = room.ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn packed(identities: &Identities, plain: &[u8]) -> (Vec<u8>, Packed) {
        let recipients = identities.to_recipients();
        let write = |out: &mut dyn Write| {
            for piece in plain.chunks(8192) {
                out.write_all(piece)?;
            }
            Ok(())
        };
        let ((), archive, packed) = pack(Vec::new(), &recipients, write).unwrap();
        (archive, packed)
    }

    #[test]
    fn what_goes_in_comes_out_and_both_ends_count_alike() {
        let identities = Identities::generate();
        for size in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17] {
            let plain: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            let (archive, told) = packed(&identities, &plain);
            assert_eq!(told.bytes, archive.len() as u64);
            let mut out = Vec::new();
            let found = unpack(archive.as_slice(), &identities, &mut out, u64::MAX).unwrap();
            let Packed { bytes, plain_bytes, plain_sha256, .. } = told;
            assert_eq!(found, Unpacked { bytes, plain_bytes, plain_sha256 });
            assert!(out == plain);
        }
    }

    #[test]
    fn a_small_archive_of_much_is_given_up_where_more_comes_than_should() {
        let identities = Identities::generate();
        let (archive, told) = packed(&identities, &vec![0; 50 * BLOCK]);
        assert!(told.bytes < 100_000);
        let mut out = Vec::new();
        let refused = unpack(archive.as_slice(), &identities, &mut out, 2 * BLOCK as u64);
        assert!(matches!(refused, Err(UnpackError::Damaged(_))));
        assert!(out.len() <= 2 * BLOCK);
    }

    #[test]
    fn damage_wrong_keys_and_a_full_disk_are_told_apart() {
        let identities = Identities::generate();
        let (archive, _) = packed(&identities, &[7; 100_000]);
        let mut changed = archive.clone();
        let middle = archive.len() / 2;
        changed[middle] ^= 1;
        let sink = &mut io::sink();
        let damaged = unpack(changed.as_slice(), &identities, sink, u64::MAX);
        assert!(matches!(damaged, Err(UnpackError::Damaged(_))));
        let cut = unpack(&archive[..archive.len() - 1], &identities, sink, u64::MAX);
        assert!(matches!(cut, Err(UnpackError::Damaged(_))));
        let other = unpack(archive.as_slice(), &Identities::generate(), sink, u64::MAX);
        assert!(matches!(other, Err(UnpackError::Key(_))));
        let full = unpack(archive.as_slice(), &identities, &mut Full(10), u64::MAX);
        assert!(matches!(full, Err(UnpackError::Write(_))));
    }

    #[test]
    fn an_output_that_takes_no_more_ends_the_writing_with_its_own_error() {
        let recipients = Identities::generate().to_recipients();
        let random: Vec<u8> = (0..BLOCK as u64 * 20)
            .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        let result = pack(Full(100_000), &recipients, |out| Ok(out.write_all(&random)?));
        let Err(BackupError::Io(error)) = result.map(|_| ()) else { panic!("no error") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
