//! Reports of runs.

use data_encoding::HEXLOWER;

use super::repo::{self, StoredRun};
use super::report::{Report, Run, RunPage, RunRequest, RunState};
use super::{RetentionError, run};
use crate::authz::{Grant, Permission, Realm};
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::RetentionRunId;
use crate::kernel::limits;
use crate::tenants::{RealmTx, Tenants, WriteTx};

/// Reports that are kept; what was deleted stays in the log as long as that is kept.
pub const KEPT: u32 = 100;

pub fn open(tx: &impl RealmTx, stored: &StoredRun, realm: Realm) -> Result<Run, RetentionError> {
    let sealed = tx.open(Field::RetentionReport, stored.id.bytes(), &stored.report)?;
    let report = serde_json::from_slice(&sealed).map_err(|_| CryptoError::Unreadable)?;
    let state = match stored.finished {
        Some(_) => RunState::Completed,
        None if run::is_running(realm) => RunState::Running,
        None => RunState::Interrupted,
    };
    let (id, started_at, finished_at) = (stored.id, stored.started, stored.finished);
    Ok(Run { id, state, started_at, finished_at, report })
}

pub fn seal<P>(
    tx: &WriteTx<'_, P>,
    id: RetentionRunId,
    report: &Report,
) -> Result<Vec<u8>, CryptoError> {
    let json = serde_json::to_vec(report).map_err(|_| CryptoError::Unreadable)?;
    tx.seal(Field::RetentionReport, id.bytes(), None, &json)
}

/// A page of runs, the newest first. `P` is a permission to see policies or to run retention.
///
/// # Errors
/// [`RetentionError::Limit`], [`RetentionError::Cursor`]
pub async fn runs<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    wanted: RunRequest,
) -> Result<RunPage, RetentionError> {
    let limit = match wanted.limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT) {
        limit @ 1..=limits::PAGE_ITEMS => limit,
        _ => return Err(RetentionError::Limit),
    };
    let before = wanted.cursor.as_deref().map(cursor).transpose()?;
    let realm = grant.realm();
    let look = tenants.read(grant, move |tx| {
        let mut rows = repo::runs(tx, before, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| HEXLOWER.encode(row.id.bytes()));
        let items = rows.iter().map(|row| open(tx, row, realm)).collect::<Result<_, _>>()?;
        Ok(RunPage { items, next_cursor: last.filter(|_| has_more) })
    });
    look.await
}

fn cursor(text: &str) -> Result<RetentionRunId, RetentionError> {
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| RetentionError::Cursor)?;
    bytes.try_into().map(RetentionRunId::from_bytes).map_err(|_| RetentionError::Cursor)
}

/// One run.
///
/// # Errors
/// [`RetentionError::NoRun`]
pub async fn find_run<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: RetentionRunId,
) -> Result<Run, RetentionError> {
    let realm = grant.realm();
    let look = tenants.read(grant, move |tx| {
        open(tx, &repo::find_run(tx, id)?.ok_or(RetentionError::NoRun)?, realm)
    });
    look.await
}
