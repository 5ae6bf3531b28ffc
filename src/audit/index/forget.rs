//! Taking out of the index what must not be found any more: a person, or entries that were pruned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bits::{Bits, CHUNK};
use super::fields::{Extract, Key};
use super::file::{self, PART};
use super::{AuditIndex, feed};
use crate::audit::read::Opener;
use crate::crypto::TenantKeys;
use crate::kernel::id::KeyId;
use crate::store::{RawWriteTx, Sql, StoreError};

/// Entries taken out in one transaction.
const BATCH: u64 = 4096;
/// Up to so many entries are taken out of the full text one by one, in place. Of more,
/// marking them and writing the parts anew is cheaper.
const IN_PLACE: u64 = 2000;

impl AuditIndex {
    /// Takes out what is sealed under people's keys, then runs `destroy`, which destroys them;
    /// nothing is fed in between. The entries are still found by the rest.
    ///
    /// The keys have to be there still: full text is taken out by the words that went in, and only
    /// the log has them.
    ///
    /// # Errors
    /// Whatever file or `destroy` answer. When it fails before `destroy`, nothing is lost: it may
    /// be run again.
    pub fn forget<T, E: From<StoreError>>(
        &self,
        log: &impl Sql,
        keys: &Arc<TenantKeys>,
        subjects: &[KeyId],
        destroy: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let _feeding = self.lock();
        let mut opener = Opener::new(log, keys.clone())?;
        if self.is_of(&opener)? {
            for subject in subjects {
                self.take_out_person(log, &mut opener, *subject)?;
            }
        }
        destroy()
    }

    /// Entries with something sealed about a person; nothing while the index has not come to the
    /// log's end.
    ///
    /// # Errors
    /// Whatever the file answers.
    pub fn mentions(
        &self,
        log: &impl Sql,
        keys: &Arc<TenantKeys>,
        subject: KeyId,
    ) -> Result<Option<u64>, StoreError> {
        let opener = Opener::new(log, keys.clone())?;
        if self.through(&opener)? < crate::audit::read::size(log)? {
            return Ok(None);
        }
        let key = Key::Subject.of(subject.bytes());
        let sets = self.file.read(|index| file::chunks_with(index, &key))?;
        Ok(Some(sets.iter().map(|(_, seqs)| Bits::decode(seqs).count()).sum()))
    }

    /// Takes out all entries up to `through`. To be called before they are deleted from the log:
    /// only the log has the words that went in.
    ///
    /// # Errors
    /// Whatever the file answers; it may be run again.
    pub fn prune(
        &self,
        log: &impl Sql,
        keys: &Arc<TenantKeys>,
        through: u64,
    ) -> Result<(), StoreError> {
        let _feeding = self.lock();
        let mut opener = Opener::new(log, keys.clone())?;
        if !self.is_of(&opener)? {
            return Ok(());
        }
        if self.through(&opener)? < through {
            // It did not even come so far: it begins anew, after the cut.
            self.file.delete();
            return Ok(());
        }
        for part in self.file.read(|index| file::parts(index))? {
            if part * PART + PART - 1 <= through {
                self.file.write(|index| file::drop_part(index, part))?;
            }
        }
        let pruned = self.file.read(|index| file::pruned(index))?;
        let from = (through / PART * PART).max(pruned + 1);
        let indexed = self.through(&opener)?;
        let through = through.min(indexed);
        let mut out = TakingOut::new(self, through.saturating_sub(from) + 1);
        let mut after = from - 1;
        while after < through {
            let end = through.min(after + BATCH);
            let entries = feed::open(&mut opener, feed::read(log, after, end)?)?;
            self.file.write(|index| {
                out.texts(index, entries.iter().map(|entry| (entry, None)))?;
                file::set_pruned(index, end)
            })?;
            after = end;
        }
        for chunk in self.file.read(|index| file::chunks(index))? {
            if chunk * CHUNK <= through {
                self.file.write(|index| prune_chunk(index, chunk, through))?;
            }
        }
        out.end()
    }

    fn is_of(&self, opener: &Opener) -> Result<bool, StoreError> {
        Ok(self.file.read(|index| file::cursor(index, opener.log()))?.is_some())
    }

    fn take_out_person(
        &self,
        log: &impl Sql,
        opener: &mut Opener,
        subject: KeyId,
    ) -> Result<(), StoreError> {
        let key = Key::Subject.of(subject.bytes());
        let chunks = self.file.read(|index| file::chunks_with(index, &key))?;
        let sets: Vec<_> =
            chunks.into_iter().map(|(chunk, seqs)| (chunk, Bits::decode(&seqs))).collect();
        let mut out = TakingOut::new(self, sets.iter().map(|(_, lows)| lows.count()).sum());
        for (chunk, lows) in sets {
            let seqs: Vec<u64> = lows.iter().map(|low| chunk * CHUNK + u64::from(low)).collect();
            let (before, after) = both(log, opener, subject, &seqs)?;
            self.file.write(|index| {
                for (before, after) in before.iter().zip(&after) {
                    exchange_keys(index, chunk, before, after)?;
                }
                let changed = before.iter().zip(&after).filter(|(a, b)| a.text != b.text);
                out.texts(index, changed.map(|(before, after)| (before, Some(after))))?;
                // The last step: until then it is found, and may be taken out, again.
                file::delete_postings(index, chunk, &key)
            })?;
        }
        out.end()
    }
}

