//! Everything that answers requests, put together once.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, watch};

use crate::authn::passkey::RelyingParty;
use crate::authn::token::Tokens;
use crate::authn::{ApiKeys, Hasher, SessionPolicy};
use crate::backup::changes::Archiver;
use crate::backup::{BackupError, Places};
use crate::config::Settings;
use crate::crypto::Key32;
use crate::http::limits::Limiter;
use crate::http::tls::Live;
use crate::http::tls::acme::Acme;
use crate::jobs::Jobs;
use crate::kernel::id::InstallationId;
use crate::kernel::{Runtime, Timestamp, limits};
use crate::mail::Mailer;
use crate::ops::performance::Performance;
use crate::retention::Installation;
use crate::sso::oidc::Oidc;
use crate::streams::{Publisher, Streams};
use crate::tenants::{Boot, EMBEDDED_ROOT_KEY, Tenants, Turns};
use crate::trail::Verified;
use crate::trail::export::Exports;

pub struct App {
    /// As they were at the start; [`App::in_force`] has what was taken over since.
    pub settings: Settings,
    in_force: RwLock<Arc<Settings>>,
    pub runtime: Runtime,
    pub installation: InstallationId,
    pub tenants: Tenants,
    pub api_keys: ApiKeys,
    /// Access tokens.
    pub tokens: Tokens,
    pub hasher: Hasher,
    pub limiter: Limiter,
    pub mailer: Mailer,
    /// What is known of OpenID Connect providers.
    pub oidc: Oidc,
    /// Of audit logs, to other systems.
    pub streams: Streams,
    /// Sends what is committed to the archive; none when nothing is archived.
    pub archiver: OnceCell<Option<Archiver>>,
    /// Of signed checkpoints, outside of this machine.
    pub publisher: Publisher,
    /// Where backups go.
    pub places: Places,
    /// The jobs that run.
    pub jobs: Jobs,
    pub form_key: Key32,
    /// Room for large bodies under way, in KiB.
    pub bodies: Arc<Semaphore>,
    /// Large exports that are being written.
    pub exports: Arc<Exports>,
    /// Room for live views of logs.
    pub tails: Turns,
    /// Room for exports on their way to whoever asked.
    pub downloads: Turns,
    /// Searches of provisioning.
    pub scim_searches: Turns,
    /// True once the server stops: what would go on by itself ends then.
    pub stopping: watch::Sender<bool>,
    /// What the last verification of each log found.
    pub verified: Verified,
    /// The root key file that lies beside the data, when no other was configured.
    pub embedded_root_key: Option<PathBuf>,
    /// How long requests took.
    pub performance: Performance,
    pub started: Timestamp,
    /// Set when it was started with `--recovery`.
    pub recovery: OnceLock<()>,
    /// What links begin with; known once the port is bound.
    pub base_url: OnceLock<String>,
    /// The certificate that is served; known once there is one.
    pub certificate: OnceLock<Arc<Live>>,
    /// Asks the certificate authority for it, where there is one.
    pub acme: OnceLock<Arc<Acme>>,
}

impl App {
    pub fn new(
        boot: &Boot,
        settings: &Settings,
        runtime: &Runtime,
    ) -> Result<Arc<Self>, BackupError> {
        let mailer = Mailer::new(&settings.mail, runtime);
        Ok(Arc::new(Self {
            settings: settings.clone(),
            in_force: RwLock::new(Arc::new(settings.clone())),
            runtime: runtime.clone(),
            installation: boot.installation,
            tenants: boot.tenants.clone(),
            api_keys: ApiKeys::default(),
            tokens: Tokens::new(boot.installation),
            hasher: Hasher::new(runtime).with_cost(settings.auth.bcrypt_cost),
            limiter: Limiter::new(&settings.limits),
            mailer,
            oidc: Oidc::new(&settings.sso),
            publisher: Publisher::new(&settings.checkpoints),
            jobs: Jobs::default(),
            places: Places::open(&settings.backup, boot.installation, &boot.tenants)?,
            streams: Streams::new(&boot.tenants, &settings.streams),
            archiver: OnceCell::new(),
            form_key: boot.tenants.form_key()?,
            bodies: Arc::new(Semaphore::new(limits::BODIES_BYTES / 1024)),
            exports: Arc::default(),
            tails: Turns::new(limits::TAILS, limits::TAILS_PER_LOG),
            downloads: Turns::new(limits::DOWNLOADS, limits::DOWNLOADS_PER_LOG),
            scim_searches: Turns::new(limits::SCIM_SEARCHES, limits::SCIM_SEARCHES_PER_TENANT),
            stopping: watch::Sender::new(false),
            verified: Verified::default(),
            embedded_root_key: boot
                .embedded_root_key
                .then(|| settings.store.data_dir.join(EMBEDDED_ROOT_KEY)),
            performance: Performance::default(),
            started: runtime.now(),
            recovery: OnceLock::new(),
            base_url: OnceLock::new(),
            certificate: OnceLock::new(),
            acme: OnceLock::new(),
        }))
    }

    /// The settings with what was taken over while this runs.
    pub fn in_force(&self) -> Arc<Settings> {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn take_over(&self, settings: Settings) {
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    pub fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    /// Whether only platform administrators get in, from this machine.
    pub fn is_recovering(&self) -> bool {
        self.recovery.get().is_some()
    }

    /// This installation, as passkeys know it; none when it has no name.
    pub fn relying_party(&self) -> Option<RelyingParty> {
        RelyingParty::of(self.base_url())
    }

    /// What this installation's settings say about how long data is kept.
    pub fn retention(&self) -> Installation {
        let settings = &self.settings;
        Installation { ageing: settings.backup.ageing(), grace: settings.closing.grace() }
    }

    pub fn session_policy(&self) -> SessionPolicy {
        session_policy(&self.settings)
    }
}

/// How long sessions last where a tenant has not set it.
pub fn session_policy(settings: &Settings) -> SessionPolicy {
    let sessions = &settings.sessions;
    SessionPolicy {
        idle: Duration::from_secs(u64::from(sessions.idle_minutes) * 60),
        absolute: Duration::from_secs(u64::from(sessions.absolute_hours) * 3600),
    }
}
