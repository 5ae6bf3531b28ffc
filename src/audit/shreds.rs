//! Destructions of a log's contents: where each one stands, and the certificate at its end.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::leaf::Hash;
use super::note::{Note, NoteError, Signer};
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, LogId, ShredId, TenantId};
use crate::store::{Row, Sql, SqlMut, StoreError};

/// Who asked for it: kind and id, no name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AskedBy {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

/// A destruction from its beginning on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shred {
    pub id: ShredId,
    pub tenant: TenantId,
    /// The audit KEK and the epoch keys under it.
    pub keys: Vec<KeyId>,
    pub asked_by: AskedBy,
    pub begun: Timestamp,
    /// When it was finished, and its certificate.
    pub finished: Option<(Timestamp, String)>,
}

const COLUMNS: &str =
    "SELECT id, tenant, keys, actor, begun, finished, certificate FROM log_shreds";

/// Writes one down; the entry that says so goes with it.
pub fn insert(tx: &mut impl SqlMut, shred: &Shred) -> Result<(), StoreError> {
    let keys = serde_json::to_string(&shred.keys).unwrap_or_default();
    let actor = serde_json::to_string(&shred.asked_by).unwrap_or_default();
    let (finished, certificate) = match &shred.finished {
        Some((time, certificate)) => (Some(time.as_micros()), certificate.as_str()),
        None => (None, ""),
    };
    tx.execute(
        "INSERT INTO log_shreds (id, tenant, keys, actor, begun, finished, certificate)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![shred.id, shred.tenant, &keys, &actor, shred.begun, finished, certificate],
    )?;
    Ok(())
}

/// Says that one is done.
pub fn finish(
    tx: &mut impl SqlMut,
    id: ShredId,
    time: Timestamp,
    certificate: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE log_shreds SET finished = $1, certificate = $2 WHERE id = $3",
        args![time, certificate, id],
    )?;
    Ok(())
}

pub fn find(tx: &impl Sql, id: ShredId) -> Result<Option<Shred>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], read)
}

/// A tenant's that was interrupted.
pub fn unfinished(tx: &impl Sql, tenant: TenantId) -> Result<Option<Shred>, StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant = $1 AND finished IS NULL ORDER BY begun LIMIT 1");
    tx.query_one(&sql, args![tenant], read)
}

/// Those that are done, the latest first.
pub fn finished(tx: &impl Sql, most: u32) -> Result<Vec<Shred>, StoreError> {
    let sql = format!("{COLUMNS} WHERE finished IS NOT NULL ORDER BY finished DESC LIMIT $1");
    tx.query(&sql, args![most], read)
}

fn read(row: &Row<'_>) -> Result<Shred, StoreError> {
    let damaged = |_| StoreError::Sql("the record of a destruction is damaged".into());
    let finished: Option<Timestamp> = row.get(5)?;
    let certificate: String = row.get(6)?;
    Ok(Shred {
        id: row.get(0)?,
        tenant: row.get(1)?,
        keys: serde_json::from_str(&row.get::<String>(2)?).map_err(damaged)?,
        asked_by: serde_json::from_str(&row.get::<String>(3)?).map_err(damaged)?,
        begun: row.get(4)?,
        finished: finished.map(|time| (time, certificate)),
    })
}

/// What a certificate certifies: the log's contents up to `size` were sealed under these keys, and
/// the keys are gone. The log itself is not: it can be verified as before.
pub struct Certified<'a> {
    pub shred: &'a Shred,
    pub slug: &'a str,
    pub log: LogId,
    /// Entries when the keys were destroyed, and the root of the tree over them.
    pub size: u64,
    pub root: Hash,
    pub time: Timestamp,
}

/// First line of every certificate; a checkpoint has a number on its second line, this has none.
pub const CERTIFICATE: &str = "strongroom destruction of audit contents v1";

impl Certified<'_> {
    /// The certificate as a signed note.
    ///
    /// # Errors
    /// [`NoteError`] when something in it is not one line.
    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        let Self { shred, slug, log, size, root, time } = self;
        let AskedBy { kind, id } = &shred.asked_by;
        let root = BASE64.encode(root.bytes());
        let mut text = format!(
            "{CERTIFICATE}\nid {}\ntenant {} {slug}\nlog {log}\nsize {size}\nroot {root}\n\
             asked {} by {kind} {id}\ndestroyed {time}\n",
            shred.id, shred.tenant, shred.begun
        );
        for key in &shred.keys {
            text += &format!("key {key}\n");
        }
        let mut note = Note::new(text)?;
        note.sign(signer);
        Ok(note.to_string())
    }
}
