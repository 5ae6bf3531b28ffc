//! Where each setting was given.

use std::collections::BTreeMap;

use super::error::Origin;

/// Where settings were given. One that is at its default is not in it.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<&'static str, Place>);

#[derive(Clone, Debug)]
struct Place {
    counts: Origin,
    /// Earlier sources, which it has replaced.
    hidden: Vec<Origin>,
    /// Of what was given, so that a change shows without keeping secrets; none for a flag.
    digest: Option<[u8; 32]>,
}

impl Origins {
    /// Where the value stands that counts.
    pub fn of(&self, key: &str) -> Option<&Origin> {
        self.0.get(key).map(|place| &place.counts)
    }

    /// Where the same setting stands without counting.
    pub fn hidden(&self, key: &str) -> &[Origin] {
        self.0.get(key).map_or(&[], |place| &place.hidden)
    }

    pub(super) fn set(&mut self, key: &'static str, counts: Origin, digest: Option<[u8; 32]>) {
        let before = self.0.remove(key);
        let hidden = before.into_iter().flat_map(|place| {
            let mut hidden = place.hidden;
            hidden.push(place.counts);
            hidden
        });
        let hidden = hidden.collect();
        self.0.insert(key, Place { counts, hidden, digest });
    }

    /// Where another reading has it, or nowhere.
    pub(super) fn take(&mut self, key: &'static str, from: &Self) {
        match from.0.get(key) {
            Some(place) => self.0.insert(key, place.clone()),
            None => self.0.remove(key),
        };
    }

    /// Whether the same was given; `None` where only one of both gives it.
    pub(super) fn same(&self, other: &Self, key: &str) -> Option<bool> {
        match (self.0.get(key), other.0.get(key)) {
            (None, None) => Some(true),
            (Some(one), Some(two)) => Some(one.digest == two.digest),
            _ => None,
        }
    }
}
