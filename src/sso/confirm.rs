//! By which provider somebody who is signed in can prove again who they are.

use super::{Offered, SsoError, find};
use crate::authn::sso::Vouched;
use crate::authz::{Principal, Realm};
use crate::tenants::{DoorError, Tenants};

/// The provider behind the caller's session, and what its word is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirming {
    pub provider: Offered,
    /// It may be trusted to have asked for two factors; whether it did shows by its answer.
    pub may_be_two_factors: bool,
}

/// Nothing for a session that began otherwise, and for a provider that is off.
pub async fn confirming(
    tenants: &Tenants,
    principal: &Principal,
) -> Result<Option<Confirming>, SsoError> {
    let Principal::User { tenant, session, .. } = principal else { return Ok(None) };
    let (id, session) = (*tenant, *session);
    let Some(tenant) = tenants.tenant_by_id(id) else { return Ok(None) };
    let look = tenants.credentials(Realm::Tenant(id), move |tx| {
        Ok::<_, DoorError>(Vouched::of(tx, session)?.map(|vouched| vouched.provider))
    });
    let Some(provider) = look.await? else { return Ok(None) };
    let found = find(tenants, &tenant, provider).await?.filter(super::Found::is_on);
    Ok(found.map(|found| {
        let contexts = &found.provider.settings.trust.second_factor_contexts;
        let may_be_two_factors = !contexts.is_empty();
        Confirming { provider: Offered::of(found.provider), may_be_two_factors }
    }))
}
