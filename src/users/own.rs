//! One's own account, a member's or a platform administrator's.

use super::model::UserError;
use crate::authn::{self, AuthnError, Person, SignInPolicy};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

pub struct Own {
    pub id: String,
    pub name: String,
    pub email: String,
    /// The role's code.
    pub role: String,
    /// Whether they have a password that lets them in.
    pub has_password: bool,
    /// Whether nothing of their own lets them in, only an identity provider.
    pub by_provider_only: bool,
}

/// Who the caller is.
pub async fn own<P: Permission>(tenants: &Tenants, grant: &Grant<P>) -> Result<Own, UserError> {
    let (me, _) = authn::holder(&grant.caller().principal).ok_or(UserError::NotFound)?;
    let realm = grant.realm();
    let find = tenants.read(grant, move |tx| {
        let person = Person::by_id(tx, realm, me).map_err(|error| match error {
            AuthnError::Door(error) => UserError::Door(error),
            _ => UserError::NotFound,
        })?;
        let counts = SignInPolicy::read(tx)?.admits_without_provider(realm, me);
        let own = |Person { id, name, email, rights, .. }, has_password| {
            let (id, role) = (uuid::Uuid::from_bytes(id).to_string(), rights.role().to_owned());
            Own { id, name, email, role, has_password, by_provider_only: !counts }
        };
        let person = person.ok_or(UserError::NotFound)?;
        let has_password = counts && person.has_password();
        Ok::<_, UserError>(own(person, has_password))
    });
    find.await
}
