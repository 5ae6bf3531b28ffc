//! Changing one's own password.

use secrecy::SecretString;

use super::model::UserError;
use super::repo;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::Hasher;
use crate::authz::permission::AccountWrite;
use crate::authz::{Grant, Principal};
use crate::crypto::password;
use crate::store::SqlMut;
use crate::tenants::{DoorError, Tenants};

/// Takes the current password again; all other sessions of the person end.
pub async fn change_password(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<AccountWrite>,
    current: SecretString,
    new: SecretString,
) -> Result<(), UserError> {
    let Principal::User { id, session, .. } = grant.caller().principal else {
        return Err(UserError::NotFound);
    };
    password::check(&new).map_err(UserError::Password)?;
    let hash =
        tenants.read(grant, move |tx| Ok::<_, UserError>(repo::password_hash(tx, id)?)).await?;
    if !hasher.verify(current, hash).await.map_err(DoorError::from)? {
        return Err(UserError::WrongPassword);
    }
    let hash = hasher.hash(new).await.map_err(DoorError::from)?;
    let written = tenants.write(grant, move |tx| {
        tx.execute("UPDATE users SET password = $1 WHERE id = $2", args![&hash, id])?;
        tx.execute("DELETE FROM sessions WHERE user = $1 AND id <> $2", args![id, session])?;
        let mut event = Event::new(catalogue::PASSWORD_CHANGED);
        event.resource = Some(Resource::new("user", id.to_string()));
        Ok::<_, UserError>(((), event.into()))
    });
    written.await.map(|_| ())
}
