//! Defining a role.

use super::model::{NewRole, RoleView};
use super::repo::{self, Stored};
use super::{RoleError, check, resolve};
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::RoleManage;
use crate::authz::{Flag, Grant, Permissions};
use crate::kernel::limits;
use crate::tenants::Tenants;

/// # Errors
/// [`RoleError::TooMuch`] when it would permit what the caller may not do.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<RoleManage>,
    new: NewRole,
) -> Result<RoleView, RoleError> {
    check::code(&new.code)?;
    let (name, description) = (check::name(&new.name)?, check::description(&new.description)?);
    let given = check::permissions(&new.permissions)?;
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        if repo::count(tx)? >= limits::ROLES {
            return Err(RoleError::TooMany(limits::ROLES));
        }
        let copied = match &new.copy_of {
            Some(code) => resolve(tx, code)?.permissions(),
            None => Permissions::default(),
        };
        let (code, permissions) = (new.code.clone(), given.or(copied));
        check::may_give(&principal, permissions)?;
        let (name, description) = (name.clone(), description.clone());
        let role = Stored { code, name, description, permissions };
        repo::insert(tx, &role, tx.runtime().now())?;
        let mut event = about(catalogue::ROLE_CREATED, &role.code);
        differences(&mut event, None, Some(&role));
        Ok((role.view(), event.into()))
    });
    Ok(written.await?.value)
}

pub(super) fn about(action: catalogue::Action, code: &str) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("role", code));
    event
}

/// Name, description, and each permission that came or went by its own name, so that an auditor
/// finds who gave what to a role.
pub(super) fn differences(event: &mut Event, before: Option<&Stored>, after: Option<&Stored>) {
    type Text = fn(&Stored) -> &str;
    let texts: [(&str, Text); 2] =
        [("name", |role| &role.name), ("description", |role| &role.description)];
    for (field, text) in texts {
        let (old, new) = (before.map(text), after.map(text));
        if old != new {
            let change = Change { old: old.map(Into::into), new: new.map(Into::into) };
            event.changes.insert(field.to_owned(), change);
        }
    }
    let set = |role: Option<&Stored>| role.map(|role| role.permissions).unwrap_or_default();
    let (old, new) = (set(before), set(after));
    let mut list = |flags: Permissions, came: bool| {
        for flag in flags.iter().map(Flag::name) {
            let change = Change { old: Some((!came).into()), new: Some(came.into()) };
            event.changes.insert(flag.to_owned(), change);
        }
    };
    list(new.without(old), true);
    list(old.without(new), false);
}
