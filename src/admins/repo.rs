//! SQL of platform administrators.

use super::AdminError;
use crate::args;
use crate::authn::end_all;
use crate::authz::Realm;
use crate::crypto::Field;
use crate::kernel::id::{AdminId, KeyId};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, Tenants, WriteTx};
use crate::users::{Prepared, UserError};

/// Whether anybody can sign in to the platform yet.
pub async fn any(tenants: &Tenants) -> Result<bool, DoorError> {
    tenants
        .credentials(Realm::Platform, |tx| Ok(tx.count("SELECT count(*) FROM admins", &[])? > 0))
        .await
}

pub fn find<P>(tx: &WriteTx<'_, P>, email: &str) -> Result<AdminId, AdminError> {
    let hash = tx.lookup_hash("email", email)?;
    let sql = "SELECT id FROM admins WHERE email_hash = $1";
    let found = tx.query_one(sql, args![&hash], |row| row.get(0))?;
    Ok(found.ok_or(UserError::NotFound)?)
}

/// Sets a password and ends all sessions.
pub fn set_password<P>(
    tx: &mut WriteTx<'_, P>,
    id: AdminId,
    password_hash: &str,
) -> Result<(), AdminError> {
    let sql = "UPDATE admins SET password = $1, state = 'active' WHERE id = $2";
    tx.execute(sql, args![password_hash, id])?;
    end_all(tx, Realm::Platform, *id.bytes(), None)?;
    Ok(())
}

pub fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    subject: KeyId,
    new: &Prepared,
) -> Result<AdminId, AdminError> {
    let (id, now) = (tx.runtime().id::<AdminId>(), tx.runtime().now());
    let hash = tx.lookup_hash("email", &new.email)?;
    let email = tx.seal(Field::AdminEmail, id.bytes(), Some(subject), new.email.as_bytes())?;
    let name = tx.seal(Field::AdminName, id.bytes(), Some(subject), new.name.as_bytes())?;
    let inserted = tx.execute(
        "INSERT INTO admins (id, subject, email_hash, email, name, password, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7)",
        args![id, subject, &hash, &email, &name, &new.password_hash, now],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken.into()),
        other => other.map(|_| id).map_err(|error| DoorError::from(error).into()),
    }
}
