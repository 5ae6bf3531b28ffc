//! Setting providers up. Who does it decides who anybody is, so it takes all of an owner's rights;
//! and with four eyes a second person, for whatever a provider that is on is believed for. One that
//! is off signs nobody in: it is set up, and tried out, by one person alone.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::check::{check_owner, check_roles, check_secret, checked};
use super::{
    Found, Protocol, Provider, ProviderSettings, ProviderState, SsoError, describe, metadata, repo,
};
use crate::approvals::{self, Act, Approved};
use crate::audit::catalogue;
use crate::authn::SignInPolicy;
use crate::authz::permission::SsoManage;
use crate::authz::{Grant, Permission, Principal};
use crate::kernel::id::ProviderId;
use crate::kernel::limits;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// A provider to be set up.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProvider {
    pub settings: ProviderSettings,
    /// SAML: the provider's metadata, which says its names, addresses and certificates.
    #[serde(default)]
    pub metadata: Option<String>,
    /// OpenID Connect: the client secret. Taken in, sealed, and never shown again.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub secret: Option<SecretString>,
}

/// Members that are absent stay as they are.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ProviderChange {
    pub state: Option<ProviderState>,
    /// As a whole.
    pub settings: Option<ProviderSettings>,
    /// SAML: as for a new one; what it says goes before the settings.
    pub metadata: Option<String>,
    /// Empty to forget it. It has to be given again whenever the issuer, the client id, where the
    /// provider's description comes from, or the authorities that vouch for its address change: it
    /// was not meant for whoever answers there.
    #[schemars(with = "Option<String>")]
    pub secret: Option<SecretString>,
}

/// What a provider is believed for from now on, as a second person approves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedProvider {
    pub provider: ProviderId,
    pub settings: ProviderSettings,
    /// SHA-256 of how it was: what has changed since it was asked for is asked for again.
    pub from: String,
}

impl TrustedProvider {
    /// For an entry of the log.
    pub fn summary(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "trust-provider",
            "provider": self.provider,
            "settings": describe::summary(&self.settings),
        })
    }
}

/// The providers, the oldest first. `P` is a permission to see them or to set them up.
pub async fn list<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<Provider>, SsoError> {
    let look = tenants.read(grant, |tx| Ok::<_, SsoError>(repo::all(tx)?));
    Ok(look.await?.into_iter().map(|found| found.provider).collect())
}

/// # Errors
/// [`SsoError::NotFound`]
pub async fn get<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ProviderId,
) -> Result<Provider, SsoError> {
    let look = tenants.read(grant, move |tx| Ok::<_, SsoError>(repo::find(tx, id)?));
    Ok(look.await?.ok_or(SsoError::NotFound)?.provider)
}

/// Sets a provider up. It is off until it was tried out.
///
/// # Errors
/// [`SsoError::NotAnOwner`]; what is wrong with the settings; [`SsoError::TooMany`],
/// [`SsoError::IssuerTaken`], [`SsoError::DomainTaken`].
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    new: NewProvider,
) -> Result<Provider, SsoError> {
    let principal = grant.caller().principal.clone();
    check_owner(&principal)?;
    let mut settings = new.settings;
    new.metadata.map_or(Ok(()), |text| metadata::apply(&mut settings, &text))?;
    let (settings, secret) = (checked(settings)?, kept(new.secret)?);
    let id = tenants.runtime().id();
    let written = tenants.write(grant, move |tx| {
        if repo::count(tx)? >= limits::PROVIDERS {
            return Err(SsoError::TooMany);
        }
        check_roles(tx, &principal, &settings)?;
        let (now, has_secret) = (tx.runtime().now(), secret.is_some());
        let provider = Provider {
            id,
            state: ProviderState::Off,
            settings: settings.clone(),
            has_secret,
            created_at: now,
            changed_at: now,
        };
        let found = Found { provider, secret: secret.clone() };
        repo::insert(tx, &found)?;
        let mut event = describe::about(catalogue::PROVIDER_CREATED, &found.provider);
        describe::changes(&mut event, None, &found.provider);
        Ok((found.provider, event.into()))
    });
    Ok(written.await?.value)
}

