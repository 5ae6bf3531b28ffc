//! Writing a bundle, entry by entry, with one part of it in memory.

use std::io::Write;

use super::archive::ArchiveWriter;
use super::manifest::{Exporter, FORMAT, Manifest, Selection, TenantName};
use super::record::{EntryRecord, Record};
use super::span::{Subtree, cover};
use super::{
    BundleError, CHECKPOINT, CONSISTENCY, EARLIER, MANIFEST, PART_BYTES, PUBLIC_KEY, SIGNATURE,
    SUMS, part_name, signed_text, sum_line,
};
use crate::args;
use crate::audit::checkpoint;
use crate::audit::leaf::{Hash, Leaf};
use crate::audit::notary::Notary;
use crate::audit::note::{Checkpoint, Kind, Note, Signer};
use crate::audit::past::{self, PastLog};
use crate::audit::proof::{Nodes, Prover};
use crate::audit::read::Opener;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::Sql;

/// What a bundle is of, and for whom.
#[derive(Clone, Debug)]
pub struct Description {
    /// None for the platform's own log.
    pub tenant: Option<TenantName>,
    pub selection: Selection,
    pub exported_at: Timestamp,
    pub exported_by: Exporter,
    /// Entries up to this one were removed for their age; 0 when all are there.
    pub pruned_through: u64,
}

/// An earlier checkpoint from which growth is to be proven.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub note: String,
    /// The consistency proof (RFC 6962) from it to the bundle's checkpoint.
    pub proof: Vec<Hash>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub entries: u64,
    pub disclosed: u64,
}

/// Writes one bundle. All entries must be covered by the checkpoint, and come in rising order;
/// reading may go on in a new transaction at any time.
pub struct BundleWriter<W> {
    archive: ArchiveWriter<W>,
    sums: String,
    part: Vec<u8>,
    part_bytes: usize,
    parts: u64,
    files: u64,
    log: LogId,
    checkpoint: Checkpoint,
    description: Description,
    /// Leaves of the tree that have been written, as entries or as gaps.
    at: u64,
    first: Option<u64>,
    gapless: bool,
    summary: Summary,
}

impl<W: Write> BundleWriter<W> {
    /// Begins a bundle under the log's latest checkpoint. Have the log signed first, then choose
    /// the entries, and leave out those beyond [`size`](Self::size): a bundle without any selection
    /// must end with the very entry that the checkpoint ends with. Growth from the latest
    /// checkpoint that a witness signed is proven too: an entry about the signature, and one about
    /// this bundle, come after it, so the log's latest is hardly ever a witnessed one.
    pub fn of_log(
        out: W,
        tx: &impl Sql,
        notary: &Notary,
        description: Description,
    ) -> Result<Self, BundleError> {
        let (log, _) = checkpoint::log(tx, notary)?.ok_or(BundleError::NoCheckpoint(0))?;
        let latest = checkpoint::latest(tx)?.ok_or(BundleError::NoCheckpoint(0))?;
        let earlier = grown_from(tx, latest.size)?;
        let note = Note::parse(&checkpoint::with_cosignatures(tx, &latest)?)?;
        Self::begin(out, log, &note, earlier.as_ref(), notary.signer(), description)
    }

    /// The same of a log from before a restore, in its own file: under the checkpoint over all of it.
    pub fn of_past(
        out: W,
        tx: &impl Sql,
        notary: &Notary,
        past: &PastLog,
        description: Description,
    ) -> Result<Self, BundleError> {
        let earlier = grown_from(tx, past.size)?;
        let note = past::checkpoint(tx, notary, past)?;
        Self::begin(out, past.id, &note, earlier.as_ref(), notary.signer(), description)
    }

    /// Begins a bundle whose entries `checkpoint`, a note that the installation signed, covers.
    pub fn begin(
        out: W,
        log: LogId,
        checkpoint: &Note,
        earlier: Option<&Earlier>,
        signer: &Signer,
        description: Description,
    ) -> Result<Self, BundleError> {
        let signed: Checkpoint = checkpoint.text().parse()?;
        if !signed.origin.ends_with(&format!("/{log}")) {
            return Err(BundleError::OtherLog(log));
        }
        let mut writer = Self {
            archive: ArchiveWriter::new(out),
            sums: String::new(),
            part: Vec::new(),
            part_bytes: PART_BYTES,
            parts: 0,
            files: 0,
            log,
            checkpoint: signed,
            description,
            at: 0,
            first: None,
            gapless: true,
            summary: Summary { entries: 0, disclosed: 0 },
        };
        writer.file(CHECKPOINT, checkpoint.to_string().as_bytes())?;
        let key = signer.verifier(Kind::Ed25519);
        writer.file(PUBLIC_KEY, format!("{key}\n").as_bytes())?;
        if let Some(earlier) = earlier {
            writer.file(EARLIER, earlier.note.as_bytes())?;
            let proof: Vec<u8> = earlier.proof.iter().flat_map(|hash| *hash.bytes()).collect();
            writer.file(CONSISTENCY, &proof)?;
        }
        Ok(writer)
    }

    /// Where the bundle goes; for whoever takes it away piece by piece.
    pub fn out(&mut self) -> &mut W {
        self.archive.out()
    }

