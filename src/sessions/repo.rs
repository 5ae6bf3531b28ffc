//! SQL of sessions and devices.

use super::SessionError;
use super::model::{Holder, Origin};
use crate::args;
use crate::authn::{end_all, tables};
use crate::authz::Realm;
use crate::crypto::{CryptoError, Field};
use crate::kernel::Timestamp;
use crate::kernel::id::{DeviceId, SessionId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

/// A row of sessions, with whose it is.
pub struct SessionRow {
    pub id: SessionId,
    pub created: Timestamp,
    pub seen: Timestamp,
    pub kind: String,
    pub factors: String,
    client: Vec<u8>,
    pub person: PersonRow,
}

pub struct PersonRow {
    pub id: [u8; 16],
    name: Vec<u8>,
    email: Vec<u8>,
}

pub struct DeviceRow {
    pub id: DeviceId,
    pub kind: String,
    client: Vec<u8>,
    pub created: Timestamp,
    pub seen: Timestamp,
}

/// Sessions that were used after `seen` and began after `created`, of these people, newest first.
pub fn sessions(
    tx: &impl Sql,
    realm: Realm,
    (seen, created): (Timestamp, Timestamp),
    people: Option<&[[u8; 16]]>,
    before: Option<SessionId>,
    limit: usize,
) -> Result<Vec<SessionRow>, StoreError> {
    let (persons, sessions) = tables(realm);
    let mut sql = format!(
        "SELECT s.id, s.created, s.seen, s.client_kind, s.factors, s.client, p.id, p.name, p.email
         FROM {sessions} s JOIN {persons} p ON p.id = s.user
         WHERE s.seen > $1 AND s.created > $2"
    );
    let mut args = vec![Value::from(seen), Value::from(created)];
    let mut bind = |value| {
        args.push(value);
        format!("${}", args.len())
    };
    if let Some(people) = people {
        let places: Vec<_> = people.iter().map(|person| bind(Value::Id(*person))).collect();
        sql += &format!(" AND s.user IN ({})", places.join(", "));
    }
    if let Some(before) = before {
        sql += &format!(" AND s.id < {}", bind(before.into()));
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql += &format!(" ORDER BY s.id DESC LIMIT {}", bind(limit.into()));
    tx.query(&sql, &args, |row| {
        Ok(SessionRow {
            id: row.get(0)?,
            created: row.get(1)?,
            seen: row.get(2)?,
            kind: row.get(3)?,
            factors: row.get(4)?,
            client: row.get(5)?,
            person: person_row(row, 6)?,
        })
    })
}

fn person_row(row: &Row<'_>, first: usize) -> Result<PersonRow, StoreError> {
    let (id, name, email) = (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    Ok(PersonRow { id, name, email })
}

pub fn people(tx: &impl Sql, realm: Realm, limit: u32) -> Result<Vec<PersonRow>, StoreError> {
    let sql = format!("SELECT id, name, email FROM {} ORDER BY id LIMIT $1", tables(realm).0);
    tx.query(&sql, args![limit], |row| person_row(row, 0))
}

pub fn person(tx: &impl Sql, realm: Realm, id: [u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
    let sql = format!("SELECT id FROM {} WHERE id = $1", tables(realm).0);
    tx.query_one(&sql, args![Value::Id(id)], |row| row.get(0))
}

pub fn person_by_email(
    tx: &impl RealmTx,
    realm: Realm,
    email: &str,
) -> Result<Option<[u8; 16]>, SessionError> {
    let hash = tx.lookup_hash("email", email)?;
    let sql = format!("SELECT id FROM {} WHERE email_hash = $1", tables(realm).0);
    Ok(tx.query_one(&sql, args![&hash], |row| row.get(0))?)
}

pub fn devices(
    tx: &impl Sql,
    person: [u8; 16],
    since: Timestamp,
) -> Result<Vec<DeviceRow>, StoreError> {
    let sql = "SELECT id, kind, client, created, seen FROM devices
               WHERE person = $1 AND seen > $2 ORDER BY seen DESC, id DESC";
    tx.query(sql, args![Value::Id(person), since], |row| {
        Ok(DeviceRow {
            id: row.get(0)?,
            kind: row.get(1)?,
            client: row.get(2)?,
            created: row.get(3)?,
            seen: row.get(4)?,
        })
    })
}

/// The device that a session runs on.
pub fn device_of(
    tx: &impl Sql,
    realm: Realm,
    session: SessionId,
) -> Result<Option<DeviceId>, StoreError> {
    let sql = format!("SELECT device FROM {} WHERE id = $1", tables(realm).1);
    Ok(tx.query_one(&sql, args![session], |row| row.get(0))?.flatten())
}

/// Whose session that was which ended; nothing when there is none.
pub fn end<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    session: SessionId,
) -> Result<Option<[u8; 16]>, StoreError> {
    let sessions = tables(realm).1;
    let sql = format!("SELECT user FROM {sessions} WHERE id = $1");
    let Some(person) = tx.query_one(&sql, args![session], |row| row.get(0))? else {
        return Ok(None);
    };
    tx.execute(&format!("DELETE FROM {sessions} WHERE id = $1"), args![session])?;
    Ok(Some(person))
}

/// Ends all sessions of everybody but this one, and the sign-ins under way.
pub fn end_everybody<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    except: Option<SessionId>,
) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM sign_ins", &[])?;
    let sessions = tables(realm).1;
    match except {
        Some(kept) => tx.execute(&format!("DELETE FROM {sessions} WHERE id <> $1"), args![kept]),
        None => tx.execute(&format!("DELETE FROM {sessions}"), &[]),
    }
}

pub fn end_of<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: [u8; 16],
    except: Option<SessionId>,
) -> Result<usize, SessionError> {
    Ok(end_all(tx, realm, person, except)?)
}

/// Forgets a device; what is signed in there ends, but for this session. Nothing when there is no
/// such device.
pub fn forget<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: [u8; 16],
    device: DeviceId,
    except: SessionId,
) -> Result<Option<usize>, StoreError> {
    let sql = "DELETE FROM devices WHERE id = $1 AND person = $2";
    if tx.execute(sql, args![device, Value::Id(person)])? == 0 {
        return Ok(None);
    }
    let sql =
        format!("DELETE FROM {} WHERE user = $1 AND device = $2 AND id <> $3", tables(realm).1);
    tx.execute(&sql, args![Value::Id(person), device, except]).map(Some)
}

impl PersonRow {
    pub fn open(&self, tx: &impl RealmTx, realm: Realm) -> Result<Holder, CryptoError> {
        let (name, email) = match realm {
            Realm::Platform => (Field::AdminName, Field::AdminEmail),
            Realm::Tenant(_) => (Field::UserName, Field::UserEmail),
        };
        Ok(Holder {
            id: uuid::Uuid::from_bytes(self.id).to_string(),
            name: tx.open_text(name, &self.id, &self.name)?,
            email: tx.open_text(email, &self.id, &self.email)?,
        })
    }
}

/// Address and browser.
pub type Opened = (Option<String>, Option<String>);

impl SessionRow {
    pub fn origin(&self, tx: &impl RealmTx) -> Result<Opened, CryptoError> {
        let text = tx.open_text(Field::SessionClient, self.id.bytes(), &self.client)?;
        Ok(Origin::parts(text.as_deref()))
    }
}

impl DeviceRow {
    pub fn origin(&self, tx: &impl RealmTx) -> Result<Opened, CryptoError> {
        let text = tx.open_text(Field::DeviceClient, self.id.bytes(), &self.client)?;
        Ok(Origin::parts(text.as_deref()))
    }
}
