//! People, as a provider makes, changes and removes them. Whoever has the key could be a thief: it
//! sees and touches only those whom provisioning keeps, gives only roles that rules name, and names
//! only addresses of domains that the tenant trusts a provider with.

use serde_json::Value;

use super::resource::{self, Resource};
use super::shape::USER;
use super::{Plan, ScimError, UserAttributes, patch, repo, settle};
use crate::audit::event::{self, Change};
use crate::audit::{Event, catalogue};
use crate::authz::permission::ScimProvision;
use crate::authz::{Grant, Role};
use crate::kernel::id::UserId;
use crate::tenants::{AuditEvents, Tenants, WriteTx};
use crate::users::{self, Alteration, Member, MemberState, Prepared};

/// # Errors
/// [`ScimError::NotFound`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: UserId,
) -> Result<Resource, ScimError> {
    let base = base.to_owned();
    let read = tenants.read(grant, move |tx| {
        let row = repo::user(tx, id)?.ok_or(ScimError::NotFound)?;
        resource::user(tx, &row, &base)?.ok_or(ScimError::NotFound)
    });
    read.await
}

/// Makes somebody a member, or takes over a member whose address it is.
///
/// # Errors
/// [`ScimError::Taken`] for a `userName` or address that somebody has whom provisioning may not take
/// over; [`ScimError::Value`] for what is wrong or of a domain that is not provisioned.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    given: &Value,
) -> Result<Resource, ScimError> {
    let (attributes, base) = (UserAttributes::read(given)?, base.to_owned());
    let subject = tenants.new_subject(grant.realm()).await?;
    let written = tenants.write(grant, move |tx| {
        let mut plan = Plan::read(tx)?;
        repo::check_user_name(tx, &attributes.user_name, None)?;
        plan.check_address(tx, attributes.address())?;
        let (id, events) = match users::look_by_email(tx, attributes.address())? {
            Some(member) => take_over(tx, &mut plan, &member, &attributes)?,
            None => {
                let (name, address) = (attributes.full_name(), attributes.address());
                // Until rules give another one; with none, nobody signs in by it.
                let role = Role::Viewer.name();
                let new = Prepared::without_password(&name, address, role)?;
                let (member, created) = users::add(tx, subject, &new, &Role::Viewer.into())?;
                repo::keep(tx, member.id, subject, &attributes, role)?;
                (member.id, AuditEvents::from(created))
            }
        };
        let events = events.then(settle::settle(tx, &mut plan, id)?);
        let row = repo::user(tx, id)?.ok_or(ScimError::NotFound)?;
        let made = resource::user(tx, &row, &base)?.ok_or(ScimError::NotFound)?;
        Ok::<_, ScimError>((made, events))
    });
    Ok(written.await?.value)
}

const NOT_TAKEN_OVER: ScimError = ScimError::Taken(
    "a member has this address whom provisioning may not take over: a person has to change their role first",
);

const APPROVES: ScimError = ScimError::Taken(
    "a member has this address who approves what takes two people: provisioning may not take them over",
);

/// A member becomes one whom provisioning keeps, by the rules by which single sign-on would link
/// them: an address of a trusted domain, and nobody mightier than the rules could make them. With four
/// eyes nobody who approves.
fn take_over(
    tx: &mut WriteTx<'_, ScimProvision>,
    plan: &mut Plan,
    member: &Member,
    attributes: &UserAttributes,
) -> Result<(UserId, AuditEvents), ScimError> {
    let former = repo::any(tx, member.id)?;
    if former.as_ref().is_some_and(|kept| !kept.is_gone) {
        return Err(ScimError::Taken("somebody else here has this address"));
    }
    let given = former.as_ref().map(|kept| kept.given.as_str());
    if plan.out_of_reach(member, given).is_some() {
        return Err(NOT_TAKEN_OVER);
    }
    if plan.approves(tx, &member.role)? {
        return Err(APPROVES);
    }
    let subject = repo::subject(tx, member.id)?.ok_or(ScimError::NotFound)?;
    repo::keep(tx, member.id, subject, attributes, &member.role)?;
    let mut events = AuditEvents::from(managed(member.id, true));
    for event in rename(tx, member, attributes, true)? {
        events = events.and(event);
    }
    Ok((member.id, events))
}

