//! A restore in place: fetched beside, checked, and only then exchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Restore, RestoreState, Wanted};
use super::plan::{Chosen, Source, choose};
use super::{RestoreError, repo};
use crate::audit::event::{Actor, Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{PlatformBackupRead, PlatformRestoreRun};
use crate::authz::{Grant, Realm};
use crate::backup::{Identities, Layout, Manifest, changes, fetch};
use crate::config::Backup;
use crate::kernel::Timestamp;
use crate::kernel::id::RestoreId;
use crate::store::StoreError;
use crate::store::pages::PageWriter;
use crate::tenants::replace::{Checked, Swapped};
use crate::tenants::{AuditEvents, DoorError, Tenants};

/// Hears in words for an administrator how far a restore has come.
pub type Told = Arc<dyn Fn(&str) + Send + Sync>;

/// Restores a tenant to its end, also when the caller goes away.
///
/// # Errors
/// [`RestoreError`]: everything is as before.
pub async fn run(
    tenants: &Tenants,
    grants: (&Grant<PlatformBackupRead>, &Grant<PlatformRestoreRun>),
    settings: &Backup,
    wanted: &Wanted,
    identities: Identities,
    told: Told,
) -> Result<Restore, RestoreError> {
    let (_, task) = start(tenants, grants, settings, wanted, identities, told).await?;
    task.await.map_err(|_| DoorError::from(StoreError::Panicked))?
}

/// A restore that goes on by itself.
pub type Task = tokio::task::JoinHandle<Result<Restore, RestoreError>>;

/// Begins one; pages look at its row.
///
/// # Errors
/// [`RestoreError`] when it cannot even be begun.
pub async fn start(
    tenants: &Tenants,
    (reading, grant): (&Grant<PlatformBackupRead>, &Grant<PlatformRestoreRun>),
    settings: &Backup,
    wanted: &Wanted,
    identities: Identities,
    told: Told,
) -> Result<(RestoreId, Task), RestoreError> {
    let chosen = choose(tenants, reading, settings, wanted).await?;
    if let Some(manifest) = chosen.source.manifest() {
        let owner = chosen.tenant.id.to_string();
        if manifest.owner != owner || manifest.installation != tenants.installation() {
            return Err(RestoreError::Foreign);
        }
        super::room(tenants.data_directory(), manifest)?;
    }
    let restore = Restore {
        id: tenants.runtime().id(),
        tenant: chosen.tenant.id,
        state: RestoreState::Running,
        moment: chosen.source.moment(),
        backup: chosen.source.name(),
        target: chosen.target.name.clone(),
        started: tenants.now(),
        finished: None,
        lost: 0,
        past: None,
        problem: None,
    };
    begin(tenants, grant, &restore).await?;
    let (tenants, grant, id) = (tenants.clone(), grant.clone(), restore.id);
    let task = tokio::spawn(async move {
        let result = restored(&tenants, restore.id, chosen, identities, &told).await;
        end(&tenants, &grant, restore, result).await
    });
    Ok((id, task))
}

async fn begin(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    restore: &Restore,
) -> Result<(), RestoreError> {
    let new = restore.clone();
    let written = tenants.write(grant, move |tx| {
        if repo::of_tenant_in(tx, new.tenant, RestoreState::Running)?.is_some() {
            return Err(RestoreError::Running);
        }
        if let Some(other) = repo::of_tenant_in(tx, new.tenant, RestoreState::Restored)? {
            return Err(RestoreError::Unconfirmed(other.id.to_string()));
        }
        repo::insert(tx, &new)?;
        Ok(((), event(catalogue::RESTORE_STARTED, &new).into()))
    });
    written.await.map(|_| ())
}

async fn restored(
    tenants: &Tenants,
    id: RestoreId,
    chosen: Chosen,
    identities: Identities,
    told: &Told,
) -> Result<Brought, RestoreError> {
    let Chosen { tenant, source, target, unread } = chosen;
    let stage = tenants.stage(id, tenant.id).await?;
    for target in unread {
        told(&format!("later changes may lie in a target that does not answer: {target}"));
    }
    told(&format!("{}: reading {} from {}", tenant.slug, source.name(), target.name));
    let told_too = told.clone();
    let verifier = tenants.notary().verifier();
    let layout = Layout::new(tenants.installation());
    let stage = tokio::task::spawn_blocking(move || {
        let brought = match &source {
            Source::Archive(manifest) => {
                let mut file = PageWriter::create(&stage.database(), &stage.file_key()?)?;
                fetch(&target, manifest, &identities, &mut file)?;
                file.close()?; // the check makes it durable
                manifest.taken
            }
            Source::Changes { at, .. } => {
                let (realm, path) = (Realm::Tenant(stage.tenant), stage.database());
                changes::materialise(&target, layout, realm, *at, &verifier, &identities, &path)?.at
            }
        };
        drop(identities);
        told_too("everything was read; it is being checked");
        let none = BTreeMap::new();
        let checked = stage.check(source.manifest().map_or(&none, |manifest| &manifest.rows))?;
        if let Some(manifest) = source.manifest() {
            compare(&checked, manifest)?;
        }
        Ok::<_, RestoreError>((stage, brought, checked.log.size))
    });
    let (stage, moment, entries) =
        stage.await.map_err(|_| DoorError::from(StoreError::Panicked))??;
    told(&format!("{}: everything is whole; the files are being exchanged", tenant.slug));
    let swapped = stage.put().await?;
    Ok(Brought { swapped, moment, entries })
}

/// What was put in place.
struct Brought {
    swapped: Swapped,
    moment: Timestamp,
    entries: u64,
}

/// Whether what was found is what the manifest says.
pub(super) fn compare(checked: &Checked, manifest: &Manifest) -> Result<(), RestoreError> {
    let (expected, found) = (manifest.entries, checked.log.size);
    if expected != found || manifest.log.is_some_and(|log| log != checked.log.log_id) {
        return Err(RestoreError::Entries { expected, found });
    }
    for (table, expected) in &manifest.rows {
        let (found, expected) = (checked.rows.get(table).copied().unwrap_or(0), *expected);
        if found != expected {
            return Err(RestoreError::Rows { table: table.clone(), expected, found });
        }
    }
    Ok(())
}

/// Writes down how it ended: in the platform's log, and in the tenant's when it was restored.
async fn end(
    tenants: &Tenants,
    grant: &Grant<PlatformRestoreRun>,
    mut restore: Restore,
    result: Result<Brought, RestoreError>,
) -> Result<Restore, RestoreError> {
    let (action, problem) = match &result {
        Ok(Brought { swapped, moment, entries }) => {
            restore.state = RestoreState::Restored;
            restore.moment = *moment;
            restore.past = swapped.past.as_ref().map(|past| past.id);
            restore.lost =
                swapped.past.as_ref().map_or(0, |past| past.known.saturating_sub(*entries));
            if !swapped.could_read {
                restore.problem = Some(
                    "the file before could not be read: who may get in is as it was then".into(),
                );
            }
            (catalogue::RESTORE_COMPLETED, swapped.unopened.as_deref().map(unopened))
        }
        // The next start completes it and says so; nothing is as before.
        Err(error) if tenants.is_being_swapped(restore.id) => {
            tracing::error!(restore = %restore.id, %error, "a restore was interrupted");
            return Err(RestoreError::Halfway(error.to_string()));
        }
        // The state before is put aside: it took place, and can be undone.
        Err(error) if tenants.kept_restores()?.contains(&restore.id) => {
            tracing::error!(restore = %restore.id, %error, "a restore did not come to its end");
            restore.state = RestoreState::Restored;
            (catalogue::RESTORE_COMPLETED, Some(error.to_string()))
        }
        Err(error) => {
            restore.state = RestoreState::Failed;
            tracing::error!(restore = %restore.id, %error, "a restore failed");
            (catalogue::RESTORE_FAILED, Some(error.to_string()))
        }
    };
    if problem.is_some() {
        restore.problem = problem;
    }
    let now = tenants.now();
    restore.finished = Some(now);
    let says = event(action, &restore);
    if restore.state == RestoreState::Restored {
        // It took place, whatever the tenant's log can say of it.
        let record = tenants.record(Realm::Tenant(restore.tenant), by(grant, says.clone()));
        if let Err(error) = record.await {
            tracing::error!(restore = %restore.id, %error, "the tenant's log does not name its restore");
        }
    }
    let ended = restore.clone();
    let written = tenants.write(grant, move |tx| {
        repo::end(tx, &ended, now)?;
        Ok::<_, RestoreError>(((), AuditEvents::from(says.clone())))
    });
    written.await?;
    result.map(|_| restore)
}

/// Said of a restore or of its undoing.
pub(super) fn unopened(reason: &str) -> String {
    format!("the files were exchanged, but the tenant does not open: {reason}")
}

/// An event of the tenant's own log, which the platform's grant does not open, names who did it.
pub(super) fn by(grant: &Grant<PlatformRestoreRun>, mut event: Event) -> Event {
    let actor = grant.caller().principal.actor();
    event.actor = Some(Actor { role: Some(actor.role), ..Actor::new(actor.kind, actor.id) });
    event
}

pub(super) fn event(action: catalogue::Action, restore: &Restore) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("tenant", restore.tenant.to_string()));
    let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
    say("restore", restore.id.to_string().into());
    say("backup", restore.backup.as_str().into());
    say("target", restore.target.as_str().into());
    say("moment", restore.moment.to_string().into());
    if restore.lost > 0 {
        say("lostEntries", restore.lost.into());
    }
    if let Some(past) = restore.past {
        say("logBefore", past.to_string().into());
    }
    if restore.state == RestoreState::Failed {
        event.outcome = Outcome::Failure;
        if let Some(problem) = &restore.problem {
            event.custom_fields.insert("reason".into(), problem.as_str().into());
        }
    }
    event
}
