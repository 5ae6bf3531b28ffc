//! Checking a bundle with nothing but a public key: every byte, from front to back, in bounded
//! memory. Nothing of it is written anywhere.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::archive::{ArchiveError, ArchiveReader, FileHead};
use super::manifest::{Manifest, Selection, TenantName};
use super::record::{Record, RecordError};
use super::walk::{EntryProblem, Walk};
use super::{
    CHECKPOINT, CONSISTENCY, EARLIER, MANIFEST, PART_MOST, PUBLIC_KEY, SIGNATURE, SMALL_MOST, SUMS,
    part_name, signed_text, sum_line,
};
use crate::audit::leaf::Hash;
use crate::audit::note::{Checkpoint, NOTE_BYTES, Name, Note, NoteError, Verifier};
use crate::audit::proof::verify_consistency;
use crate::audit::view::EntryView;
use crate::kernel::id::LogId;

/// What the person who verifies knows from elsewhere.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The installation's public key.
    pub log: Verifier,
    /// Witnesses of whom each must have signed the bundle's checkpoint, or the earlier one from
    /// which it is proven to have grown.
    pub witnesses: Vec<Verifier>,
    /// The tenant, by slug or id, that the bundle is expected to be of.
    pub tenant: Option<String>,
}

/// What a verification found. Without `ok` nothing in the bundle may be relied upon.
#[derive(Debug, Default)]
pub struct Findings {
    pub ok: bool,
    /// The signed checkpoint, once it was found to be good.
    pub checkpoint: Option<Checkpoint>,
    pub log_id: Option<LogId>,
    /// Entries that were found good.
    pub entries: u64,
    /// Of them, those whose content was opened.
    pub disclosed: u64,
    /// Hash of the last entry in the bundle.
    pub head: Option<Hash>,
    /// What the bundle says about itself, once the signature under it was found to be good.
    pub manifest: Option<Manifest>,
    /// Who else signed what.
    pub witnessed: Vec<Witnessed>,
    /// The checkpoint from which growth was proven.
    pub earlier: Option<Checkpoint>,
    /// Number of the entry that is wrong, where it is an entry.
    pub first_bad: Option<u64>,
    pub reason: Option<String>,
}

/// A witness's signature under the bundle's checkpoint, or under the earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    pub name: Name,
    /// When, in seconds since 1970.
    pub time: u64,
    /// Entries that what was signed is over: those after it, nobody has witnessed.
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the bundle has a file {found:?} where {expected:?} belongs")]
    File { found: String, expected: String },
    #[error("the file {0} is not text")]
    Text(&'static str),
    #[error("in {0}: {1}")]
    Note(&'static str, NoteError),
    #[error("the checkpoint's origin {0:?} does not end with a log's id")]
    Origin(String),
    #[error("the bundle is signed with another key than the one given")]
    OtherKey,
    #[error("entry {0}: {1}")]
    Entry(u64, EntryProblem),
    #[error("after {0} entries of the tree: {1}")]
    Record(u64, RecordError),
    #[error("the bundle goes only up to entry {reached} of {size}")]
    Short { reached: u64, size: u64 },
    #[error("entries and hashes do not give the root that the checkpoint signs")]
    Root,
    #[error("the earlier checkpoint is of another log, or of a larger one")]
    Earlier,
    #[error("the log did not grow from the earlier checkpoint: it was rewritten")]
    Rewritten,
    #[error("SHA256SUMS does not list the bundle's files as they are")]
    Sums,
    #[error("the manifest was not understood: {0}")]
    Manifest(&'static str),
    #[error("the signature is not over this manifest")]
    Unsigned,
    #[error("the manifest says otherwise than the bundle about {0}")]
    Mismatch(&'static str),
    #[error(
        "no checkpoint in it was signed by the witness {0}: import what they signed, then export \
         the bundle again"
    )]
    NotWitnessed(Name),
    #[error("the bundle is of tenant {found}, not of {expected}")]
    OtherTenant { found: String, expected: String },
}

/// Checks a bundle; `each` gets every entry that was found good, in order. What it got counts only
/// when the findings are good.
pub fn verify(input: impl Read, trusted: &Trusted, each: &mut dyn FnMut(EntryView)) -> Findings {
    let mut check = Check {
        archive: ArchiveReader::new(input),
        trusted,
        sums: Sums { files: 0, bytes: 0, hash: Sha256::new() },
        findings: Findings::default(),
    };
    match check.run(each) {
        Ok(()) => check.findings.ok = true,
        Err(problem) => {
            if let Problem::Entry(seq, _) = &problem {
                check.findings.first_bad = Some(*seq);
            }
            check.findings.reason = Some(problem.to_string());
        }
    }
    check.findings
}

struct Check<'a, R> {
    archive: ArchiveReader<R>,
    trusted: &'a Trusted,
    sums: Sums,
    findings: Findings,
}

/// What `SHA256SUMS` has to be, without keeping it.
struct Sums {
    files: u64,
    bytes: u64,
    hash: Sha256,
}

