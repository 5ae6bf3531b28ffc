//! SQL of members.

use super::model::{Member, MemberState, Prepared, UserError};
use crate::args;
use crate::authn::end_all;
use crate::authz::Realm;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, WriteTx};

pub fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    subject: KeyId,
    new: &Prepared,
    now: Timestamp,
) -> Result<(), UserError> {
    let hash = tx.lookup_hash("email", &new.email)?;
    let email = tx.seal(Field::UserEmail, id.bytes(), Some(subject), new.email.as_bytes())?;
    let name = tx.seal(Field::UserName, id.bytes(), Some(subject), new.name.as_bytes())?;
    let inserted = tx.execute(
        "INSERT INTO users (id, subject, email_hash, email, name, password, role, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8)",
        args![id, subject, &hash, &email, &name, &new.password_hash, new.role.name(), now],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken),
        other => other.map(|_| ()).map_err(|error| DoorError::from(error).into()),
    }
}

const COLUMNS: &str =
    "SELECT id, name, email, role, state = 'active', created, signed_in FROM users";

pub fn list(tx: &impl RealmTx) -> Result<Vec<Member>, UserError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY id"), &[], raw)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

pub fn find(tx: &impl RealmTx, id: UserId) -> Result<Member, UserError> {
    let row = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], raw)?;
    open(tx, row.ok_or(UserError::NotFound)?)
}

pub fn find_by_email(tx: &impl RealmTx, email: &str) -> Result<Member, UserError> {
    let hash = tx.lookup_hash("email", email)?;
    let row = tx.query_one(&format!("{COLUMNS} WHERE email_hash = $1"), args![&hash], raw)?;
    open(tx, row.ok_or(UserError::NotFound)?)
}

struct RawMember {
    member: Member,
    name: Vec<u8>,
    email: Vec<u8>,
}

fn raw(row: &Row<'_>) -> Result<RawMember, StoreError> {
    let active: bool = row.get(4)?;
    let member = Member {
        id: row.get(0)?,
        name: None,
        email: None,
        role: row.get(3)?,
        state: if active { MemberState::Active } else { MemberState::Disabled },
        created_at: row.get(5)?,
        signed_in_at: row.get(6)?,
    };
    Ok(RawMember { member, name: row.get(1)?, email: row.get(2)? })
}

fn open(tx: &impl RealmTx, row: RawMember) -> Result<Member, UserError> {
    let RawMember { mut member, name, email } = row;
    member.name = tx.open_text(Field::UserName, member.id.bytes(), &name)?;
    member.email = tx.open_text(Field::UserEmail, member.id.bytes(), &email)?;
    Ok(member)
}

pub fn active_owners(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM users WHERE role = 'owner' AND state = 'active'", &[])
}

pub fn set_role<P>(tx: &mut WriteTx<'_, P>, id: UserId, role: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET role = $1 WHERE id = $2", args![role, id]).map(|_| ())
}

/// Somebody who is disabled has no sessions either.
pub fn set_state<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    state: MemberState,
) -> Result<(), DoorError> {
    tx.execute("UPDATE users SET state = $1 WHERE id = $2", args![state.name(), id])?;
    if state == MemberState::Disabled {
        end_all(tx, Realm::Tenant(tx.owner()), *id.bytes(), None)?;
    }
    Ok(())
}
