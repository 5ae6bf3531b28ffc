//! Read-only mode: the whole installation takes no changes of data, until somebody ends it.
//!
//! Reads go on with their entries, and so do sign-ins, taking rights away, legal holds, backups and
//! restores. Everything else is refused at the doors, whoever asks: a person, an application, a
//! shell or a job.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::{AuditEvents, DoorError, Tenants};
use crate::args;
use crate::audit::Event;
use crate::audit::catalogue;
use crate::audit::event::Resource;
use crate::authz::permission::PlatformReadOnly;
use crate::authz::{Flag, Grant};
use crate::kernel::limits::LINE_BYTES;
use crate::kernel::{ErrorKind, Fault, Timestamp};
use crate::store::{Sql, SqlMut, StoreError};

/// The row of `settings` in the platform's file.
const SETTING: &str = "read-only";

/// Who stopped all changes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadOnly {
    pub since: Timestamp,
    /// Kind and id of who turned it on, as in the log.
    pub by: String,
    pub by_id: String,
    pub reason: String,
    /// When it is expected to be over; it ends when somebody ends it.
    pub until: Option<Timestamp>,
}

/// What people give when they turn it on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewReadOnly {
    pub reason: String,
    pub until: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadOnlyError {
    #[error("say why in 1 to {LINE_BYTES} bytes on one line: everybody who is refused reads it")]
    Reason,
    #[error("the time at which it is expected to be over has passed: give a later one, or none")]
    Past,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ReadOnlyError);

impl Fault for ReadOnlyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reason | Self::Past => ErrorKind::Invalid,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Reason => "reason-missing",
            Self::Past => "until-past",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Reason => Some("reason"),
            Self::Past => Some("until"),
            Self::Door(_) => None,
        }
    }
}

/// What everybody is told who wants to change something.
impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by.as_str() {
            "platform_admin" => "a platform administrator",
            _ => "somebody on the machine itself",
        };
        let since = self.since.display();
        write!(f, "nothing can be changed: {by} made this installation read-only at {since} UTC")?;
        match self.until {
            Some(until) => write!(f, ", expected to last until {} UTC", until.display())?,
            None => f.write_str(", until an administrator ends it")?,
        }
        write!(f, " (reason: {})", self.reason)
    }
}

/// What is no change of data, or is how an incident ends.
const fn goes_on(flag: Flag) -> bool {
    matches!(
        flag,
        Flag::PlatformReadOnly
            | Flag::PlatformAccessRevoke
            | Flag::TenantState
            | Flag::PlatformJobRun
            | Flag::PlatformJobControl
            | Flag::PlatformAuditRecord
            | Flag::PlatformAuditWitness
            | Flag::AuditWitness
            | Flag::PlatformBackupRun
            | Flag::PlatformRestoreRun
            | Flag::PlatformKeyRotate
    )
}

/// What the platform's file says.
pub(super) fn stored(tx: &impl Sql) -> Result<Option<ReadOnly>, StoreError> {
    let sql = "SELECT value FROM settings WHERE name = $1";
    let value: Option<String> = tx.query_one(sql, args![SETTING], |row| row.get(0))?;
    let read = value.map(|value| serde_json::from_str(&value)).transpose();
    read.map_err(|_| StoreError::Corrupt("platform.db, settings: read-only".into()))
}

