//! `strongroom admin …`: platform administrators, from a shell.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::{Operator, Password};
use super::output::Report;
use super::password;
use crate::authz::Role;
use crate::authz::permission::PlatformAdminManage;
use crate::users::NewMember;
use crate::{admins, authn};

#[derive(Subcommand)]
pub enum Verb {
    /// Make a platform administrator
    Create {
        email: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input; a random one is made otherwise
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an administrator who is locked out a new password; ends their sessions
    Reset {
        email: String,
        /// Read the password from standard input; a random one is made otherwise
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
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let (tenants, hasher) = (&operator.tenants, &operator.hasher);
    let (email, name, given, new) = match command {
        Command::SetupLink => {
            let url = setup_url(operator).await?;
            let text = format!("Open within 30 minutes, once:\n{url}");
            return Ok(Report::done(json!({ "setupUrl": url }), text));
        }
        Command::Create { email, name, password } => {
            let name = name.unwrap_or_else(|| email.clone());
            (email, name, password, true)
        }
        Command::Reset { email, password } => (email.clone(), email, password, false),
    };
    let (password, made) = password::given_or_new(given.as_ref(), tenants.runtime());
    let member = NewMember { name, email: email.clone(), password, role: Role::PlatformAdmin };
    let id = match new {
        true => admins::create(tenants, hasher, &grant, member, None).await?,
        false => admins::reset(tenants, hasher, &grant, member).await?,
    };
    let sign_in = format!("{}/platform/login", operator.base_url);
    let mut json = json!({ "id": id, "email": email, "signInUrl": sign_in });
    let mut text = format!("{email} signs in at {sign_in}");
    if let Some(made) = made {
        json["password"] = made.as_str().into();
        text += &format!("\nPassword, shown only now: {made}");
    }
    Ok(Report::done(json, text))
}

/// A new setup link's address.
pub async fn setup_url(operator: &Operator) -> anyhow::Result<String> {
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let token = authn::create_setup_link(&operator.tenants, &grant).await?;
    Ok(format!("{}/setup?token={}", operator.base_url, token.as_str()))
}
