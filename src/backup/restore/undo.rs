//! What comes after a restore: it is confirmed, or undone; one that was killed is settled.

use std::sync::Arc;

use super::model::{Restore, RestoreState};
use super::run::{by, event, unopened};
use super::{RestoreError, repo};
use crate::audit::Event;
use crate::audit::catalogue::{self, Action};
use crate::authz::permission::PlatformRestoreRun;
use crate::authz::{Caller, Grant, Principal, Realm, RequestContext};
use crate::kernel::Timestamp;
use crate::kernel::id::{HoldId, RestoreId, TenantId};
use crate::retention::holds;
use crate::tenants::{AuditEvents, DoorError, ReadTx, Tenants};

/// Deletes the state before the restore, for good.
///
/// # Errors
/// [`RestoreError::Unknown`], [`RestoreError::State`]; [`RestoreError::Held`] while a legal hold is in
/// force in the tenant.
pub async fn confirm(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let mut restore = restored(tenants, grant, id).await?;
    if let Some(hold) = hold(tenants, restore.tenant, None).await? {
        return Err(RestoreError::Held(hold));
    }
    // The row first: from then on nobody can undo it, whatever becomes of the files.
    restore.state = RestoreState::Confirmed;
    note(tenants, grant, &restore, catalogue::RESTORE_CONFIRMED).await?;
    tenants.forget_before(id).await?;
    Ok(restore)
}

/// Puts the state before the restore back. What was written since is lost but for its log.
///
/// # Errors
/// [`RestoreError::Unknown`], [`RestoreError::State`]; [`RestoreError::HeldSince`] when conversations
/// have changed since the restore and a legal hold is in force.
pub async fn undo(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    id: RestoreId,
) -> Result<Restore, RestoreError> {
    let (tenants, grant) = (tenants.clone(), grant.clone());
    // Goes on to its end even when the caller goes away.
    let run = tokio::spawn(async move {
        let mut restore = restored(&tenants, &grant, id).await?;
        if let Some(hold) = hold(&tenants, restore.tenant, Some(restore.started)).await? {
            return Err(RestoreError::HeldSince(hold));
        }
        let undone = match tenants.undo_restore(id, restore.tenant).await {
            // The next start completes it and says so.
            Err(error) if tenants.is_being_swapped(id) => {
                tracing::error!(restore = %id, %error, "an undo was interrupted");
                return Err(RestoreError::Halfway(error.to_string()));
            }
            // The state before is in its place again: it took place.
            Err(error) if !tenants.kept_restores()?.contains(&id) => {
                tracing::error!(restore = %id, %error, "an undo did not come to its end");
                return settled_undo(&tenants, &grant, restore, error.to_string()).await;
            }
            undone => undone?,
        };
        restore.state = RestoreState::Undone;
        restore.past = undone.between.as_ref().map(|past| past.id);
        restore.lost = undone.between.as_ref().map_or(0, |past| past.size);
        let mut says = event(catalogue::RESTORE_UNDONE, &restore);
        let mut problems = Vec::new();
        if let Some(broken) = &undone.broken {
            restore.lost = broken.known;
            let mut say = |name: &str, value| says.custom_fields.insert(name.into(), value);
            say("lost", true.into());
            say("logNotWhole", broken.file.as_str().into());
            say("knownSize", broken.known.into());
            problems.push(format!(
                "the log in between is not whole and does not verify; it is kept as it was found \
                 in logs/{}",
                broken.file
            ));
        }
        if !undone.could_read {
            let who = "the file in between could not be read: who may get in is as it was then";
            problems.push(who.to_owned());
        }
        problems.extend(undone.unopened.as_deref().map(unopened));
        let says_too = by(&grant, says.clone());
        let noted = tenants.note_undone(restore.tenant, says_too, undone.between).await;
        if let Err(error) = noted {
            // It took place, whatever the tenant's log can say of it.
            tracing::error!(restore = %id, %error, "the tenant's log does not say that it was undone");
        }
        restore.problem = Some(problems.join("; ")).filter(|problem| !problem.is_empty());
        write(&tenants, &grant, &restore, says).await?;
        Ok(restore)
    });
    run.await.map_err(|_| crate::store::StoreError::Panicked)?
}

async fn settled_undo(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    mut restore: Restore,
    problem: String,
) -> Result<Restore, RestoreError> {
    restore.state = RestoreState::Undone;
    restore.past = tenants.log_before(restore.tenant, restore.id).await.unwrap_or(None);
    restore.problem = Some(problem);
    note_in_tenant(tenants, grant, &restore, catalogue::RESTORE_UNDONE).await;
    let says = event(catalogue::RESTORE_UNDONE, &restore);
    write(tenants, grant, &restore, says).await?;
    Ok(restore)
}

/// A legal hold in force in a tenant; with `since`, only if conversations have changed since.
async fn hold(
    tenants: &Tenants,
    tenant: TenantId,
    since: Option<Timestamp>,
) -> Result<Option<HoldId>, RestoreError> {
    let read = move |tx: &ReadTx<'_>| {
        Ok::<_, RestoreError>(match since {
            Some(since) if !repo::has_changed(tx, since)? => None,
            _ => holds::any(tx)?,
        })
    };
    tenants.credentials(Realm::Tenant(tenant), read).await
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
    write(tenants, grant, restore, event(action, restore)).await
}

async fn write(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    restore: &Restore,
    says: Event,
) -> Result<(), RestoreError> {
    let (now, ended) = (tenants.now(), restore.clone());
    let written = tenants.write(grant, move |tx| {
        repo::end(tx, &ended, now)?;
        Ok::<_, RestoreError>(((), AuditEvents::from(says.clone())))
    });
    written.await.map(|_| ())
}

