//! A test mail, so that somebody sees whether mail works.

use super::mailer::Mailer;
use super::send::SendError;
use crate::audit::event::Outcome;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::PlatformSettingsManage;
use crate::tenants::{DoorError, Tenants};

/// Sends a test mail at once and records it, whether it was taken or not.
///
/// # Errors
/// A failing store; inside, why the mail server did not take it.
pub async fn send_test(
    tenants: &Tenants,
    mailer: &Mailer,
    grant: &Grant<PlatformSettingsManage>,
    to: &str,
    base_url: &str,
) -> Result<Result<(), SendError>, DoorError> {
    let sent = mailer.test(to, base_url).await;
    let mut event = Event::new(catalogue::MAIL_TESTED);
    event.custom_fields.insert("email".into(), to.into());
    if let Err(error) = &sent {
        event.outcome = Outcome::Failure;
        event.custom_fields.insert("reason".into(), error.to_string().into());
    }
    tenants.disclose(grant, move |_| Ok::<_, DoorError>(((), event))).await?;
    Ok(sent)
}
