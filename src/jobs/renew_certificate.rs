//! Asks the certificate authority for the server's certificate, when it is time.

use super::{Context, Job, JobError, Record, Summary};
use crate::kernel::limits;

pub const JOB: Job = Job {
    name: "tls.renew",
    cron: "30 */5 * * * *",
    description: "Asks the certificate authority for the server's certificate when it is time",
    // What comes of it is on record by itself; mostly it is not yet time.
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

/// Read-only mode is no reason to serve a certificate that is over.
async fn run(context: &Context) -> Result<Summary, JobError> {
    let acme = context.app.acme.get().filter(|acme| acme.standing().is_some());
    let acme = acme.ok_or(JobError::NotSetUp("no certificate authority (acme.directory)"))?;
    let renewed = tokio::select! {
        renewed = acme.renew(&context.caller, false) => renewed?,
        // An order has an end of its own, and a stop of the server does not wait for it.
        ended = context.pause(limits::ACME_ORDER * 2) => return Err(ended.err().unwrap_or(JobError::Stopped)),
    };
    let failures = acme.standing().map_or(0, |standing| standing.state.failures.into());
    Ok(Summary(vec![("certificates", renewed.is_some().into()), ("failures", failures)]))
}
