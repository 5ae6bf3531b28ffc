//! What lies where in a target.
//!
//! ```text
//! strongroom-<installation>/
//!   data/<owner>/<time>-<id>.db.zst.age       a data file; owner: `platform` or a tenant's id
//!   blobs/<owner>/<time>-<id>.tar.zst.age     its blob directory
//!   keys/<owner>/<time>-<id>.db.zst.age       its key store: wrapped keys
//!   keys/<owner>/<time>-<id>.delta.zst.age    keys made since
//!   keys/root/<time>-<id>.json.zst.age        root.json
//!   …/<the same>.manifest                     what each is, signed; in clear
//!   changes/<owner>/<chain>/base-<number>.age a copy of the encrypted data file after a record
//!   …/base-<number>.note                      what it is, signed; in clear
//!   …/<first>-<last>.age                      records of what changed
//!   …/head.note                               how far the chain has come, signed; in clear
//!   ledger/<first>-<last>.jsonl               lines of erasures.log, signed; in clear
//! ```

use chrono::DateTime;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, BaseId, InstallationId};

/// What an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Data,
    Blobs,
    Keys,
    KeysDelta,
    Root,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Data, Self::Blobs, Self::Keys, Self::KeysDelta, Self::Root];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Blobs => "blobs",
            Self::Keys => "keys",
            Self::KeysDelta => "keys-delta",
            Self::Root => "root",
        }
    }

    /// Whether it holds keys, which are kept for days only.
    pub const fn holds_keys(self) -> bool {
        matches!(self, Self::Keys | Self::KeysDelta | Self::Root)
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Blobs => "blobs",
            Self::Keys | Self::KeysDelta | Self::Root => "keys",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Data | Self::Keys => "db.zst.age",
            Self::Blobs => "tar.zst.age",
            Self::KeysDelta => "delta.zst.age",
            Self::Root => "json.zst.age",
        }
    }
}

/// Paths of one installation.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    installation: InstallationId,
}

impl Layout {
    /// Name of what says how far a chain has come.
    pub const HEAD: &'static str = "head.note";

    pub const fn new(installation: InstallationId) -> Self {
        Self { installation }
    }

    pub const fn installation(self) -> InstallationId {
        self.installation
    }

    /// `platform` or the tenant's id.
    pub fn owner(realm: Realm) -> String {
        match realm {
            Realm::Platform => "platform".to_owned(),
            Realm::Tenant(id) => id.to_string(),
        }
    }

    /// What everything of this installation lies in.
    pub fn root(self) -> String {
        format!("strongroom-{}", self.installation)
    }

    /// Everything of one kind.
    pub fn folder(self, kind: Kind) -> Path {
        Path::from(format!("{}/{}", self.root(), kind.folder()))
    }

    /// Everything of one kind and owner.
    pub fn of_owner(self, kind: Kind, realm: Realm) -> Path {
        let owner = if kind == Kind::Root { "root".to_owned() } else { Self::owner(realm) };
        Path::from(format!("{}/{}/{owner}", self.root(), kind.folder()))
    }

    pub fn archive(self, kind: Kind, realm: Realm, taken: Timestamp, id: BackupId) -> Path {
        let folder = self.of_owner(kind, realm);
        Path::from(format!("{folder}/{}-{id}.{}", stamp(taken), kind.extension()))
    }

    /// The manifest of what lies at `archive`.
    pub fn manifest(archive: &Path) -> Path {
        Path::from(format!("{archive}.manifest"))
    }

    /// Everything that was archived continuously, by owner.
    pub fn all_changes(self) -> Path {
        Path::from(format!("{}/changes", self.root()))
    }

    /// Everything that was archived continuously of one owner.
    pub fn changes(self, realm: Realm) -> Path {
        Path::from(format!("{}/changes/{}", self.root(), Self::owner(realm)))
    }

    /// A chain of changes.
    pub fn chain(self, realm: Realm, chain: BaseId) -> Path {
        Path::from(format!("{}/{chain}", self.changes(realm)))
    }

    /// A copy of the data file as it was after record `number`.
    pub fn base(self, realm: Realm, chain: BaseId, number: u64) -> Path {
        Path::from(format!("{}/base-{number:016}.age", self.chain(realm, chain)))
    }

    /// What that copy is.
    pub fn base_note(self, realm: Realm, chain: BaseId, number: u64) -> Path {
        Path::from(format!("{}/base-{number:016}.note", self.chain(realm, chain)))
    }

    /// Records `first` to `last` of a chain, counted from 1.
    pub fn segment(self, realm: Realm, chain: BaseId, first: u64, last: u64) -> Path {
        Path::from(format!("{}/{first:016}-{last:016}.age", self.chain(realm, chain)))
    }

    /// How far a chain has come.
    pub fn head(self, realm: Realm, chain: BaseId) -> Path {
        Path::from(format!("{}/{}", self.chain(realm, chain), Self::HEAD))
    }

    pub fn ledger(self) -> Path {
        Path::from(format!("{}/ledger", self.root()))
    }

    /// Lines `first` to `last` of the ledger, counted from 1.
    pub fn ledger_part(self, first: u64, last: u64) -> Path {
        Path::from(format!("{}/{first:016}-{last:016}.jsonl", self.ledger()))
    }

    /// Which lines lie at a path of the ledger.
    pub fn ledger_lines(path: &Path) -> Option<(u64, u64)> {
        let (first, last) = path.filename()?.strip_suffix(".jsonl")?.split_once('-')?;
        let lines = (first.parse().ok()?, last.parse().ok()?);
        (1..=lines.1).contains(&lines.0).then_some(lines)
    }
}

/// Sorts by time.
fn stamp(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_micros(time.as_micros()).unwrap_or_default();
    time.format("%Y%m%dT%H%M%SZ").to_string()
}
