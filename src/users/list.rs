//! The members of a tenant.

use data_encoding::HEXLOWER;

use super::model::{Member, MemberFilter, MemberPage, UserError};
use super::repo::{self, RawMember, Wanted};
use crate::authz::Grant;
use crate::authz::permission::UserRead;
use crate::kernel::id::UserId;
use crate::kernel::limits;
use crate::tenants::{RealmTx, Tenants};

/// Members that one page looks at: names are sealed, so a search opens one after another, and this
/// bounds for how long.
const SCAN_MOST: usize = 5_000;
/// Rows fetched at once while searching.
const SCAN_STEP: usize = 500;

/// All members, oldest first.
pub async fn list(tenants: &Tenants, grant: &Grant<UserRead>) -> Result<Vec<Member>, UserError> {
    tenants.read(grant, |tx| repo::list(tx)).await
}

/// How many can sign in.
pub async fn count_active(tenants: &Tenants, grant: &Grant<UserRead>) -> Result<u64, UserError> {
    tenants.read(grant, |tx| Ok(repo::active(tx)?)).await
}

/// A page of members. One that has a cursor and few items has looked at as many as one page may.
pub async fn page(
    tenants: &Tenants,
    grant: &Grant<UserRead>,
    filter: MemberFilter,
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Result<MemberPage, UserError> {
    let limit = limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT);
    if !(1..=limits::PAGE_ITEMS).contains(&limit) {
        return Err(UserError::Limit);
    }
    let after = cursor.map(parse).transpose()?;
    tenants
        .read(grant, move |tx| {
            let (items, next) = scan(tx, &filter, after, limit)?;
            let next_cursor = next.map(|id| HEXLOWER.encode(id.bytes()));
            Ok(MemberPage { items, next_cursor })
        })
        .await
}

fn parse(cursor: &str) -> Result<UserId, UserError> {
    let bytes = HEXLOWER.decode(cursor.as_bytes()).map_err(|_| UserError::Cursor)?;
    bytes.try_into().map(UserId::from_bytes).map_err(|_| UserError::Cursor)
}

/// The page, and the last member that was looked at when there are more.
fn scan(
    tx: &impl RealmTx,
    filter: &MemberFilter,
    mut after: Option<UserId>,
    limit: usize,
) -> Result<(Vec<Member>, Option<UserId>), UserError> {
    let MemberFilter { q, role, state, second_factor } = filter;
    let wanted = Wanted { role: role.as_deref(), state: *state, second_factor: *second_factor };
    let needle = q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    if let Some(found) = needle.filter(|q| q.contains('@')).map(|q| by_email(tx, &wanted, q)) {
        let found = found?;
        if !found.is_empty() {
            return Ok((found, None));
        }
    }
    let needle = needle.map(str::to_lowercase);
    let looks = needle.is_some() || second_factor.is_some();
    let step = if looks { SCAN_STEP } else { limit + 1 };
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let rows = repo::page(tx, &wanted, after, i64::try_from(step).unwrap_or(i64::MAX))?;
        let is_last = rows.len() < step;
        for row in rows {
            if items.len() == limit || looked_at == SCAN_MOST {
                return Ok((items, after));
            }
            looked_at += 1;
            after = Some(row.member.id);
            items.extend(matching(tx, &wanted, row, needle.as_deref())?);
        }
        if is_last {
            return Ok((items, None));
        }
    }
}

/// The member with this whole address, found by its blind index.
fn by_email(tx: &impl RealmTx, wanted: &Wanted<'_>, email: &str) -> Result<Vec<Member>, UserError> {
    match repo::find_by_email(tx, email) {
        Ok(member) => Ok(Vec::from_iter(Some(member).filter(|member| fits(wanted, member)))),
        Err(UserError::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn fits(wanted: &Wanted<'_>, member: &Member) -> bool {
    wanted.role.is_none_or(|role| member.role == role)
        && wanted.state.is_none_or(|state| member.state == state)
        && wanted.second_factor.is_none_or(|factor| member.second_factor == factor)
}

fn matching(
    tx: &impl RealmTx,
    wanted: &Wanted<'_>,
    row: RawMember,
    needle: Option<&str>,
) -> Result<Option<Member>, UserError> {
    if !fits(wanted, &row.member) {
        return Ok(None);
    }
    let member = repo::open(tx, row)?;
    let Some(needle) = needle else { return Ok(Some(member)) };
    let has = |text: &Option<String>| {
        text.as_ref().is_some_and(|text| text.to_lowercase().contains(needle))
    };
    let found = has(&member.name) || has(&member.email);
    Ok(found.then_some(member))
}

/// One member.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<UserRead>,
    id: UserId,
) -> Result<Member, UserError> {
    tenants.read(grant, move |tx| repo::find(tx, id)).await
}
