//! `strongroom demo`

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use serde_json::json;

use super::args::Context;
use super::output::say;
use super::serve::run_server;
use crate::config::{LogFilter, LogFormat, OptionalListen, SecretKey32, Settings};
use crate::demo::{self, DemoSignIns};
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
        let now = sign_ins.at(runtime.now());
        if context.json {
            return say(&json!({ "url": base_url, "signIns": now }).to_string());
        }
        say(&demo::render(&now, base_url, directory.path()))?;
        if std::io::stdout().is_terminal() {
            actix_web::rt::spawn(fresh_codes(sign_ins, runtime.clone()));
        }
        Ok(())
    };
    let code = run_server(&boot, &settings, &runtime, None, ready).await?;
    drop(boot);
    directory.close().context("the demo's directory could not be removed")?;
    Ok(code)
}

/// A code works for half a minute: one line is kept right as long as somebody looks at it.
async fn fresh_codes(sign_ins: DemoSignIns, runtime: Runtime) {
    loop {
        let now = runtime.now();
        print!("\r\x1b[2KCodes: {}", sign_ins.at(now).codes());
        if std::io::stdout().flush().is_err() {
            return;
        }
        let past = now.as_micros().rem_euclid(STEP_MICROS);
        let left = u64::try_from(STEP_MICROS - past).unwrap_or(0);
        tokio::time::sleep(Duration::from_micros(left)).await;
    }
}

/// How long a code of an authenticator app is the current one.
const STEP_MICROS: i64 = 30_000_000;

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
