//! Finding groups. A page ends early rather than hold more than so many members.

use scim_v2::filter::Filter;
use serde_json::Value;

use super::group_repo::{self, GroupRow};
use super::query::{Asked, Found, Query};
use super::{ScimError, filter, limits, resource};
use crate::authz::Grant;
use crate::authz::permission::ScimProvision;
use crate::tenants::{RealmTx, Tenants};

/// # Errors
/// [`ScimError::Filter`], [`ScimError::TooMany`]
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<ScimProvision>,
    base: &str,
    asked: Asked,
) -> Result<Value, ScimError> {
    let (query, base) = (Query::read(asked)?, base.to_owned());
    let with_members = query.view.shows("members");
    let read = tenants.read(grant, move |tx| {
        let rows = match &query.filter {
            None => group_repo::groups_from(tx, 0, i64::MAX)?,
            Some(wanted) => chosen(tx, &query, wanted, &base)?,
        };
        let (total, mut held, mut resources) = (rows.len(), 0, Vec::new());
        for row in rows.into_iter().skip(query.skip).take(query.count) {
            held += usize::try_from(row.members).unwrap_or(usize::MAX);
            if with_members && held > limits::LISTED_MEMBERS && !resources.is_empty() {
                break;
            }
            let members = with_members.then(|| group_repo::members(tx, row.id)).transpose()?;
            let found = resource::group(tx, &row, members.as_deref(), &base)?;
            resources.extend(found.map(|found| query.view.apply(found.value)));
        }
        Ok(Found { total, start: query.skip.saturating_add(1), resources }.value())
    });
    read.await
}

fn chosen(
    tx: &impl RealmTx,
    query: &Query,
    wanted: &Filter,
    base: &str,
) -> Result<Vec<GroupRow>, ScimError> {
    filter::matches(wanted, &serde_json::json!({ "displayName": "" }))?;
    let with_members = query.chooses_by("members");
    let (mut chosen, mut looked_at) = (Vec::new(), 0);
    for row in candidates(tx, wanted)? {
        if with_members {
            looked_at += usize::try_from(row.members).unwrap_or(usize::MAX);
        }
        if looked_at > limits::SCAN * 10 {
            return Err(ScimError::TooMany);
        }
        let members = with_members.then(|| group_repo::members(tx, row.id)).transpose()?;
        let Some(found) = resource::group(tx, &row, members.as_deref(), base)? else { continue };
        if filter::matches(wanted, &found.value)? {
            chosen.push(row);
        }
    }
    Ok(chosen)
}

fn candidates(tx: &impl RealmTx, wanted: &Filter) -> Result<Vec<GroupRow>, ScimError> {
    for (attribute, text) in filter::needed(wanted) {
        if let Some(ids) = group_repo::groups_by(tx, &attribute, &text)? {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(group_repo::group(tx, id)?);
            }
            return Ok(rows);
        }
    }
    Ok(group_repo::groups_from(tx, 0, i64::MAX)?)
}
