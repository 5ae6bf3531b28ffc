//! The table `settings`, and who could sign in by a provider.

use crate::args;
use crate::authn::{SIGN_IN_SETTING, SignInPolicy};
use crate::authz::Role;
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, UserId};
use crate::store::{Sql, SqlMut, StoreError};

pub fn set_sign_in(
    tx: &mut impl SqlMut,
    policy: &SignInPolicy,
    now: Timestamp,
) -> Result<(), StoreError> {
    let value = serde_json::to_string(policy)
        .map_err(|_| StoreError::Sql("a sign-in policy could not be written".into()))?;
    tx.execute(
        "INSERT INTO settings (name, value, changed) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
        args![SIGN_IN_SETTING, &value, now],
    )?;
    Ok(())
}

/// Identity providers that are on.
pub fn providers_on(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM identity_providers WHERE state = 'on'", &[])
}

/// Active members, but one, who have signed in by a provider that is on.
pub fn members_linked(tx: &impl Sql, except: UserId) -> Result<u64, StoreError> {
    let sql = "SELECT count(DISTINCT u.id) FROM users u
               JOIN identities i ON i.user = u.id
               JOIN identity_providers p ON p.id = i.provider
               WHERE u.state = 'active' AND p.state = 'on' AND u.id <> $1";
    tx.count(sql, args![except])
}

/// Forgets who a member is at providers; those of them that there were.
pub fn unlink_all(tx: &mut impl SqlMut, member: UserId) -> Result<Vec<ProviderId>, StoreError> {
    let sql = "SELECT provider FROM identities WHERE user = $1 ORDER BY provider";
    let found = tx.query(sql, args![member], |row| row.get(0))?;
    tx.execute("DELETE FROM identities WHERE user = $1", args![member])?;
    Ok(found)
}

pub fn is_linked(tx: &impl Sql, member: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM identities i JOIN identity_providers p ON p.id = i.provider
               WHERE i.user = $1 AND p.state = 'on'";
    Ok(tx.count(sql, args![member])? > 0)
}

/// Oldest first.
pub fn active_owners(tx: &impl Sql) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT id FROM users WHERE role = $1 AND state = 'active' ORDER BY id";
    tx.query(sql, args![Role::Owner.name()], |row| row.get(0))
}
