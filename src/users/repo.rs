//! SQL of members.

use super::model::{Member, MemberState, Prepared, SecondFactor, UserError};
use crate::args;
use crate::authn::{self, SignInPolicy, end_all};
use crate::authz::{Realm, Role};
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};
use crate::tenants::{DoorError, RealmTx, WriteTx};

pub fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    subject: KeyId,
    new: &Prepared,
    role: &str,
    now: Timestamp,
) -> Result<(), UserError> {
    let hash = tx.lookup_hash("email", &new.email)?;
    let email = tx.seal(Field::UserEmail, id.bytes(), Some(subject), new.email.as_bytes())?;
    let name = tx.seal(Field::UserName, id.bytes(), Some(subject), new.name.as_bytes())?;
    let inserted = tx.execute(
        "INSERT INTO users (id, subject, email_hash, email, name, password, role, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8)",
        args![id, subject, &hash, &email, &name, &new.password_hash, role, now],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken),
        other => other.map(|_| ()).map_err(|error| DoorError::from(error).into()),
    }
}

/// The fifth says whether there is a second factor.
const COLUMNS: &str = "SELECT id, name, email, role, state = 'active',
    EXISTS (SELECT 1 FROM authenticators a WHERE a.person = users.id AND a.confirmed IS NOT NULL)
        OR EXISTS (SELECT 1 FROM passkeys p WHERE p.person = users.id),
    created, signed_in FROM users";

pub fn list(tx: &impl RealmTx) -> Result<Vec<Member>, UserError> {
    let rows = page(tx, &Wanted::default(), None, i64::MAX)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

/// What of a list can be found without opening anything.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub role: Option<&'a str>,
    pub state: Option<MemberState>,
    pub second_factor: Option<SecondFactor>,
}

/// The next members, oldest first; a second factor is looked for afterwards.
pub fn page(
    tx: &impl RealmTx,
    wanted: &Wanted<'_>,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<RawMember>, UserError> {
    let mut conditions = Vec::new();
    let mut args: Vec<Value<'_>> = Vec::new();
    if let Some(role) = wanted.role {
        args.push(Value::from(role));
        conditions.push(format!("role = ${}", args.len()));
    }
    if let Some(state) = wanted.state {
        args.push(Value::from(state.name()));
        conditions.push(format!("state = ${}", args.len()));
    }
    if let Some(after) = after {
        args.push(Value::from(after));
        conditions.push(format!("id > ${}", args.len()));
    }
    let filter = if conditions.is_empty() { "" } else { " WHERE " };
    let conditions = conditions.join(" AND ");
    args.push(Value::from(limit));
    let sql = format!("{COLUMNS}{filter}{conditions} ORDER BY id LIMIT ${}", args.len());
    let mut rows = tx.query(&sql, &args, raw)?;
    wanting(tx, rows.iter_mut().map(|row| &mut row.member))?;
    Ok(rows)
}

/// Who has none and must have one, as the policy is now.
fn wanting<'a>(
    tx: &impl RealmTx,
    members: impl Iterator<Item = &'a mut Member>,
) -> Result<(), UserError> {
    let (policy, realm) = (SignInPolicy::read(tx)?, Realm::Tenant(tx.owner()));
    for member in members {
        let is_there = member.second_factor == SecondFactor::On;
        // A role that is no longer there permits nothing.
        let rights = authn::rights(tx, &member.role).map(|rights| rights.permissions());
        let is_wanted = policy.wants_second_factor(realm, rights.unwrap_or_default());
        member.second_factor = SecondFactor::of(is_there, is_wanted);
    }
    Ok(())
}

pub fn find(tx: &impl RealmTx, id: UserId) -> Result<Member, UserError> {
    let row = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], raw)?;
    one(tx, row)
}

pub fn find_by_email(tx: &impl RealmTx, email: &str) -> Result<Member, UserError> {
    let hash = tx.lookup_hash("email", email)?;
    let row = tx.query_one(&format!("{COLUMNS} WHERE email_hash = $1"), args![&hash], raw)?;
    one(tx, row)
}

fn one(tx: &impl RealmTx, row: Option<RawMember>) -> Result<Member, UserError> {
    let mut row = row.ok_or(UserError::NotFound)?;
    wanting(tx, std::iter::once(&mut row.member))?;
    open(tx, row)
}

