//! Mail through the operator's own server: notices, and links that open once.
//!
//! A mail is queued in the transaction of what causes it ([`queue`]), sealed, and sent later by the
//! job `mail.send` ([`Mailer::deliver`]), so that nobody waits for a mail server and a kill loses
//! none. Whether there is a server at all is a setting; without one nothing is queued and no
//! connection is made ([`Mailer::is_configured`]).

mod compose;
mod deliver;
mod letter;
mod mailer;
mod queue;
mod repo;
mod send;
mod test_mail;
#[cfg(test)]
mod tests;
mod words;

pub use letter::{Letter, Recipient};
pub use mailer::{MailState, Mailer};
pub use queue::{has_room_for_strangers, queue};
pub use send::SendError;
pub use test_mail::send_test;
