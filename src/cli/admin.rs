//! `strongroom admin …`: platform administrators, from a shell.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::{Operator, Password};
use super::output::{Report, table};
use super::password;
use crate::authn::LinkFor;
use crate::authz::Role;
use crate::authz::permission::{PlatformAdminDisable, PlatformAdminManage, PlatformAdminRead};
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
        /// platform-admin, platform-auditor or platform-support
        #[arg(long, default_value = Role::PlatformAdmin.name())]
        role: String,
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
    /// Take away an administrator's second factors, for who has lost them; ends their sessions
    ResetMfa {
        /// E-mail address or id
        admin: String,
    },
    /// Make a new one-time setup link; older ones stop working
    SetupLink,
    /// List who signs in to the platform
    List,
    /// Give somebody another role of the platform; counts on their next request
    Role {
        /// E-mail address or id
        admin: String,
        /// platform-admin, platform-auditor or platform-support
        role: String,
    },
    /// End an administrator's sessions and refuse their sign-in
    Disable {
        /// E-mail address or id
        admin: String,
    },
    /// Let a disabled administrator sign in again
    Enable {
        /// E-mail address or id
        admin: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Create { email: String, name: Option<String>, role: String, password: Option<Password> },
    Reset { email: String, password: Option<Password> },
    SetupLink,
    ResetMfa { admin: String },
    List,
    Role { admin: String, role: String },
    Enable { admin: String, enabled: bool },
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let read = |wanted: bool| wanted.then(password::from_stdin).transpose();
    Ok(super::Command::Admin(match verb {
        Verb::Create { email, name, role, password_stdin } => {
            Command::Create { email, name, role, password: read(password_stdin)? }
        }
        Verb::Reset { email, password_stdin } => {
            Command::Reset { email, password: read(password_stdin)? }
        }
        Verb::ResetMfa { admin } => Command::ResetMfa { admin },
        Verb::SetupLink => Command::SetupLink,
        Verb::List => Command::List,
        Verb::Role { admin, role } => Command::Role { admin, role },
        Verb::Disable { admin } => Command::Enable { admin, enabled: false },
        Verb::Enable { admin } => Command::Enable { admin, enabled: true },
    }))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::SetupLink => {
            let url = link(operator, LinkFor::Setup).await?;
            let text = format!("Open within 30 minutes, once:\n{url}");
            Ok(Report::done(json!({ "setupUrl": url }), text))
        }
        Command::Create { email, name, role, password } => {
            let name = name.unwrap_or_else(|| email.clone());
            create(operator, email, name, role, password.as_ref()).await
        }
        Command::Reset { email, password } => reset(operator, email, password.as_ref()).await,
        Command::ResetMfa { admin } => {
            let grant = operator.platform::<PlatformAdminManage>().await?;
            let changed = admins::reset_factors(&operator.tenants, &grant, &admin).await?;
            let text = format!("{admin} has no second factor any more, and no session.");
            Ok(Report::done(serde_json::to_value(&changed)?, text))
        }
        Command::List => list(operator).await,
        Command::Role { admin, role } => {
            let grant = operator.platform::<PlatformAdminManage>().await?;
            let changed = admins::change_role(&operator.tenants, &grant, &admin, &role).await?;
            let text = format!("{admin} has the role {} now.", changed.role);
            Ok(Report::done(serde_json::to_value(&changed)?, text))
        }
        Command::Enable { admin, enabled } => {
            let grant = operator.platform::<PlatformAdminDisable>().await?;
            let changed = admins::set_enabled(&operator.tenants, &grant, &admin, enabled).await?;
            let text = format!("{admin} is {} now.", changed.state.name());
            Ok(Report::done(serde_json::to_value(&changed)?, text))
        }
    }
}

async fn list(operator: &Operator) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformAdminRead>().await?;
    let admins = admins::list(&operator.tenants, &grant).await?;
    let gone = || "(erased)".to_owned();
    let row = |admin: &admins::Admin| {
        vec![
            admin.email.clone().unwrap_or_else(gone),
            admin.role.clone(),
            admin.state.name().to_owned(),
            admin.second_factor.name().to_owned(),
            admin.signed_in_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            admin.name.clone().unwrap_or_else(gone),
        ]
    };
    let head = ["E-MAIL", "ROLE", "STATE", "2ND FACTOR", "LAST SIGN-IN", "NAME"];
    let text = table(&head, &admins.iter().map(row).collect::<Vec<_>>());
    Ok(Report::done(json!({ "items": admins }), text))
}

async fn create(
    operator: &Operator,
    email: String,
    name: String,
    role: String,
    password: Option<&Password>,
) -> anyhow::Result<Report> {
    let (tenants, hasher) = (&operator.tenants, &operator.hasher);
    let grant = operator.platform::<PlatformAdminManage>().await?;
    let id = match password {
        Some(password) => {
            let new = NewMember { role, ..member(name, &email, password) };
            admins::create(tenants, hasher, &grant, new, None).await?
        }
        None => admins::invite(tenants, &grant, &name, &email, &role).await?,
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
    NewMember { name, email, password, role: Role::PlatformAdmin.into() }
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
