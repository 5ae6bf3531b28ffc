//! What a bucket with versioning keeps behind what it lists. Deleting an object there only hides it:
//! what is to be gone has to be deleted version by version, or what was erased would stay readable to
//! who has a private key of the backups.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, Result};

use super::TargetError;
use super::s3_bucket::{Bucket, Page, Version, generic};
use crate::kernel::Timestamp;

/// Deletions under way.
const AT_ONCE: usize = 8;
/// Pages of versions of one object: a hundred thousand of them.
const MOST_PAGES: usize = 100;
/// For one look at everything; what is left waits for the next.
const SWEEP_TIME: Duration = Duration::from_secs(60 * 60);

/// What a version is that nothing lists any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It stays.
    Not,
    /// It goes if the bucket lets it.
    Clutter,
    /// It has to go.
    Overdue,
}

/// A version that nothing lists any more.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a> {
    pub path: &'a str,
    pub made: Timestamp,
    /// When another was put in its place, or it was deleted.
    pub replaced: Timestamp,
    /// How many are newer.
    pub newer: usize,
}

/// What became of such versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub removed: u64,
    /// Overdue ones that the bucket keeps: a lock, or a credential without the right to delete
    /// versions. At least one when it does not even show them.
    pub refused: u64,
    /// Tried in vain, for other reasons.
    pub failed: u64,
}

impl Bucket {
    /// Deletes an object with everything that the bucket keeps of it, the newest last: while something
    /// is left, it is still listed.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] when the bucket keeps some of it.
    pub async fn delete(&self, store: &dyn ObjectStore, path: &Path) -> Result<()> {
        let is_versioned = match self.is_versioned().await? {
            Some(known) => known,
            None => self.is_a_version(path).await?,
        };
        match is_versioned {
            true => self.delete_versions(store, path).await,
            false => store.delete(path).await,
        }
    }

    async fn delete_versions(&self, store: &dyn ObjectStore, path: &Path) -> Result<()> {
        let key = self.key(path);
        let (mut all, mut from) = (Vec::new(), None);
        for n in 0.. {
            let Some(page) = self.page(&key, from.as_ref()).await? else { break };
            from = page.next();
            // Versions come in the order of their keys, and the key itself is the first of them.
            let (own, others): (Vec<_>, Vec<_>) = all_of(&page).partition(|one| one.key == key);
            all.extend(own.into_iter().cloned());
            if !others.is_empty() || from.is_none() {
                break;
            }
            if n == MOST_PAGES {
                return Err(generic(format!("{path} has versions without end").into()));
            }
        }
        if all.is_empty() {
            return match store.head(path).await {
                Ok(_) => store.delete(path).await,
                Err(error) => Err(error),
            };
        }
        let (latest, older): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.is_latest);
        for versions in [older, latest] {
            for result in self.delete_all(&versions).await {
                result?;
            }
        }
        Ok(())
    }

    /// Deletes what was replaced or hidden and is stale.
    pub async fn sweep(
        &self,
        below: &Path,
        stale: impl Fn(Hidden<'_>) -> Stale + Send + Sync,
    ) -> Result<Swept> {
        let (mut swept, begun) = (Swept::default(), Instant::now());
        let known = self.is_versioned().await?;
        if known == Some(false) {
            return Ok(swept);
        }
        let (place, mut from, mut last) = (format!("{}/", self.key(below)), None, None);
        while begun.elapsed() < SWEEP_TIME {
            let page = match self.page(&place, from.as_ref()).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                // Where nobody says that there are versions, deleting finds out.
                Err(Error::PermissionDenied { .. }) => {
                    swept.refused += u64::from(known == Some(true));
                    break;
                }
                Err(error) => return Err(error),
            };
            from = page.next();
            let hidden = self.hidden(&page, &mut last);
            for (what, counts) in [(Stale::Overdue, true), (Stale::Clutter, false)] {
                let these = hidden.iter().filter(|(_, hidden)| stale(*hidden) == what);
                let these: Vec<_> = these.map(|(version, _)| (*version).clone()).collect();
                self.remove(these, counts, &mut swept).await;
            }
            if from.is_none() {
                break;
            }
        }
        Ok(swept)
    }

    /// The versions of a page that nothing lists, each with when it was replaced. `last` goes on from
    /// the page before: its last key, how many of its versions there were, and when the oldest was made.
    fn hidden<'a>(
        &self,
        page: &'a Page,
        last: &mut Option<(String, usize, Timestamp)>,
    ) -> Vec<(&'a Version, Hidden<'a>)> {
        let mut all: Vec<_> = all_of(page)
            .filter_map(|version| Some((version, Timestamp::parse(&version.last_modified)?)))
            .collect();
        let marks: HashSet<_> =
            page.marks.iter().map(|mark| (&mark.key, &mark.version_id)).collect();
        all.sort_by_key(|(version, made)| {
            (&version.key, std::cmp::Reverse((version.is_latest, *made)))
        });
        let mut hidden = Vec::new();
        for (version, made) in all {
            let before = last.take().filter(|(key, ..)| *key == version.key);
            let newer = before.as_ref().map_or(0, |(_, count, _)| *count);
            let replaced = before.map_or(made, |(_, _, newer)| newer.max(made));
            *last = Some((version.key.clone(), newer + 1, made));
            let mark = marks.contains(&(&version.key, &version.version_id));
            if let Some(path) = self.path(version).filter(|_| mark || !version.is_latest) {
                hidden.push((version, Hidden { path, made, replaced, newer }));
            }
        }
        hidden
    }

    /// Deletes versions, the oldest first. Those that are only clutter are left when some are refused:
    /// younger ones would be, too.
    async fn remove(&self, mut versions: Vec<Version>, counts: bool, swept: &mut Swept) {
        versions.reverse();
        for some in versions.chunks(AT_ONCE) {
            let mut refused = 0;
            for result in self.delete_all(some).await {
                match result {
                    Ok(()) => swept.removed += 1,
                    Err(Error::PermissionDenied { .. }) => refused += 1,
                    Err(error) => {
                        tracing::warn!(%error, "a replaced version could not be deleted");
                        swept.failed += 1;
                    }
                }
            }
            if counts {
                swept.refused += refused;
            } else if refused > 0 {
                break;
            }
        }
    }

    async fn delete_all(&self, versions: &[Version]) -> Vec<Result<()>> {
        let deleted = stream::iter(versions.to_vec()).map(|version| {
            let bucket = self.clone();
            async move { bucket.delete_version(&version).await }
        });
        deleted.buffer_unordered(AT_ONCE).collect().await
    }
}

fn all_of(page: &Page) -> impl Iterator<Item = &Version> {
    page.versions.iter().chain(&page.marks)
}

impl super::Target {
    /// Deletes what a store keeps of objects that were replaced or deleted below `prefix`, as far as
    /// it is stale. Most keep nothing.
    ///
    /// # Errors
    /// [`TargetError::Store`]
    pub async fn sweep(
        &self,
        prefix: &Path,
        stale: impl Fn(Hidden<'_>) -> Stale + Send + Sync,
    ) -> Result<Swept, TargetError> {
        match &self.own {
            super::Own::Bucket(bucket) => {
                bucket.sweep(prefix, stale).await.map_err(|error| self.failed(error))
            }
            _ => Ok(Swept::default()),
        }
    }

    /// Deletes one object as anybody would: where versions are kept, it is only hidden.
    ///
    /// # Errors
    /// As [`Target::delete`](super::Target::delete).
    pub async fn hide(&self, path: &Path) -> Result<(), TargetError> {
        self.deleted(path, self.store.delete(path).await)
    }
}