/// Texts on their way out, and what has to be done when all are.
struct TakingOut<'a> {
    index: &'a AuditIndex,
    /// Words that went, by part, where it was in place.
    words: BTreeMap<u64, BTreeSet<String>>,
    in_place: bool,
}

impl<'a> TakingOut<'a> {
    fn new(index: &'a AuditIndex, count: u64) -> Self {
        let in_place = count <= IN_PLACE;
        Self { index, words: BTreeMap::new(), in_place }
    }

    /// Replaces texts by others, or by none.
    fn texts<'b>(
        &mut self,
        index: &mut RawWriteTx<'_>,
        texts: impl Iterator<Item = (&'b Extract, Option<&'b Extract>)>,
    ) -> Result<(), StoreError> {
        let mut parts = BTreeSet::new();
        for (before, after) in texts {
            let part = before.seq / PART;
            if parts.insert(part) {
                file::set_in_place(index, part, self.in_place)?;
            }
            file::delete_text(index, before.seq, &before.text)?;
            file::set_unclean(index, part, true)?;
            let left = after.map_or("", |after| &after.text);
            if let Some(after) = after {
                file::insert_text(index, after.seq, &after.text)?;
            }
            if self.in_place {
                let left: BTreeSet<_> = left.split_ascii_whitespace().collect();
                let went = before.text.split_ascii_whitespace().filter(|word| !left.contains(word));
                self.words.entry(part).or_default().extend(went.map(str::to_owned));
            }
        }
        Ok(())
    }

    /// Writes anew what needs it, and leaves nothing in the WAL.
    fn end(self) -> Result<(), StoreError> {
        let file = &self.index.file;
        for part in file.read(|index| file::unclean(index))? {
            // What somebody else left unclean, who did not come so far, is not in `words`.
            let anew = match self.words.get(&part) {
                Some(words) => file.read(|index| file::has_signpost(index, part, words))?,
                None => true,
            };
            file.write(|index| {
                if anew {
                    file::merge_segments(index, part)?;
                    file::set_in_place(index, part, true)?;
                }
                file::set_unclean(index, part, false)
            })?;
        }
        file.empty_wal()
    }
}

/// Entries as they were taken in, and as they will read without the person.
fn both(
    log: &impl Sql,
    opener: &mut Opener,
    subject: KeyId,
    seqs: &[u64],
) -> Result<(Vec<Extract>, Vec<Extract>), StoreError> {
    let (mut before, mut after) = (Vec::with_capacity(seqs.len()), Vec::with_capacity(seqs.len()));
    for seq in seqs {
        let stored = feed::read(log, seq - 1, *seq)?;
        before.extend(feed::open(opener, stored.clone())?);
        opener.hide(Some(subject));
        let hidden = feed::open(opener, stored);
        opener.hide(None);
        after.extend(hidden?);
    }
    Ok((before, after))
}

fn exchange_keys(
    index: &mut RawWriteTx<'_>,
    chunk: u64,
    before: &Extract,
    after: &Extract,
) -> Result<(), StoreError> {
    let low = (before.seq % CHUNK) as u16;
    for key in before.keys.iter().filter(|key| !after.keys.contains(key)) {
        file::change_postings(index, chunk, key, |bits| bits.unset(low))?;
    }
    let left: BTreeSet<_> = after.text.split_ascii_whitespace().collect();
    for word in before.text.split_ascii_whitespace().filter(|word| !left.contains(word)) {
        let key = Key::Word.of(word.as_bytes());
        file::change_postings(index, chunk, &key, |bits| bits.unset(low))?;
    }
    for key in after.keys.iter().filter(|key| !before.keys.contains(key)) {
        file::change_postings(index, chunk, key, |bits| bits.set(low))?;
    }
    Ok(())
}

/// Takes the entries up to `through` out of a chunk's postings.
fn prune_chunk(index: &mut RawWriteTx<'_>, chunk: u64, through: u64) -> Result<(), StoreError> {
    let last = chunk * CHUNK + CHUNK - 1;
    if last <= through {
        return file::drop_chunk(index, chunk);
    }
    let gone = super::eval::range(chunk, 0, through);
    for key in file::keys_among(index, chunk, &gone)? {
        file::change_postings(index, chunk, &key, |bits| bits.and_not(&gone))?;
    }
    Ok(())
}
