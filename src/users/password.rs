//! Changing one's own password, a member's or a platform administrator's.

use secrecy::SecretString;

use super::model::UserError;
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::{self, Hasher, end_all, known_of, tables, tell};
use crate::authz::{Grant, Writes};
use crate::crypto::password;
use crate::mail::Letter;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{DoorError, Tenants};

/// Takes the current password again; all other sessions of the person end.
pub async fn change_password<P: Writes>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    current: SecretString,
    new: SecretString,
) -> Result<(), UserError> {
    let (me, session) = authn::holder(&grant.caller().principal).ok_or(UserError::NotFound)?;
    let (realm, people) = (grant.realm(), tables(grant.realm()).0);
    let known = known_of(tenants, realm, me).await?;
    password::check(&new, &known).map_err(UserError::Password)?;
    let find = tenants.read(grant, move |tx| {
        let sql = format!("SELECT password FROM {people} WHERE id = $1");
        let found = tx.query_one(&sql, args![Value::Id(me)], |row| row.get::<String>(0))?;
        Ok::<_, UserError>(found)
    });
    let hash = find.await?;
    let old = hash.clone().unwrap_or_default();
    if !hasher.verify(current, hash).await.map_err(DoorError::from)? {
        // Somebody at an unlocked screen, perhaps: the owner of the account shall find it.
        let mut failed = changed(me);
        failed.outcome = Outcome::Failure;
        tenants.disclose(grant, move |_| Ok::<_, UserError>(((), failed))).await?;
        return Err(UserError::WrongPassword);
    }
    let hash = hasher.hash(new).await.map_err(DoorError::from)?;
    let written = tenants.write(grant, move |tx| {
        // Two changes at once: the second one has not proven today's password.
        let sql = format!("UPDATE {people} SET password = $1 WHERE id = $2 AND password = $3");
        if tx.execute(&sql, args![&hash, Value::Id(me), &old])? == 0 {
            return Err(UserError::WrongPassword);
        }
        end_all(tx, realm, me, Some(session))?;
        let at = tx.runtime().now();
        tell(tx, realm, me, &Letter::PasswordChanged { at })?;
        Ok::<_, UserError>(((), changed(me).into()))
    });
    written.await.map(|_| ())
}

fn changed(who: [u8; 16]) -> Event {
    let mut event = Event::new(catalogue::PASSWORD_CHANGED);
    event.resource = Some(Resource::new("user", uuid::Uuid::from_bytes(who).to_string()));
    event
}
