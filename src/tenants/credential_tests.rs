//! What becomes of credentials when somebody takes them away.

use std::time::Duration;

use super::door_tests::House;
use super::{AuditEvents, DoorError, StateChange, Tenant};
use crate::api_keys::{self, NewApiKey, NewKey};
use crate::audit::{Event, catalogue};
use crate::authn::{ApiKeys, AuthnError};
use crate::authz::permission::{ApiKeyCreate, ApiKeyRevoke};
use crate::authz::{Denied, Realm, TenantState};
use crate::store::SqlMut;

impl House {
    async fn key(&self, tenant: &Tenant) -> NewKey {
        let (operator, slug) = (self.operator(), tenant.slug.as_str());
        let grant = self.tenants.authorize::<ApiKeyCreate>(&operator, slug, "test").await.unwrap();
        let new = NewApiKey::with_role("k", "admin");
        api_keys::create(&self.tenants, &grant.0, new).await.unwrap()
    }

    async fn revoke(&self, tenant: &Tenant, key: &NewKey) {
        let (operator, slug) = (self.operator(), tenant.slug.as_str());
        let grant = self.tenants.authorize::<ApiKeyRevoke>(&operator, slug, "test").await.unwrap();
        api_keys::revoke(&self.tenants, &grant.0, key.key.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_although_its_file_was_closed_in_between() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let (keys, key) = (ApiKeys::default(), house.key(&tenant).await);
    keys.authenticate(&house.tenants, &key.token, None).await.unwrap();
    let before = house.tenants.credentials_generation(Realm::Tenant(tenant.id)).await.unwrap();
    house.clock.advance(Duration::from_secs(24 * 3600));
    house.tenants.close_idle();
    house.revoke(&tenant, &key).await;
    let after = house.tenants.credentials_generation(Realm::Tenant(tenant.id)).await.unwrap();
    assert_ne!(before, after);
    let refused = keys.authenticate(&house.tenants, &key.token, None).await;
    assert!(matches!(refused, Err(AuthnError::Unauthenticated)));
}

#[tokio::test]
async fn credentials_deleted_all_at_once_are_noticed_too() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    let (keys, key) = (ApiKeys::default(), house.key(&tenant).await);
    keys.authenticate(&house.tenants, &key.token, None).await.unwrap();
    let realm = Realm::Tenant(tenant.id);
    let emptied = house.tenants.change_credentials(realm, None, |tx| {
        tx.execute("DELETE FROM api_keys", &[])?;
        Ok::<_, DoorError>(((), AuditEvents::from(Event::new(catalogue::API_KEY_REVOKED))))
    });
    emptied.await.unwrap();
    let refused = keys.authenticate(&house.tenants, &key.token, None).await;
    assert!(matches!(refused, Err(AuthnError::Unauthenticated)));
}

#[tokio::test]
async fn what_takes_rights_away_works_in_a_frozen_and_in_a_suspended_tenant() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    for change in [StateChange::Freeze, StateChange::Suspend] {
        let key = house.key(&tenant).await;
        house.change(&tenant, change).await;
        let size = house.log_size(&tenant).await;
        house.revoke(&tenant, &key).await;
        assert_eq!(house.log_size(&tenant).await, size + 1, "{change:?}");
        let operator = house.operator();
        let more = house.tenants.authorize::<ApiKeyCreate>(&operator, "acme", "test").await;
        match change {
            StateChange::Freeze => assert!(matches!(more, Err(Denied::Frozen))),
            _ => {
                let new = NewApiKey::with_role("k", "admin");
                assert!(api_keys::create(&house.tenants, &more.unwrap().0, new).await.is_err());
            }
        }
        let back =
            if change == StateChange::Freeze { StateChange::Unfreeze } else { StateChange::Resume };
        house.change(&tenant, back).await;
    }
}

#[tokio::test]
async fn a_frozen_tenant_that_was_suspended_is_frozen_again_when_that_ends() {
    let house = House::new();
    let tenant = house.tenant("acme").await.unwrap();
    house.change(&tenant, StateChange::Freeze).await;
    house.change(&tenant, StateChange::Suspend).await;
    assert_eq!(house.change(&tenant, StateChange::Resume).await.state, TenantState::Frozen);
    house.change(&tenant, StateChange::Unfreeze).await;
    house.change(&tenant, StateChange::Suspend).await;
    assert_eq!(house.change(&tenant, StateChange::Resume).await.state, TenantState::Active);
}