/// An empty secret is none.
fn kept(secret: Option<SecretString>) -> Result<Option<SecretString>, SsoError> {
    let Some(secret) = secret else { return Ok(None) };
    let text = secret.expose_secret();
    if text.len() > limits::LINE_BYTES || text.chars().any(char::is_control) {
        return Err(SsoError::setting("secret", "is a line of at most 512 bytes"));
    }
    Ok(Some(secret).filter(|secret| !secret.expose_secret().is_empty()))
}

/// Changes a provider, turns it on or off. What ends its word ends the sessions that stand on it.
///
/// # Errors
/// As [`create`]; [`SsoError::LastProvider`]; [`SsoError::Approval`] when a second person has to
/// approve it.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    id: ProviderId,
    change: ProviderChange,
) -> Result<Provider, SsoError> {
    let mut settings = change.settings;
    if let Some(text) = &change.metadata {
        let given = match settings.take() {
            Some(given) => given,
            None => get(tenants, grant, id).await?.settings,
        };
        metadata::apply(settings.insert(given), text)?;
    }
    let (settings, forgets) = (settings.map(checked).transpose()?, change.secret.is_some());
    let (state, secret) = (change.state, kept(change.secret)?);
    // Turning off takes rights away from nobody but the provider.
    if settings.is_some() || forgets || state == Some(ProviderState::On) {
        check_owner(&grant.caller().principal)?;
    }
    let to = move |before: &Found| {
        let mut after = before.clone();
        if let Some(settings) = &settings {
            after.provider.settings = settings.clone();
        }
        if forgets {
            after.secret.clone_from(&secret);
        }
        after.provider.has_secret = after.secret.is_some();
        after.provider.state = state.unwrap_or(before.provider.state);
        after
    };
    apply(tenants, grant, id, forgets, to, None).await
}

/// Performs what somebody else has asked for and the caller approves.
pub async fn trust_approved(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    act: TrustedProvider,
    approved: Approved,
) -> Result<Provider, SsoError> {
    check_owner(&grant.caller().principal)?;
    let (id, settings) = (act.provider, act.settings);
    let to = move |before: &Found| {
        let mut after = before.clone();
        after.provider.settings = settings.clone();
        after.provider.state = ProviderState::On;
        after
    };
    apply(tenants, grant, id, false, to, Some(approved)).await
}

async fn apply(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    id: ProviderId,
    new_secret: bool,
    to: impl Fn(&Found) -> Found + Send + 'static,
    approved: Option<Approved>,
) -> Result<Provider, SsoError> {
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        let before = repo::find(tx, id)?.ok_or(SsoError::NotFound)?;
        let mut after = to(&before);
        let forgotten = !new_secret && before.secret.is_some() && goes_elsewhere(&before, &after);
        if forgotten {
            after.secret = None;
            after.provider.has_secret = false;
        }
        check_roles_again(tx, &principal, &before, &after)?;
        check_issuer(tx, &before, &after)?;
        if before.is_on() && !after.is_on() {
            check_not_last(tx, &principal, id)?;
        }
        if after.is_on() {
            check_given_again(&after, forgotten)?;
            check_secret(&after.provider.settings, after.secret.is_some())?;
        }
        let passed = pass(tx, &before, &after, new_secret, approved.as_ref())?;
        if after.provider == before.provider && !new_secret && approved.is_none() {
            return Ok::<_, SsoError>((before.provider, AuditEvents::none()));
        }
        after.provider.changed_at = tx.runtime().now();
        repo::update(tx, &after)?;
        let mut event = describe::about(catalogue::PROVIDER_CHANGED, &after.provider);
        describe::changes(&mut event, Some(&before.provider), &after.provider);
        if new_secret {
            event.custom_fields.insert("secret".into(), "changed".into());
        }
        if forgotten {
            event.custom_fields.insert("secret".into(), "forgotten".into());
        }
        if before.is_on() && !after.is_on() {
            let ended = repo::end_sessions(tx, id)?;
            event.custom_fields.insert("sessionsEnded".into(), ended.into());
        }
        approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok((after.provider, passed.and(event)))
    });
    Ok(written.await?.value)
}

/// Whether a stored secret would be sent to somebody else than it was given for.
fn goes_elsewhere(before: &Found, after: &Found) -> bool {
    match (&before.provider.settings.protocol, &after.provider.settings.protocol) {
        (Protocol::Oidc(old), Protocol::Oidc(new)) => {
            let same_client = (&old.issuer, &old.client_id) == (&new.issuer, &new.client_id);
            let same_place = old.discovery == new.discovery
                && old.certificate_authorities == new.certificate_authorities;
            !(same_client && same_place)
        }
        (Protocol::Saml(_), Protocol::Saml(_)) => false,
        _ => true,
    }
}

