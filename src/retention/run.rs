//! A run: deletes what is due, batch by batch, then the keys of persons of whom nothing is left.
//!
//! Each batch is one transaction with its entry and with the report as it is by then, so that a run
//! that is killed has deleted what its report says. The next one goes on with it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::delete::{self, Position};
use super::due::{self, Cutoff};
use super::policy::{Installation, PolicyChanges, in_force};
use super::repo::{self, StoredRun};
use super::report::{Report, Run};
use super::{RetentionError, clock, runs};
use crate::approvals::Party;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::RetentionManage;
use crate::authz::{Denied, Grant, Realm, TenantState};
use crate::kernel::Timestamp;
use crate::kernel::id::{RetentionRunId, TenantId};
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants};

/// Between two writes, so that whoever waits for the same writer comes first.
const BREATH: Duration = Duration::from_millis(5);
/// Whoever asks for a run waits so long for its end.
const MOMENT: Duration = Duration::from_secs(1);
/// Keys destroyed between two looks at whether to stop.
const KEYS: u32 = 100;
/// Why keys are destroyed, as the ledger of erasures says it.
const CAUSE: &str = "retention";

/// Tenants in which a run is under way in this process.
static RUNNING: Mutex<BTreeSet<TenantId>> = Mutex::new(BTreeSet::new());

/// Whether a run is under way.
pub(super) fn is_running(realm: Realm) -> bool {
    let Realm::Tenant(id) = realm else { return false };
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
}

/// One run at a time in a tenant.
struct Turn(TenantId);

