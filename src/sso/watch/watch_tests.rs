//! What is said of things that end, in a real installation.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::authn::saml::SamlSettings;
use crate::authz::Realm;
use crate::authz::permission::SsoManage;
use crate::config::SmtpHost;
use crate::kernel::clock::ManualClock;
use crate::kernel::id::ProviderId;
use crate::kernel::random::SystemRandom;
use crate::kernel::{Runtime, Timestamp};
use crate::sso::{
    Found, Mapping, Preset, Protocol, Provider, ProviderSettings, ProviderState, Provisioning,
    Trust, repo,
};
use crate::store::Sql;
use crate::tenants::{DoorError, SystemWrite, Tenant};
use crate::testing::TestServer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct House {
    server: TestServer,
    clock: Arc<ManualClock>,
    tenant: Tenant,
}

impl House {
    /// In the middle of a November.
    async fn new() -> Self {
        let now = Timestamp::parse("2026-11-15T00:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_configured(runtime, |settings| {
            settings.mail.smtp_host = Some(SmtpHost::localhost());
        });
        let tenant = server.tenant("acme").await;
        Self { server, clock, tenant }
    }

    /// A SAML provider whose metadata ends then.
    async fn provider(&self, state: ProviderState, ends: &str) -> ProviderId {
        let (id, now): (ProviderId, _) = (self.server.runtime.id(), self.server.runtime.now());
        let saml = SamlSettings {
            entity_id: format!("https://idp.example/{id}"),
            metadata_expires: Timestamp::parse(ends),
            ..SamlSettings::default()
        };
        let settings = ProviderSettings {
            name: "Acme".into(),
            preset: Preset::Other,
            protocol: Protocol::Saml(saml),
            mapping: Mapping::default(),
            provisioning: Provisioning::default(),
            domains: Vec::new(),
            trust: Trust::default(),
            session_hours: None,
        };
        let provider =
            Provider { id, state, settings, has_secret: false, created_at: now, changed_at: now };
        let (realm, found) = (Realm::Tenant(self.tenant.id), Found { provider, secret: None });
        let write = self.server.tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
            repo::insert(tx, &found).map_err(|error| match error {
                crate::sso::SsoError::Door(error) => error,
                other => panic!("{other}"),
            })
        });
        write.await.unwrap();
        id
    }

    async fn warn(&self) -> u64 {
        let grant = self.server.grant::<SsoManage>(&self.tenant).await;
        warn(&self.server.tenants, &grant).await.unwrap()
    }

    async fn rows(&self) -> u64 {
        let realm = Realm::Tenant(self.tenant.id);
        let count = self.server.tenants.credentials(realm, |tx| {
            Ok::<_, DoorError>(tx.count("SELECT count(*) FROM sso_warnings", &[])?)
        });
        count.await.unwrap()
    }
}

#[tokio::test]
async fn what_ends_is_warned_of_once_a_week_until_it_is_replaced() {
    let house = House::new().await;
    let id = house.provider(ProviderState::On, "2026-12-01T00:00:00Z").await;
    house.provider(ProviderState::On, "2027-06-01T00:00:00Z").await;
    assert_eq!(house.warn().await, 1);
    assert_eq!(house.warn().await, 0, "once is enough");
    house.clock.advance(6 * DAY);
    assert_eq!(house.warn().await, 0);
    house.clock.advance(2 * DAY);
    assert_eq!(house.warn().await, 1);
    assert_eq!(house.rows().await, 1);
    let entries = house.server.entries(&house.tenant).await;
    let warned: Vec<_> =
        entries.iter().filter(|entry| entry.action == "identity_provider.expiring").collect();
    assert_eq!(warned.len(), 2);
    let about = warned[0].resource.as_ref().unwrap();
    assert_eq!(about.id, id.to_string());
    assert_eq!(warned[0].custom_fields["what"], "metadata");
    assert_eq!(warned[0].custom_fields["ends"], "2026-12-01T00:00:00Z");
}

#[tokio::test]
async fn nobody_is_bothered_about_a_provider_that_is_off() {
    let house = House::new().await;
    house.provider(ProviderState::Off, "2026-11-20T00:00:00Z").await;
    assert_eq!(house.warn().await, 0);
}
