//! Inviting people: a link with which somebody becomes a member in a role that was given beforehand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::model::{UserError, check_email, check_name};
use super::repo;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::links::{self, Details, Link, NewLink, Purpose};
use crate::authn::{self, SignInPolicy};
use crate::authz::permission::{UserInvite, UserRead};
use crate::authz::{Flag, Grant, Principal, Realm};
use crate::crypto::token::Token;
use crate::kernel::id::LinkId;
use crate::kernel::{Timestamp, limits};
use crate::mail::{self, Letter, Mailer, Recipient};
use crate::roles;
use crate::tenants::{Tenant, Tenants, WriteTx};

/// Somebody who may become a member.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    pub id: LinkId,
    pub email: String,
    /// As whoever invited them calls them.
    pub name: Option<String>,
    /// The code of the role that they will have.
    pub role: String,
    pub invited_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Somebody to be invited.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewInvitation {
    pub email: String,
    /// What they are called until they say so themselves.
    #[serde(default)]
    pub name: Option<String>,
    /// The code of a role, with no more rights than one's own.
    pub role: String,
}

/// An invitation that was just made.
pub struct Invited {
    pub invitation: Invitation,
    /// Path and query of the link, a secret, to hand over where no mail can be sent.
    pub link: Zeroizing<String>,
    /// Whether it goes out by mail.
    pub is_mailed: bool,
}

/// Invites somebody; an older invitation to the same address stops working.
///
/// # Errors
/// [`UserError::Taken`] for the address of a member, [`UserError::TooMuch`] for a role with more
/// rights than one's own, [`UserError::SecondPerson`] for a role that can
/// approve, where two people must agree, [`UserError::SingleSignOn`] where people come by an identity
/// provider alone.
pub async fn invite(
    tenants: &Tenants,
    mailer: &Mailer,
    grant: &Grant<UserInvite>,
    tenant: &Tenant,
    new: NewInvitation,
) -> Result<Invited, UserError> {
    let (email, name) = (new.email.trim().to_owned(), new.name.map(|name| name.trim().to_owned()));
    let name = name.filter(|name| !name.is_empty());
    check_email(&email)?;
    name.as_deref().map_or(Ok(()), check_name)?;
    let token = Token::generate(tenant.id, tenants.runtime().random.as_ref());
    let link = Zeroizing::new(Purpose::Invitation.link(&format!("/t/{}", tenant.slug), &token));
    let (is_mailed, letter_link) = (mailer.is_configured(), link.clone());
    let principal = grant.caller().principal.clone();
    let details = Details { name, role: Some(new.role) };
    let written = tenants.write(grant, move |tx| {
        may_invite(tx, &principal, &email, &details)?;
        links::supersede(tx, Purpose::Invitation, &email)?;
        let made_by = authn::maker(tx, &principal)?;
        let id = insert(tx, &token, &email, &details, made_by)?;
        if is_mailed {
            let by = match &principal {
                Principal::User { name, .. } => Some(name.clone()),
                _ => None,
            };
            let letter = Letter::Invitation { link: letter_link.to_string(), by };
            let to = Recipient { address: email.clone(), subject: None };
            mail::queue(tx, &to, &letter)?;
        }
        let now = tx.runtime().now();
        let made = Invitation {
            id,
            email: email.clone(),
            name: details.name.clone(),
            role: details.role.clone().unwrap_or_default(),
            invited_at: now,
            expires_at: now.plus(limits::INVITATION_LIFE),
        };
        let event = event(catalogue::USER_INVITED, id, details.role.as_deref());
        Ok::<_, UserError>((made, event.into()))
    });
    Ok(Invited { invitation: written.await?.value, link, is_mailed })
}

fn may_invite(
    tx: &WriteTx<'_, UserInvite>,
    principal: &Principal,
    email: &str,
    details: &Details,
) -> Result<(), UserError> {
    let rights = roles::give(tx, principal, details.role.as_deref().unwrap_or_default())?;
    let approver = rights.permissions().has(Flag::ApprovalDecide);
    let policy = SignInPolicy::read(tx)?;
    if approver && policy.four_eyes {
        return Err(UserError::SecondPerson);
    }
    if policy.single_sign_on_only {
        return Err(UserError::SingleSignOn);
    }
    match repo::find_by_email(tx, email) {
        Err(UserError::NotFound) => {}
        Err(error) => return Err(error),
        Ok(_) => return Err(UserError::Taken),
    }
    let open = links::open_links(tx, Purpose::Invitation, tx.runtime().now())?;
    if open.len() >= limits::INVITATIONS { Err(UserError::Invitations) } else { Ok(()) }
}

fn insert(
    tx: &mut WriteTx<'_, UserInvite>,
    token: &Token,
    email: &str,
    details: &Details,
    made_by: Option<[u8; 16]>,
) -> Result<LinkId, UserError> {
    let (purpose, address, details) = (Purpose::Invitation, Some(email), Some(details));
    let new = NewLink { purpose, about: None, address, details, browser: None, made_by };
    Ok(links::insert(tx, token, &new)?)
}

/// Those that can still be accepted, oldest first.
pub async fn invitations(
    tenants: &Tenants,
    grant: &Grant<UserRead>,
) -> Result<Vec<Invitation>, UserError> {
    let now = tenants.runtime().now();
    tenants
        .read(grant, move |tx| {
            let open = links::open_links(tx, Purpose::Invitation, now)?;
            Ok::<_, UserError>(open.into_iter().map(Invitation::from).collect())
        })
        .await
}

/// # Errors
/// [`UserError::NotInvited`] for one that is not there, was accepted or is over.
pub async fn withdraw_invitation(
    tenants: &Tenants,
    grant: &Grant<UserInvite>,
    id: LinkId,
) -> Result<(), UserError> {
    let written = tenants.write(grant, move |tx| {
        if !links::revoke(tx, Purpose::Invitation, id)? {
            return Err(UserError::NotInvited);
        }
        Ok::<_, UserError>(((), event(catalogue::INVITATION_WITHDRAWN, id, None).into()))
    });
    written.await.map(|_| ())
}

/// What an invitation says; nothing once it was accepted, withdrawn or is over.
pub async fn look_at_invitation(
    tenants: &Tenants,
    tenant: &Tenant,
    token: &str,
) -> Result<Option<Invitation>, UserError> {
    let Some(token) = Token::parse(token, "") else { return Ok(None) };
    let now = tenants.runtime().now();
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        let found = links::find(tx, Purpose::Invitation, &token, now)?;
        let accepts = !SignInPolicy::read(tx)?.single_sign_on_only;
        Ok::<_, UserError>(found.filter(|_| accepts).map(Invitation::from))
    });
    look.await
}

impl From<Link> for Invitation {
    fn from(link: Link) -> Self {
        Self {
            id: link.id,
            email: link.address.unwrap_or_default(),
            name: link.details.name,
            role: link.details.role.unwrap_or_default(),
            invited_at: link.created,
            expires_at: link.expires,
        }
    }
}

fn event(action: catalogue::Action, id: LinkId, role: Option<&str>) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("invitation", id.to_string()));
    if let Some(role) = role {
        let change = Change { old: None, new: Some(role.into()) };
        event.changes.insert("role".into(), change);
    }
    event
}
