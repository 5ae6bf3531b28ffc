//! Whether people come by an identity provider alone, and who still gets in without one.

use schemars::JsonSchema;
use serde::Serialize;

use super::change::{Way, changed};
use super::{SettingsError, repo};
use crate::approvals::{self, Act, Approved};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::{
    Person, SignInPolicy, end_with_provider, end_without_provider, last_emergency, without_provider,
};
use crate::authz::permission::{PlatformAuditRecord, SignInManage};
use crate::authz::{Grant, Permission, Principal, Realm, Role};
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, UserId};
use crate::tenants::{AuditEvents, RealmTx, Tenant, Tenants, WriteTx};

/// The setting, and whom it concerns.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleSignOn {
    /// Passwords, links and passkeys let nobody in but the emergency account.
    pub single_sign_on_only: bool,
    /// The emergency account; null while anybody may sign in without a provider.
    pub break_glass: Option<UserId>,
    /// Identity providers that are on.
    pub providers_on: u64,
    /// Active members who have signed in by one of them.
    pub members_linked: u64,
    /// Sessions that no provider is behind, of everybody.
    pub other_sessions: u64,
    /// When the emergency account was used, for a week.
    pub emergency_used_at: Option<Timestamp>,
}

/// What to change it to.
#[derive(Clone, Debug, Default)]
pub struct WantedSingleSignOn {
    pub only: bool,
    /// The emergency account by id or e-mail address. The one that there is when absent.
    pub break_glass: Option<String>,
}

/// Somebody who could be the emergency account.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: UserId,
    pub name: String,
    pub email: String,
    /// What they lack to be it.
    pub lacks: Option<Lack>,
}

/// Why somebody cannot be the emergency account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// They are no active owner.
    Owner,
    Password,
    SecondFactor,
}

/// As it is now. `P` is a permission to see it or to change it.
pub async fn single_sign_on<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<SingleSignOn, SettingsError> {
    let (realm, now) = (grant.realm(), tenants.runtime().now());
    let look = tenants.read(grant, move |tx| {
        let policy = SignInPolicy::read(tx)?;
        let nobody = UserId::from_bytes([0; 16]);
        let except = policy.break_glass.unwrap_or(nobody);
        Ok(SingleSignOn {
            single_sign_on_only: policy.single_sign_on_only,
            break_glass: policy.break_glass,
            providers_on: repo::providers_on(tx)?,
            members_linked: repo::members_linked(tx, except)?,
            other_sessions: without_provider(tx, realm, except)?,
            emergency_used_at: last_emergency(tx, now)?,
        })
    });
    look.await
}

/// The owners, and what each lacks to be the emergency account.
pub async fn candidates<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<Candidate>, SettingsError> {
    let realm = grant.realm();
    let look = tenants.read(grant, move |tx| {
        let mut found = Vec::new();
        for id in repo::active_owners(tx)? {
            let Some(person) = person(tx, realm, &id.to_string())? else { continue };
            let lacks = lack(tx, realm, &person)?;
            found.push(Candidate { id, name: person.name, email: person.email, lacks });
        }
        Ok::<_, SettingsError>(found)
    });
    look.await
}

/// Changes it. Sessions that would not begin any more end at once, the caller's too. Whoever becomes
/// the emergency account is nobody at a provider any more, and their sessions by one end.
///
/// # Errors
/// What stands against it: [`SettingsError::NoProvider`], [`SettingsError::NobodySignedIn`],
/// [`SettingsError::NotByProvider`], [`SettingsError::Emergency`]; [`SettingsError::Approval`] where
/// turning it off, or naming another emergency account, takes a second person.
pub async fn change_single_sign_on(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    wanted: WantedSingleSignOn,
) -> Result<SingleSignOn, SettingsError> {
    change(tenants, grant, wanted, Way::Alone).await?;
    single_sign_on(tenants, grant).await
}

/// The same as somebody else has asked and the caller approves.
pub async fn change_single_sign_on_approved(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    wanted: WantedSingleSignOn,
    approved: Approved,
) -> Result<(), SettingsError> {
    change(tenants, grant, wanted, Way::Approved(approved)).await.map(|_| ())
}

/// The way back for a tenant that nobody gets into any more: without a second person. The platform's
/// log says so too. `false`: it was so already, and nothing was changed or recorded.
///
/// # Errors
/// [`SettingsError::NotTheOperator`]; as for [`change_single_sign_on`].
pub async fn single_sign_on_by_operator(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    platform: &Grant<PlatformAuditRecord>,
    tenant: &Tenant,
    wanted: WantedSingleSignOn,
) -> Result<bool, SettingsError> {
    if !matches!(grant.caller().principal, Principal::LocalOperator { .. }) {
        return Err(SettingsError::NotTheOperator);
    }
    let only = wanted.only;
    let way = Way::FromTheMachine { field: "by", words: FROM_THE_MACHINE };
    if !change(tenants, grant, wanted, way).await? {
        return Ok(false);
    }
    tracing::warn!(tenant = %tenant.slug, only, "single sign-on was changed from the machine");
    let mut event = Event::new(catalogue::SETTINGS_CHANGED);
    event.resource = Some(Resource::new("tenant", tenant.id.to_string()));
    event.custom_fields.insert("singleSignOnOnly".into(), only.into());
    event.custom_fields.insert("by".into(), FROM_THE_MACHINE.into());
    let record = tenants.disclose(platform, move |_| Ok::<_, SettingsError>(((), event)));
    record.await.map(|_| true)
}

const FROM_THE_MACHINE: &str = "the machine's operator, without a second person";

