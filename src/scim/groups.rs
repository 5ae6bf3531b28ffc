//! Groups. Whoever comes into one or leaves one gets the role that the rules then give them, in the
//! same transaction.

use std::collections::BTreeSet;

use serde_json::Value;

use super::group_patch::{self, MemberEdit};
use super::group_repo::{self, GroupDetails, GroupRow};
use super::query::View;
use super::resource::{self, Resource};
use super::{Plan, ScimError, limits, patch, repo, settle};
use crate::audit::event::{self, Change};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::ScimProvision;
use crate::kernel::id::{GroupId, UserId};
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// # Errors
/// [`ScimError::NotFound`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: GroupId,
    view: &View,
) -> Result<Resource, ScimError> {
    let (base, with_members) = (base.to_owned(), view.shows("members"));
    let read = tenants.read(grant, move |tx| {
        let row = group_repo::group(tx, id)?.ok_or(ScimError::NotFound)?;
        shown(tx, &row, with_members, &base)
    });
    read.await
}

fn shown(
    tx: &impl RealmTx,
    row: &GroupRow,
    with_members: bool,
    base: &str,
) -> Result<Resource, ScimError> {
    let members = with_members.then(|| group_repo::members(tx, row.id)).transpose()?;
    resource::group(tx, row, members.as_deref(), base)?.ok_or(ScimError::NotFound)
}

/// # Errors
/// [`ScimError::Taken`] for a name that another group has; [`ScimError::Value`] for members who are
/// nobody here.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    given: &Value,
) -> Result<Resource, ScimError> {
    let ((details, members), base) = (group_patch::read(given)?, base.to_owned());
    let id = tenants.runtime().id::<GroupId>();
    let written = tenants.write(grant, move |tx| {
        if repo::count_groups(tx)? >= limits::GROUPS {
            let most = usize::try_from(limits::GROUPS).unwrap_or(usize::MAX);
            return Err(ScimError::Most { what: "groups", most });
        }
        group_repo::keep(tx, id, &details)?;
        let edit = MemberEdit::all(members.clone());
        let (added, _) = put(tx, id, &edit)?;
        let mut event = about(catalogue::GROUP_CREATED, id);
        name(&mut event, None, Some(&details));
        count(&mut event, &added, &BTreeSet::new());
        let events = AuditEvents::from(event).then(settle_all(tx, &added)?);
        let row = group_repo::group(tx, id)?.ok_or(ScimError::NotFound)?;
        Ok((shown(tx, &row, true, &base)?, events))
    });
    Ok(written.await?.value)
}

/// Puts a whole group in place of the other.
///
/// # Errors
/// As for [`create`]; [`ScimError::NotFound`], [`ScimError::Changed`].
pub async fn replace(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: GroupId,
    condition: Option<String>,
    given: &Value,
) -> Result<Resource, ScimError> {
    let (details, members) = group_patch::read(given)?;
    change(tenants, grant, base, id, condition, true, move |_| {
        Ok((details.clone(), MemberEdit::all(members.clone())))
    })
    .await
}

/// Applies operations, all or none. Answers with the members only when asked to.
///
/// # Errors
/// As for [`replace`], and what is wrong with an operation.
pub async fn patch(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: GroupId,
    condition: Option<String>,
    with_members: bool,
    body: &Value,
) -> Result<Resource, ScimError> {
    let operations = patch::parse(body)?;
    change(tenants, grant, base, id, condition, with_members, move |before| {
        group_patch::apply(before, &operations)
    })
    .await
}

async fn change(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    id: GroupId,
    condition: Option<String>,
    with_members: bool,
    to: impl Fn(&GroupDetails) -> Result<(GroupDetails, MemberEdit), ScimError> + Send + 'static,
) -> Result<Resource, ScimError> {
    let base = base.to_owned();
    let written = tenants.write(grant, move |tx| {
        let row = group_repo::group(tx, id)?.ok_or(ScimError::NotFound)?;
        resource::check_version(condition.as_deref(), &format!("W/\"{}\"", row.version))?;
        let before = row.open(tx)?.ok_or(ScimError::NotFound)?;
        let (after, edit) = to(&before)?;
        let (added, removed) = put(tx, id, &edit)?;
        let mut events = AuditEvents::none();
        let renamed = before.display_name.to_lowercase() != after.display_name.to_lowercase();
        if after != before || !added.is_empty() || !removed.is_empty() {
            group_repo::keep(tx, id, &after)?;
            let mut event = about(catalogue::GROUP_CHANGED, id);
            name(&mut event, Some(&before), Some(&after));
            count(&mut event, &added, &removed);
            events = events.and(event);
        }
        // Another name may be another rule's.
        let concerned = match renamed {
            true => group_repo::members(tx, id)?.into_iter().chain(removed).collect(),
            false => added.union(&removed).copied().collect(),
        };
        let events = events.then(settle_all(tx, &concerned)?);
        let row = group_repo::group(tx, id)?.ok_or(ScimError::NotFound)?;
        Ok::<_, ScimError>((shown(tx, &row, with_members, &base)?, events))
    });
    Ok(written.await?.value)
}

