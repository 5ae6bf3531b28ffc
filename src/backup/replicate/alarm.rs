//! Saying that a target fails, and that it is well again.

use std::time::Duration;

use super::repo::{self, TargetState};
use crate::admins;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::kernel::Timestamp;
use crate::mail::Letter;
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants};

/// A target may restart or be updated; after that somebody should look.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Writes down how an attempt went; `result` is how many lines of the ledger are there, or why it
/// failed.
pub async fn note(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRun>,
    target: &str,
    result: Result<u64, String>,
) -> Result<(), DoorError> {
    let (now, name) = (tenants.runtime().now(), target.to_owned());
    let before = tenants.read(grant, move |tx| Ok::<_, DoorError>(repo::find(tx, &name)?)).await?;
    let before = before
        .unwrap_or_else(|| TargetState { target: target.to_owned(), ..TargetState::default() });
    let (state, news) = after(&before, result, now);
    report(&before, &state, news);
    let Some(news) = news else {
        let what = SystemWrite::BackupCatalogue;
        let write =
            tenants.system_write(Realm::Platform, what, move |tx| Ok(repo::put(tx, &state)?));
        return write.await;
    };
    let write = tenants.write(grant, move |tx| {
        repo::put(tx, &state)?;
        if news == News::Failing {
            let target = state.target.clone();
            admins::tell_all(tx, &Letter::BackupTargetFailing { at: now, target })?;
        }
        Ok::<_, DoorError>(((), AuditEvents::from(event(&state, news))))
    });
    write.await.map(|_| ())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Failing,
    Recovered,
}

/// How the target is now, and what somebody has to be told.
fn after(
    before: &TargetState,
    result: Result<u64, String>,
    now: Timestamp,
) -> (TargetState, Option<News>) {
    let mut state = before.clone();
    match result {
        Ok(ledger) => {
            let recovered = before.alarmed.then_some(News::Recovered);
            state.last_success = Some(now);
            (state.failing_since, state.error, state.alarmed) = (None, None, false);
            state.ledger = ledger;
            (state, recovered)
        }
        Err(error) => {
            let since = *state.failing_since.get_or_insert(now);
            state.error = Some(error);
            let due = !before.alarmed && now.since(since) >= PATIENCE;
            state.alarmed |= due;
            (state, due.then_some(News::Failing))
        }
    }
}

fn report(before: &TargetState, state: &TargetState, news: Option<News>) {
    let (target, error) = (state.target.as_str(), state.error.as_deref().unwrap_or_default());
    match news {
        Some(News::Failing) => {
            tracing::error!(target, error, "a backup target does not take backups")
        }
        Some(News::Recovered) => tracing::info!(target, "a backup target takes backups again"),
        None if state.error.is_some() && before.error != state.error => {
            tracing::warn!(target, error, "a backup target fails");
        }
        None => {}
    }
    metrics::gauge!("strongroom_backup_target_failing", "target" => state.target.clone())
        .set(u8::from(state.error.is_some()));
    if let Some(time) = state.last_success {
        crate::backup::metrics::target_success(&state.target, time);
    }
}

fn event(state: &TargetState, news: News) -> Event {
    let mut event = Event::new(match news {
        News::Failing => catalogue::BACKUP_TARGET_FAILING,
        News::Recovered => catalogue::BACKUP_TARGET_RECOVERED,
    });
    event.resource = Some(Resource::new("backup_target", state.target.as_str()));
    if let Some(error) = &state.error {
        event.outcome = Outcome::Error;
        event.custom_fields.insert("error".into(), error.as_str().into());
    }
    if let Some(since) = state.failing_since {
        event.custom_fields.insert("since".into(), since.to_string().into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_fails_for_a_quarter_of_an_hour_is_said_once_and_so_is_its_recovery() {
        let at = |minutes: u64| Timestamp::from_micros(0).plus(Duration::from_secs(minutes * 60));
        let mut state = TargetState { target: "t".into(), ..TargetState::default() };
        let mut told = Vec::new();
        for minute in 0..60 {
            let broken = (5..40).contains(&minute);
            let result = if broken { Err("gone".to_owned()) } else { Ok(7) };
            let (next, news) = after(&state, result, at(minute));
            told.extend(news.map(|news| (minute, news)));
            state = next;
        }
        assert_eq!(told, [(20, News::Failing), (40, News::Recovered)]);
        assert_eq!((state.failing_since, &state.error, state.ledger), (None, &None, 7));
        // A short break is nobody's concern.
        let (short, _) = after(&state, Err("gone".into()), at(60));
        assert_eq!(after(&short, Ok(7), at(61)).1, None);
    }
}
