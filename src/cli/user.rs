//! `strongroom user …`: members of a tenant.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::{Operator, Password};
use super::output::{Report, table};
use super::{approval, password};
use crate::authz::permission::{
    UserCreate, UserDisable, UserFactorReset, UserInvite, UserRead, UserRole, UserUpdate,
};
use crate::users::{self, NewInvitation, NewMember, UserError};

#[derive(Subcommand)]
pub enum Verb {
    /// Add a member
    Create {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address
        email: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        /// owner, admin, operator, viewer, auditor, privacy-officer or one of the tenant's own
        #[arg(long)]
        role: String,
        /// Read the password from standard input; otherwise a one-time link to choose one is made
        #[arg(long)]
        password_stdin: bool,
    },
    /// Invite somebody, who then chooses a name and a password
    Invite {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address
        email: String,
        /// What they are called until they say so themselves
        #[arg(long)]
        name: Option<String>,
        /// The code of a role
        #[arg(long)]
        role: String,
    },
    /// List the members
    List {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Give a member another role; counts on their next request
    Role {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
        /// owner, admin, operator, viewer, auditor, privacy-officer or one of the tenant's own
        role: String,
        /// Asks a second person, where the tenant wants one to approve it
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Give a member another name
    Rename {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
        name: String,
    },
    /// End a member's sessions and refuse their sign-in
    Disable {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
    },
    /// Make a one-time link with which a member chooses a new password
    ResetPassword {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
    },
    /// Take away a member's second factors, for who has lost them; ends their sessions
    ResetMfa {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
    },
    /// Let a disabled member sign in again
    Enable {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// E-mail address or id
        user: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Create {
        tenant: String,
        email: String,
        name: Option<String>,
        role: String,
        password: Option<Password>,
    },
    Invite {
        tenant: String,
        invitation: NewInvitation,
    },
    List {
        tenant: String,
    },
    Role {
        tenant: String,
        user: String,
        role: String,
        reason: Option<String>,
    },
    Rename {
        tenant: String,
        user: String,
        name: String,
    },
    Enable {
        tenant: String,
        user: String,
        enabled: bool,
    },
    ResetPassword {
        tenant: String,
        user: String,
    },
    ResetMfa {
        tenant: String,
        user: String,
    },
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    Ok(super::Command::User(match verb {
        Verb::Create { tenant, email, name, role, password_stdin } => {
            let password = password_stdin.then(password::from_stdin).transpose()?;
            Command::Create { tenant, email, name, role, password }
        }
        Verb::Invite { tenant, email, name, role } => {
            Command::Invite { tenant, invitation: NewInvitation { email, name, role } }
        }
        Verb::List { tenant } => Command::List { tenant },
        Verb::Role { tenant, user, role, reason } => Command::Role { tenant, user, role, reason },
        Verb::Rename { tenant, user, name } => Command::Rename { tenant, user, name },
        Verb::ResetMfa { tenant, user } => Command::ResetMfa { tenant, user },
        Verb::ResetPassword { tenant, user } => Command::ResetPassword { tenant, user },
        Verb::Disable { tenant, user } => Command::Enable { tenant, user, enabled: false },
        Verb::Enable { tenant, user } => Command::Enable { tenant, user, enabled: true },
    }))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Create { tenant, email, name, role, password } => {
            create(operator, &tenant, email, name, &role, password.as_ref()).await
        }
        Command::Invite { tenant, invitation } => invite(operator, &tenant, invitation).await,
        Command::List { tenant } => list(operator, &tenant).await,
        Command::Role { tenant, user, role, reason } => {
            let (grant, _) = operator.tenant::<UserRole>(&tenant).await?;
            let changed = users::change_role(&operator.tenants, &grant, &user, &role).await;
            let member = match changed {
                Err(UserError::Approval(error)) => {
                    return approval::answer(operator, &tenant, *error, reason.as_deref()).await;
                }
                result => result?,
            };
            let text = format!("{user} has the role {} now.", member.role);
            Ok(Report::done(serde_json::to_value(&member)?, text))
        }
        Command::Rename { tenant, user, name } => {
            let (grant, _) = operator.tenant::<UserUpdate>(&tenant).await?;
            let member = users::rename(&operator.tenants, &grant, &user, &name).await?;
            let text = format!("{user} is called {} now.", name.trim());
            Ok(Report::done(serde_json::to_value(&member)?, text))
        }
        Command::ResetMfa { tenant, user } => {
            let (grant, _) = operator.tenant::<UserFactorReset>(&tenant).await?;
            let member = users::reset_factors(&operator.tenants, &grant, &user).await?;
            let text = format!("{user} has no second factor any more, and no session.");
            Ok(Report::done(serde_json::to_value(&member)?, text))
        }
        Command::ResetPassword { tenant, user } => {
            let url = link(operator, &tenant, &user).await?;
            let text = format!("{user} chooses a password within 30 minutes, once, at\n{url}");
            Ok(Report::done(json!({ "setupUrl": url }), text))
        }
        Command::Enable { tenant, user, enabled } => {
            let (grant, _) = operator.tenant::<UserDisable>(&tenant).await?;
            let member = users::set_enabled(&operator.tenants, &grant, &user, enabled).await?;
            let text = format!("{user} is {} now.", member.state.name());
            Ok(Report::done(serde_json::to_value(&member)?, text))
        }
    }
}

async fn create(
    operator: &Operator,
    tenant: &str,
    email: String,
    name: Option<String>,
    role: &str,
    given: Option<&Password>,
) -> anyhow::Result<Report> {
    let (grant, tenant) = operator.tenant::<UserCreate>(tenant).await?;
    // Nobody ever sees the one that is made: what somebody was told is no password to keep.
    let (password, made) = password::given_or_new(given, operator.tenants.runtime());
    let name = name.unwrap_or_else(|| email.clone());
    let new = NewMember { name, email: email.clone(), password, role: role.to_owned() };
    let member = users::create(&operator.tenants, &operator.hasher, &grant, new).await?;
    let mut json = serde_json::to_value(&member)?;
    let sign_in = format!("{}/t/{}/login", operator.base_url, tenant.slug);
    let mut text = format!("{email} ({}) signs in at {sign_in}", member.role);
    json["setupUrl"] = serde_json::Value::Null;
    if made.is_some() {
        let url = link(operator, tenant.slug.as_str(), &email).await?;
        json["setupUrl"] = url.as_str().into();
        text += &format!("\nFirst choose a password, within 30 minutes, once, at\n{url}");
    }
    Ok(Report::done(json, text))
}

/// The address at which a member chooses a password.
async fn link(operator: &Operator, tenant: &str, user: &str) -> anyhow::Result<String> {
    let (grant, tenant) = operator.tenant::<UserUpdate>(tenant).await?;
    let (_, link) = users::password_link(&operator.tenants, &grant, &tenant, user).await?;
    Ok(format!("{}{}", operator.base_url, link.as_str()))
}

async fn invite(operator: &Operator, tenant: &str, new: NewInvitation) -> anyhow::Result<Report> {
    let (grant, tenant) = operator.tenant::<UserInvite>(tenant).await?;
    let done = users::invite(&operator.tenants, &operator.mailer, &grant, &tenant, new).await?;
    let mut json = serde_json::to_value(&done.invitation)?;
    let email = &done.invitation.email;
    json["mailed"] = done.is_mailed.into();
    json["url"] = serde_json::Value::Null;
    if done.is_mailed {
        return Ok(Report::done(json, format!("{email} gets an invitation by mail.")));
    }
    let url = format!("{}{}", operator.base_url, done.link.as_str());
    json["url"] = url.as_str().into();
    let text = format!("{email} becomes a member within 7 days, once, at\n{url}");
    Ok(Report::done(json, text))
}

async fn list(operator: &Operator, tenant: &str) -> anyhow::Result<Report> {
    let (grant, _) = operator.tenant::<UserRead>(tenant).await?;
    let members = users::list(&operator.tenants, &grant).await?;
    let gone = || "(erased)".to_owned();
    let row = |member: &users::Member| {
        vec![
            member.email.clone().unwrap_or_else(gone),
            member.role.clone(),
            member.state.name().to_owned(),
            member.second_factor.name().to_owned(),
            member.signed_in_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            member.name.clone().unwrap_or_else(gone),
        ]
    };
    let head = ["E-MAIL", "ROLE", "STATE", "2ND FACTOR", "LAST SIGN-IN", "NAME"];
    let text = table(&head, &members.iter().map(row).collect::<Vec<_>>());
    Ok(Report::done(json!({ "items": members }), text))
}
