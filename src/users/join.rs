//! Becoming a member: by an invitation, or by registering with an address of a listed domain.

use secrecy::SecretString;

use super::create::{created, insert};
use super::model::{Member, NewMember, Prepared, UserError, check_email, check_name};
use super::repo;
use crate::approvals;
use crate::audit::event::{Actor, Outcome};
use crate::audit::{Event, catalogue};
use crate::authn::links::{self, About, Details, Link, NewLink, Purpose};
use crate::authn::{Hasher, Person, SignInPolicy};
use crate::authz::{Realm, RequestContext, Role};
use crate::crypto::token::Token;
use crate::kernel::id::KeyId;
use crate::mail::{self, Letter, Recipient};
use crate::roles;
use crate::tenants::{AuditEvents, SystemWrite, Tenant, Tenants, WriteTx};

/// What somebody says about themselves behind a link.
pub struct Newcomer {
    pub name: String,
    pub password: SecretString,
}

/// Accepts an invitation. Signing in comes next, with all that it takes.
///
/// # Errors
/// [`UserError::Link`] for one that is over; what is wrong with name or password;
/// [`UserError::Role`] when the role is gone meanwhile.
pub async fn join(
    tenants: &Tenants,
    hasher: &Hasher,
    tenant: &Tenant,
    token: &str,
    who: Newcomer,
    request: RequestContext,
) -> Result<Member, UserError> {
    become_member(tenants, hasher, tenant, Purpose::Invitation, token, who, request).await
}

/// What the link of somebody who registers leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    New {
        email: String,
        name: String,
    },
    /// The address is a member's: whoever has it learns that by mail, and nobody else.
    Member,
    Over,
}

/// Whether somebody may ask to register with this name and address.
///
/// # Errors
/// What is wrong with the input; [`UserError::Domain`] for an address of another domain, or where
/// nobody may register.
pub async fn check_registration(
    tenants: &Tenants,
    tenant: &Tenant,
    name: &str,
    email: &str,
) -> Result<(), UserError> {
    check_name(name.trim())?;
    check_email(email.trim())?;
    let read = tenants
        .credentials(Realm::Tenant(tenant.id), |tx| Ok::<_, UserError>(SignInPolicy::read(tx)?));
    let policy = read.await?;
    if may_register(&policy, email.trim()) { Ok(()) } else { Err(UserError::Domain) }
}

/// Sends a link to somebody who wants to register, or, just the same, to a member.
///
/// # Errors
/// As [`check_registration`].
pub async fn register(
    tenants: &Tenants,
    tenant: &Tenant,
    name: &str,
    email: &str,
    request: RequestContext,
) -> Result<(), UserError> {
    let (name, email) = (name.trim().to_owned(), email.trim().to_owned());
    check_name(&name)?;
    check_email(&email)?;
    let realm = Realm::Tenant(tenant.id);
    let token = Token::generate(tenant.id, tenants.runtime().random.as_ref());
    let base = format!("/t/{}", tenant.slug);
    let details = Details { name: Some(name), role: None };
    let write = tenants.change_credentials_if_active(realm, move |tx| {
        if !may_register(&SignInPolicy::read(tx)?, &email) {
            return Err(UserError::Domain);
        }
        if !links::may_have_another(tx, &email)? {
            return Ok(((), AuditEvents::none()));
        }
        let member = Person::by_email(tx, realm, &email)?;
        let (about, address) = (member.as_ref().map(About::from), Some(email.as_str()));
        let (purpose, details) = (Purpose::Registration, Some(&details));
        let new = NewLink { purpose, about, address, details, browser: None, made_by: None };
        links::insert(tx, &token, &new)?;
        let subject = member.as_ref().map(|member| member.subject);
        let to = Recipient { address: email.clone(), subject };
        mail::queue(tx, &to, &Letter::Verification { link: purpose.link(&base, &token) })?;
        Ok(((), asked(&email, member.as_ref(), &request).into()))
    });
    write.await.map(|_| ())
}