/// The state before a restore that was confirmed, by a process that was killed before it had deleted
/// it, is deleted.
async fn forget_confirmed(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
) -> Result<(), RestoreError> {
    for id in tenants.kept_restores()? {
        let row = move |tx: &crate::tenants::ReadTx<'_>| Ok::<_, RestoreError>(repo::find(tx, id)?);
        let row = tenants.read(grant, row).await?;
        if row.is_some_and(|row| row.state == RestoreState::Confirmed) {
            tenants.forget_before(id).await?;
        }
    }
    Ok(())
}

/// The tenant's own log says it too. A file that cannot be opened keeps no server from starting.
async fn note_in_tenant(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    restore: &Restore,
    action: Action,
) {
    let realm = Realm::Tenant(restore.tenant);
    if let Err(error) = tenants.record(realm, by(grant, event(action, restore))).await {
        tracing::error!(restore = %restore.id, %error, "the tenant's log does not say what became of it");
    }
}

/// Writes down what became of restores that their process did not live to end: their files were
/// completed or removed when the directory was opened. To be called before anything can start a
/// restore, and never while one may be under way: it would be taken for one that was interrupted.
async fn settle(tenants: &Tenants, grant: &Grant<PlatformRestoreRun>) -> Result<u64, RestoreError> {
    let read = |tx: &crate::tenants::ReadTx<'_>| {
        let running = repo::in_state(tx, RestoreState::Running)?;
        let restored = repo::in_state(tx, RestoreState::Restored)?;
        let mut failed = repo::in_state(tx, RestoreState::Failed)?;
        let later = repo::in_states_but_failed(tx)?;
        // Undoing one goes no further back than the restore after it.
        failed.retain(|one| {
            !later.iter().any(|other| other.tenant == one.tenant && other.started > one.started)
        });
        Ok::<_, RestoreError>((running, restored, failed))
    };
    let (running, restored, mut failed) = tenants.read(grant, read).await?;
    forget_confirmed(tenants, grant).await?;
    let kept = tenants.kept_restores()?;
    // What is put aside was replaced, whatever was written down at the time.
    failed.retain(|restore| kept.contains(&restore.id));
    let mut settled = 0;
    for mut restore in running.into_iter().chain(failed) {
        let action = match kept.contains(&restore.id) {
            true => {
                restore.state = RestoreState::Restored;
                restore.past = tenants.log_before(restore.tenant, restore.id).await.unwrap_or(None);
                catalogue::RESTORE_COMPLETED
            }
            false => {
                restore.state = RestoreState::Failed;
                restore.problem = Some("it was interrupted; everything is as before".into());
                catalogue::RESTORE_FAILED
            }
        };
        if restore.state == RestoreState::Restored {
            note_in_tenant(tenants, grant, &restore, action).await;
        }
        note(tenants, grant, &restore, action).await?;
        settled += 1;
    }
    for mut restore in restored {
        if !kept.contains(&restore.id) {
            restore.state = RestoreState::Undone;
            restore.past = tenants.log_before(restore.tenant, restore.id).await.unwrap_or(None);
            note_in_tenant(tenants, grant, &restore, catalogue::RESTORE_UNDONE).await;
            note(tenants, grant, &restore, catalogue::RESTORE_UNDONE).await?;
            settled += 1;
        }
    }
    Ok(settled)
}

/// [`settle`], for whoever opens a data directory: a server before it serves, or the CLI before it
/// does anything else.
///
/// # Errors
/// What the platform's file answers.
pub async fn settle_at_start(tenants: &Tenants) -> Result<u64, RestoreError> {
    let request = RequestContext::local(tenants.runtime().id());
    let principal = Principal::System { job: "restore.settle" };
    let caller = Arc::new(Caller { principal, request });
    let grant = tenants.authorize_platform::<PlatformRestoreRun>(&caller, "restore").await;
    settle(tenants, &grant.map_err(DoorError::from)?).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::SystemWrite;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn a_restore_that_passes_for_failed_although_it_took_place_can_be_undone_again() {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        let now = server.runtime.now();
        let row = |id| Restore {
            id,
            tenant: tenant.id,
            state: RestoreState::Running,
            moment: now,
            backup: "b".into(),
            target: "t".into(),
            started: now,
            finished: None,
            lost: 0,
            past: None,
            problem: None,
        };
        let [took_place, did_not] = [server.runtime.id(), server.runtime.id()];
        let rows = [row(took_place), row(did_not)];
        let write =
            server.tenants.system_write(Realm::Platform, SystemWrite::JobProgress, move |tx| {
                for row in &rows {
                    repo::insert(tx, row)?;
                    let failed = Restore { state: RestoreState::Failed, ..row.clone() };
                    repo::end(tx, &failed, now)?;
                }
                Ok(())
            });
        write.await.unwrap();
        let kept = server.data_dir().join("restored").join(took_place.to_string());
        std::fs::create_dir_all(kept.join("before")).unwrap();
        assert_eq!(settle_at_start(&server.tenants).await.unwrap(), 1);
        let state = async |id| {
            let find = move |tx: &ReadTx<'_>| Ok::<_, DoorError>(repo::find(tx, id)?);
            server.tenants.credentials(Realm::Platform, find).await.unwrap().unwrap().state
        };
        assert_eq!(state(took_place).await, RestoreState::Restored);
        assert_eq!(state(did_not).await, RestoreState::Failed);
    }
}