impl Sums {
    fn add(&mut self, name: &str, content: &[u8]) {
        let line = sum_line(name, content);
        self.files += 1;
        self.bytes += line.len() as u64;
        self.hash.update(line);
    }

    fn hash(&self) -> Hash {
        Hash::from_bytes(self.hash.clone().finalize().into())
    }
}

impl<R: Read> Check<'_, R> {
    fn run(&mut self, each: &mut dyn FnMut(EntryView)) -> Result<(), Problem> {
        let bytes = self.expect(CHECKPOINT, NOTE_BYTES)?;
        let (checkpoint, note) = open(CHECKPOINT, bytes, &self.trusted.log)?;
        let log = log_id(&checkpoint.origin)?;
        (self.findings.log_id, self.findings.checkpoint) = (Some(log), Some(checkpoint.clone()));
        let key = self.expect(PUBLIC_KEY, SMALL_MOST)?;
        if key != format!("{}\n", self.trusted.log).as_bytes() {
            return Err(Problem::OtherKey);
        }
        let mut head = self.archive.head()?;
        let mut signed = vec![(CHECKPOINT, note, checkpoint.size)];
        if head.name == EARLIER {
            let (earlier, note) = self.earlier(&head, &checkpoint)?;
            signed.push((EARLIER, note, earlier.size));
            self.findings.earlier = Some(earlier);
            head = self.archive.head()?;
        }
        for witness in &self.trusted.witnesses {
            self.findings.witnessed.push(witnessed(witness, &signed)?);
        }
        let mut walk = Walk::new(log, checkpoint.size);
        let mut number = 1;
        while head.name == part_name(number) {
            let part = self.body(&head, PART_MOST)?;
            self.part(&part, &mut walk, each)?;
            number += 1;
            head = self.archive.head()?;
        }
        if walk.at() != checkpoint.size {
            return Err(Problem::Short { reached: walk.at(), size: checkpoint.size });
        }
        if walk.root() != checkpoint.root {
            return Err(Problem::Root);
        }
        self.sums(&head)?;
        let manifest = self.manifest()?;
        self.compare(&manifest, &walk, &checkpoint)?;
        self.findings.manifest = Some(manifest);
        Ok(self.archive.end()?)
    }

    /// The next file, which must have this name, and is counted in the sums.
    fn expect(&mut self, name: &'static str, most: usize) -> Result<Vec<u8>, Problem> {
        let head = self.archive.head()?;
        named(&head, name)?;
        self.body(&head, most)
    }

    fn body(&mut self, head: &FileHead, most: usize) -> Result<Vec<u8>, Problem> {
        let body = self.archive.body(head, most)?;
        self.sums.add(&head.name, &body);
        Ok(body)
    }

    fn earlier(
        &mut self,
        head: &FileHead,
        latest: &Checkpoint,
    ) -> Result<(Checkpoint, Note), Problem> {
        let bytes = self.body(head, NOTE_BYTES)?;
        let (earlier, note) = open(EARLIER, bytes, &self.trusted.log)?;
        if earlier.origin != latest.origin || earlier.size > latest.size {
            return Err(Problem::Earlier);
        }
        let bytes = self.expect(CONSISTENCY, SMALL_MOST)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        let proof: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
        if !rest.is_empty() || !grown(&earlier, latest, &proof) {
            return Err(Problem::Rewritten);
        }
        Ok((earlier, note))
    }

    fn part(
        &mut self,
        part: &[u8],
        walk: &mut Walk,
        each: &mut dyn FnMut(EntryView),
    ) -> Result<(), Problem> {
        let mut rest = part;
        while !rest.is_empty() {
            let at = walk.at();
            let record = Record::read(&mut rest, at, walk.size());
            match record.map_err(|error| Problem::Record(at, error))? {
                Record::Gap { next, hashes } => {
                    walk.gap(next, &hashes).map_err(|error| Problem::Record(at, error))?;
                }
                Record::Entry(entry) => {
                    let view = walk.entry(&entry).map_err(|e| Problem::Entry(at + 1, e))?;
                    self.findings.entries = walk.entries;
                    self.findings.disclosed = walk.disclosed;
                    self.findings.head = walk.last().map(|(_, hash, _)| hash);
                    each(view);
                }
            }
        }
        Ok(())
    }

    /// The list of all files so far, which is known already.
    fn sums(&mut self, head: &FileHead) -> Result<(), Problem> {
        named(head, SUMS)?;
        if head.size != self.sums.bytes {
            return Err(Problem::Sums);
        }
        let mut hash = Sha256::new();
        self.archive.stream(head, |piece| hash.update(piece))?;
        match Hash::from_bytes(hash.finalize().into()) == self.sums.hash() {
            true => Ok(()),
            false => Err(Problem::Sums),
        }
    }

    fn manifest(&mut self) -> Result<Manifest, Problem> {
        let head = self.archive.head()?;
        named(&head, MANIFEST)?;
        let bytes = self.archive.body(&head, SMALL_MOST)?;
        let head = self.archive.head()?;
        named(&head, SIGNATURE)?;
        let note = note(SIGNATURE, self.archive.body(&head, NOTE_BYTES)?)?;
        note.verify(&self.trusted.log).map_err(|error| Problem::Note(SIGNATURE, error))?;
        if note.text() != signed_text(&bytes) {
            return Err(Problem::Unsigned);
        }
        // A signature of somebody else would be a byte that nothing is said about.
        if note.signatures().len() != 1 {
            return Err(Problem::Note(SIGNATURE, NoteError::Malformed("it has two signatures")));
        }
        Manifest::parse(&bytes).map_err(Problem::Manifest)
    }

    /// What the manifest says must be what is there.
    fn compare(
        &self,
        manifest: &Manifest,
        walk: &Walk,
        checkpoint: &Checkpoint,
    ) -> Result<(), Problem> {
        let (first, last) = (walk.first, walk.last());
        let everything = manifest.selection.is_everything();
        let whole = match first {
            None => manifest.pruned_through == checkpoint.size,
            Some((seq, _)) => seq == manifest.pruned_through.saturating_add(1) && walk.gapless,
        } && last.is_none_or(|(seq, ..)| seq == checkpoint.size);
        let Selection { from, to, .. } = &manifest.selection;
        let early = from.zip(first).is_some_and(|(from, (_, time))| time < from);
        let late = to.zip(last).is_some_and(|(to, (.., time))| time >= to);
        let facts = [
            ("its log", self.findings.log_id == Some(manifest.log_id)),
            ("its origin", manifest.origin == checkpoint.origin),
            ("the size of the log", manifest.size == checkpoint.size),
            ("the root", manifest.root == checkpoint.root),
            ("the number of entries", manifest.entries == walk.entries),
            ("the number of disclosed entries", manifest.disclosed == walk.disclosed),
            ("its first entry", manifest.first == first.map(|(seq, _)| seq)),
            ("its last entry", manifest.last == last.map(|(seq, ..)| seq)),
            ("gaps", manifest.gapless == walk.gapless),
            ("being the whole log", !everything || whole),
            ("the times of its entries", !early && !late),
            ("the number of its files", manifest.files == self.sums.files),
            ("the hash of SHA256SUMS", manifest.sums == self.sums.hash()),
        ];
        if let Some((what, _)) = facts.into_iter().find(|(_, holds)| !holds) {
            return Err(Problem::Mismatch(what));
        }
        self.expected_tenant(manifest)
    }

    fn expected_tenant(&self, manifest: &Manifest) -> Result<(), Problem> {
        let Some(expected) = &self.trusted.tenant else { return Ok(()) };
        let is =
            |tenant: &TenantName| tenant.slug == *expected || tenant.id.to_string() == *expected;
        if manifest.tenant.as_ref().is_some_and(is) {
            return Ok(());
        }
        let found = manifest.tenant.as_ref().map_or("(platform)", |tenant| &tenant.slug);
        Err(Problem::OtherTenant { found: found.to_owned(), expected: expected.clone() })
    }
}

