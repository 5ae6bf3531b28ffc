//! Putting a mail into the queue, in the transaction of what causes it.

use super::letter::{Letter, Recipient};
use super::repo;
use crate::kernel::limits;
use crate::store::Sql;
use crate::tenants::{DoorError, WriteTx};

/// Whether what strangers ask for is queued: half of the queue is kept for what must be said.
pub fn has_room_for_strangers(tx: &impl Sql) -> Result<bool, DoorError> {
    Ok(repo::count(tx)? < limits::MAILS_WAITING / 2)
}

/// Queues a mail; the job sends it once the transaction is committed. Ask
/// [`is_configured`](super::Mailer::is_configured) first: without a mail server it would only wait.
///
/// A queue that is full takes no more: what is done matters more than the mail about it.
///
/// # Errors
/// A failing store; a person whose key was destroyed.
pub fn queue<P>(tx: &mut WriteTx<'_, P>, to: &Recipient, letter: &Letter) -> Result<(), DoorError> {
    if repo::count(tx)? >= limits::MAILS_WAITING {
        tracing::error!("the mail queue is full: a mail was not queued");
        return Ok(());
    }
    repo::insert(tx, to, letter)?;
    tx.posted();
    Ok(())
}
