//! What a bundle says about itself.

use serde::{Deserialize, Serialize};

use crate::audit::canonical;
use crate::audit::leaf::Hash;
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, TenantId};

pub const FORMAT: &str = "strongroom-audit-bundle/1";

/// `manifest.json`: canonical JSON (RFC 8785) with all members, null where there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    /// Name and version of the program that wrote it.
    pub product: String,
    pub log_id: LogId,
    /// The checkpoint's.
    pub origin: String,
    /// Null in a bundle of the platform's own log.
    pub tenant: Option<TenantName>,
    pub selection: Selection,
    pub exported_at: Timestamp,
    pub exported_by: Exporter,
    /// Of the tree that the checkpoint signs.
    pub size: u64,
    pub root: Hash,
    /// Entries in the bundle.
    pub entries: u64,
    /// Number of the first entry in the bundle and of the last; null when there is none.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// Whether no entry is left out between the first and the last.
    pub gapless: bool,
    /// Entries whose content is disclosed; of the others the key is gone.
    pub disclosed: u64,
    /// Entries up to this one had been removed for their age.
    pub pruned_through: u64,
    /// How many files there are before `SHA256SUMS`, and the hash of that file.
    pub files: u64,
    pub sums: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantName {
    pub id: TenantId,
    pub slug: String,
}

/// What was asked for. Without any of it the bundle is the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The search, as it was written; empty for none.
    pub query: String,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

/// Who made it, by id: names are in the log's own entry about the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub role: String,
}

impl Selection {
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Manifest {
    pub fn to_bytes(&self) -> Vec<u8> {
        let value = serde_json::to_value(self);
        canonical::canonical(&value.expect("the members are strings, numbers and objects"))
    }

    /// Reads a manifest in the one form that it has.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|_| "it does not have a manifest's members")?;
        if manifest.format != FORMAT {
            return Err("it is of a format that this program does not read");
        }
        match manifest.to_bytes() == bytes {
            true => Ok(manifest),
            false => Err("it is not canonical JSON"),
        }
    }
}