impl Tenants {
    /// Who stopped all changes, while that lasts.
    pub fn read_only(&self) -> Option<Arc<ReadOnly>> {
        self.inner.read_only.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// # Errors
    /// [`DoorError::ReadOnly`] when nothing may be changed under this permission just now.
    pub(super) fn takes(&self, flag: Flag) -> Result<(), DoorError> {
        match self.read_only() {
            Some(read_only) if !goes_on(flag) => Err(DoorError::ReadOnly(read_only)),
            _ => Ok(()),
        }
    }

    /// From now on no key is destroyed: recovery mode connects to no backup target.
    pub(crate) fn keep_keys(&self) {
        self.inner.keeps_keys.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`DoorError::Recovery`] and [`DoorError::ReadOnly`] while keys are not destroyed.
    pub(crate) fn destroys(&self, under: Flag) -> Result<(), DoorError> {
        if self.inner.keeps_keys.load(Ordering::Relaxed) {
            return Err(DoorError::Recovery);
        }
        self.takes(under)
    }
}

/// Turns read-only mode on, or off with `None`. Once this returns, changes that were still waiting
/// are refused too.
///
/// # Errors
/// [`ReadOnlyError`]; turning it on twice takes the new reason, off twice changes nothing.
pub async fn set_read_only(
    tenants: &Tenants,
    grant: &Grant<PlatformReadOnly>,
    to: Option<NewReadOnly>,
) -> Result<Option<Arc<ReadOnly>>, ReadOnlyError> {
    let (now, actor) = (tenants.runtime().now(), grant.caller().principal.actor());
    let to = to.map(|new| checked(new, now)).transpose()?.map(|NewReadOnly { reason, until }| {
        let (by, by_id) = (actor.kind.to_string(), actor.id.to_string());
        ReadOnly { since: now, by, by_id, reason, until }
    });
    let (tenants, grant) = (tenants.clone(), grant.clone());
    // Goes on to its end even when the caller goes away: memory must follow the file.
    let run = tokio::spawn(async move { run(&tenants, &grant, to).await });
    run.await.unwrap_or(Err(StoreError::Panicked.into()))
}

fn checked(new: NewReadOnly, now: Timestamp) -> Result<NewReadOnly, ReadOnlyError> {
    let reason = new.reason.trim().to_owned();
    if reason.is_empty() || reason.len() > LINE_BYTES || reason.chars().any(char::is_control) {
        return Err(ReadOnlyError::Reason);
    }
    if new.until.is_some_and(|until| until <= now) {
        return Err(ReadOnlyError::Past);
    }
    Ok(NewReadOnly { reason, until: new.until })
}

async fn run(
    tenants: &Tenants,
    grant: &Grant<PlatformReadOnly>,
    to: Option<ReadOnly>,
) -> Result<Option<Arc<ReadOnly>>, ReadOnlyError> {
    let _changing = tenants.inner.changing.lock().await;
    let written = tenants.write(grant, move |tx| {
        let before = stored(tx)?;
        let (sql, event) = match (&before, &to) {
            (None, None) => return Ok((None, AuditEvents::none())),
            (Some(_), None) => {
                tx.execute("DELETE FROM settings WHERE name = $1", args![SETTING])?;
                return Ok((None, Event::new(catalogue::READ_ONLY_ENDED).into()));
            }
            (_, Some(read_only)) => (
                "INSERT INTO settings (name, value, changed) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
                started(read_only),
            ),
        };
        let value = serde_json::to_string(&to).unwrap_or_default();
        tx.execute(sql, args![SETTING, &value, to.as_ref().map(|to| to.since)])?;
        Ok::<_, ReadOnlyError>((to.clone(), event.into()))
    });
    let now = written.await?.value.map(Arc::new);
    let mut known = tenants.inner.read_only.write().unwrap_or_else(PoisonError::into_inner);
    (*known).clone_from(&now);
    Ok(now)
}

fn started(read_only: &ReadOnly) -> Event {
    let mut event = Event::new(catalogue::READ_ONLY_STARTED);
    event.resource = Some(Resource::new("installation", "all"));
    event.custom_fields.insert("reason".into(), read_only.reason.as_str().into());
    if let Some(until) = read_only.until {
        event.custom_fields.insert("until".into(), until.to_string().into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_reads_who_why_and_until_when() {
        let at = |text| Timestamp::parse(text).unwrap();
        let read_only = ReadOnly {
            since: at("2026-11-22T05:06:07Z"),
            by: "platform_admin".to_owned(),
            by_id: "1".to_owned(),
            reason: "a disk is replaced".to_owned(),
            until: Some(at("2026-11-22T07:00:00Z")),
        };
        assert_eq!(
            read_only.to_string(),
            "nothing can be changed: a platform administrator made this installation read-only at \
             2026-11-22 05:06:07 UTC, expected to last until 2026-11-22 07:00:00 UTC (reason: a \
             disk is replaced)"
        );
    }

    #[test]
    fn what_goes_on_is_no_change_of_a_tenants_data() {
        let inside = Flag::ALL.iter().filter(|flag| goes_on(**flag) && !flag.is_platform());
        assert_eq!(inside.map(|flag| flag.name()).collect::<Vec<_>>(), ["audit.witness"]);
    }
}
