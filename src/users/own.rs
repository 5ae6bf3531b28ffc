//! One's own account, a member's or a platform administrator's.

use super::model::UserError;
use crate::authn::{self, AuthnError, Person};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

pub struct Own {
    pub id: String,
    pub name: String,
    pub email: String,
    /// The role's code.
    pub role: String,
}

/// Who the caller is.
pub async fn own<P: Permission>(tenants: &Tenants, grant: &Grant<P>) -> Result<Own, UserError> {
    let (me, _) = authn::holder(&grant.caller().principal).ok_or(UserError::NotFound)?;
    let realm = grant.realm();
    let find = tenants.read(grant, move |tx| {
        Person::by_id(tx, realm, me).map_err(|error| match error {
            AuthnError::Door(error) => UserError::Door(error),
            _ => UserError::NotFound,
        })
    });
    let Person { id, name, email, rights, .. } = find.await?.ok_or(UserError::NotFound)?;
    let (id, role) = (uuid::Uuid::from_bytes(id).to_string(), rights.role().to_owned());
    Ok(Own { id, name, email, role })
}
