//! What lies in a target of one owner's chains.

use object_store::path::Path;

use super::notes::{BaseNote, HeadNote, Said};
use super::send;
use crate::audit::note::Verifier;
use crate::authz::Realm;
use crate::backup::{BackupError, Layout, Target, place};
use crate::kernel::Timestamp;
use crate::kernel::id::BaseId;

/// Seconds between these can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Window {
    pub base: BaseId,
    pub from: Timestamp,
    /// The last change in it; what is as it was since then can be had too.
    pub to: Timestamp,
}

/// One owner's chains in one target.
#[derive(Debug, Default)]
pub struct Chains(pub Vec<Chain>);

/// What a target has of a chain.
#[derive(Debug)]
pub struct Chain {
    pub id: BaseId,
    /// Copies of the file, the earliest first; only those that this installation signed.
    pub bases: Vec<BaseNote>,
    /// None when there is none, or it is not signed.
    pub head: Option<HeadNote>,
    /// First and last record of each segment, in order.
    pub segments: Vec<(u64, u64)>,
}

impl Chains {
    /// # Errors
    /// When the target cannot be read. What was not signed is passed over.
    pub async fn read(
        target: &Target,
        layout: Layout,
        realm: Realm,
        verifier: &Verifier,
    ) -> Result<Self, BackupError> {
        let place = layout.changes(realm);
        let owner = Layout::owner(realm);
        let mut chains: Vec<Chain> = Vec::new();
        let mut names: Vec<_> =
            send::list(target, &place).await?.into_iter().map(|(name, _)| name).collect();
        names.sort();
        for name in names {
            let Some((id, file)) = name.split_once('/') else { continue };
            let Ok(id) = id.parse::<BaseId>() else { continue };
            if chains.last().is_none_or(|chain| chain.id != id) {
                chains.push(Chain { id, bases: Vec::new(), head: None, segments: Vec::new() });
            }
            let Some(chain) = chains.last_mut() else { continue };
            let path = Path::from(format!("{place}/{name}"));
            if file == "head.note" {
                let note = said::<HeadNote>(target, &path, verifier).await?;
                chain.head = note.filter(|note| note.owner == owner && note.chain == id);
            } else if let Some(number) = base_number(file) {
                let note = said::<BaseNote>(target, &path, verifier).await?;
                chain.bases.extend(note.filter(|note| {
                    note.owner == owner && note.chain == id && note.number == number
                }));
            } else if let Some(range) = range(file) {
                chain.segments.push(range);
            }
        }
        Ok(Self(chains))
    }

    /// The copy of the file that is nearest before a moment, and its chain.
    pub fn before(&self, at: Timestamp) -> Option<(&Chain, &BaseNote)> {
        let bases = self.0.iter().flat_map(|chain| chain.bases.iter().map(move |it| (chain, it)));
        bases.filter(|(_, base)| base.taken <= at).max_by_key(|(_, base)| base.taken)
    }
}

/// From a record on, the segments that follow without gap up to the end, the longest first where
/// several have the same records; and the record that they reach.
pub(super) fn follow(segments: &[(u64, u64)], from: u64) -> (Vec<(u64, u64)>, u64) {
    let (mut way, mut at) = (Vec::new(), from);
    while let Some(next) = segments
        .iter()
        .filter(|(first, last)| *first <= at + 1 && *last > at)
        .max_by_key(|(_, last)| *last)
    {
        way.push(*next);
        at = next.1;
    }
    (way, at)
}

async fn said<T: Said>(
    target: &Target,
    path: &Path,
    verifier: &Verifier,
) -> Result<Option<T>, BackupError> {
    let text = send::get(target, path).await?;
    let said = std::str::from_utf8(&text).ok().and_then(|text| T::open(text, verifier));
    if said.is_none() {
        tracing::warn!(place = target.name, %path, "not signed by this installation; ignored");
    }
    Ok(said)
}

pub(super) fn base_number(file: &str) -> Option<u64> {
    file.strip_prefix("base-")?.strip_suffix(".note")?.parse().ok()
}

pub(super) fn range(file: &str) -> Option<(u64, u64)> {
    let (first, last) = file.strip_suffix(".age")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Whose changes lie in a target.
///
/// # Errors
/// When the target cannot be read.
pub async fn owners(target: &Target, layout: Layout) -> Result<Vec<Realm>, BackupError> {
    let listed = target.store.list_with_delimiter(Some(&layout.all_changes())).await;
    let listed = listed.map_err(|error| place::failed(target, error))?;
    let realm = |path: &Path| match path.filename()? {
        "platform" => Some(Realm::Platform),
        name => name.parse().ok().map(Realm::Tenant),
    };
    Ok(listed.common_prefixes.iter().filter_map(realm).collect())
}

/// The spans of time in which any second can be restored from this target.
///
/// # Errors
/// When the target cannot be read.
pub async fn window(
    target: &Target,
    layout: Layout,
    realm: Realm,
    verifier: &Verifier,
) -> Result<Vec<Window>, BackupError> {
    let chains = Chains::read(target, layout, realm, verifier).await?;
    let windows = chains.0.iter().filter_map(|chain| {
        let from = chain.bases.first()?.taken;
        let to = chain.head.as_ref().map_or(from, |head| head.time.max(from));
        Some(Window { base: chain.id, from, to })
    });
    Ok(windows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_segment_is_taken_before_the_small_ones_and_a_hole_ends_the_way() {
        let segments = [(1, 3), (1, 10), (4, 10), (11, 12), (14, 15)];
        assert_eq!(follow(&segments, 0), (vec![(1, 10), (11, 12)], 12));
        assert_eq!(follow(&segments, 5), (vec![(4, 10), (11, 12)], 12));
        assert_eq!(follow(&segments, 12), (vec![], 12));
    }
}