pub struct RawMember {
    pub member: Member,
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
        second_factor: SecondFactor::of(row.get(5)?, false),
        created_at: row.get(6)?,
        signed_in_at: row.get(7)?,
    };
    Ok(RawMember { member, name: row.get(1)?, email: row.get(2)? })
}

pub fn open(tx: &impl RealmTx, row: RawMember) -> Result<Member, UserError> {
    let RawMember { mut member, name, email } = row;
    member.name = tx.open_text(Field::UserName, member.id.bytes(), &name)?;
    member.email = tx.open_text(Field::UserEmail, member.id.bytes(), &email)?;
    Ok(member)
}

pub fn active(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM users WHERE state = 'active'", &[])
}

/// The key under which a member's name and address are sealed.
pub fn subject(tx: &impl Sql, id: UserId) -> Result<Option<KeyId>, StoreError> {
    tx.query_one("SELECT subject FROM users WHERE id = $1", args![id], |row| row.get(0))
}

pub fn set_name<P>(tx: &mut WriteTx<'_, P>, id: UserId, sealed: &[u8]) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET name = $1 WHERE id = $2", args![sealed, id]).map(|_| ())
}

/// # Errors
/// [`UserError::Taken`]
pub fn set_email<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    subject: KeyId,
    email: &str,
) -> Result<(), UserError> {
    let hash = tx.lookup_hash("email", email)?;
    let sealed = tx.seal(Field::UserEmail, id.bytes(), Some(subject), email.as_bytes())?;
    let sql = "UPDATE users SET email = $1, email_hash = $2 WHERE id = $3";
    match tx.execute(sql, args![&sealed, &hash, id]) {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken),
        other => other.map(|_| ()).map_err(|error| DoorError::from(error).into()),
    }
}

pub fn active_owners(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM users WHERE role = 'owner' AND state = 'active'", &[])
}

/// Refuses where the member is the emergency account: nothing may be taken from them.
///
/// # Errors
/// [`UserError::Emergency`]
pub fn keep_emergency(tx: &impl Sql, id: UserId) -> Result<(), UserError> {
    match SignInPolicy::read(tx)?.protects(*id.bytes()) {
        true => Err(UserError::Emergency),
        false => Ok(()),
    }
}

pub fn set_role<P>(tx: &mut WriteTx<'_, P>, id: UserId, role: &str) -> Result<(), UserError> {
    if role != Role::Owner.name() {
        keep_emergency(tx, id)?;
    }
    tx.execute("UPDATE users SET role = $1 WHERE id = $2", args![role, id])?;
    Ok(())
}

/// Somebody who is disabled has no sessions either.
pub fn set_state<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    state: MemberState,
) -> Result<(), UserError> {
    if state == MemberState::Disabled {
        keep_emergency(tx, id)?;
    }
    tx.execute("UPDATE users SET state = $1 WHERE id = $2", args![state.name(), id])?;
    // Provisioning enables again only whom it has disabled, which it says afterwards.
    tx.execute("UPDATE scim_users SET held = 0 WHERE user = $1", args![id])?;
    if state == MemberState::Disabled {
        end_all(tx, Realm::Tenant(tx.owner()), *id.bytes(), None)?;
    }
    Ok(())
}

/// Tables with rows of a person; those that refer to `users` go with it.
pub const OF_A_PERSON: [&str; 9] = [
    "authenticators",
    "enrolments",
    "recovery_codes",
    "factor_failures",
    "sign_ins",
    "passkeys",
    "ceremonies",
    "links",
    "devices",
];

pub fn remove<P>(tx: &mut WriteTx<'_, P>, id: UserId) -> Result<(), StoreError> {
    let person = Value::Id(*id.bytes());
    for table in OF_A_PERSON {
        tx.execute(&format!("DELETE FROM {table} WHERE person = $1"), args![person])?;
    }
    // By the blind index of the address: who has tried to sign in, who was invited.
    for (table, column) in [("sign_in_failures", "account"), ("links", "address_hash")] {
        let sql = format!(
            "DELETE FROM {table} WHERE {column} = (SELECT email_hash FROM users WHERE id = $1)"
        );
        tx.execute(&sql, args![id])?;
    }
    // What a provider said in a sign-in that was tried out or refused is sealed under the tenant's
    // key, and none of it says of whom: all of it goes.
    tx.execute("DELETE FROM sso_tests", &[])?;
    tx.execute("DELETE FROM users WHERE id = $1", args![id])?;
    Ok(())
}
