//! A new password for somebody who forgot the old one. It does not sign in: a second factor is
//! asked for at the sign-in that follows, as ever.

use secrecy::SecretString;

use super::ask::from_stranger;
use super::{Link, Opened, Purpose, repo};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::person::{Person, tables};
use crate::authn::{AuthnError, Hasher, SignInPolicy, end_all, known_of};
use crate::authz::{Realm, RequestContext};
use crate::crypto::password;
use crate::crypto::token::Token;
use crate::mail::{self, Letter, Recipient};
use crate::store::{SqlMut, Value};
use crate::tenants::{DoorError, Tenants};

pub async fn look_at_reset_link(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
) -> Result<Opened, AuthnError> {
    Ok(match found(tenants, realm, token).await? {
        Ok(_) => Opened::Fine,
        Err(other) => other,
    })
}

/// Sets the new password and ends everything that the person holds; they are told by mail.
///
/// # Errors
/// [`AuthnError::Link`] unless [`look_at_reset_link`] says that it is fine,
/// [`AuthnError::Password`] for one that will not do.
pub async fn reset_password(
    tenants: &Tenants,
    hasher: &Hasher,
    realm: Realm,
    token: &str,
    new: SecretString,
    request: RequestContext,
) -> Result<(), AuthnError> {
    // Hashing is dear: not for a link that does not work anyway.
    let (link, person) = found(tenants, realm, token).await?.map_err(|_| AuthnError::Link)?;
    let known = known_of(tenants, realm, person.id).await?;
    password::check(&new, &known).map_err(AuthnError::Password)?;
    let hash = hasher.hash(new).await.map_err(DoorError::from)?;
    let write = tenants.change_credentials_if_active(realm, move |tx| {
        repo::spend(tx, link.id)?;
        if !SignInPolicy::read(tx)?.admits_without_provider(realm, person.id) {
            return Err(AuthnError::Link);
        }
        let sql = format!(
            "UPDATE {} SET password = $1 WHERE id = $2 AND password = $3 AND state = 'active'",
            tables(realm).0
        );
        if tx.execute(&sql, args![&hash, Value::Id(person.id), &person.password])? == 0 {
            return Err(AuthnError::Link);
        }
        end_all(tx, realm, person.id, None)?;
        let to = Recipient { address: person.email.clone(), subject: Some(person.subject) };
        mail::queue(tx, &to, &Letter::PasswordChanged { at: tx.runtime().now() })?;
        Ok(((), changed(&person, &request).into()))
    });
    write.await.map(|_| ())
}

fn changed(person: &Person, request: &RequestContext) -> Event {
    let mut event = Event::new(catalogue::PASSWORD_CHANGED);
    let actor = person.actor();
    event.resource = Some(Resource::new("user", actor.id.clone()));
    event.actor = Some(actor);
    event.custom_fields.insert("by".into(), "link".into());
    from_stranger(&mut event, request);
    event
}

async fn found(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
) -> Result<Result<(Link, Person), Opened>, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(Err(Opened::Over)) };
    let now = tenants.runtime().now();
    let look = tenants.credentials(realm, move |tx| {
        let Some(link) = repo::find(tx, Purpose::Reset, &token, now)? else {
            return Ok(Err(Opened::Over));
        };
        let Some(id) = link.person else { return Ok(Err(Opened::Nobody)) };
        let policy = SignInPolicy::read(tx)?;
        let person = Person::by_id(tx, realm, id)?.filter(|person| person.active);
        let person = person.filter(|person| policy.admits_without_provider(realm, person.id));
        let same = |person: &Person| link.password.as_ref() == Some(&person.password);
        Ok(person.filter(same).map(|person| (link, person)).ok_or(Opened::Over))
    });
    look.await
}