impl Turn {
    fn take(realm: Realm) -> Result<Self, RetentionError> {
        let Realm::Tenant(id) = realm else {
            return Err(DoorError::from(Denied::OtherRealm).into());
        };
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if running.insert(id) { Ok(Self(id)) } else { Err(RetentionError::Running) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Leaves no report when nothing is due.
    BySchedule,
    BySomebody,
}

/// A run that has begun: its row is there, nothing is deleted yet.
pub struct Begun {
    tenants: Tenants,
    grant: Grant<RetentionManage>,
    installation: Installation,
    cutoffs: Vec<Cutoff>,
    id: RetentionRunId,
    report: Report,
    _turn: Turn,
}

/// Begins a run, or takes up one that was interrupted; nothing when the schedule asks and nothing
/// is due.
///
/// # Errors
/// [`RetentionError::Running`], [`RetentionError::ClockInDoubt`]; [`Denied::Frozen`] and
/// [`Denied::Suspended`] while the tenant takes no changes.
pub async fn begin(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    installation: Installation,
    asked: Asked,
) -> Result<Option<Begun>, RetentionError> {
    let realm = grant.realm();
    let turn = Turn::take(realm)?;
    check_active(tenants, turn.0)?;
    let clock::Reading { now, in_doubt } = clock::reading(tenants, realm).await?;
    if in_doubt {
        return Err(RetentionError::ClockInDoubt);
    }
    let look = tenants.read(grant, move |tx| {
        let cutoffs = due::cutoffs(&in_force(tx, &PolicyChanges::default())?, now);
        let waits = repo::unfinished_run(tx)?.is_some() || repo::count_retired_keys(tx)? > 0;
        let mut is_due = waits;
        for cutoff in &cutoffs {
            is_due = is_due || is_anything_due(tx, cutoff)?;
        }
        Ok::<_, RetentionError>((cutoffs, is_due))
    });
    let (cutoffs, is_due) = look.await?;
    if !is_due && asked == Asked::BySchedule {
        return Ok(None);
    }
    let requested_by = (asked == Asked::BySomebody).then(|| Party::of(&grant.caller().principal));
    let (new, wall) = (tenants.runtime().id(), tenants.runtime().now());
    let begun = tenants.system_write(realm, SystemWrite::RetentionState, move |tx| {
        if let Some(stored) = repo::unfinished_run(tx)? {
            let id = stored.id;
            let mut report = runs::open(tx, &stored, realm).map_err(as_door)?.report;
            report.resumed += 1;
            repo::update_run(tx, id, None, &runs::seal(tx, id, &report)?)?;
            return Ok((id, report));
        }
        let report = Report { requested_by: requested_by.clone(), ..Report::default() };
        let sealed = runs::seal(tx, new, &report)?;
        let stored = StoredRun { id: new, started: wall, finished: None, report: sealed };
        repo::insert_run(tx, &stored)?;
        Ok((new, report))
    });
    let (id, report) = begun.await?;
    let (tenants, grant) = (tenants.clone(), grant.clone());
    Ok(Some(Begun { tenants, grant, installation, cutoffs, id, report, _turn: turn }))
}

fn check_active(tenants: &Tenants, id: TenantId) -> Result<(), RetentionError> {
    let denied = match tenants.tenant_by_id(id).map(|tenant| tenant.state) {
        Some(TenantState::Active) => return Ok(()),
        Some(TenantState::Frozen) => Denied::Frozen,
        Some(TenantState::Suspended) => Denied::Suspended,
        Some(TenantState::Closed) | None => Denied::OtherRealm,
    };
    Err(DoorError::from(denied).into())
}

fn is_anything_due(tx: &impl crate::store::Sql, cutoff: &Cutoff) -> Result<bool, RetentionError> {
    use super::class::Class;
    let counted = match cutoff.class {
        Class::ClosedConversations => repo::count_conversations(tx, cutoff.before)?,
        Class::Messages => repo::count_messages(tx, cutoff.before, None)?,
        _ => repo::count_sign_in_records(tx, cutoff.before)?,
    };
    Ok(counted.due > 0)
}

fn as_door(error: RetentionError) -> DoorError {
    match error {
        RetentionError::Door(error) => error,
        _ => crate::crypto::CryptoError::Unreadable.into(),
    }
}

/// Runs retention in a tenant to its end; nothing when the schedule asks and nothing is due. `go_on`
/// is asked between two writes.
///
/// # Errors
/// As [`begin`]; [`RetentionError::Stopped`] when `go_on` says so.
pub async fn run(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    installation: Installation,
    asked: Asked,
    go_on: impl Fn() -> bool + Send + Sync,
) -> Result<Option<Run>, RetentionError> {
    match begin(tenants, grant, installation, asked).await? {
        Some(begun) => begun.complete(go_on).await.map(Some),
        None => Ok(None),
    }
}

impl Begun {
    pub fn id(&self) -> RetentionRunId {
        self.id
    }

    /// Deletes what is due, to its end whether or not somebody waits for it; stops at its next step
    /// when the server does. Comes back after a moment, or earlier when it is done.
    pub async fn in_background(self, stopping: watch::Receiver<bool>) {
        let run = tokio::spawn(async move {
            let go_on = || !*stopping.borrow();
            match self.complete(go_on).await {
                Ok(_) | Err(RetentionError::Stopped) => {}
                Err(error) => tracing::error!(%error, "a run of retention failed"),
            }
        });
        let _ = tokio::time::timeout(MOMENT, run).await;
    }

    /// Deletes what is due.
    ///
    /// # Errors
    /// [`RetentionError::Stopped`]; whatever the disk answers. What was deleted by then is in the
    /// report, and the next run goes on.
    pub async fn complete(
        mut self,
        go_on: impl Fn() -> bool + Send + Sync,
    ) -> Result<Run, RetentionError> {
        for class in &mut self.report.classes {
            class.held = 0; // counted anew
        }
        for cutoff in self.cutoffs.clone() {
            self.class(cutoff, &go_on).await?;
        }
        self.keys(&go_on).await?;
        self.finish().await
    }

    async fn class(
        &mut self,
        cutoff: Cutoff,
        go_on: &(impl Fn() -> bool + Send + Sync),
    ) -> Result<(), RetentionError> {
        let mut next = Some(Position::START);
        while let Some(from) = next {
            if !go_on() {
                return Err(RetentionError::Stopped);
            }
            let clock = &self.tenants.runtime().clock;
            let began = clock.monotonic();
            let (id, report) = (self.id, self.report.clone());
            let written = self.tenants.write(&self.grant, move |tx| {
                let batch = delete::batch(tx, id, cutoff, from)?;
                let mut report = report.clone();
                report.add(&batch.report);
                let events = match batch.event {
                    Some(event) => {
                        repo::update_run(tx, id, None, &runs::seal(tx, id, &report)?)?;
                        event.into()
                    }
                    None => AuditEvents::none(),
                };
                Ok::<_, RetentionError>(((report, batch.next), events))
            });
            (self.report, next) = written.await?.value;
            if next.is_some() {
                tokio::time::sleep(clock.monotonic().saturating_sub(began).max(BREATH)).await;
            }
        }
        Ok(())
    }

    /// Destroys the keys of persons who are gone. One that cannot be destroyed now waits for the
    /// next run.
    async fn keys(
        &mut self,
        go_on: &(impl Fn() -> bool + Send + Sync),
    ) -> Result<(), RetentionError> {
        let realm = self.grant.realm();
        loop {
            if !go_on() {
                return Err(RetentionError::Stopped);
            }
            let look = self.tenants.read(&self.grant, |tx| {
                let mut keys = Vec::new();
                for key in repo::retired_keys(tx, KEYS)? {
                    keys.push((key, repo::is_named(tx, key)?));
                }
                Ok::<_, RetentionError>(keys)
            });
            let keys = look.await?;
            if keys.is_empty() {
                return Ok(());
            }
            let doomed = keys.iter().filter(|(_, is_named)| !is_named).map(|(key, _)| *key);
            match self.tenants.destroy_subjects(realm, doomed.collect(), CAUSE).await {
                Ok(destroyed) => self.report.keys_destroyed += destroyed,
                Err(error) => {
                    tracing::warn!(%error, "keys that retention has to destroy stay for now");
                    return Ok(());
                }
            }
            let (id, report) = (self.id, self.report.clone());
            let write = self.tenants.system_write(realm, SystemWrite::RetentionState, move |tx| {
                for (key, _) in &keys {
                    repo::forget_retired_key(tx, *key)?;
                }
                Ok(repo::update_run(tx, id, None, &runs::seal(tx, id, &report)?)?)
            });
            write.await?;
        }
    }

    async fn finish(self) -> Result<Run, RetentionError> {
        let now = self.tenants.runtime().now();
        let (id, installation, realm) = (self.id, self.installation, self.grant.realm());
        let report = self.report.clone();
        let written = self.tenants.write(&self.grant, move |tx| {
            let mut report = report.clone();
            report.keys_waiting = repo::count_retired_keys(tx)?;
            conclude(&mut report, installation, now);
            let sealed = runs::seal(tx, id, &report)?;
            repo::update_run(tx, id, Some(now), &sealed)?;
            repo::forget_runs(tx, runs::KEPT)?;
            let stored = repo::find_run(tx, id)?.ok_or(RetentionError::NoRun)?;
            Ok::<_, RetentionError>((
                runs::open(tx, &stored, realm)?,
                concluded(id, &report).into(),
            ))
        });
        Ok(written.await?.value)
    }
}

/// Says by when backups hold none of it any more.
fn conclude(report: &mut Report, installation: Installation, now: Timestamp) {
    if report.deleted() > 0 {
        report.last_backup_until = installation.ageing.map(|ageing| ageing.data_gone(now));
    }
    if report.keys_destroyed > 0 && report.keys_waiting == 0 {
        report.last_key_until = installation.ageing.map(|ageing| ageing.keys_gone(now));
    }
}

fn concluded(id: RetentionRunId, report: &Report) -> Event {
    let mut event = Event::new(catalogue::RETENTION_COMPLETED);
    event.resource = Some(Resource::new("retention_run", id.to_string()));
    let fields = &mut event.custom_fields;
    let counts = |count: fn(&super::ClassReport) -> u64| {
        let classes = report.classes.iter();
        let counts: serde_json::Map<_, _> =
            classes.map(|class| (class.class.name().to_owned(), count(class).into())).collect();
        counts
    };
    fields.insert("deleted".into(), counts(|class| class.deleted).into());
    fields.insert("held".into(), counts(|class| class.held).into());
    fields.insert("keysDestroyed".into(), report.keys_destroyed.into());
    fields.insert("keysWaiting".into(), report.keys_waiting.into());
    for (name, until) in
        [("lastBackupUntil", report.last_backup_until), ("lastKeyUntil", report.last_key_until)]
    {
        if let Some(until) = until {
            fields.insert(name.into(), until.to_string().into());
        }
    }
    event
}
