//! From a role's code to what it permits, inside the transaction that gives it to somebody.

use super::{RoleError, check};
use crate::authn::{self, AuthnError};
use crate::authz::{Principal, Rights};
use crate::store::Sql;

/// What the role of this code permits now. [`Rights::role`] is the code as it is to be stored.
///
/// # Errors
/// [`RoleError::Unknown`] when neither a built-in role nor one of the tenant's own has the code.
pub fn resolve(tx: &impl Sql, code: &str) -> Result<Rights, RoleError> {
    authn::rights(tx, code).map_err(|error| match error {
        AuthnError::Door(error) => RoleError::Door(error),
        _ => RoleError::Unknown,
    })
}

/// The same for a role that the principal is about to give to somebody.
///
/// # Errors
/// [`RoleError::Unknown`]; [`RoleError::TooMuch`] when it permits what the principal may not do.
pub fn give(tx: &impl Sql, principal: &Principal, code: &str) -> Result<Rights, RoleError> {
    let rights = resolve(tx, code)?;
    check::may_give(principal, rights.permissions())?;
    Ok(rights)
}
