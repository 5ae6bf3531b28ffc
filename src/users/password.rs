//! Changing one's own password.

use secrecy::SecretString;

use super::model::UserError;
use super::repo;
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::{Hasher, end_all, known_of};
use crate::authz::permission::AccountWrite;
use crate::authz::{Grant, Principal};
use crate::crypto::password;
use crate::kernel::id::UserId;
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
    let known = known_of(tenants, grant.realm(), *id.bytes()).await?;
    password::check(&new, &known).map_err(UserError::Password)?;
    let hash =
        tenants.read(grant, move |tx| Ok::<_, UserError>(repo::password_hash(tx, id)?)).await?;
    let old = hash.clone().unwrap_or_default();
    if !hasher.verify(current, hash).await.map_err(DoorError::from)? {
        // Somebody at an unlocked screen, perhaps: the owner of the account shall find it.
        let mut failed = changed(id);
        failed.outcome = Outcome::Failure;
        tenants.disclose(grant, move |_| Ok::<_, UserError>(((), failed))).await?;
        return Err(UserError::WrongPassword);
    }
    let realm = grant.realm();
    let hash = hasher.hash(new).await.map_err(DoorError::from)?;
    let written = tenants.write(grant, move |tx| {
        // Two changes at once: the second one has not proven today's password.
        let sql = "UPDATE users SET password = $1 WHERE id = $2 AND password = $3";
        if tx.execute(sql, args![&hash, id, &old])? == 0 {
            return Err(UserError::WrongPassword);
        }
        end_all(tx, realm, *id.bytes(), Some(session))?;
        Ok::<_, UserError>(((), changed(id).into()))
    });
    written.await.map(|_| ())
}

fn changed(id: UserId) -> Event {
    let mut event = Event::new(catalogue::PASSWORD_CHANGED);
    event.resource = Some(Resource::new("user", id.to_string()));
    event
}
