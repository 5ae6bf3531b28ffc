//! `strongroom openapi`

use std::process::ExitCode;

pub fn run() -> anyhow::Result<ExitCode> {
    super::output::say(&serde_json::to_string_pretty(&crate::api::openapi::document())?)?;
    Ok(ExitCode::SUCCESS)
}
