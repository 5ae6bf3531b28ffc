//! What comes after a restore: it is confirmed, or undone; one that was killed is settled.

use super::model::{Restore, RestoreState};
use super::run::{by, event};
use super::{RestoreError, repo};
use crate::audit::catalogue::{self, Action};
use crate::authz::Grant;
use crate::authz::permission::PlatformRestoreRun;
use crate::kernel::id::RestoreId;
use crate::tenants::{AuditEvents, Tenants};

/// Deletes the state before the restore, for good.
///
/// # Errors
/// [`RestoreError::Unknown`], [`RestoreError::State`]
pub async fn confirm(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let mut restore = restored(tenants, grant, id).await?;
    // The row first: from then on nobody can undo it, whatever becomes of the files.
    restore.state = RestoreState::Confirmed;
    note(tenants, grant, &restore, catalogue::RESTORE_CONFIRMED).await?;
    tenants.forget_before(id).await?;
    Ok(restore)
}

/// Puts the state before the restore back. What was written since is lost but for its log.
///
/// # Errors
/// [`RestoreError::Unknown`], [`RestoreError::State`]
pub async fn undo(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let (tenants, grant) = (tenants.clone(), grant.clone());
    // Goes on to its end even when the caller goes away.
    let run = tokio::spawn(async move {
        let mut restore = restored(&tenants, &grant, id).await?;
        let undone = tenants.undo_restore(id, restore.tenant).await?;
        restore.state = RestoreState::Undone;
        restore.past = undone.between.as_ref().map(|past| past.id);
        restore.lost = undone.between.as_ref().map_or(0, |past| past.size);
        tenants
            .note_undone(
                restore.tenant,
                by(&grant, event(catalogue::RESTORE_UNDONE, &restore)),
                undone.between,
            )
            .await?;
        note(&tenants, &grant, &restore, catalogue::RESTORE_UNDONE).await?;
        Ok(restore)
    });
    run.await.map_err(|_| crate::store::StoreError::Panicked)?
}

async fn restored(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let found = tenants.read(grant, move |tx| Ok::<_, RestoreError>(repo::find(tx, id)?)).await?;
    let found = found.ok_or_else(|| RestoreError::Unknown(id.to_string()))?;
    match found.state {
        RestoreState::Restored => Ok(found),
        other => Err(RestoreError::State(other.name())),
    }
}

async fn note(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    restore: &Restore,
    action: Action,
) -> Result<(), RestoreError> {
    let (now, ended, says) = (tenants.now(), restore.clone(), event(action, restore));
    let written = tenants.write(grant, move |tx| {
        repo::end(tx, &ended, now)?;
        Ok::<_, RestoreError>(((), AuditEvents::from(says.clone())))
    });
    written.await.map(|_| ())
}

/// Writes down what became of restores that their process did not live to end: their files were
/// completed or removed when the directory was opened.
pub async fn settle(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
) -> Result<u64, RestoreError> {
    let read = |tx: &crate::tenants::ReadTx<'_>| {
        let running = repo::in_state(tx, RestoreState::Running)?;
        let restored = repo::in_state(tx, RestoreState::Restored)?;
        Ok::<_, RestoreError>((running, restored))
    };
    let (running, restored) = tenants.read(grant, read).await?;
    let kept = tenants.kept_restores()?;
    let mut settled = 0;
    for mut restore in running {
        let action = match kept.contains(&restore.id) {
            true => {
                restore.state = RestoreState::Restored;
                restore.past = tenants.log_before(restore.tenant, restore.id).await?;
                catalogue::RESTORE_COMPLETED
            }
            false => {
                restore.state = RestoreState::Failed;
                restore.problem = Some("it was interrupted; everything is as before".into());
                catalogue::RESTORE_FAILED
            }
        };
        note(tenants, grant, &restore, action).await?;
        settled += 1;
    }
    for mut restore in restored {
        if !kept.contains(&restore.id) {
            restore.state = RestoreState::Undone;
            note(tenants, grant, &restore, catalogue::RESTORE_UNDONE).await?;
            settled += 1;
        }
    }
    Ok(settled)
}
