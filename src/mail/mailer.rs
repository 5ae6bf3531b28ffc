//! The mail server, and how it goes with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::compose::{Circumstances, compose};
use super::letter::Letter;
use super::send::{self, SendError, Transport};
use crate::authz::Realm;
use crate::config;
use crate::kernel::id::MailId;
use crate::kernel::{Runtime, Timestamp};

#[derive(Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    settings: config::Mail,
    runtime: Runtime,
    transport: OnceCell<Transport>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Mails that wait, by realm, as they were counted last.
    waiting: HashMap<Realm, u64>,
    sent: u64,
    last_sent: Option<Timestamp>,
    last_error: Option<(Timestamp, String)>,
}

/// How sending goes, since the start.
#[derive(Clone, Debug, Default)]
pub struct MailState {
    pub waiting: u64,
    pub sent: u64,
    pub last_sent: Option<Timestamp>,
    /// When, and why; gone once a mail was taken again.
    pub last_error: Option<(Timestamp, String)>,
}

/// A letter on its way.
pub(super) struct Outgoing<'a> {
    pub id: MailId,
    pub to: &'a str,
    pub letter: &'a Letter,
    /// The tenant's name; none for the platform.
    pub place: Option<&'a str>,
    pub base_url: &'a str,
    pub written: Timestamp,
}

impl Mailer {
    /// Makes no connection.
    pub fn new(settings: &config::Mail, runtime: &Runtime) -> Self {
        let inner = Inner {
            settings: settings.clone(),
            runtime: runtime.clone(),
            transport: OnceCell::new(),
            known: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether mails can be sent at all.
    pub fn is_configured(&self) -> bool {
        self.inner.settings.smtp_host.is_some()
    }

    pub fn settings(&self) -> &config::Mail {
        &self.inner.settings
    }

    pub fn state(&self) -> MailState {
        let known = self.known();
        MailState {
            waiting: known.waiting.values().sum(),
            sent: known.sent,
            last_sent: known.last_sent,
            last_error: known.last_error.clone(),
        }
    }

    /// Sends a test mail at once, past the queue; the caller records it.
    ///
    /// # Errors
    /// Why the mail server did not take it.
    pub async fn test(&self, to: &str, base_url: &str) -> Result<(), SendError> {
        let (id, written) = (self.inner.runtime.id(), self.inner.runtime.now());
        let letter = Letter::Test;
        self.send(&Outgoing { id, to, letter: &letter, place: None, base_url, written }).await
    }

    pub(super) async fn send(&self, mail: &Outgoing<'_>) -> Result<(), SendError> {
        let result = self.hand_over(mail).await;
        let now = self.inner.runtime.now();
        let mut known = self.known();
        match &result {
            Ok(()) => {
                known.sent += 1;
                (known.last_sent, known.last_error) = (Some(now), None);
            }
            Err(error) => known.last_error = Some((now, error.to_string())),
        }
        drop(known);
        result
    }

    async fn hand_over(&self, mail: &Outgoing<'_>) -> Result<(), SendError> {
        let from = self.inner.settings.from.as_ref().ok_or(SendError::NotConfigured)?;
        let about = Circumstances {
            id: mail.id,
            from: from.mailbox(),
            base_url: mail.base_url,
            place: mail.place,
            written: mail.written,
        };
        let message = compose(&about, mail.to, mail.letter)?;
        send::send(self.transport().await?, message).await
    }

    /// Made with the first mail: it reads the system's authorities.
    async fn transport(&self) -> Result<&Transport, SendError> {
        let settings = self.inner.settings.clone();
        let make = || async move {
            let made = tokio::task::spawn_blocking(move || send::transport(&settings)).await;
            made.unwrap_or(Err(SendError::Composing))
        };
        self.inner.transport.get_or_try_init(make).await
    }

    pub(super) fn counted(&self, realm: Realm, waiting: u64) {
        let mut known = self.known();
        match waiting {
            0 => known.waiting.remove(&realm),
            _ => known.waiting.insert(realm, waiting),
        };
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
