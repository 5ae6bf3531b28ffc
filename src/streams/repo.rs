//! Statements about streams.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::model::{Secrets, StreamState};
use super::{Destination, Format, StreamError};
use crate::args;
use crate::crypto::{CryptoError, Field};
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, StreamId, TenantId};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{RealmTx, WriteTx};

/// What is sealed as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub name: String,
    pub destination: Destination,
    pub format: Format,
}

/// A stream as stored, opened.
#[derive(Clone)]
pub struct Stored {
    pub id: StreamId,
    pub state: StreamState,
    pub settings: Settings,
    pub secrets: Secrets,
    pub revision: u64,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub cursor: Cursor,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub log: LogId,
    pub through: u64,
    pub sent: u64,
    pub skipped: u64,
    pub moved: Option<Timestamp>,
    pub alarmed: Option<Timestamp>,
}

const COLUMNS: &str =
    "SELECT s.id, s.state, s.settings, s.secrets, s.revision, s.created, s.changed,
        c.log, c.through, c.sent, c.skipped, c.moved, c.alarmed
    FROM streams s JOIN stream_cursors c ON c.stream = s.id";

pub fn all(tx: &impl RealmTx) -> Result<Vec<Stored>, StreamError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY s.id"), &[], sealed)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

pub fn find(tx: &impl RealmTx, id: StreamId) -> Result<Stored, StreamError> {
    let row = tx.query_one(&format!("{COLUMNS} WHERE s.id = $1"), args![id], sealed)?;
    open(tx, row.ok_or(StreamError::NotFound)?)
}

pub fn count(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM streams", &[])
}

/// The log in this file.
pub fn log(tx: &impl Sql) -> Result<LogId, StoreError> {
    let found = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
    found.ok_or_else(|| StoreError::Sql("the file has no log".into()))
}

/// When an entry was written down.
pub fn time_of(tx: &impl Sql, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT time FROM audit_entries WHERE seq = $1";
    tx.query_one(sql, args![seq.cast_signed()], |row| row.get(0))
}

pub fn insert<P>(tx: &mut WriteTx<'_, P>, new: &Stored) -> Result<(), StreamError> {
    let (settings, secrets) = seal(tx, new)?;
    tx.execute(
        "INSERT INTO streams (id, state, settings, secrets, revision, created, changed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            new.id,
            new.state.name(),
            &settings,
            secrets.as_ref(),
            new.revision.cast_signed(),
            new.created,
            new.changed
        ],
    )?;
    let cursor = &new.cursor;
    tx.execute(
        "INSERT INTO stream_cursors (stream, log, through) VALUES ($1, $2, $3)",
        args![new.id, cursor.log, cursor.through.cast_signed()],
    )?;
    Ok(())
}

/// Writes state, settings and secrets; the revision rises.
pub fn update<P>(tx: &mut WriteTx<'_, P>, stream: &Stored) -> Result<(), StreamError> {
    let (settings, secrets) = seal(tx, stream)?;
    tx.execute(
        "UPDATE streams SET state = $1, settings = $2, secrets = $3, revision = revision + 1,
             changed = $4 WHERE id = $5",
        args![stream.state.name(), &settings, secrets.as_ref(), stream.changed, stream.id],
    )?;
    Ok(())
}

pub fn delete(tx: &mut impl SqlMut, id: StreamId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM stream_cursors WHERE stream = $1", args![id])?;
    tx.execute("DELETE FROM streams WHERE id = $1", args![id])?;
    Ok(())
}

/// Nothing happens when the stream is gone.
pub fn advance(tx: &mut impl SqlMut, id: StreamId, to: &Cursor) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE stream_cursors SET log = $1, through = $2, sent = $3, skipped = $4, moved = $5,
             alarmed = $6 WHERE stream = $7",
        args![
            to.log,
            to.through.cast_signed(),
            to.sent.cast_signed(),
            to.skipped.cast_signed(),
            to.moved,
            to.alarmed,
            id
        ],
    )?;
    Ok(())
}

/// The tenants that may have active streams.
pub fn tenants(tx: &impl Sql) -> Result<Vec<TenantId>, StoreError> {
    tx.query("SELECT tenant FROM stream_tenants ORDER BY tenant", &[], |row| row.get(0))
}

pub fn enlist(tx: &mut impl SqlMut, tenant: TenantId) -> Result<(), StoreError> {
    let sql = "INSERT INTO stream_tenants (tenant) VALUES ($1) ON CONFLICT (tenant) DO NOTHING";
    tx.execute(sql, args![tenant]).map(|_| ())
}

pub fn strike(tx: &mut impl SqlMut, tenant: TenantId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM stream_tenants WHERE tenant = $1", args![tenant]).map(|_| ())
}

struct Sealed {
    id: StreamId,
    state: String,
    settings: Vec<u8>,
    secrets: Option<Vec<u8>>,
    revision: u64,
    created: Timestamp,
    changed: Timestamp,
    cursor: Cursor,
}

fn sealed(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        id: row.get(0)?,
        state: row.get(1)?,
        settings: row.get(2)?,
        secrets: row.get(3)?,
        revision: row.get(4)?,
        created: row.get(5)?,
        changed: row.get(6)?,
        cursor: Cursor {
            log: row.get(7)?,
            through: row.get(8)?,
            sent: row.get(9)?,
            skipped: row.get(10)?,
            moved: row.get(11)?,
            alarmed: row.get(12)?,
        },
    })
}

fn open(tx: &impl RealmTx, row: Sealed) -> Result<Stored, StreamError> {
    let unreadable = || StreamError::from(CryptoError::Unreadable);
    let json = tx.open(Field::StreamSettings, row.id.bytes(), &row.settings)?;
    let settings = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    let secrets = match &row.secrets {
        Some(sealed) => {
            let json = tx.open(Field::StreamSecrets, row.id.bytes(), sealed)?;
            serde_json::from_slice(&json).map_err(|_| unreadable())?
        }
        None => Secrets::default(),
    };
    Ok(Stored {
        id: row.id,
        state: StreamState::parse(&row.state).ok_or_else(unreadable)?,
        settings,
        secrets,
        revision: row.revision,
        created: row.created,
        changed: row.changed,
        cursor: row.cursor,
    })
}

fn seal<P>(
    tx: &WriteTx<'_, P>,
    stream: &Stored,
) -> Result<(Vec<u8>, Option<Vec<u8>>), StreamError> {
    let unreadable = |_| StreamError::from(CryptoError::Unreadable);
    let json = serde_json::to_vec(&stream.settings).map_err(unreadable)?;
    let settings = tx.seal(Field::StreamSettings, stream.id.bytes(), None, &json)?;
    let Secrets { credential, client_key } = &stream.secrets;
    if credential.is_none() && client_key.is_none() {
        return Ok((settings, None));
    }
    let exposed = Exposed {
        credential: credential.as_ref().map(|secret| secret.expose_secret()),
        client_key: client_key.as_ref().map(|secret| secret.expose_secret()),
    };
    let json = Zeroizing::new(serde_json::to_vec(&exposed).map_err(unreadable)?);
    let secrets = tx.seal(Field::StreamSecrets, stream.id.bytes(), None, &json)?;
    Ok((settings, Some(secrets)))
}

/// [`Secrets`] on their way into an envelope.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exposed<'a> {
    credential: Option<&'a str>,
    client_key: Option<&'a str>,
}
