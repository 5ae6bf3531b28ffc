//! `strongroom token …`: the key that signs access tokens.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::Report;
use crate::authn::token::{self, When};

#[derive(Subcommand)]
pub enum Verb {
    /// Replace the key that signs access tokens: published now, signing in two hours
    RotateKey {
        /// Sign with the new key at once and accept nothing that former ones signed: for a key that
        /// may have leaked
        #[arg(long)]
        now: bool,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    RotateKey { now: bool },
}

pub fn command(verb: Verb) -> super::Command {
    let Verb::RotateKey { now } = verb;
    super::Command::Token(Command::RotateKey { now })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command::RotateKey { now } = command;
    let when = if now { When::Now } else { When::Announced };
    let grant = operator.platform().await?;
    let rotated = token::rotate(&operator.tenants, &grant, when).await?;
    let text = if now {
        format!("Key {} signs now. Access tokens made before are refused.", rotated.kid)
    } else {
        format!("Key {} is published and signs from {}.", rotated.kid, rotated.signs_from)
    };
    let json = json!({ "kid": rotated.kid, "signsFrom": rotated.signs_from });
    Ok(Report::done(json, text))
}