/// Name and, if it may, address follow what the provider says.
fn rename(
    tx: &mut WriteTx<'_, ScimProvision>,
    member: &Member,
    to: &UserAttributes,
    with_address: bool,
) -> Result<Vec<Event>, ScimError> {
    let (name, email) = (to.full_name(), to.address().to_owned());
    let differs = |now: &Option<String>, new: &str| now.as_deref() != Some(new);
    let changes = Alteration {
        name: differs(&member.name, &name).then_some(name),
        email: (with_address && differs(&member.email, &email)).then_some(email),
        role: None,
    };
    Ok(users::alter(tx, member, &changes)?)
}

/// Puts a whole resource in place of the other.
///
/// # Errors
/// As for [`create`]; [`ScimError::NotFound`], [`ScimError::Changed`], [`ScimError::OutOfReach`].
pub async fn replace(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: UserId,
    condition: Option<String>,
    given: &Value,
) -> Result<Resource, ScimError> {
    let attributes = UserAttributes::read(given)?;
    change(tenants, grant, base, id, condition, move |before| {
        // What is not said stays: leaving "active" out must let nobody in.
        let active = attributes.active.or(before.active);
        Ok(UserAttributes { active, ..attributes.clone() })
    })
    .await
}

/// Applies operations, all or none.
///
/// # Errors
/// As for [`replace`], and what is wrong with an operation.
pub async fn patch(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: UserId,
    condition: Option<String>,
    body: &Value,
) -> Result<Resource, ScimError> {
    let operations = patch::parse(body)?;
    change(tenants, grant, base, id, condition, move |before| {
        let mut value = before.value();
        for operation in &operations {
            patch::apply(&mut value, USER, operation)?;
        }
        UserAttributes::read(&value)
    })
    .await
}

async fn change(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: UserId,
    condition: Option<String>,
    to: impl Fn(&UserAttributes) -> Result<UserAttributes, ScimError> + Send + 'static,
) -> Result<Resource, ScimError> {
    let base = base.to_owned();
    let written = tenants.write(grant, move |tx| {
        let row = repo::user(tx, id)?.ok_or(ScimError::NotFound)?;
        let now = resource::user(tx, &row, &base)?.ok_or(ScimError::NotFound)?;
        resource::check_version(condition.as_deref(), &now.version)?;
        let before = row.open(tx)?.ok_or(ScimError::NotFound)?;
        let after = to(&before)?;
        let mut plan = Plan::read(tx)?;
        let member = reached(tx, &plan, id)?;
        let mut events = AuditEvents::none();
        if after != before || after.is_active() != row.active {
            check(tx, &mut plan, &member, &before, &after)?;
            let subject = repo::subject(tx, id)?.ok_or(ScimError::NotFound)?;
            repo::keep(tx, id, subject, &after, &member.role)?;
            // One that a person has given them meanwhile stays.
            let with_address = !plan.approves(tx, &member.role)?;
            for event in rename(tx, &member, &after, with_address)? {
                events = events.and(event);
            }
            events = events.and(updated(id, &before, &after));
        }
        let events = events.then(settle::settle(tx, &mut plan, id)?);
        let row = repo::user(tx, id)?.ok_or(ScimError::NotFound)?;
        let made = resource::user(tx, &row, &base)?.ok_or(ScimError::NotFound)?;
        Ok::<_, ScimError>((made, events))
    });
    Ok(written.await?.value)
}

