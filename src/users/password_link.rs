//! A link with which a member chooses a password: handed over by whoever looks after them, where
//! they have none yet or have forgotten it and there is no mail.

use zeroize::Zeroizing;

use super::model::{Member, UserError};
use super::{change, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::links::{self, About, NewLink, Purpose};
use crate::authn::{self, Person, SignInPolicy};
use crate::authz::permission::UserUpdate;
use crate::authz::{Grant, Principal};
use crate::crypto::token::Token;
use crate::tenants::{Tenant, Tenants};

/// Makes the link: its path and query, for half an hour and once. It does not sign in; a second
/// factor is asked for as ever, and the password that there is works until it is used.
///
/// # Errors
/// [`UserError::TooMuch`] when the member has rights that the caller lacks; [`UserError::Oneself`]
/// for one's own: one's own password is changed with the current one; [`UserError::SingleSignOn`]
/// where a password would not let them in.
pub async fn password_link(
    tenants: &Tenants,
    grant: &Grant<UserUpdate>,
    tenant: &Tenant,
    who: &str,
) -> Result<(Member, Zeroizing<String>), UserError> {
    let token = Token::generate(tenant.id, tenants.runtime().random.as_ref());
    let link = Zeroizing::new(Purpose::Reset.link(&format!("/t/{}", tenant.slug), &token));
    let (who, principal, realm) = (who.to_owned(), grant.caller().principal.clone(), grant.realm());
    let written = tenants.write(grant, move |tx| {
        let member = change::beneath(tx, &principal, &who)?;
        if matches!(principal, Principal::User { id, .. } if id == member.id) {
            return Err(UserError::Oneself);
        }
        let person = Person::by_id(tx, realm, *member.id.bytes())?.ok_or(UserError::NotFound)?;
        if !SignInPolicy::read(tx)?.admits_without_provider(realm, person.id) {
            return Err(UserError::SingleSignOn);
        }
        let about = Some(About {
            id: person.id,
            subject: person.subject,
            password: person.password_hash(),
        });
        let (address, details) = (Some(person.email.as_str()), None);
        let (purpose, made_by) = (Purpose::Reset, authn::maker(tx, &principal)?);
        let new = NewLink { purpose, about, address, details, browser: None, made_by };
        links::insert(tx, &token, &new)?;
        let mut event = Event::new(catalogue::PASSWORD_RESET_REQUESTED);
        event.resource = Some(Resource::new("user", member.id.to_string()));
        Ok::<_, UserError>((repo::find(tx, member.id)?, event.into()))
    });
    Ok((written.await?.value, link))
}
