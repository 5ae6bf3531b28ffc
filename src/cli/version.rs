//! `strongroom version`

use std::process::ExitCode;

use serde_json::json;

use super::args::Context;
use super::output::Report;

pub fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let (version, build) = (env!("CARGO_PKG_VERSION"), crate::BUILD);
    let json = json!({ "version": version, "build": build });
    Report::done(json, format!("strongroom {version} ({build})")).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}
