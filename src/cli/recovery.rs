//! `strongroom serve --recovery`: for an incident. It answers on this machine alone, lets only
//! platform administrators in, runs no job and connects to nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use super::args::Context;
use super::serve::{Mode, serve};
use crate::config::{OptionalListen, Place, Settings};
use crate::kernel::Runtime;
use crate::tenants::Boot;

pub async fn run(context: Context, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let settings = cut_off(context.settings(listen)?);
    crate::ops::log::init(&settings.log)?;
    crate::ops::metrics::init();
    tracing::warn!("recovery mode: only platform administrators get in, from this machine alone");
    crate::outgoing::cut_off();
    let runtime = Runtime::system();
    let boot = Boot::open(&settings, &runtime)?;
    boot.tenants.keep_keys();
    // What was set up elsewhere is not connected to; the data's own settings stay as they are.
    let settings = without_targets(settings);
    serve(&boot, &settings, &runtime, Mode::Recovery, None, |_| Ok(())).await
}

/// No listener that others reach, no mail.
fn cut_off(mut settings: Settings) -> Settings {
    let listen = &mut settings.server.listen;
    if !listen.ip().is_loopback() {
        listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    settings.server.http_redirect_listen = OptionalListen::Off;
    settings.mail.smtp_host = None;
    settings
}

/// Backups are read from directories alone.
fn without_targets(mut settings: Settings) -> Settings {
    let is_here = |target: &crate::config::TargetUrl| matches!(target.place(), Place::Directory(_));
    settings.backup.targets.retain(is_here);
    settings
}
