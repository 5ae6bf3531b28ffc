//! `strongroom openapi`

use std::process::ExitCode;

pub fn run() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&crate::api::openapi::document())?);
    Ok(ExitCode::SUCCESS)
}