fn may_register(policy: &SignInPolicy, email: &str) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    policy.admits_newcomers()
        && domain.is_some_and(|domain| policy.registration_domains.contains(&domain))
}

fn asked(email: &str, member: Option<&Person>, request: &RequestContext) -> Event {
    let mut event = Event::new(catalogue::EMAIL_VERIFICATION_REQUESTED);
    links::from_stranger(&mut event, request);
    match member {
        Some(member) => {
            event.actor = Some(member.actor());
            event.outcome = Outcome::Failure;
        }
        None => drop(event.custom_fields.insert("email".into(), email.into())),
    }
    event
}

pub async fn look_at_registration(
    tenants: &Tenants,
    tenant: &Tenant,
    token: &str,
) -> Result<Registration, UserError> {
    let Some(link) = find(tenants, tenant, Purpose::Registration, token).await? else {
        return Ok(Registration::Over);
    };
    Ok(match (link.person, link.address, link.details.name) {
        (None, Some(email), Some(name)) => Registration::New { email, name },
        (Some(_), ..) => Registration::Member,
        _ => Registration::Over,
    })
}

/// Makes somebody who has proven their address a member who may look and nothing else.
///
/// # Errors
/// As for [`join`]; [`UserError::Domain`] when nobody may register any more.
pub async fn confirm_registration(
    tenants: &Tenants,
    hasher: &Hasher,
    tenant: &Tenant,
    token: &str,
    who: Newcomer,
    request: RequestContext,
) -> Result<Member, UserError> {
    become_member(tenants, hasher, tenant, Purpose::Registration, token, who, request).await
}

async fn find(
    tenants: &Tenants,
    tenant: &Tenant,
    purpose: Purpose,
    token: &str,
) -> Result<Option<Link>, UserError> {
    let Some(token) = Token::parse(token, "") else { return Ok(None) };
    let now = tenants.runtime().now();
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        Ok::<_, UserError>(links::find(tx, purpose, &token, now)?)
    });
    look.await
}

async fn become_member(
    tenants: &Tenants,
    hasher: &Hasher,
    tenant: &Tenant,
    purpose: Purpose,
    token: &str,
    who: Newcomer,
    request: RequestContext,
) -> Result<Member, UserError> {
    let realm = Realm::Tenant(tenant.id);
    let link = find(tenants, tenant, purpose, token).await?.filter(|link| link.person.is_none());
    let link = link.ok_or(UserError::Link)?;
    let email = link.address.clone().ok_or(UserError::Link)?;
    let role = match purpose {
        Purpose::Invitation => link.details.role.clone().ok_or(UserError::Link)?,
        _ => Role::Viewer.name().to_owned(),
    };
    let new = NewMember { name: who.name, email, password: who.password, role };
    let new = new.prepare(hasher, &tenants.place(realm)).await?;
    let subject = tenants.new_subject(realm).await?;
    let write = tenants.change_credentials_if_active(realm, move |tx| {
        let (registers, policy) = (purpose == Purpose::Registration, SignInPolicy::read(tx)?);
        if registers && !may_register(&policy, &new.email) {
            return Err(UserError::Domain);
        }
        // From before: who comes by the provider alone becomes a member by it.
        if policy.single_sign_on_only {
            return Err(UserError::Link);
        }
        links::spend(tx, link.id)?;
        let member = put(tx, subject, &new)?;
        let mut event = created(&member);
        event.actor = Some(Actor::new("user", member.id.to_string()));
        event.custom_fields.insert("by".into(), purpose.name().into());
        links::from_stranger(&mut event, &request);
        Ok((member, event.into()))
    });
    Ok(write.await?.value)
}

fn put(
    tx: &mut WriteTx<'_, SystemWrite>,
    subject: KeyId,
    new: &Prepared,
) -> Result<Member, UserError> {
    let rights = roles::resolve(tx, &new.role)?;
    approvals::pass_role(tx, rights.permissions())?;
    match repo::find_by_email(tx, &new.email) {
        Err(UserError::NotFound) => insert(tx, subject, new, &rights),
        Err(error) => Err(error),
        Ok(_) => Err(UserError::Taken),
    }
}
