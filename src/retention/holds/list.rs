//! Looking at holds.

use data_encoding::HEXLOWER;

use super::model::{Hold, HoldPage, HoldRequest};
use super::{HoldError, TargetName, open, repo, target};
use crate::authz::permission::RetentionRead;
use crate::authz::{Grant, Permission};
use crate::kernel::id::HoldId;
use crate::kernel::limits;
use crate::tenants::Tenants;

/// A page of holds, the newest first.
///
/// # Errors
/// [`HoldError::Limit`], [`HoldError::Cursor`]
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<RetentionRead>,
    wanted: HoldRequest,
) -> Result<HoldPage, HoldError> {
    let limit = match wanted.limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT) {
        limit @ 1..=limits::PAGE_ITEMS => limit,
        _ => return Err(HoldError::Limit),
    };
    let before = wanted.cursor.as_deref().map(cursor).transpose()?;
    let look = tenants.read(grant, move |tx| {
        let mut rows = repo::page(tx, wanted.state, before, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| HEXLOWER.encode(row.id.bytes()));
        let items = rows.iter().map(|row| open::hold(tx, row)).collect::<Result<_, HoldError>>()?;
        Ok(HoldPage { items, next_cursor: last.filter(|_| has_more) })
    });
    look.await
}

fn cursor(text: &str) -> Result<HoldId, HoldError> {
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HoldError::Cursor)?;
    bytes.try_into().map(HoldId::from_bytes).map_err(|_| HoldError::Cursor)
}

/// One hold, and by which name people know what it is on.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<RetentionRead>,
    id: HoldId,
) -> Result<(Hold, TargetName), HoldError> {
    let look = tenants.read(grant, move |tx| {
        let stored = repo::find(tx, id)?.ok_or(HoldError::NotFound)?;
        let hold = open::hold(tx, &stored)?;
        let name = target::name(tx, &hold)?;
        Ok((hold, name))
    });
    look.await
}

pub(super) async fn look<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: HoldId,
) -> Result<Hold, HoldError> {
    let look = tenants
        .read(grant, move |tx| open::hold(tx, &repo::find(tx, id)?.ok_or(HoldError::NotFound)?));
    look.await
}
