//! A data file as it was at any second: the copy before it, and the records that follow.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path as FilePath;

use data_encoding::HEXLOWER;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::locate::{Chain, Chains, follow};
use super::notes::{BaseNote, Said, SegmentNote};
use super::seal::NOTE_MOST;
use super::send::{Download, damaged};
use crate::audit::note::Verifier;
use crate::authz::Realm;
use crate::backup::{BackupError, Damage, Identities, Layout, SealError, Target};
use crate::kernel::Timestamp;
use crate::store::changes::{Rebuilt, Record};

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Materialised {
    /// When its last commit was made; when its copy was taken if there is none after that.
    pub at: Timestamp,
    /// Commits after the copy that it begins with.
    pub commits: u64,
    /// The last record in it.
    pub record: u64,
}

/// Writes the file as it was after the last commit up to `at`: encrypted with its file key, without
/// a WAL. Blocks; to be called on a thread that may, inside the runtime.
///
/// # Errors
/// [`BackupError`] naming what is missing or damaged; there is no file then.
pub fn materialise(
    target: &Target,
    layout: Layout,
    realm: Realm,
    at: Timestamp,
    verifier: &Verifier,
    identities: &Identities,
    out: &FilePath,
) -> Result<Materialised, BackupError> {
    let handle = Handle::try_current().map_err(io::Error::other)?;
    let chains = handle.block_on(Chains::read(target, layout, realm, verifier))?;
    let owner = Layout::owner(realm);
    let (chain, base) = chains
        .before(at)
        .ok_or_else(|| BackupError::None(format!("{owner} at {at} in {}", target.name)))?;
    let source = Source { target, layout, realm, verifier, identities, handle: &handle };
    let hash =
        decoded(&base.hash).ok_or_else(|| source.damaged(&source.note(base), Damage::Manifest))?;
    let mut rebuilt = Rebuilt::create(out, base.page_size, base.number, hash)?;
    source.copy(base, &mut rebuilt)?;
    let made = source.follow(chain, base, at, &mut rebuilt)?;
    rebuilt.finish()?;
    Ok(made)
}

struct Source<'a> {
    target: &'a Target,
    layout: Layout,
    realm: Realm,
    verifier: &'a Verifier,
    identities: &'a Identities,
    handle: &'a Handle,
}

impl Source<'_> {
    fn damaged(&self, path: &Path, damage: Damage) -> BackupError {
        damaged(self.target, path, damage)
    }

    fn note(&self, base: &BaseNote) -> Path {
        self.layout.base_note(self.realm, base.chain, base.number)
    }

    /// The object, decrypted.
    fn open(&self, path: &Path) -> Result<impl Read, BackupError> {
        let download = Download::open(self.target, path, self.handle)?;
        let buffered = io::BufReader::with_capacity(1 << 20, download);
        self.identities.decrypt(buffered).map_err(|error| match error {
            SealError::Damaged(_) => self.damaged(path, Damage::Content),
            other => other.into(),
        })
    }

    /// The copy of the file.
    fn copy(&self, base: &BaseNote, out: &mut Rebuilt) -> Result<(), BackupError> {
        let path = self.layout.base(self.realm, base.chain, base.number);
        let mut input = self.open(&path)?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
        loop {
            let read = input.read(&mut buffer);
            let n = read.map_err(|error| self.reading(&path, error))?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
            bytes += n as u64;
            if bytes > base.bytes {
                return Err(self.damaged(&path, Damage::Size));
            }
            out.write_all(&buffer[..n])?;
        }
        let same = bytes == base.bytes && HEXLOWER.encode(&hash.finalize()) == base.sha256;
        if same { Ok(()) } else { Err(self.damaged(&path, Damage::Hash)) }
    }

    /// The records that follow, up to `at`.
    fn follow(
        &self,
        chain: &Chain,
        base: &BaseNote,
        at: Timestamp,
        out: &mut Rebuilt,
    ) -> Result<Materialised, BackupError> {
        let mut made = Materialised { at: base.taken, commits: 0, record: base.number };
        let (way, reached) = follow(&chain.segments, base.number);
        for (first, last) in way {
            let applied = self.apply((first, last), base, at, out)?;
            made.commits += applied.commits;
            if let Some(Record { number, time, .. }) = applied.last {
                (made.at, made.record) = (time.max(base.taken), number);
            }
            if applied.passed {
                return Ok(made);
            }
        }
        // All that there is was wanted: it has to be all that there was.
        let head = self.layout.head(self.realm, base.chain);
        match &chain.head {
            None => Err(self.damaged(&head, Damage::Manifest)),
            Some(told) if told.last > reached => {
                let missing = self.layout.segment(self.realm, base.chain, reached + 1, told.last);
                Err(self.damaged(&missing, Damage::Missing))
            }
            Some(told) if told.last == reached && HEXLOWER.encode(&out.at().1) != told.hash => {
                Err(self.damaged(&head, Damage::Hash))
            }
            Some(_) => Ok(made),
        }
    }

    fn apply(
        &self,
        (first, last): (u64, u64),
        base: &BaseNote,
        at: Timestamp,
        out: &mut Rebuilt,
    ) -> Result<crate::store::changes::Applied, BackupError> {
        let path = self.layout.segment(self.realm, base.chain, first, last);
        let mut input = self.open(&path)?;
        let note = self.note_of(&path, &mut input)?;
        let belongs = note.chain == base.chain
            && note.installation == base.installation
            && note.owner == base.owner
            && (note.first, note.last) == (first, last)
            && note.page_size == base.page_size;
        let previous = decoded(&note.previous).filter(|_| belongs);
        let Some(previous) = previous else { return Err(self.damaged(&path, Damage::Place)) };
        let (number, hash) = out.at();
        if number + 1 == first && previous != hash {
            return Err(self.damaged(&path, Damage::Place));
        }
        let applied = out.apply_from(first - 1, previous, input.take(note.bytes), at);
        let applied = applied.map_err(|error| self.reading(&path, error))?;
        let (reached, hash) = out.at();
        match reached == last && HEXLOWER.encode(&hash) == note.hash {
            true => Ok(applied),
            false => Err(self.damaged(&path, Damage::Content)),
        }
    }

    /// What a segment says of itself.
    fn note_of(&self, path: &Path, input: &mut impl Read) -> Result<SegmentNote, BackupError> {
        let mut length = [0; 4];
        input.read_exact(&mut length).map_err(|error| self.reading(path, error))?;
        let length = u32::from_be_bytes(length);
        if length > NOTE_MOST {
            return Err(self.damaged(path, Damage::Manifest));
        }
        let mut text = vec![0; length as usize];
        input.read_exact(&mut text).map_err(|error| self.reading(path, error))?;
        let text = String::from_utf8(text).ok();
        let note = text.and_then(|text| SegmentNote::open(&text, self.verifier));
        note.ok_or_else(|| self.damaged(path, Damage::Manifest))
    }

    fn reading(&self, path: &Path, error: io::Error) -> BackupError {
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                self.damaged(path, Damage::Content)
            }
            _ => BackupError::Io(error),
        }
    }
}

fn decoded(hash: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()
}