/// Whether anything had to be changed.
async fn change(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    wanted: WantedSingleSignOn,
    way: Way,
) -> Result<bool, SettingsError> {
    let (realm, caller) = (grant.realm(), grant.caller().principal.clone());
    let written = tenants.write(grant, move |tx| {
        let before = SignInPolicy::read(tx)?;
        let after = checked(tx, realm, &before, &wanted)?;
        if after.single_sign_on_only && !before.single_sign_on_only {
            check_providers(tx, &caller, after.break_glass)?;
        }
        let passed = pass(tx, &before, &after, &way)?;
        if before == after {
            return Ok((false, passed));
        }
        let mut event = changed(&before, &after, "single-sign-on");
        way.mark(&mut event);
        repo::set_sign_in(tx, &after, tx.runtime().now())?;
        if let Some(account) = after.break_glass {
            let mut ended = end_without_provider(tx, realm, account)?;
            let mut events = AuditEvents::none();
            if before.break_glass != after.break_glass {
                ended += end_with_provider(tx, realm, account)?;
                for provider in repo::unlink_all(tx, account)? {
                    events = events.and(unlinked(account, provider));
                }
            }
            event.custom_fields.insert("sessionsEnded".into(), ended.into());
            return Ok((true, passed.and(event).then(events)));
        }
        Ok::<_, SettingsError>((true, passed.and(event)))
    });
    written.await.map(|written| written.value)
}

/// A provider that signs in the wrong people must not reach the account for that day.
fn unlinked(account: UserId, provider: ProviderId) -> Event {
    let mut event = Event::new(catalogue::IDENTITY_UNLINKED);
    event.resource = Some(Resource::new("user", account.to_string()));
    event.custom_fields.insert("provider".into(), provider.to_string().into());
    event.custom_fields.insert("cause".into(), "emergency-account".into());
    event
}

/// The policy with what is wanted. While anybody may sign in without a provider there is no emergency
/// account.
fn checked(
    tx: &impl RealmTx,
    realm: Realm,
    before: &SignInPolicy,
    wanted: &WantedSingleSignOn,
) -> Result<SignInPolicy, SettingsError> {
    if !wanted.only {
        let policy = before.clone();
        return Ok(SignInPolicy { single_sign_on_only: false, break_glass: None, ..policy });
    }
    let named = match (&wanted.break_glass, before.break_glass) {
        (Some(who), _) => who.trim().to_owned(),
        (None, Some(account)) => account.to_string(),
        (None, None) => return Err(SettingsError::Emergency(None)),
    };
    let found = person(tx, realm, &named)?.ok_or(SettingsError::Emergency(Some(Lack::Owner)))?;
    if let Some(lacks) = lack(tx, realm, &found)? {
        return Err(SettingsError::Emergency(Some(lacks)));
    }
    let break_glass = Some(UserId::from_bytes(found.id));
    Ok(SignInPolicy { single_sign_on_only: true, break_glass, ..before.clone() })
}

fn person(tx: &impl RealmTx, realm: Realm, who: &str) -> Result<Option<Person>, SettingsError> {
    let found = match who.parse::<UserId>() {
        Ok(id) => Person::by_id(tx, realm, *id.bytes()),
        Err(_) => Person::by_email(tx, realm, who),
    };
    Ok(found?)
}

fn lack(tx: &impl RealmTx, realm: Realm, person: &Person) -> Result<Option<Lack>, SettingsError> {
    let needs = person.needs(tx, realm)?;
    Ok(match person {
        _ if !person.active || person.rights.role() != Role::Owner.name() => Some(Lack::Owner),
        _ if !person.has_password() => Some(Lack::Password),
        _ if !needs.has_second() => Some(Lack::SecondFactor),
        _ => None,
    })
}

/// Nobody locks a tenant, or themselves, by a provider that has never let anybody in. The emergency
/// account does not count: it comes by none from now on.
fn check_providers(
    tx: &impl RealmTx,
    caller: &Principal,
    break_glass: Option<UserId>,
) -> Result<(), SettingsError> {
    if repo::providers_on(tx)? == 0 {
        return Err(SettingsError::NoProvider);
    }
    let account = break_glass.unwrap_or(UserId::from_bytes([0; 16]));
    if repo::members_linked(tx, account)? == 0 {
        return Err(SettingsError::NobodySignedIn);
    }
    match caller {
        Principal::User { id, .. } if break_glass != Some(*id) && !repo::is_linked(tx, *id)? => {
            Err(SettingsError::NotByProvider)
        }
        _ => Ok(()),
    }
}

/// Where four eyes are on, one person alone neither opens the other ways in again nor says who else
/// may use them.
fn pass<P>(
    tx: &mut WriteTx<'_, P>,
    before: &SignInPolicy,
    after: &SignInPolicy,
    way: &Way,
) -> Result<AuditEvents, SettingsError> {
    let opens = before.single_sign_on_only
        && (!after.single_sign_on_only || after.break_glass != before.break_glass);
    let act = || {
        let (only, break_glass) = (after.single_sign_on_only, after.break_glass);
        Act::SingleSignOn { only, break_glass }
    };
    match way {
        Way::Approved(approved) => Ok(approvals::pass(tx, Some(approved), act())?),
        Way::Alone if opens => Ok(approvals::pass(tx, None, act())?),
        Way::Alone | Way::FromTheMachine { .. } => Ok(AuditEvents::none()),
    }
}

#[cfg(test)]
#[path = "single_sign_on_tests.rs"]
mod tests;
