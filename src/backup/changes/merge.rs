//! Making one segment of many. The records still lie here, so that nothing has to be decrypted: the
//! private keys are elsewhere. A chain is whole at every moment, since small segments go only when
//! the large one was written and found there; where both are, a reader takes the large one.

use std::time::Duration;

use super::archiver::{Known, Turn, decoded, size};
use super::locate::range;
use super::notes::SegmentNote;
use super::send::{self, damaged};
use super::state::Sent;
use crate::backup::{BackupError, Damage, Target};
use crate::kernel::id::BaseId;
use crate::store::changes::Batch;
use crate::tenants::DoorError;

/// Time that a merged segment spans.
const SPAN: Duration = Duration::from_secs(3600);
/// Segments after which they are merged in any case.
const MOST: usize = 360;

impl Turn<'_> {
    /// Merges what is due, and deletes the records of it here.
    pub(super) async fn merge(
        &mut self,
        chain: BaseId,
        known: &mut Known,
    ) -> Result<(), BackupError> {
        let mut sent = Sent::load(&self.folder(chain), chain, self.now());
        let has = |target: &Target| sent.of(&target.name);
        let targets = &self.archiver.targets.0;
        let everywhere = targets.iter().map(has).min().unwrap_or(0);
        let somewhere = targets.iter().map(has).max().unwrap_or(0);
        // A target that is away is waited for as long as there is space.
        let through = if self.is_crowded() { somewhere } else { everywhere };
        let mut batches = self.tap.batches(chain)?;
        batches.retain(|batch| batch.last <= through);
        let Some(note) = self.due(chain, &sent, &batches, known).await? else { return Ok(()) };
        if batches.len() > 1 {
            let has_all: Vec<_> = self.waiting(|target| sent.of(target) >= note.last);
            let sealed = self.seal(note.clone(), batches.clone()).await?;
            for target in has_all {
                let result = self.replace(target, &note, &sealed.0).await;
                if !self.ok(target, result) {
                    return Ok(()); // the records stay, and the next round tries again
                }
            }
        }
        sent.move_to(note.last, &note.hash, note.to);
        sent.save().map_err(DoorError::from)?;
        for batch in &batches {
            self.archiver.taps.remove(size(&batch.path));
            std::fs::remove_file(&batch.path)?;
            known.notes.remove(&(chain, batch.first));
        }
        self.done.merged += batches.len() as u64;
        Ok(())
    }

    /// What the merged segment would be, if it is time.
    async fn due(
        &self,
        chain: BaseId,
        sent: &Sent,
        batches: &[Batch],
        known: &mut Known,
    ) -> Result<Option<SegmentNote>, BackupError> {
        let mut all: Option<SegmentNote> = None;
        let mut hash = sent.hash();
        for batch in batches {
            let note = self.describe(chain, batch, hash, known).await?;
            hash = decoded(&note.hash);
            all = Some(match all {
                None => note,
                Some(all) => SegmentNote {
                    last: note.last,
                    hash: note.hash,
                    to: note.to,
                    commits: all.commits + note.commits,
                    bytes: all.bytes + note.bytes,
                    ..all
                },
            });
        }
        let is_due = |note: &SegmentNote| {
            batches.len() >= MOST || self.is_crowded() || self.now().since(note.from) > SPAN
        };
        Ok(all.filter(is_due))
    }

    /// Puts the merged segment in the place of the small ones.
    async fn replace(
        &self,
        target: &Target,
        note: &SegmentNote,
        sealed: &std::path::Path,
    ) -> Result<(), BackupError> {
        let layout = self.archiver.layout;
        let path = layout.segment(self.realm, note.chain, note.first, note.last);
        send::file(target, &path, sealed).await?;
        let place = layout.chain(self.realm, note.chain);
        let name = format!("{:016}-{:016}.age", note.first, note.last);
        let listed = send::list(target, &place).await?;
        if !listed.contains(&(name.clone(), size(sealed))) {
            return Err(damaged(target, &path, Damage::Size));
        }
        for (other, _) in listed.into_iter().filter(|(other, _)| *other != name) {
            let inside = range(&other).is_some_and(|it| it.0 >= note.first && it.1 <= note.last);
            if inside {
                send::delete(target, &place.clone().join(other)).await;
            }
        }
        Ok(())
    }
}
