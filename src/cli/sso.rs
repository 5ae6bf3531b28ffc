//! `strongroom sso …`

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::command::Operator;
use super::enforcement;
use super::output::Report;

#[derive(Subcommand)]
pub enum Verb {
    /// Let people in by an identity provider alone, or by passwords again when nobody gets in
    Enforcement {
        #[arg(value_parser = ["on", "off"])]
        to: String,
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// The emergency account: an owner with a password and a second factor
        #[arg(long, value_name = "EMAIL")]
        break_glass: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Enforcement(enforcement::Command),
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Sso(match verb {
        Verb::Enforcement { to, tenant, break_glass } => {
            Command::Enforcement(enforcement::Command { tenant, only: to == "on", break_glass })
        }
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Enforcement(command) => enforcement::execute(operator, command).await,
    }
}
