//! The ledger of erasures as a target has it.

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use serde::Deserialize;

use super::RestoreError;
use crate::backup::{Layout, Target, place};
use crate::store::erasures::{Erasure, Head};

#[derive(Default)]
pub(super) struct Fetched {
    /// As the file has it.
    pub text: String,
    pub erasures: Vec<Erasure>,
    /// The hash after each line.
    hashes: Vec<String>,
}

#[derive(Deserialize)]
struct Number {
    seq: u64,
}

impl Fetched {
    /// Whether it goes on from where a manifest says that it was: whoever can write to a target can
    /// make a chain of their own, but no manifest.
    pub fn follows(&self, lines: u64, hash: &str) -> bool {
        match usize::try_from(lines) {
            Ok(0) => true,
            Ok(lines) => self.hashes.get(lines - 1).is_some_and(|known| known == hash),
            Err(_) => false,
        }
    }
}

/// Reads its parts, which may overlap, and checks that every line follows from the one before.
///
/// # Errors
/// [`RestoreError::Fire`] for a line that is missing or was changed.
pub(super) async fn read(target: &Target, layout: Layout) -> Result<Fetched, RestoreError> {
    let failed = |error| place::failed(target, error);
    let listed = target.store.list(Some(&layout.ledger()));
    let mut parts: Vec<_> = listed.try_collect().await.map_err(failed)?;
    parts.sort_by(|one, other| one.location.as_ref().cmp(other.location.as_ref()));
    let (mut fetched, mut head) = (Fetched::default(), Head::default());
    for part in parts.iter().filter(|part| !place::is_unfinished(part.location.as_ref())) {
        let broken = || {
            RestoreError::Fire(format!(
                "the ledger of erasures is damaged in {}: {}. Use another target",
                target.name, part.location
            ))
        };
        let read = async { target.store.get(&part.location).await?.bytes().await };
        let bytes = read.await.map_err(failed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| broken())?;
        for line in text.lines() {
            let Number { seq } = serde_json::from_str(line).map_err(|_| broken())?;
            if seq <= head.lines {
                continue;
            }
            fetched.erasures.push(head.follow(line).map_err(|_| broken())?);
            fetched.hashes.push(head.hash.clone());
            fetched.text += line;
            fetched.text.push('\n');
        }
    }
    Ok(fetched)
}
