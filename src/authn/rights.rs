//! What a role permits today: the built-in ones from the table, a tenant's own from its file.

use super::AuthnError;
use crate::args;
use crate::authz::{Flag, Rights, Role};
use crate::store::Sql;

/// # Errors
/// [`AuthnError::Unauthenticated`] for a role that is no longer there: nobody is let in without one.
pub fn rights(tx: &impl Sql, role: &str) -> Result<Rights, AuthnError> {
    if let Ok(built_in) = role.parse::<Role>() {
        return Ok(built_in.into());
    }
    let sql = "SELECT permissions FROM roles WHERE code = $1";
    let found = tx.query_one(sql, args![role], |row| row.get::<String>(0))?;
    let permissions = found.ok_or(AuthnError::Unauthenticated)?;
    // A permission that a later release took away is gone from the role too.
    Ok(Rights::new(role, permissions.split_whitespace().filter_map(Flag::parse).collect()))
}

/// What a key that was limited to some permissions goes by.
pub const SCOPED: &str = "scoped";

/// What an API key permits: the permissions that it was limited to, or what its role permits today.
///
/// # Errors
/// As for [`rights`].
pub fn key_rights(tx: &impl Sql, role: &str, scopes: Option<&str>) -> Result<Rights, AuthnError> {
    match scopes {
        None => rights(tx, role),
        Some(names) => {
            let flags = names.split_whitespace().filter_map(Flag::parse);
            Ok(Rights::new(SCOPED, flags.collect()))
        }
    }
}