fn named(head: &FileHead, expected: &str) -> Result<(), Problem> {
    match head.name == expected {
        true => Ok(()),
        false => Err(Problem::File { found: head.name.clone(), expected: expected.to_owned() }),
    }
}

fn note(file: &'static str, bytes: Vec<u8>) -> Result<Note, Problem> {
    let text = String::from_utf8(bytes).map_err(|_| Problem::Text(file))?;
    Note::parse(&text).map_err(|error| Problem::Note(file, error))
}

fn open(file: &'static str, bytes: Vec<u8>, log: &Verifier) -> Result<(Checkpoint, Note), Problem> {
    let text = String::from_utf8(bytes).map_err(|_| Problem::Text(file))?;
    Checkpoint::open(&text, log).map_err(|error| Problem::Note(file, error))
}

/// What `witness` signed, of the notes in the order of preference. A signature that is there and
/// wrong is not passed over.
fn witnessed(
    witness: &Verifier,
    notes: &[(&'static str, Note, u64)],
) -> Result<Witnessed, Problem> {
    for (file, note, size) in notes {
        let time = match note.verify(witness) {
            Ok(checked) => checked.cosigned.unwrap_or_default(),
            Err(NoteError::NotSigned(_)) => continue,
            Err(error) => return Err(Problem::Note(file, error)),
        };
        return Ok(Witnessed { name: witness.name().clone(), time, size: *size });
    }
    Err(Problem::NotWitnessed(witness.name().clone()))
}

/// The log's id is the last part of a checkpoint's origin.
fn log_id(origin: &str) -> Result<LogId, Problem> {
    let id = origin.rsplit('/').next().and_then(|id| id.parse().ok());
    id.ok_or_else(|| Problem::Origin(origin.to_owned()))
}

fn grown(earlier: &Checkpoint, latest: &Checkpoint, proof: &[Hash]) -> bool {
    verify_consistency((earlier.size, earlier.root), (latest.size, latest.root), proof)
}
