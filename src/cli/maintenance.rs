//! `strongroom maintenance …`: read-only mode of the whole installation.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::Report;
use crate::authz::permission::PlatformReadOnly;
use crate::kernel::Timestamp;
use crate::tenants::{NewReadOnly, ReadOnly, set_read_only};

#[derive(Subcommand)]
pub enum Verb {
    /// Refuse every change of data, in all tenants; reading, sign-in and backups go on
    #[command(subcommand)]
    ReadOnly(Switch),
}

#[derive(Subcommand)]
pub enum Switch {
    /// From now on
    On {
        /// Why: everybody who is refused reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When it is expected to be over, such as 2026-11-22T07:00:00Z; it ends when you end it
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Allow changes again
    Off,
    /// Say whether it is on
    Status,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    On(NewReadOnly),
    Off,
    Status,
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let Verb::ReadOnly(switch) = verb;
    Ok(super::Command::Maintenance(match switch {
        Switch::On { reason, until } => {
            let until = until.map(|text| {
                let expected = || anyhow::anyhow!("{text} is not a time like 2026-11-22T07:00:00Z");
                Timestamp::parse(&text).ok_or_else(expected)
            });
            Command::On(NewReadOnly { reason, until: until.transpose()? })
        }
        Switch::Off => Command::Off,
        Switch::Status => Command::Status,
    }))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    let grant = operator.platform::<PlatformReadOnly>().await?;
    let now = match command {
        Command::On(new) => set_read_only(tenants, &grant, Some(new)).await?,
        Command::Off => set_read_only(tenants, &grant, None).await?,
        Command::Status => tenants.read_only(),
    };
    Ok(describe(now.as_deref()))
}

fn describe(read_only: Option<&ReadOnly>) -> Report {
    let Some(on) = read_only else {
        return Report::done(json!({ "readOnly": false }), "Changes are allowed.".to_owned());
    };
    let text = format!("Read-only mode is on: {on}.");
    let json = json!({
        "readOnly": true,
        "since": on.since,
        "until": on.until,
        "reason": on.reason,
        "by": { "type": on.by, "id": on.by_id },
    });
    Report::done(json, text)
}
