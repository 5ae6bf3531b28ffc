//! Says when the server's certificate ends soon.

use super::{Context, Job, JobError, Record, Summary};
use crate::admins;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformSettingsManage;
use crate::http::tls::Shown;
use crate::kernel::Timestamp;
use crate::mail::Letter;
use crate::tenants::{AuditEvents, DoorError};

pub const JOB: Job = Job {
    name: "tls.watch",
    cron: "40 23 4 * * *",
    description: "Warns when the server's certificate ends soon",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

/// So close to the end people are told every day; before, once a week.
const DAILY: u64 = 7;

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let Some(live) = app.certificate.get() else {
        return Err(JobError::NotSetUp("no certificate is served"));
    };
    let (served, now) = (live.served(), app.runtime.now());
    let days = days_left(&served.shown, now);
    let warned = served.expires_soon(now) && is_day_to_warn(days);
    if warned {
        let grant = app.tenants.authorize_platform(&context.caller, context.job.name).await?;
        warn(context, &grant, &served.shown).await?;
    }
    Ok(Summary(vec![("days", days), ("warnings", warned.into())]))
}

fn days_left(shown: &Shown, now: Timestamp) -> u64 {
    shown.not_after.since(now).as_secs() / 86_400
}

const fn is_day_to_warn(days: u64) -> bool {
    days < DAILY || days.is_multiple_of(DAILY)
}

async fn warn(
    context: &Context,
    grant: &crate::authz::Grant<PlatformSettingsManage>,
    shown: &Shown,
) -> Result<(), DoorError> {
    let (end, fingerprint) = (shown.not_after, shown.fingerprint.clone());
    tracing::error!(expires = %end, "the server's certificate ends soon: renew it");
    let write = context.app.tenants.write(grant, move |tx| {
        let mut event = Event::new(catalogue::CERTIFICATE_EXPIRING);
        event.resource = Some(Resource::new("certificate", fingerprint.as_str()));
        event.custom_fields.insert("expires".into(), end.to_string().into());
        admins::tell_all(tx, &Letter::CertificateExpiring { at: end })?;
        Ok::<_, DoorError>(((), AuditEvents::from(event)))
    });
    write.await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_weekly_and_in_the_last_week_daily() {
        let told: Vec<_> = (0..=21).rev().filter(|days| is_day_to_warn(*days)).collect();
        assert_eq!(told, [21, 14, 7, 6, 5, 4, 3, 2, 1, 0]);
    }
}
