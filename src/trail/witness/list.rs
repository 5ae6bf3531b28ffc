//! Who witnessed what, and when.

use serde::Serialize;

use super::WitnessError;
use crate::audit::leaf::Hash;
use crate::audit::witness::repo::{self, StoredWitness};
use crate::authz::{Grant, Permission};
use crate::kernel::Timestamp;
use crate::tenants::Tenants;

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Witnesses {
    pub items: Vec<Witness>,
    /// Signed checkpoints that the log does not fit: its history was rewritten or cut off.
    pub contradictions: Vec<Contradiction>,
}

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// The id of its key, 8 hex digits.
    pub id: String,
    pub name: String,
    /// As C2SP writes a verifier key.
    pub key: String,
    pub added_at: Timestamp,
    /// Set when it is a witness no more; what it signed counts all the same.
    pub removed_at: Option<Timestamp>,
    /// Entries that the largest checkpoint covers that it signed.
    pub size: Option<u64>,
    /// When it says that it signed that.
    pub signed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contradiction {
    pub size: u64,
    pub root: Hash,
    pub found_at: Timestamp,
}

/// Keys, sizes and times: no contents, so no entry. `P` is a permission about the realm's
/// witnesses, or to verify its log.
pub async fn witnesses<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Witnesses, WitnessError> {
    tenants
        .read(grant, |tx| {
            let items = repo::all(tx)?.into_iter().map(Witness::from).collect();
            let contradictions = repo::contradictions(tx)?.into_iter().map(|found| Contradiction {
                size: found.size,
                root: found.root,
                found_at: found.found,
            });
            Ok(Witnesses { items, contradictions: contradictions.collect() })
        })
        .await
}

impl From<StoredWitness> for Witness {
    fn from(stored: StoredWitness) -> Self {
        let (size, signed_at) = stored.last.unzip();
        Self {
            id: id(&stored),
            name: stored.name,
            key: stored.key.to_string(),
            added_at: stored.added,
            removed_at: stored.removed,
            size,
            signed_at,
        }
    }
}

/// What a witness is named by in paths and commands.
pub(super) fn id(witness: &StoredWitness) -> String {
    data_encoding::HEXLOWER.encode(&witness.key.key_id())
}
