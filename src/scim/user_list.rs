//! Finding people. What an index answers is looked up; the rest is opened one after another, so many
//! and no more.

use serde_json::Value;

use super::query::{Asked, Found, Query};
use super::repo::{self, UserRow};
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
    let read = tenants.read(grant, move |tx| {
        let (total, rows) = rows(tx, &query, &base)?;
        let mut resources = Vec::new();
        for row in rows {
            let found = resource::user(tx, &row, &base)?;
            resources.extend(found.map(|found| query.view.apply(found.value)));
        }
        Ok(Found { total, start: query.skip.saturating_add(1), resources }.value())
    });
    read.await
}

/// How many there are, and those of this page.
fn rows(tx: &impl RealmTx, query: &Query, base: &str) -> Result<(usize, Vec<UserRow>), ScimError> {
    let Some(wanted) = &query.filter else {
        let total = usize::try_from(repo::count_users(tx)?).unwrap_or(usize::MAX);
        let (skip, count) = (i64::try_from(query.skip), i64::try_from(query.count));
        let rows = repo::users_from(tx, skip.unwrap_or(i64::MAX), count.unwrap_or(0))?;
        return Ok((total, rows));
    };
    let with_groups = query.chooses_by("groups");
    let mut page = Page { query, total: 0, rows: Vec::new() };
    let mut look = |row: UserRow| {
        let found = match with_groups {
            true => resource::user(tx, &row, base)?.map(|found| found.value),
            false => resource::bare_user(tx, &row, base)?,
        };
        if found.is_some_and(|found| filter::matches(wanted, &found).is_ok_and(|fits| fits)) {
            page.take(row);
        }
        Ok::<_, ScimError>(())
    };
    // Once on nothing, so that a comparison without meaning is said where there is nobody too.
    filter::matches(wanted, &serde_json::json!({ "active": true }))?;
    for (attribute, text) in filter::needed(wanted) {
        if let Some(candidates) = repo::users_by(tx, &attribute, &text)? {
            if candidates.len() > limits::SCAN {
                return Err(ScimError::TooMany);
            }
            for id in candidates {
                repo::user(tx, id)?.map_or(Ok(()), &mut look)?;
            }
            return Ok((page.total, page.rows));
        }
    }
    if repo::count_users(tx)? > limits::SCAN as u64 {
        return Err(ScimError::TooMany);
    }
    let mut after = None;
    loop {
        let rows = repo::users_after(tx, after, limits::SCAN_STEP)?;
        let Some(last) = rows.last() else { return Ok((page.total, page.rows)) };
        after = Some(last.id);
        rows.into_iter().try_for_each(&mut look)?;
    }
}

struct Page<'a> {
    query: &'a Query,
    total: usize,
    rows: Vec<UserRow>,
}

impl Page<'_> {
    fn take(&mut self, row: UserRow) {
        if self.total >= self.query.skip && self.rows.len() < self.query.count {
            self.rows.push(row);
        }
        self.total += 1;
    }
}