    /// Entries of the tree that the checkpoint signs: none beyond it can be added.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Adds entries, by rising numbers.
    ///
    /// # Errors
    /// [`BundleError`]; the bundle is then of no use.
    pub fn add(
        &mut self,
        tx: &impl Sql,
        opener: &mut Opener,
        seqs: &[u64],
    ) -> Result<(), BundleError> {
        let prover = Prover::of_log(tx)?;
        for run in seqs.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let mut prev_hash = hash_before(&prover, *first)?;
            let mut found = stored(tx, *first, *last)?.into_iter();
            for seq in run {
                let entry = found.next().filter(|entry| entry.seq == *seq);
                let entry = entry.ok_or(BundleError::Gone(*seq))?;
                let hash = entry.hash;
                self.entry(&prover, opener, entry, prev_hash)?;
                prev_hash = hash;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        prover: &Prover<impl Nodes>,
        opener: &mut Opener,
        stored: Stored,
        prev_hash: Hash,
    ) -> Result<(), BundleError> {
        let Stored { seq, time, envelope, .. } = stored;
        if seq <= self.at {
            return Err(BundleError::Order(seq));
        }
        if seq > self.checkpoint.size {
            return Err(BundleError::Beyond { seq, size: self.checkpoint.size });
        }
        self.gapless &= self.first.is_none() || seq == self.at + 1;
        self.gap(prover, seq)?;
        let payload_hash = Hash::of(&envelope);
        let leaf = Leaf { log: self.log, seq, time, payload_hash, prev_hash };
        let secrets = opener.secrets(seq, &envelope)?;
        self.first.get_or_insert(seq);
        self.summary.entries += 1;
        self.summary.disclosed += u64::from(secrets.is_some());
        self.at = seq;
        self.record(&Record::Entry(Box::new(EntryRecord { leaf, envelope, secrets })))
    }

    /// Leads up to entry `next`.
    fn gap(&mut self, prover: &Prover<impl Nodes>, next: u64) -> Result<(), BundleError> {
        if next == self.at + 1 {
            return Ok(());
        }
        let hash = |subtree: Subtree| prover.subtree(subtree.height, subtree.index);
        let hashes = cover(self.at, next - 1).map(hash).collect::<Result<_, _>>()?;
        self.at = next - 1;
        self.record(&Record::Gap { next, hashes })
    }

    fn record(&mut self, record: &Record) -> Result<(), BundleError> {
        record.write(&mut self.part);
        if self.part.len() >= self.part_bytes { self.end_part() } else { Ok(()) }
    }

    fn end_part(&mut self) -> Result<(), BundleError> {
        if self.part.is_empty() {
            return Ok(());
        }
        self.parts += 1;
        let mut part = std::mem::take(&mut self.part);
        self.file(&part_name(self.parts), &part)?;
        part.clear();
        self.part = part;
        Ok(())
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.sums.push_str(&sum_line(name, bytes));
        self.files += 1;
        Ok(self.archive.file(name, bytes)?)
    }

    /// Ends the bundle and signs it.
    pub fn finish(mut self, tx: &impl Sql, signer: &Signer) -> Result<(W, Summary), BundleError> {
        let last = self.first.map(|_| self.at);
        self.gap(&Prover::of_log(tx)?, self.checkpoint.size + 1)?;
        self.end_part()?;
        let Description { tenant, selection, exported_at, exported_by, pruned_through } =
            self.description;
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            product: concat!("strongroom ", env!("CARGO_PKG_VERSION")).to_owned(),
            log_id: self.log,
            origin: self.checkpoint.origin,
            tenant,
            selection,
            exported_at,
            exported_by,
            size: self.checkpoint.size,
            root: self.checkpoint.root,
            entries: self.summary.entries,
            first: self.first,
            last,
            gapless: self.gapless,
            disclosed: self.summary.disclosed,
            pruned_through,
            files: self.files,
            sums: Hash::of(self.sums.as_bytes()),
        };
        let manifest = manifest.to_bytes();
        let mut signature = Note::new(signed_text(&manifest))?;
        signature.sign(signer);
        self.archive.file(SUMS, self.sums.as_bytes())?;
        self.archive.file(MANIFEST, &manifest)?;
        self.archive.file(SIGNATURE, signature.to_string().as_bytes())?;
        Ok((self.archive.finish()?, self.summary))
    }

    #[cfg(test)]
    pub(super) fn with_parts_of(mut self, bytes: usize) -> Self {
        self.part_bytes = bytes;
        self
    }
}

/// The largest smaller checkpoint that a witness signed, from which growth is proven.
fn grown_from(tx: &impl Sql, size: u64) -> Result<Option<Earlier>, BundleError> {
    let Some(found) = checkpoint::witnessed(tx)?.filter(|found| found.size < size) else {
        return Ok(None);
    };
    let note = checkpoint::with_cosignatures(tx, &found)?;
    let proof = Prover::of_log(tx)?.consistency(found.size, size)?;
    Ok(Some(Earlier { note, proof }))
}

/// What entry `seq` names as the one before it.
fn hash_before(prover: &Prover<impl Nodes>, seq: u64) -> Result<Hash, BundleError> {
    match seq.checked_sub(2) {
        Some(index) => Ok(prover.subtree(0, index)?),
        None => Ok(Hash::ZERO),
    }
}

struct Stored {
    seq: u64,
    time: Timestamp,
    envelope: Vec<u8>,
    hash: Hash,
}

/// The entries from `first` to `last`; as many as whoever adds them holds in memory anyway.
fn stored(tx: &impl Sql, first: u64, last: u64) -> Result<Vec<Stored>, BundleError> {
    let sql = "SELECT seq, time, envelope, hash FROM audit_entries
        WHERE seq >= $1 AND seq <= $2 ORDER BY seq";
    let stored = tx.query(sql, args![first.cast_signed(), last.cast_signed()], |row| {
        let hash = Hash::from_bytes(row.get(3)?);
        Ok(Stored { seq: row.get(0)?, time: row.get(1)?, envelope: row.get(2)?, hash })
    })?;
    Ok(stored)
}
