//! Whether a tenant goes by four eyes, and whether it could.

use super::ApprovalError;
use crate::args;
use crate::authn::{SignInPolicy, rights};
use crate::authz::permission::ApprovalRead;
use crate::authz::{Flag, Grant};
use crate::store::{Sql, StoreError};
use crate::tenants::Tenants;

/// Whether acts need a second person.
pub fn is_on(tx: &impl Sql) -> Result<bool, StoreError> {
    Ok(SignInPolicy::read(tx)?.four_eyes)
}

/// The same, for who may see it.
pub async fn is_on_in(
    tenants: &Tenants,
    grant: &Grant<ApprovalRead>,
) -> Result<bool, ApprovalError> {
    tenants.read(grant, |tx| Ok(is_on(tx)?)).await
}

/// Whether two people could decide about everything, turning it off included.
///
/// # Errors
/// [`ApprovalError::Alone`] when there are fewer.
pub fn check_quorum(tx: &impl Sql) -> Result<(), ApprovalError> {
    let sql = "SELECT role, count(*) FROM users WHERE state = 'active' GROUP BY role";
    let roles = tx.query(sql, args![], |row| Ok((row.get::<String>(0)?, row.get::<u64>(1)?)))?;
    let mut people = 0;
    for (role, count) in roles {
        let may = rights(tx, &role)?.permissions();
        if may.has(Flag::ApprovalDecide) && may.has(Flag::SignInManage) {
            people += count;
        }
    }
    (people >= 2).then_some(()).ok_or(ApprovalError::Alone)
}
