//! Sending what waits, and trying again what was not taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::mailer::{Mailer, Outgoing};
use super::repo::{self, Content, Waiting};
use super::send::SendError;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Realm};
use crate::kernel::{Timestamp, limits};
use crate::tenants::{DoorError, SystemWrite, Tenants};

/// What came of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: u64,
    pub put_off: u64,
    pub given_up: u64,
}

impl Mailer {
    /// Sends what is due, of all realms that have some. Others are not opened.
    ///
    /// # Errors
    /// A failing store. What was not tried stays due.
    pub async fn deliver(
        &self,
        tenants: &Tenants,
        caller: &Arc<Caller>,
        base_url: &str,
    ) -> Result<Delivered, DoorError> {
        let mut delivered = Delivered::default();
        if !self.is_configured() {
            return Ok(delivered);
        }
        let mut failed = None;
        for realm in tenants.mail_due() {
            let round = Round { mailer: self, tenants, caller, realm, base_url };
            match round.run(&mut delivered).await {
                Ok(Some(due)) => tenants.note_mail(realm, due),
                Ok(None) => {}
                Err(error) => {
                    tenants.note_mail(realm, tenants.runtime().now().plus(limits::MAIL_RETRY));
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(delivered), Err)
    }
}

struct Round<'a> {
    mailer: &'a Mailer,
    tenants: &'a Tenants,
    caller: &'a Arc<Caller>,
    realm: Realm,
    base_url: &'a str,
}

impl Round<'_> {
    /// Sends what is due in one realm; when to look again.
    async fn run(&self, delivered: &mut Delivered) -> Result<Option<Timestamp>, DoorError> {
        let now = self.tenants.runtime().now();
        let place = match self.realm {
            Realm::Platform => None,
            Realm::Tenant(id) => match self.tenants.tenant_by_id(id) {
                Some(tenant) if tenant.state.admits() => Some(tenant.name),
                // Its mail waits for the end of the suspension, or is given up then.
                Some(_) => return Ok(Some(now.plus(limits::MAIL_RETRY_MOST))),
                None => return Ok(None),
            },
        };
        let due = self
            .tenants
            .credentials(self.realm, move |tx| repo::due(tx, now, limits::MAILS_PER_ROUND));
        let mut waiting = due.await?.into_iter();
        let mut sending = JoinSet::new();
        let mut is_down = false;
        loop {
            while sending.len() < limits::MAILS_AT_ONCE && !is_down {
                let Some(mail) = waiting.next() else { break };
                sending.spawn(self.attempt(mail, place.clone()));
            }
            let Some(done) = sending.join_next().await else { break };
            let Ok((mail, result)) = done else { continue };
            is_down |= result.as_ref().is_err_and(SendError::is_about_the_server);
            self.settle(&mail, result, delivered).await?;
        }
        self.look_again(is_down).await
    }

    fn attempt(
        &self,
        mail: Waiting,
        place: Option<String>,
    ) -> impl Future<Output = (Waiting, Result<(), SendError>)> + Send + 'static {
        let (mailer, base_url) = (self.mailer.clone(), self.base_url.to_owned());
        let now = self.tenants.runtime().now();
        async move {
            let result = match &mail.content {
                // Its time was over before it was its turn.
                Content::Letter { .. } if mail.expires <= now => Err(SendError::TimedOut),
                Content::Letter { to, letter } => {
                    let (id, written, place) = (mail.id, mail.created, place.as_deref());
                    let base_url = &base_url;
                    mailer.send(&Outgoing { id, to, letter, place, base_url, written }).await
                }
                Content::Erased => Ok(()),
                Content::Unreadable => Err(SendError::Composing),
            };
            (mail, result)
        }
    }

    /// Writes down what came of an attempt. A mail that is given up is an entry.
    async fn settle(
        &self,
        mail: &Waiting,
        result: Result<(), SendError>,
        delivered: &mut Delivered,
    ) -> Result<(), DoorError> {
        let (id, what, now) = (mail.id, SystemWrite::MailState, self.tenants.runtime().now());
        let Err(error) = result else {
            delivered.sent += u64::from(matches!(mail.content, Content::Letter { .. }));
            let delete =
                self.tenants.system_write(self.realm, what, move |tx| Ok(repo::delete(tx, id)?));
            return delete.await;
        };
        let again = now.plus(backoff(mail.attempts));
        if !error.is_final() && again < mail.expires {
            delivered.put_off += 1;
            tracing::warn!(mail = %id, %error, "a mail was not taken; it is tried again");
            let put_off = self
                .tenants
                .system_write(self.realm, what, move |tx| Ok(repo::put_off(tx, id, again)?));
            return put_off.await;
        }
        delivered.given_up += 1;
        tracing::error!(mail = %id, %error, "a mail was given up");
        let (caller, failed) = (Some(self.caller.clone()), failed(mail, &error));
        let give_up = self.tenants.change_credentials(self.realm, caller, move |tx| {
            repo::delete(tx, id)?;
            Ok::<_, DoorError>(((), failed.clone().into()))
        });
        give_up.await.map(|_| ())
    }

    async fn look_again(&self, is_down: bool) -> Result<Option<Timestamp>, DoorError> {
        let left = self.tenants.credentials(self.realm, |tx| Ok::<_, DoorError>(repo::left(tx)?));
        let (count, due) = left.await?;
        self.mailer.counted(self.realm, count);
        // A server that is down is asked again later, not once for each mail.
        let earliest = self.tenants.runtime().now().plus(limits::MAIL_RETRY);
        Ok(due.map(|due| if is_down { due.max(earliest) } else { due }))
    }
}

/// A minute, doubling to an hour.
fn backoff(attempts: u32) -> Duration {
    let doubled = limits::MAIL_RETRY.saturating_mul(1 << attempts.min(16));
    doubled.min(limits::MAIL_RETRY_MOST)
}

fn failed(mail: &Waiting, error: &SendError) -> Event {
    let mut event = Event::new(catalogue::MAIL_FAILED);
    event.outcome = Outcome::Failure;
    event.resource = Some(Resource::new("mail", mail.id.to_string()));
    event.custom_fields.insert("attempts".into(), (mail.attempts + 1).into());
    event.custom_fields.insert("reason".into(), error.to_string().into());
    if let Content::Letter { letter, .. } = &mail.content {
        event.custom_fields.insert("letter".into(), letter.code().into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_minute_to_an_hour() {
        let minutes: Vec<_> = [0, 1, 2, 5, 6, 40].map(|n| backoff(n).as_secs() / 60).to_vec();
        assert_eq!(minutes, [1, 2, 4, 32, 60, 60]);
    }
}
