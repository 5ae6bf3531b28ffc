//! `strongroom mail …`: the way to the mail server.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::Report;
use crate::authz::permission::PlatformSettingsManage;
use crate::{mail, users};

#[derive(Subcommand)]
pub enum Verb {
    /// Send a test mail now
    Test {
        /// E-mail address of whoever shall get it
        address: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Test { address: String },
}

pub fn command(verb: Verb) -> super::Command {
    let Verb::Test { address } = verb;
    super::Command::Mail(Command::Test { address })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command::Test { address } = command;
    users::check_email(&address)?;
    let grant = operator.platform::<PlatformSettingsManage>().await?;
    let (tenants, mailer) = (&operator.tenants, &operator.mailer);
    mail::send_test(tenants, mailer, &grant, &address, &operator.base_url).await??;
    let server = mailer.settings().smtp_host.as_ref().map(|host| host.as_str().to_owned());
    let text = format!("The mail server took a test mail for {address}.");
    Ok(Report::done(json!({ "sent": true, "recipient": address, "server": server }), text))
}
