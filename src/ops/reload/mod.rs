//! Taking over a changed configuration while the server runs: on SIGHUP, and of the certificate also
//! when its files are replaced.
//!
//! It is taken over as a whole or not at all: what is wrong is said, in the operating log and in the
//! platform's audit log, and everything stays as it was. What only a restart can change is named.

mod record;

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::config::{ConfigError, Examined, Settings, Sources, is_reloaded};
use crate::http::tls::{self, Live, Served, TlsError, Watch};
use crate::kernel::{Timestamp, limits};
use crate::ops::{log, supervisor};
use crate::tenants::DoorError;
use record::{Cause, TakenOver, record_refusal, record_take_over};

/// SIGHUP, which ends a process that does not listen for it; so it is listened for from the first
/// moment on.
pub struct Hangup {
    signal: Signal,
    sources: Box<dyn Fn() -> Sources>,
}

impl Hangup {
    /// `sources` are what the process was started with, looked at anew each time.
    ///
    /// # Errors
    /// The operating system has no room for a signal handler.
    pub fn listen(sources: impl Fn() -> Sources + 'static) -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::hangup())?, sources: Box::new(sources) })
    }
}

/// Why everything stays as it was.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{first}{}", more(*.count))]
    Configuration { first: ConfigError, count: usize },
    #[error(transparent)]
    Certificate(#[from] TlsError),
    #[error(transparent)]
    Level(#[from] log::LogError),
    #[error("the platform's log takes no entry: {0}")]
    Log(#[from] DoorError),
}

fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(" (and {} more: strongroom config check)", count - 1),
    }
}

/// Goes on until the server stops. `watch` was made before the certificate in `live` was read.
pub fn start(app: &Arc<App>, live: &Arc<Live>, watch: Watch, hangup: Hangup) {
    let Hangup { signal, sources } = hangup;
    let (app, live) = (app.clone(), live.clone());
    let reloader = Reloader { app, live, sources, watch, renewal_tried: None };
    actix_web::rt::spawn(reloader.run(signal));
}

struct Reloader {
    app: Arc<App>,
    live: Arc<Live>,
    sources: Box<dyn Fn() -> Sources>,
    watch: Watch,
    /// When our own certificate was to be renewed and could not be.
    renewal_tried: Option<Timestamp>,
}

impl Reloader {
    async fn run(mut self, mut signal: Signal) {
        let mut stopping = self.app.stopping.subscribe();
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return,
                asked = signal.recv() => match asked {
                    Some(()) => self.reload().await,
                    None => return,
                },
                () = tokio::time::sleep(limits::CERTIFICATE_LOOK) => self.look().await,
            }
        }
    }

    /// Everything, because somebody asked.
    async fn reload(&mut self) {
        supervisor::reloading();
        let answering = format!("Answering at {}", self.app.base_url());
        match self.take_over().await {
            Ok(()) => supervisor::ready(&answering),
            Err(refused) => {
                self.refuse(Cause::Signal, &refused).await;
                supervisor::ready(&format!("{answering}; the new configuration was refused"));
            }
        }
    }

    async fn take_over(&mut self) -> Result<(), Refused> {
        let Examined { settings: next, problems } = Settings::examine((self.sources)());
        for problem in &problems {
            tracing::error!(%problem, "in the new configuration");
        }
        let count = problems.len();
        if let Some(first) = problems.into_iter().next() {
            return Err(Refused::Configuration { first, count });
        }
        let before = self.app.in_force();
        let settings = before.with_reloaded(&next);
        let level = log::Level::of(&settings.log)?;
        let watch = Watch::new(&settings);
        let served = self.read_certificate(&settings)?;
        let (changed, restart) =
            before.changed(&next).into_iter().partition(|key: &&str| is_reloaded(key));
        let fingerprint = self.is_news(&served).then(|| served.shown.fingerprint.clone());
        let taken = TakenOver { cause: Cause::Signal, changed, restart, fingerprint };
        record_take_over(&self.app, &taken).await?;
        self.watch = watch;
        self.live.replace(served);
        self.app.limiter.replace(&settings.limits);
        if let Err(error) = level.set() {
            tracing::error!(%error, "the log's level stays as it was");
        }
        self.app.take_over(settings);
        taken.say();
        Ok(())
    }

    /// The certificate, because its files changed or its end is near and it is ours to renew.
    async fn look(&mut self) {
        let (served, now) = (self.live.served(), self.app.runtime.now());
        let tried = |at: Timestamp| !tls::is_over(at, now);
        let due = served.is_due(now) && !self.renewal_tried.is_some_and(tried);
        let cause = match (self.watch.has_changed(now), due) {
            (true, _) => Cause::Files,
            (false, true) => Cause::Renewal,
            (false, false) => return,
        };
        self.renewal_tried = due.then_some(now);
        if let Err(refused) = self.take_certificate(cause).await {
            if cause == Cause::Files {
                self.watch.refused(now);
            }
            self.refuse(cause, &refused).await;
        }
    }

    async fn take_certificate(&mut self, cause: Cause) -> Result<(), Refused> {
        let served = self.read_certificate(&self.app.in_force())?;
        if !self.is_news(&served) {
            return Ok(());
        }
        let fingerprint = Some(served.shown.fingerprint.clone());
        let taken = TakenOver { cause, changed: Vec::new(), restart: Vec::new(), fingerprint };
        record_take_over(&self.app, &taken).await?;
        self.live.replace(served);
        taken.say();
        Ok(())
    }

    fn read_certificate(&self, settings: &Settings) -> Result<Served, TlsError> {
        Served::new(tls::identity(settings, self.app.runtime.now())?)
    }

    fn is_news(&self, served: &Served) -> bool {
        !self.live.served().is_same(served)
    }

    async fn refuse(&self, cause: Cause, refused: &Refused) {
        tracing::error!(error = %refused, cause = cause.name(), "refused; the old configuration and certificate stay in force");
        if let Err(error) = record_refusal(&self.app, cause, refused).await {
            tracing::error!(%error, "the refusal is in no audit log");
        }
    }
}
