//! Sending what of a chain lies here.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::archiver::{Known, Turn, decoded, size, size_of};
use super::notes::{HeadNote, Said, SegmentNote};
use super::seal::{Scratch, Sealer, base_path, note_path};
use super::send;
use super::state::Sent;
use crate::backup::{BackupError, ManifestError, Target, keys};
use crate::kernel::Timestamp;
use crate::kernel::id::BaseId;
use crate::store::changes::{Batch, Gap, Hash};
use crate::tenants::DoorError;

/// Hashes and times of the records that a head may name.
type Ends = BTreeMap<u64, (Hash, Timestamp)>;

impl<'a> Turn<'a> {
    /// Sends it; whether all of it is in some target now.
    pub(super) async fn send_chain(
        &mut self,
        chain: BaseId,
        known: &mut Known,
    ) -> Result<bool, BackupError> {
        let mut sent = Sent::load(&self.folder(chain), chain, self.now());
        self.catch_up(chain, &mut sent).await;
        self.send_bases(chain, &mut sent).await?;
        let mut ends = Ends::from([(sent.number, (sent.hash(), sent.time))]);
        let mut at = (sent.number, sent.hash());
        for batch in self.tap.batches(chain)? {
            if batch.last <= sent.number {
                // Left over from a round that was killed after it had merged them.
                self.archiver.taps.remove(size(&batch.path));
                std::fs::remove_file(&batch.path)?;
                continue;
            }
            if batch.first != at.0 + 1 {
                return self.give_up(chain);
            }
            let note = match self.describe(chain, &batch, at.1, known).await {
                Err(BackupError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    return self.give_up(chain);
                }
                described => described?,
            };
            at = (note.last, decoded(&note.hash));
            ends.insert(at.0, (at.1, note.to));
            self.send_batch(&mut sent, &note, batch).await?;
        }
        self.heads(chain, &mut sent, &ends).await?;
        sent.save().map_err(DoorError::from)?;
        let complete = |target: &&Target| {
            sent.has_base(&target.name) && sent.heads.get(&target.name) == Some(&at.0)
        };
        match self.archiver.targets.0.iter().any(|target| complete(&target)) {
            true => Ok(true),
            false if self.failed.is_empty() => Ok(false),
            false => Err(BackupError::NotStored {
                path: self.archiver.layout.chain(self.realm, chain).to_string(),
                reason: "the warnings before say why".into(),
            }),
        }
    }

    /// What was sent is not known any more, or records are missing here: nothing can follow them.
    fn give_up(&self, chain: BaseId) -> Result<bool, BackupError> {
        self.tap.break_off(chain, Gap::Failed("its state on this machine is damaged".into()));
        let folder = self.folder(chain);
        self.archiver.taps.remove(size_of(&folder));
        std::fs::remove_dir_all(&folder)?;
        Ok(false)
    }

