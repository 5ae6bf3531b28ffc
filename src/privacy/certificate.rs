//! What is certified at the end: that the key is destroyed, what that made unreadable, and by when
//! the last copy of the key is gone.

use data_encoding::BASE64;

use super::repo::Stored;
use super::{ErasureCounts, PrivacyError};
use crate::audit::leaf::Hash;
use crate::audit::note::{Note, Signer};
use crate::audit::shreds::AskedBy;
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, TenantId};
use crate::tenants::LedgerLine;

/// First line of every such certificate; a checkpoint has a number on its second line, this has none.
pub const CERTIFICATE: &str = "strongroom erasure of a person v1";

/// What a certificate says. Opaque ids and numbers only.
pub struct Certified<'a> {
    pub erasure: &'a Stored,
    pub tenant: TenantId,
    pub slug: &'a str,
    pub counts: ErasureCounts,
    /// The line of `erasures.log`.
    pub ledger: &'a LedgerLine,
    pub log: LogId,
    /// Entries when the key was destroyed, and the root of the tree over them.
    pub size: u64,
    pub root: Hash,
    pub time: Timestamp,
    pub keys_until: Option<Timestamp>,
    pub data_until: Option<Timestamp>,
    /// Targets that have backups and are not in the settings any more: nobody deletes those.
    pub elsewhere: &'a [String],
}

impl Certified<'_> {
    /// The certificate as a signed note.
    ///
    /// # Errors
    /// [`PrivacyError::Note`] when something in it is not one line.
    pub fn sign(&self, signer: &Signer) -> Result<String, PrivacyError> {
        let Self { erasure, tenant, slug, counts, log, size, time, .. } = self;
        let AskedBy { kind, id } = &erasure.actor;
        let root = BASE64.encode(self.root.bytes());
        let LedgerLine { number: line, hash } = self.ledger;
        let until = |time: Option<Timestamp>| time.map_or("never".to_owned(), |t| t.to_string());
        let entries = counts.entries.map_or("unknown".to_owned(), |count| count.to_string());
        let text = format!(
            "{CERTIFICATE}\nid {}\ntenant {tenant} {slug}\nkey {}\nkind {}\n\
             asked {} by {kind} {id}\ndestroyed {time}\nledger {line} {hash}\n\
             log {log}\nsize {size}\nroot {root}\n\
             conversations {}\nmessages {}\nentries {entries}\n\
             keys-in-backups-until {}\ndata-in-backups-until {}\n",
            erasure.id,
            erasure.subject,
            erasure.kind.name(),
            erasure.begun,
            counts.conversations,
            counts.messages,
            until(self.keys_until),
            until(self.data_until),
        );
        let text = self
            .elsewhere
            .iter()
            .fold(text, |text, target| format!("{text}backups-not-deleted-in {target}\n"));
        let mut note = Note::new(text)?;
        note.sign(signer);
        Ok(note.to_string())
    }
}