/// # Errors
/// [`ScimError::NotFound`], [`ScimError::Changed`].
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    id: GroupId,
    condition: Option<String>,
) -> Result<(), ScimError> {
    let written = tenants.write(grant, move |tx| {
        let row = group_repo::group(tx, id)?.ok_or(ScimError::NotFound)?;
        resource::check_version(condition.as_deref(), &format!("W/\"{}\"", row.version))?;
        let before = row.open(tx)?.unwrap_or_default();
        let members: BTreeSet<_> = group_repo::members(tx, id)?.into_iter().collect();
        group_repo::delete(tx, id)?;
        let mut event = about(catalogue::GROUP_DELETED, id);
        name(&mut event, Some(&before), None);
        count(&mut event, &BTreeSet::new(), &members);
        Ok::<_, ScimError>(((), AuditEvents::from(event).then(settle_all(tx, &members)?)))
    });
    written.await.map(|_| ())
}

/// Brings the members to what they are to be; who came and who went.
fn put(
    tx: &mut WriteTx<'_, ScimProvision>,
    id: GroupId,
    edit: &MemberEdit,
) -> Result<(BTreeSet<UserId>, BTreeSet<UserId>), ScimError> {
    let wanted: Vec<_> = edit.add.iter().copied().collect();
    if group_repo::known(tx, &wanted)? != wanted.len() {
        return Err(ScimError::value("a member is none of the users that were provisioned here"));
    }
    let before: BTreeSet<_> = group_repo::members(tx, id)?.into_iter().collect();
    let after = edit.of(&before);
    if after.len() > limits::GROUP_MEMBERS {
        return Err(ScimError::Most { what: "members of a group", most: limits::GROUP_MEMBERS });
    }
    let added: BTreeSet<_> = after.difference(&before).copied().collect();
    let removed: BTreeSet<_> = before.difference(&after).copied().collect();
    for user in &added {
        group_repo::add(tx, id, *user)?;
    }
    for user in &removed {
        group_repo::remove(tx, id, *user)?;
    }
    Ok((added, removed))
}

fn settle_all(
    tx: &mut WriteTx<'_, ScimProvision>,
    users: &BTreeSet<UserId>,
) -> Result<AuditEvents, ScimError> {
    let mut plan = Plan::read(tx)?;
    let mut events = AuditEvents::none();
    for user in users {
        events = events.then(settle::settle(tx, &mut plan, *user)?);
    }
    Ok(events)
}

fn about(action: catalogue::Action, id: GroupId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(event::Resource::new("group", id.to_string()));
    event
}

/// Names of groups are in the log: rules go by them.
fn name(event: &mut Event, before: Option<&GroupDetails>, after: Option<&GroupDetails>) {
    let shown = |details: Option<&GroupDetails>| {
        details.map(|details| Value::from(details.display_name.as_str()))
    };
    let (old, new) = (shown(before), shown(after));
    if old != new {
        event.changes.insert("displayName".to_owned(), Change { old, new });
    } else if let Some(name) = new {
        event.custom_fields.insert("group".to_owned(), name);
    }
}

/// Ids that one entry names; above that it says how many.
const NAMED: usize = 100;

fn count(event: &mut Event, added: &BTreeSet<UserId>, removed: &BTreeSet<UserId>) {
    for (field, users) in [("membersAdded", added), ("membersRemoved", removed)] {
        if users.is_empty() {
            continue;
        }
        let value = match users.len() {
            many if many > NAMED => many.into(),
            _ => users.iter().map(|id| Value::from(id.to_string())).collect(),
        };
        event.custom_fields.insert(field.to_owned(), value);
    }
}
