//! Warning of what ends: an entry and a mail for each thing, once a week.

use super::findings::{Finding, findings, own_finding};
use super::repo;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::tell;
use crate::authz::Grant;
use crate::authz::permission::SsoManage;
use crate::kernel::Timestamp;
use crate::mail::Letter;
use crate::sso::SsoError;
use crate::sso::repo as providers;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// Whom a finding is about.
struct Warning {
    /// The provider's id; none for this service's own key.
    provider: Option<String>,
    name: String,
    finding: Finding,
}

/// Warns of what ends at providers that are on, and of this service's own certificate. Answers with
/// how many warnings there were.
pub async fn warn(tenants: &Tenants, grant: &Grant<SsoManage>) -> Result<u64, SsoError> {
    let now = tenants.runtime().now();
    let look = tenants.read(grant, move |tx| Ok::<_, SsoError>(warnings(tx, now)?.len()));
    // Most days nothing is to be written.
    if look.await? == 0 {
        return Ok(0);
    }
    let written = tenants.write(grant, move |tx| {
        repo::tidy(tx, now)?;
        let mut events = AuditEvents::none();
        let mut count = 0;
        for warning in warnings(tx, now)? {
            if repo::is_due(tx, &warning.thing(), now)? {
                mail(tx, &warning)?;
                events = events.and(warning.event());
                count += 1;
            }
        }
        Ok::<_, SsoError>((count, events))
    });
    Ok(written.await?.value)
}

fn warnings(tx: &impl RealmTx, now: Timestamp) -> Result<Vec<Warning>, SsoError> {
    let mut found = Vec::new();
    for provider in providers::all(tx)?.into_iter().filter(crate::sso::Found::is_on) {
        let provider = provider.provider;
        let id = provider.id.to_string();
        let of = |finding| Warning {
            provider: Some(id.clone()),
            name: provider.settings.name.clone(),
            finding,
        };
        found.extend(findings(&provider, now).into_iter().map(of));
    }
    let uses_own = !found.is_empty() || providers::count(tx)? > 0;
    let own = repo::own_certificate(tx)?.filter(|_| uses_own);
    let own = own.and_then(|certificate| own_finding(&certificate, now));
    found.extend(own.map(|finding| Warning {
        provider: None,
        name: "Strongroom".to_owned(),
        finding,
    }));
    Ok(found)
}

impl Warning {
    /// What was warned of: another certificate is another thing.
    fn thing(&self) -> String {
        let Finding { what, fingerprint, ends } = &self.finding;
        let provider = self.provider.as_deref().unwrap_or_default();
        format!("{}:{provider}:{fingerprint}:{ends}", what.name())
    }

    fn event(&self) -> Event {
        let mut event = Event::new(catalogue::PROVIDER_EXPIRING);
        event.resource = self.provider.clone().map(|id| Resource::new("identity_provider", id));
        let Finding { what, fingerprint, ends } = &self.finding;
        event.custom_fields.insert("what".into(), what.name().into());
        event.custom_fields.insert("ends".into(), ends.to_string().into());
        if !fingerprint.is_empty() {
            event.custom_fields.insert("fingerprint".into(), fingerprint.as_str().into());
        }
        event
    }
}

fn mail(tx: &mut WriteTx<'_, SsoManage>, warning: &Warning) -> Result<(), SsoError> {
    let realm = crate::authz::Realm::Tenant(tx.owner());
    let (at, provider) = (warning.finding.ends, warning.name.clone());
    let letter = Letter::ProviderExpiring { at, provider };
    for manager in repo::managers(tx)? {
        tell(tx, realm, *manager.bytes(), &letter)?;
    }
    Ok(())
}