/// # Errors
/// [`SsoError::Setting`] for a provider that is on and would go on without its secret.
fn check_given_again(after: &Found, forgotten: bool) -> Result<(), SsoError> {
    match check_secret(&after.provider.settings, after.secret.is_some()) {
        Err(_) if forgotten => {
            let problem = "has to be given again where issuer, client id, description or \
                           authorities change: the stored one was not meant for whoever answers \
                           there";
            Err(SsoError::setting("secret", problem))
        }
        _ => Ok(()),
    }
}

/// Whether a second person has to approve it: whatever a provider that is on is believed for.
fn pass<P>(
    tx: &mut WriteTx<'_, P>,
    before: &Found,
    after: &Found,
    new_secret: bool,
    approved: Option<&Approved>,
) -> Result<AuditEvents, SsoError> {
    let named =
        |settings: &ProviderSettings| ProviderSettings { name: String::new(), ..settings.clone() };
    let (old, new) = (&before.provider, &after.provider);
    let is_same = before.is_on() && named(&old.settings) == named(&new.settings);
    if !after.is_on() || (is_same && approved.is_none()) {
        return Ok(AuditEvents::none());
    }
    if new_secret && approvals::is_on(tx)? {
        let problem = "is changed by itself, where a second person approves the rest";
        return Err(SsoError::setting("secret", problem));
    }
    let was = serde_json::to_vec(&(old.state.name(), &old.settings)).unwrap_or_default();
    let act = TrustedProvider {
        provider: new.id,
        settings: new.settings.clone(),
        from: describe::digest(&was),
    };
    Ok(approvals::pass(tx, approved, Act::TrustProvider(Box::new(act)))?)
}

/// Roles may have changed since they were written into the rules: they are looked at again by
/// whoever changes them, or lets them count.
fn check_roles_again(
    tx: &impl RealmTx,
    principal: &Principal,
    before: &Found,
    after: &Found,
) -> Result<(), SsoError> {
    let (old, new) = (&before.provider.settings, &after.provider.settings);
    let counts = after.is_on() && !before.is_on();
    match counts || old.provisioning != new.provisioning {
        true => check_roles(tx, principal, new),
        false => Ok(()),
    }
}

/// The names of people are one provider's: another one's "42" is somebody else.
fn check_issuer(tx: &impl RealmTx, before: &Found, after: &Found) -> Result<(), SsoError> {
    let (old, new) = (&before.provider.settings, &after.provider.settings);
    if repo::Issuer::of(old) != repo::Issuer::of(new) && repo::has_links(tx, before.provider.id)? {
        let problem = "is of another provider than the one that people were linked by: set up a \
                       new one for it";
        return Err(SsoError::setting("protocol", problem));
    }
    Ok(())
}

/// Where single sign-on is the only way in, a way stays.
fn check_not_last(
    tx: &impl RealmTx,
    principal: &Principal,
    id: ProviderId,
) -> Result<(), SsoError> {
    let is_operator = matches!(principal, Principal::LocalOperator { .. });
    let is_only_way = SignInPolicy::read(tx)?.single_sign_on_only;
    match is_only_way && !is_operator && repo::others_on(tx, id)? == 0 {
        true => Err(SsoError::LastProvider),
        false => Ok(()),
    }
}

/// Removes a provider, its links and its reports. Its sessions end.
///
/// # Errors
/// [`SsoError::NotFound`], [`SsoError::LastProvider`]
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    id: ProviderId,
) -> Result<(), SsoError> {
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        let found = repo::find(tx, id)?.ok_or(SsoError::NotFound)?;
        if found.is_on() {
            check_not_last(tx, &principal, id)?;
        }
        let ended = repo::end_sessions(tx, id)?;
        repo::delete(tx, id)?;
        let mut event = describe::about(catalogue::PROVIDER_DELETED, &found.provider);
        event.custom_fields.insert("sessionsEnded".into(), ended.into());
        Ok::<_, SsoError>(((), event.into()))
    });
    written.await.map(|_| ())
}
