//! Sends the mails that wait.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "mail.send",
    cron: "*/2 * * * * *",
    description: "Sends mails that wait, tries again what the mail server did not take",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let done = app.mailer.deliver(&app.tenants, &context.caller, app.base_url()).await?;
    let counts = [("sent", done.sent), ("put off", done.put_off), ("given up", done.given_up)];
    Ok(Summary(counts.into()))
}
