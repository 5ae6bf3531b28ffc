//! `strongroom serve`

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::admin::link;
use super::args::Context;
use super::command::Operator;
use super::feedback::Feedback;
use super::output::say;
use super::socket;
use crate::app::App;
use crate::authn::LinkFor;
use crate::config::{OptionalListen, RootKeyConfig, Settings};
use crate::http::tls::acme::{Acme, Challenges};
use crate::http::tls::{Live, Served, Source};
use crate::http::{redirect, server, tls};
use crate::jobs;
use crate::kernel::Runtime;
use crate::ops::reload::{self, Hangup};
use crate::ops::supervisor;
use crate::tenants::Boot;

pub const EMBEDDED_KEY_WARNING: &str = "\
The root key lies in the data directory (root.key): whoever takes the disk or a copy of it has key
and data. Move it to another place and say where with STRONGROOM_MASTER_KEY_FILE.";

const ROOT_KEY_FIRST: &str = "\
no root key was given, and this service does not make one beside the data: whoever took the disk \
would have both. Make the key first, in one command: docs/install.md, \"The first start\" \
(/usr/share/doc/strongroom/install.md). Nothing was changed";

pub async fn run(
    context: Context,
    listen: Option<SocketAddr>,
    require_root_key: bool,
) -> anyhow::Result<ExitCode> {
    let settings = context.settings(listen)?;
    let is_new = !settings.store.data_dir.join("root.json").exists();
    if require_root_key && is_new && matches!(settings.root_key.source(), RootKeyConfig::None) {
        anyhow::bail!(ROOT_KEY_FIRST);
    }
    crate::ops::log::init(&settings.log)?;
    crate::ops::metrics::init();
    // Before anything that takes time: until then SIGHUP ends the process.
    let hangup = Hangup::listen(move || context.sources(listen))?;
    let runtime = Runtime::system();
    let boot = Boot::open(&settings, &runtime)?;
    run_server(&boot, &settings, &runtime, Some(hangup), |_| Ok(())).await
}

/// Whether everything runs that a server does by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Usual,
    /// No jobs, no streams, only platform administrators.
    Recovery,
}

/// Serves until told to stop. `ready` is called with the base URL once requests are answered. With
/// `hangup`, changes of the configuration are taken over.
pub async fn run_server(
    boot: &Boot,
    settings: &Settings,
    runtime: &Runtime,
    hangup: Option<Hangup>,
    ready: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    serve(boot, settings, runtime, Mode::Usual, hangup, ready).await
}

/// The same, in one of both modes.
pub async fn serve(
    boot: &Boot,
    settings: &Settings,
    runtime: &Runtime,
    mode: Mode,
    hangup: Option<Hangup>,
    ready: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    crate::ops::metrics::expect_token(settings)?;
    let app = App::new(boot, settings, runtime)?;
    if mode == Mode::Recovery {
        let _ = app.recovery.set(());
    }
    // Before anything that could start another restore.
    crate::backup::restore::settle_at_start(&app.tenants).await?;
    crate::backup::metrics::at_start(&app.tenants).await?;
    let watch = tls::Watch::new(settings);
    let identity = tls::identity_at_start(settings, runtime.now())?;
    let live = Live::new(Served::new(identity)?);
    let _ = app.certificate.set(live.clone());
    let _ = app.acme.set(Arc::new(Acme::new(settings, &app.tenants, live.challenges())));
    let (listener, address) = server::bind(settings.server.listen)
        .with_context(|| format!("cannot listen on {}", settings.server.listen))?;
    let base_url = settings.server.base_url(address);
    let _ = app.base_url.set(base_url.clone());
    let config = tls::server_config(&live, settings.server.tls_minimum)?;
    let https = server::start(&app, listener, config)?;
    let handle = https.handle();
    let running = actix_web::rt::spawn(https);
    let redirect = start_redirect(settings, &base_url, live.challenges());
    let socket = socket::listen(&app, &settings.store.data_dir);
    // Before the jobs: one of them may put another certificate into place at once.
    if let Some(hangup) = hangup {
        reload::start(&app, &live, watch, hangup);
    }
    let by_itself = match mode {
        Mode::Usual => Some((jobs::start(&app).await?, app.streams.start())),
        Mode::Recovery => None,
    };
    announce(&app, boot, &base_url, &live.served()).await?;
    ready(&base_url)?;
    supervisor::watch(&app.tenants);
    supervisor::ready(&format!("Answering at {base_url}"));
    wait_for_stop().await?;
    supervisor::stopping();
    tracing::info!("stopping: requests under way are finished");
    app.stopping.send_replace(true);
    drop(socket);
    if let Some(redirect) = redirect {
        redirect.stop(false).await;
    }
    handle.stop(true).await;
    running.await??;
    if let Some((jobs, streams)) = by_itself {
        jobs.shutdown().await;
        streams.shutdown().await;
    }
    if let Err(error) = crate::authn::flush_use(&app.api_keys, &app.tenants).await {
        tracing::warn!(%error, "the use counts of API keys could not be written");
    }
    app.tenants.shut_down().await;
    Ok(ExitCode::SUCCESS)
}

fn start_redirect(
    settings: &Settings,
    base_url: &str,
    challenges: &Arc<Challenges>,
) -> Option<actix_web::dev::ServerHandle> {
    let OptionalListen::On(listen) = settings.server.http_redirect_listen else { return None };
    let (server, _) = redirect::start(listen, base_url, challenges)?;
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Some(handle)
}

/// What somebody who starts it by hand needs to see; on standard output, apart from the log.
async fn announce(
    app: &Arc<App>,
    boot: &Boot,
    base_url: &str,
    served: &Served,
) -> anyhow::Result<()> {
    if boot.embedded_root_key {
        tracing::warn!("{}", EMBEDDED_KEY_WARNING.replace('\n', " "));
    }
    let fingerprint = &served.shown.fingerprint;
    tracing::info!(%fingerprint, "TLS certificate");
    if boot.is_new {
        let uid = rustix::process::getuid().as_raw();
        let operator = Operator::new(
            &app.tenants,
            &app.hasher,
            &app.mailer,
            base_url,
            uid,
            Feedback::nobody(),
        );
        let url = link(&operator, LinkFor::Setup).await?;
        say(&format!("Set up this installation within 30 minutes, once:\n  {url}"))?;
    }
    // Whoever opens it has nothing else to tell it by.
    if boot.is_new || served.source == Source::SelfSigned {
        say(&format!("Certificate (SHA-256): {fingerprint}"))?;
    }
    let asked = app.settings.acme.directory.as_ref();
    if let Some(directory) = asked.filter(|_| served.source == Source::SelfSigned) {
        let directory = directory.as_str();
        say(&format!("It is self-signed, until the authority at {directory} has given one"))?;
    }
    if boot.is_new && boot.embedded_root_key {
        say(&format!("\nWarning: {EMBEDDED_KEY_WARNING}\n"))?;
    }
    say(&format!("Strongroom is ready at {base_url}"))
}

async fn wait_for_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