fn check(
    tx: &WriteTx<'_, ScimProvision>,
    plan: &mut Plan,
    member: &Member,
    before: &UserAttributes,
    after: &UserAttributes,
) -> Result<(), ScimError> {
    repo::check_user_name(tx, &after.user_name, Some(member.id))?;
    let is_same = after.address().eq_ignore_ascii_case(before.address());
    if !is_same || member.email.as_deref() != Some(before.address()) {
        plan.check_address(tx, after.address())?;
    }
    if !is_same && plan.approves(tx, &member.role)? {
        return Err(ADDRESS_OF_AN_APPROVER);
    }
    if !after.is_active() && users::is_last_owner(tx, member)? {
        return Err(LAST_OWNER);
    }
    Ok(())
}

const ADDRESS_OF_AN_APPROVER: ScimError = ScimError::OutOfReach(
    "this member approves what takes two people: a person has to change their address",
);

const LAST_OWNER: ScimError =
    ScimError::OutOfReach("a tenant needs at least one active owner: make another one first");

/// # Errors
/// [`ScimError::OutOfReach`]
fn reached(tx: &WriteTx<'_, ScimProvision>, plan: &Plan, id: UserId) -> Result<Member, ScimError> {
    let member = users::look(tx, id)?.ok_or(ScimError::NotFound)?;
    let kept = repo::kept(tx, id)?.ok_or(ScimError::NotFound)?;
    match plan.out_of_reach(&member, Some(&kept.given)) {
        None => Ok(member),
        Some(why) => Err(ScimError::OutOfReach(why)),
    }
}

/// Disables somebody and forgets what the provider said about them. The member stays, for the log
/// names them.
///
/// # Errors
/// [`ScimError::NotFound`], [`ScimError::Changed`], [`ScimError::OutOfReach`].
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: UserId,
    condition: Option<String>,
) -> Result<(), ScimError> {
    let base = base.to_owned();
    let written = tenants.write(grant, move |tx| {
        let row = repo::user(tx, id)?.ok_or(ScimError::NotFound)?;
        let now = resource::user(tx, &row, &base)?.ok_or(ScimError::NotFound)?;
        resource::check_version(condition.as_deref(), &now.version)?;
        let plan = Plan::read(tx)?;
        let member = reached(tx, &plan, id)?;
        if users::is_last_owner(tx, &member)? {
            return Err(LAST_OWNER);
        }
        let disabled = users::switch(tx, &member, MemberState::Disabled)?;
        if disabled.is_some() {
            repo::set_held(tx, id, true)?;
        }
        repo::forget(tx, id)?;
        let events = disabled.into_iter().chain([managed(id, false)]);
        Ok(((), events.fold(AuditEvents::none(), AuditEvents::and)))
    });
    written.await.map(|_| ())
}

/// Somebody is kept by provisioning from now on, or no longer.
fn managed(id: UserId, is_managed: bool) -> Event {
    let mut event = Event::new(catalogue::USER_UPDATED);
    event.resource = Some(event::Resource::new("user", id.to_string()));
    let change = Change { old: Some((!is_managed).into()), new: Some(is_managed.into()) };
    event.changes.insert("provisioned".into(), change);
    event
}

/// Says which attributes were changed, and not what they are.
fn updated(id: UserId, before: &UserAttributes, after: &UserAttributes) -> Event {
    let mut event = Event::new(catalogue::USER_UPDATED);
    event.resource = Some(event::Resource::new("user", id.to_string()));
    let (old, new) = (before.value(), after.value());
    for (name, _) in super::shape::USER {
        if old.get(name) == new.get(name) {
            continue;
        }
        let shown = |value: Option<&Value>| match value {
            Some(Value::Bool(truth)) => Some(Value::Bool(*truth)),
            other => other.map(|_| "[sealed]".into()),
        };
        let change = Change { old: shown(old.get(name)), new: shown(new.get(name)) };
        event.changes.insert(format!("scim.{name}"), change);
    }
    event
}
