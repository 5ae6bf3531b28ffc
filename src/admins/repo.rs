//! SQL of platform administrators.

use super::{Admin, AdminError};
use crate::args;
use crate::authn::{SignInPolicy, end_all};
use crate::authz::{Permissions, Realm, Role};
use crate::crypto::Field;
use crate::kernel::id::{AdminId, KeyId};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, Tenants, WriteTx};
use crate::users::{MemberState, Prepared, SecondFactor, UserError};

/// Whether anybody can sign in to the platform yet.
pub async fn any(tenants: &Tenants) -> Result<bool, DoorError> {
    tenants
        .credentials(Realm::Platform, |tx| Ok(tx.count("SELECT count(*) FROM admins", &[])? > 0))
        .await
}

/// Administrators in a role who may sign in.
pub fn in_role(tx: &impl Sql, role: Role) -> Result<Vec<AdminId>, StoreError> {
    let sql = "SELECT id FROM admins WHERE role = $1 AND state = 'active' ORDER BY id";
    tx.query(sql, args![role.name()], |row| row.get(0))
}

/// Sets a password and ends all sessions.
pub fn set_password<P>(
    tx: &mut WriteTx<'_, P>,
    id: AdminId,
    password_hash: &str,
) -> Result<(), AdminError> {
    let sql = "UPDATE admins SET password = $1 WHERE id = $2";
    tx.execute(sql, args![password_hash, id])?;
    end_all(tx, Realm::Platform, *id.bytes(), None)?;
    Ok(())
}

pub fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    subject: KeyId,
    new: &Prepared,
    role: Role,
) -> Result<AdminId, AdminError> {
    let (id, now) = (tx.runtime().id::<AdminId>(), tx.runtime().now());
    let hash = tx.lookup_hash("email", &new.email)?;
    let email = tx.seal(Field::AdminEmail, id.bytes(), Some(subject), new.email.as_bytes())?;
    let name = tx.seal(Field::AdminName, id.bytes(), Some(subject), new.name.as_bytes())?;
    let inserted = tx.execute(
        "INSERT INTO admins (id, subject, email_hash, email, name, password, state, created, role)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8)",
        args![id, subject, &hash, &email, &name, &new.password_hash, now, role.name()],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken.into()),
        other => other.map(|_| id).map_err(|error| DoorError::from(error).into()),
    }
}

/// The fifth says whether there is a second factor.
const COLUMNS: &str = "SELECT id, name, email, role, state = 'active',
    EXISTS (SELECT 1 FROM authenticators a WHERE a.person = admins.id AND a.confirmed IS NOT NULL)
        OR EXISTS (SELECT 1 FROM passkeys p WHERE p.person = admins.id),
    created, signed_in FROM admins";

struct RawAdmin {
    admin: Admin,
    has_second: bool,
    name: Vec<u8>,
    email: Vec<u8>,
}

pub fn list(tx: &impl RealmTx) -> Result<Vec<Admin>, AdminError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY id"), &[], raw)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

pub fn by_id(tx: &impl RealmTx, id: AdminId) -> Result<Admin, AdminError> {
    let row = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], raw)?;
    open(tx, row.ok_or(UserError::NotFound)?)
}

pub fn by_email(tx: &impl RealmTx, email: &str) -> Result<Admin, AdminError> {
    let hash = tx.lookup_hash("email", email)?;
    let row = tx.query_one(&format!("{COLUMNS} WHERE email_hash = $1"), args![&hash], raw)?;
    open(tx, row.ok_or(UserError::NotFound)?)
}

fn raw(row: &Row<'_>) -> Result<RawAdmin, StoreError> {
    let active: bool = row.get(4)?;
    let admin = Admin {
        id: row.get(0)?,
        name: None,
        email: None,
        role: row.get(3)?,
        state: if active { MemberState::Active } else { MemberState::Disabled },
        second_factor: SecondFactor::Off,
        created_at: row.get(6)?,
        signed_in_at: row.get(7)?,
    };
    Ok(RawAdmin { admin, has_second: row.get(5)?, name: row.get(1)?, email: row.get(2)? })
}

fn open(tx: &impl RealmTx, row: RawAdmin) -> Result<Admin, AdminError> {
    let RawAdmin { mut admin, has_second, name, email } = row;
    let wanted =
        SignInPolicy::read(tx)?.wants_second_factor(Realm::Platform, Permissions::default());
    admin.second_factor = SecondFactor::of(has_second, wanted);
    admin.name = tx.open_text(Field::AdminName, admin.id.bytes(), &name)?;
    admin.email = tx.open_text(Field::AdminEmail, admin.id.bytes(), &email)?;
    Ok(admin)
}

pub fn active_admins(tx: &impl Sql) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM admins WHERE role = $1 AND state = 'active'";
    tx.count(sql, args![Role::PlatformAdmin.name()])
}

pub fn set_role<P>(tx: &mut WriteTx<'_, P>, id: AdminId, role: Role) -> Result<(), StoreError> {
    tx.execute("UPDATE admins SET role = $1 WHERE id = $2", args![role.name(), id]).map(|_| ())
}

/// Somebody who is disabled has no sessions either, and no link to get in by.
pub fn set_state<P>(
    tx: &mut WriteTx<'_, P>,
    id: AdminId,
    state: MemberState,
) -> Result<(), DoorError> {
    tx.execute("UPDATE admins SET state = $1 WHERE id = $2", args![state.name(), id])?;
    if state == MemberState::Disabled {
        end_all(tx, Realm::Platform, *id.bytes(), None)?;
    }
    Ok(())
}
