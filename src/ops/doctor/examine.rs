//! Examining an installation: gather, look, record.

use std::sync::Arc;

use super::check::{Outcome, State, worst};
use super::facts::{Facts, Records};
use super::listing::Listing;
use super::{CHECKS, network};
use crate::audit::{Event, catalogue};
use crate::authz::Caller;
use crate::authz::permission::{PlatformDoctorMend, PlatformDoctorRun};
use crate::config::Settings;
use crate::kernel::Timestamp;
use crate::mail::Mailer;
use crate::store::StoreError;
use crate::streams::Streams;
use crate::tenants::{DoorError, Tenants};

/// What is examined, and for whom.
pub struct Patient<'a> {
    pub tenants: &'a Tenants,
    pub settings: &'a Settings,
    pub caller: &'a Arc<Caller>,
    /// Of the server that runs.
    pub running: Option<(&'a Streams, &'a Mailer)>,
}

/// What somebody wants of it.
#[derive(Clone, Default)]
pub struct Wanted {
    /// Ask what is set up over the network.
    pub network: bool,
    /// Mend what can be mended without harm.
    pub fix: bool,
    /// What is found goes into a file for whoever helps from elsewhere.
    pub bundle: bool,
    /// Only these checks; all of them when empty.
    pub names: Vec<String>,
}

/// Runs the checks and records that somebody did, with what was found. What is to be mended is on
/// record before it is.
///
/// # Errors
/// [`DoorError`]: no permission, or a log that takes no entry.
pub async fn examine(patient: &Patient<'_>, wanted: &Wanted) -> Result<Vec<Outcome>, DoorError> {
    let Patient { tenants, settings, caller, .. } = patient;
    let grant = tenants.authorize_platform::<PlatformDoctorRun>(caller, "doctor").await?;
    if wanted.fix {
        tenants.authorize_platform::<PlatformDoctorMend>(caller, "doctor").await?;
    }
    let mut records = Records::gather(tenants, caller, settings).await;
    if let (Ok(records), Some((streams, mailer))) = (&mut records, patient.running) {
        records.streams = Some(streams.standing());
        records.mail = Some(mailer.state());
    }
    let reached = if wanted.network { Some(network::reach(settings).await) } else { None };
    let (settings, now) = ((*settings).clone(), tenants.runtime().now());
    let names = wanted.names.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let files = Listing::of(&settings.store.data_dir);
        let facts = Facts { settings, now, files, records, reached };
        let outcomes = look(&facts, &names);
        (facts, outcomes)
    });
    let (facts, outcomes) = looked.await.map_err(broken)?;
    let event = event(&outcomes, wanted);
    tenants.disclose(&grant, move |_| Ok::<_, DoorError>(((), event))).await?;
    if !wanted.fix {
        return Ok(outcomes);
    }
    tokio::task::spawn_blocking(move || mend(&facts, outcomes)).await.map_err(broken)
}

fn broken(error: tokio::task::JoinError) -> DoorError {
    tracing::error!(%error, "the doctor's checks broke off");
    StoreError::Io("the checks broke off; the operating log says where".into()).into()
}

/// The same where nothing but settings and files can be seen, because of `why`. Nothing is recorded:
/// there is no log to write to.
pub fn look_from_outside(
    settings: &Settings,
    now: Timestamp,
    why: String,
    wanted: &Wanted,
) -> Vec<Outcome> {
    let files = Listing::of(&settings.store.data_dir);
    let settings = settings.clone();
    let facts = Facts { settings, now, files, records: Err(why), reached: None };
    let outcomes = look(&facts, &wanted.names);
    if wanted.fix { mend(&facts, outcomes) } else { outcomes }
}

fn look(facts: &Facts, names: &[String]) -> Vec<Outcome> {
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let checks = CHECKS.iter().filter(|check| is_wanted(check.name));
    checks.map(|check| check.outcome(facts)).collect()
}

/// Mends what can be, and looks again.
fn mend(facts: &Facts, outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mended = |outcome: &Outcome| {
        let fix = super::find(&outcome.name)?.fix.filter(|_| outcome.fixable)?;
        Some(fix(facts).unwrap_or_else(|error| format!("not mended: {error}")))
    };
    let done: Vec<_> = outcomes.iter().map(mended).collect();
    let again = Facts {
        settings: facts.settings.clone(),
        now: facts.now,
        files: Listing::of(&facts.settings.store.data_dir),
        records: Err(String::new()),
        reached: None,
    };
    let one =
        |(outcome, fixed): (Outcome, Option<String>)| match (&fixed, super::find(&outcome.name)) {
            (Some(_), Some(check)) => Outcome { fixed, ..check.outcome(&again) },
            _ => outcome,
        };
    outcomes.into_iter().zip(done).map(one).collect()
}

/// Names of checks and counts: no paths and no persons.
fn event(outcomes: &[Outcome], wanted: &Wanted) -> Event {
    let mut event = Event::new(catalogue::DOCTOR_RUN);
    let names = |is_meant: &dyn Fn(&Outcome) -> bool| {
        let meant = outcomes.iter().filter(|outcome| is_meant(outcome));
        meant.map(|outcome| outcome.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut say = |key: &str, value: String| {
        if !value.is_empty() {
            event.custom_fields.insert(key.into(), value.into());
        }
    };
    say("result", worst(outcomes).name().into());
    say("failed", names(&|outcome| outcome.state == State::Fail));
    say("warned", names(&|outcome| outcome.state == State::Warn));
    say("network", wanted.network.to_string());
    if wanted.bundle {
        say("bundle", true.to_string());
    }
    if wanted.fix {
        say("mended", names(&|outcome| outcome.fixable));
    }
    event
}
