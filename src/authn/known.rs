//! What is known about somebody: it makes no password.

use super::AuthnError;
use super::person::Person;
use crate::authz::Realm;
use crate::crypto::password::Context;
use crate::tenants::{DoorError, Tenants};

/// For rating a new password of somebody who is there already.
pub async fn known_of(
    tenants: &Tenants,
    realm: Realm,
    person: [u8; 16],
) -> Result<Context, DoorError> {
    let found = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, person)).await;
    let place = tenants.place(realm);
    match found {
        Ok(Some(person)) => Ok(Context::of(&[&person.name, &person.email, &place])),
        Err(AuthnError::Door(error)) => Err(error),
        Ok(None) | Err(_) => Ok(Context::of(&[&place])),
    }
}
