//! `strongroom demo`

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use serde_json::json;

use super::args::Context;
use super::output::say;
use super::serve::run_server;
use crate::config::{LogFilter, LogFormat, OptionalListen, SecretKey32, Settings};
use crate::demo;
use crate::kernel::Runtime;
use crate::tenants::Boot;

/// Settings, data and keys of this installation are left alone: a demo has its own.
pub async fn run(context: Context, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::system();
    let directory = tempfile::Builder::new()
        .prefix("strongroom-demo-")
        .tempdir()
        .context("no room for the demo's directory; TMPDIR says where to make it")?;
    let settings = settings(directory.path(), listen, &runtime)?;
    crate::ops::log::init(&settings.log)?;
    crate::ops::metrics::init();
    eprintln!("Making ninety days of history in {} …", directory.path().display());
    let sign_ins = demo::prepare(&settings, &runtime).await?;
    let boot = Boot::open(&settings, &runtime)?;
    let ready = |base_url: &str| {
        if context.json {
            say(&json!({ "url": base_url, "signIns": sign_ins }).to_string())
        } else {
            say(&demo::render(&sign_ins, base_url, directory.path()))
        }
    };
    let code = run_server(&boot, &settings, &runtime, ready).await?;
    drop(boot);
    directory.close().context("the demo's directory could not be removed")?;
    Ok(code)
}

fn settings(
    directory: &std::path::Path,
    listen: Option<SocketAddr>,
    runtime: &Runtime,
) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    settings.store.data_dir = directory.join("data");
    settings.server.listen = listen.unwrap_or(settings.server.listen);
    settings.server.http_redirect_listen = OptionalListen::Off;
    // Nobody needs it once this has ended.
    let key = SecretKey32::from_text(&HEXLOWER.encode(&runtime.bytes::<32>()));
    settings.root_key.key = Some(key.map_err(anyhow::Error::msg)?);
    settings.log.format = LogFormat::Text;
    settings.log.level = LogFilter::warn();
    Ok(settings)
}
