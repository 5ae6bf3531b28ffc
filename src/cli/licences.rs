//! `strongroom licences`: what this binary is made of.

use std::process::ExitCode;

use serde_json::json;

use super::args::Context;
use super::output::{Report, say, table};
use crate::ops::components::{all, bill_of_materials};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print the bill of materials (CycloneDX 1.5, JSON) instead
    #[arg(long)]
    sbom: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.sbom {
        say(&serde_json::to_string_pretty(&bill_of_materials())?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = all()
        .map(|one| vec![one.name.to_owned(), one.version.to_owned(), one.licence.to_owned()])
        .collect();
    let list: Vec<_> = all()
        .map(|one| json!({ "name": one.name, "version": one.version, "licence": one.licence }))
        .collect();
    let text = table(&["LIBRARY", "VERSION", "LICENCE (SPDX)"], &rows);
    Report::done(json!({ "components": list }), text).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}
