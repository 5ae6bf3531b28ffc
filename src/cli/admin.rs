//! `strongroom admin …`: platform administrators, from a shell.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::{Operator, Password};
use super::output::Report;
use super::password;
use crate::authn::LinkFor;
use crate::authz::Role;
use crate::authz::permission::PlatformAdminManage;
use crate::kernel::id::AdminId;
use crate::users::NewMember;
use crate::{admins, authn};

#[derive(Subcommand)]
pub enum Verb {
    /// Make a platform administrator, with a one-time link to choose a password
    Create {
        email: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input instead of making a link
        #[arg(long)]
        password_stdin: bool,
    },
    /// Let an administrator who is locked out choose a new password; ends their sessions
    Reset {
        email: String,
        /// Read the password from standard input instead of making a link
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make a new one-time setup link; older ones stop working
    SetupLink,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Create { email: String, name: Option<String>, password: Option<Password> },
    Reset { email: String, password: Option<Password> },
    SetupLink,
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let read = |wanted: bool| wanted.then(password::from_stdin).transpose();
    Ok(super::Command::Admin(match verb {
        Verb::Create { email, name, password_stdin } => {
            Command::Create { email, name, password: read(password_stdin)? }
        }
        Verb::Reset { email, password_stdin } => {
            Command::Reset { email, password: read(password_stdin)? }
        }
        Verb::SetupLink => Command::SetupLink,
    }))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::SetupLink => {
            let url = link(operator, LinkFor::Setup).await?;
            let text = format!("Open within 30 minutes, once:\n{url}");
            Ok(Report::done(json!({ "setupUrl": url }), text))
        }
        Command::Create { email, name, password } => {
            let name = name.unwrap_or_else(|| email.clone());
            create(operator, email, name, password.as_ref()).await
        }
        Command::Reset { email, password } => reset(operator, email, password.as_ref()).await,
    }
}

async fn create(
    operator: &Operator,
    email: String,
    name: String,
    password: Option<&Password>,
) -> anyhow::Result<Report> {
    let (tenants, hasher) = (&operator.tenants, &operator.hasher);
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let id = match password {
        Some(password) => {
            let new = member(name, &email, password);
            admins::create(tenants, hasher, &grant, new, None).await?
        }
        None => admins::invite(tenants, &grant, &name, &email).await?,
    };
    answer(operator, id, &email, password.is_some()).await
}

async fn reset(
    operator: &Operator,
    email: String,
    password: Option<&Password>,
) -> anyhow::Result<Report> {
    let (tenants, hasher) = (&operator.tenants, &operator.hasher);
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let id = match password {
        Some(password) => {
            let who = member(email.clone(), &email, password);
            admins::reset(tenants, hasher, &grant, who).await?
        }
        None => admins::lock_out(tenants, &grant, &email).await?,
    };
    answer(operator, id, &email, password.is_some()).await
}

fn member(name: String, email: &str, password: &Password) -> NewMember {
    let (email, password) = (email.to_owned(), password.secret());
    NewMember { name, email, password, role: Role::PlatformAdmin }
}

async fn answer(
    operator: &Operator,
    id: AdminId,
    email: &str,
    has_password: bool,
) -> anyhow::Result<Report> {
    let sign_in = format!("{}/platform/login", operator.base_url);
    let mut json = json!({ "id": id, "email": email, "signInUrl": sign_in, "setupUrl": null });
    if has_password {
        return Ok(Report::done(json, format!("{email} signs in at {sign_in}")));
    }
    let url = link(operator, LinkFor::Password(id)).await?;
    json["setupUrl"] = url.as_str().into();
    let text = format!("{email} chooses a password within 30 minutes, once, at\n{url}");
    Ok(Report::done(json, text))
}

/// A new link's address.
pub async fn link(operator: &Operator, link: LinkFor) -> anyhow::Result<String> {
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let token = authn::create_link(&operator.tenants, &grant, link).await?;
    let path = match link {
        LinkFor::Setup => "setup",
        LinkFor::Password(_) => "platform/password",
    };
    Ok(format!("{}/{path}?token={}", operator.base_url, token.as_str()))
}
