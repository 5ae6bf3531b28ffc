//! What is certified when a tenant is destroyed.

use super::ClosingError;
use super::repo::{LogEnd, Stored};
use crate::audit::note::{Note, Signer};
use crate::audit::shreds::AskedBy;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;
use crate::tenants::LedgerLine;

/// First line of every such certificate; a checkpoint has a number on its second line, this has none.
pub const CERTIFICATE: &str = "strongroom destruction of a tenant v1";

/// What a certificate says: no name of a person.
pub struct Certified<'a> {
    pub closing: &'a Stored,
    pub key: KeyId,
    /// The line of `erasures.log`.
    pub ledger: &'a LedgerLine,
    /// How the tenant's log ended: who kept a checkpoint of it can tell that it is this one.
    pub log: &'a LogEnd,
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
    /// [`ClosingError::Note`] when something in it is not one line.
    pub fn sign(&self, signer: &Signer) -> Result<String, ClosingError> {
        let Self { closing, key, ledger, log, time, .. } = self;
        let AskedBy { kind, id } = &closing.actor;
        let until = |time: Option<Timestamp>| time.map_or("never".to_owned(), |t| t.to_string());
        let text = format!(
            "{CERTIFICATE}\nid {}\ntenant {} {}\nkey {key}\nclosed {} by {kind} {id}\n\
             destroyed {time}\nledger {} {}\nlog {}\nsize {}\nroot {}\n\
             keys-in-backups-until {}\ndata-in-backups-until {}\n",
            closing.id,
            closing.tenant,
            closing.slug,
            closing.closed,
            ledger.number,
            ledger.hash,
            log.log,
            log.size,
            log.root,
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