    /// A restore needs every key that the data names: those made since leave before it.
    async fn keys_first(&mut self) -> Result<(), BackupError> {
        match self.keys.take() {
            Some(run) => keys::archive_delta(run, self.realm).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn send_batch(
        &mut self,
        sent: &mut Sent,
        note: &SegmentNote,
        batch: Batch,
    ) -> Result<(), BackupError> {
        let waiting = self.waiting(|target| sent.of(target) + 1 == note.first);
        if waiting.is_empty() {
            return Ok(());
        }
        self.keys_first().await?;
        let is_first = sent.targets.values().all(|last| *last < note.last);
        let sealed = self.seal(note.clone(), vec![batch]).await?;
        let path = self.archiver.layout.segment(self.realm, note.chain, note.first, note.last);
        for target in waiting {
            let result = send::file(target, &path, &sealed.0).await;
            if self.ok(target, result) {
                sent.targets.insert(target.name.clone(), note.last);
                self.done.segments += 1;
            }
        }
        if is_first {
            sent.since += note.bytes;
        }
        Ok(())
    }

    /// What a batch is: read once, then remembered.
    pub(super) async fn describe(
        &self,
        chain: BaseId,
        batch: &Batch,
        previous: Hash,
        known: &mut Known,
    ) -> Result<SegmentNote, BackupError> {
        if let Some(note) = known.notes.get(&(chain, batch.first)) {
            return Ok(note.clone());
        }
        let batch = batch.clone();
        let first = batch.first;
        let note = self.with_sealer(move |sealer| {
            Ok(sealer.describe(chain, &[batch], previous, PAGE_SIZE)?)
        });
        let note = note.await?;
        known.notes.insert((chain, first), note.clone());
        Ok(note)
    }

    /// Writes a segment, beside the records.
    pub(super) async fn seal(
        &self,
        note: SegmentNote,
        batches: Vec<Batch>,
    ) -> Result<Scratch, BackupError> {
        let folder = self.folder(note.chain);
        self.with_sealer(move |sealer| sealer.segment(&note, &batches, &folder)).await
    }

    async fn with_sealer<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Sealer<'_>) -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, BackupError> {
        let (installation, owner) = (self.archiver.installation, self.owner.clone());
        let recipients = self.archiver.recipients.clone();
        let signer = self.archiver.tenants.notary().signer().clone();
        let work = move || {
            let (owner, recipients, signer) = (owner.as_str(), &recipients, &*signer);
            f(&Sealer { installation, owner, recipients, signer })
        };
        send::blocking(work).await
    }

    /// Copies of the file that some target has not got, while they lie here.
    async fn send_bases(&mut self, chain: BaseId, sent: &mut Sent) -> Result<(), BackupError> {
        let folder = self.folder(chain);
        for at in 0..sent.bases.len() {
            let number = sent.bases[at].number;
            let (file, note) = (base_path(&folder, number), note_path(&folder, number));
            if !file.exists() {
                continue;
            }
            for target in self.waiting(|name| sent.bases[at].targets.iter().all(|it| it != name)) {
                self.keys_first().await?;
                let layout = self.archiver.layout;
                let mut result =
                    send::file(target, &layout.base(self.realm, chain, number), &file).await;
                if result.is_ok() {
                    let to = layout.base_note(self.realm, chain, number);
                    result = send::file(target, &to, &note).await;
                }
                if self.ok(target, result) {
                    sent.bases[at].targets.push(target.name.clone());
                }
            }
            let base = &sent.bases[at];
            let has = |target: &Target| base.targets.contains(&target.name);
            let everywhere = self.archiver.targets.0.iter().all(has);
            let is_late = self.is_crowded() || self.now().since(base.taken) > KEPT;
            if everywhere || (is_late && !base.targets.is_empty()) {
                sent.save().map_err(DoorError::from)?;
                std::fs::remove_file(&file)?;
                std::fs::remove_file(&note)?;
            }
        }
        Ok(())
    }

    /// Says in each target how far the chain has come there.
    async fn heads(
        &mut self,
        chain: BaseId,
        sent: &mut Sent,
        ends: &Ends,
    ) -> Result<(), BackupError> {
        let path = self.archiver.layout.head(self.realm, chain);
        for target in self.waiting(|name| sent.has_base(name)) {
            let last = sent.of(&target.name);
            let Some((hash, time)) = ends.get(&last) else { continue };
            if sent.heads.get(&target.name) == Some(&last) {
                continue;
            }
            let head = HeadNote {
                installation: self.archiver.installation,
                owner: self.owner.clone(),
                chain,
                last,
                hash: HEXLOWER.encode(hash),
                time: *time,
            };
            let note = head.sign(self.archiver.tenants.notary().signer());
            let note = note.map_err(ManifestError::from)?;
            let result = send::text(target, &path, note.into_bytes()).await;
            if self.ok(target, result) {
                sent.heads.insert(target.name.clone(), last);
            }
        }
        Ok(())
    }

    /// A target that was away for so long that what it misses does not lie here any more gets it
    /// from another one, as it is.
    async fn catch_up(&mut self, chain: BaseId, sent: &mut Sent) {
        let folder = self.folder(chain);
        let gone = |number| !base_path(&folder, number).exists();
        let lacks = |name: &str, sent: &Sent| {
            let lacks_base = sent
                .bases
                .iter()
                .any(|base| gone(base.number) && base.targets.iter().all(|target| target != name));
            sent.of(name) < sent.number || lacks_base
        };
        let has_all = |target: &&Target| !lacks(&target.name, sent);
        let Some(from) = self.archiver.targets.0.iter().find(|it| has_all(it)) else {
            // Others than before are configured, and what they lack is nowhere to be had.
            return self.tap.break_off(chain, Gap::Targets);
        };
        for target in self.waiting(|name| lacks(name, sent)) {
            let result = self.copy_between(chain, from, target).await;
            if self.ok(target, result) {
                sent.targets.insert(target.name.clone(), sent.number.max(sent.of(&target.name)));
                for base in sent.bases.iter_mut().filter(|base| gone(base.number)) {
                    if !base.targets.contains(&target.name) {
                        base.targets.push(target.name.clone());
                    }
                }
            }
        }
    }

    async fn copy_between(
        &self,
        chain: BaseId,
        from: &Target,
        to: &Target,
    ) -> Result<(), BackupError> {
        let place = self.archiver.layout.chain(self.realm, chain);
        let has = send::list(to, &place).await?;
        for item in send::list(from, &place).await? {
            if item.0 != "head.note" && !has.contains(&item) {
                let path = object_store::path::Path::from(format!("{place}/{}", item.0));
                send::copy(from, to, &path).await?;
            }
        }
        Ok(())
    }

    /// A chain that does not go on is forgotten here when every target has it; when space is short,
    /// when one has.
    pub(super) fn drop_when_sent(&self, chain: BaseId) -> Result<(), BackupError> {
        let folder = self.folder(chain);
        let sent = Sent::load(&folder, chain, self.now());
        let last = self.tap.batches(chain)?.last().map_or(sent.number, |batch| batch.last);
        let has = |target: &&Target| {
            sent.has_base(&target.name) && sent.heads.get(&target.name) == Some(&last)
        };
        let targets = &self.archiver.targets.0;
        let count = targets.iter().filter(|target| has(target)).count();
        // Without a copy of the file anywhere its records are worth nothing.
        let worthless = sent.bases.is_empty();
        if worthless || count == targets.len() || (count > 0 && self.is_crowded()) {
            let bytes = size_of(&folder);
            std::fs::remove_dir_all(&folder)?;
            self.archiver.taps.remove(bytes);
        }
        Ok(())
    }

    /// Whether half of the space for changes is used.
    pub(super) fn is_crowded(&self) -> bool {
        self.archiver.taps.used() > self.archiver.taps.most() / 2
    }

    /// Targets that did not fail in this round and of which something holds.
    pub(super) fn waiting(&self, f: impl Fn(&str) -> bool) -> Vec<&'a Target> {
        let archiver = self.archiver;
        let targets = archiver.targets.0.iter();
        targets.filter(|it| !self.failed.contains(&it.name) && f(&it.name)).collect()
    }

    pub(super) fn ok(&mut self, target: &Target, result: Result<(), BackupError>) -> bool {
        match &result {
            Ok(()) => self.reached.insert(target.name.clone()),
            Err(error) => {
                tracing::warn!(place = target.name, %error, "a target does not take changes");
                self.failed.insert(target.name.clone())
            }
        };
        result.is_ok()
    }
}

/// For how long a copy of the file waits here for a target that is away, when another has it.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Of our data files, in bytes.
const PAGE_SIZE: u32 = 8192;
