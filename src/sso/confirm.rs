//! By which provider somebody who is signed in can prove again who they are.

use super::{Offered, SsoError, find};
use crate::authn::sso::Vouched;
use crate::authn::{AuthnError, Person};
use crate::authz::{Principal, Realm};
use crate::tenants::Tenants;

/// The provider behind the caller's session, and what its word is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirming {
    pub provider: Offered,
    /// It may be trusted to have asked for two factors; whether it did shows by its answer.
    pub may_be_two_factors: bool,
    /// One factor is not enough for the caller, as things are now.
    pub takes_two: bool,
}

impl Confirming {
    /// Whether it is worth going there.
    pub fn may_be_enough(&self) -> bool {
        self.may_be_two_factors || !self.takes_two
    }
}

/// Nothing for a session that began otherwise, and for a provider that is off.
pub async fn confirming(
    tenants: &Tenants,
    principal: &Principal,
) -> Result<Option<Confirming>, SsoError> {
    let Principal::User { tenant, id: person, session, .. } = principal else { return Ok(None) };
    let (id, person, session) = (*tenant, *person.bytes(), *session);
    let Some(tenant) = tenants.tenant_by_id(id) else { return Ok(None) };
    let look = tenants.credentials(Realm::Tenant(id), move |tx| {
        let Some(vouched) = Vouched::of(tx, session)? else { return Ok(None) };
        let realm = Realm::Tenant(id);
        let Some(person) = Person::by_id(tx, realm, person)? else { return Ok(None) };
        Ok::<_, AuthnError>(Some((vouched.provider, person.needs(tx, realm)?.takes_two())))
    });
    let Some((provider, takes_two)) = look.await? else { return Ok(None) };
    let found = find(tenants, &tenant, provider).await?.filter(super::Found::is_on);
    Ok(found.map(|found| {
        let contexts = &found.provider.settings.trust.second_factor_contexts;
        let may_be_two_factors = !contexts.is_empty();
        Confirming { provider: Offered::of(found.provider), may_be_two_factors, takes_two }
    }))
}
