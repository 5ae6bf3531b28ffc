//! `strongroom serve --recovery`: for an incident. It answers on this machine alone, lets only
//! platform administrators in, runs no job and connects to nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::bail;

use super::args::Context;
use super::serve::{Mode, serve};
use crate::config::{OptionalListen, Place, Settings};
use crate::kernel::Runtime;
use crate::tenants::Boot;

/// One of these is in every data directory, and in a damaged one.
const INSTALLED: [&str; 3] = ["root.json", "platform.db", "tenants"];

pub async fn run(context: Context, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let settings = cut_off(context.settings(listen)?);
    let directory = &settings.store.data_dir;
    if !INSTALLED.iter().any(|name| directory.join(name).exists()) {
        bail!(
            "there is no installation in {}, and recovery mode makes none: name its directory with \
             --data-dir or in the configuration. Nothing was changed",
            directory.display()
        );
    }
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
