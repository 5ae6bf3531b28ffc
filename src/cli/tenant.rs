//! `strongroom tenant …`

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::{Operator, Password};
use super::output::{Report, table};
use super::{closing, password, shred, sign_in, tenant_export};
use crate::authz::Role;
use crate::authz::permission::{TenantCreate, TenantRead, TenantState};
use crate::provision;
use crate::tenants::{self, NewTenant, StateChange, Tenant};
use crate::users::NewMember;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a tenant with its owner
    Create {
        /// Short name in URLs
        slug: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// E-mail address of the owner
        #[arg(long, value_name = "EMAIL")]
        owner: String,
        /// Name of the owner
        #[arg(long, value_name = "NAME")]
        owner_name: Option<String>,
        /// Read the owner's password from standard input; a random one is made otherwise
        #[arg(long)]
        owner_password_stdin: bool,
    },
    /// List all tenants
    List {
        /// Those that were closed instead, the destroyed ones included, with their certificates
        #[arg(long)]
        closed: bool,
    },
    /// Close a tenant: nobody gets in from now on, and after a time of grace everything is destroyed
    Close {
        slug: String,
        /// The short name once more; asked for on a terminal
        #[arg(long, value_name = "SLUG")]
        confirm: Option<String>,
        /// Why; it stays in both logs
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write everything of a closed tenant to a file
    Export(tenant_export::Arguments),
    /// Take the closing of a tenant back, within its time of grace
    Reopen { slug: String },
    /// Refuse every change; sign-in and recorded reads go on
    Freeze { slug: String },
    /// Allow changes again
    Unfreeze { slug: String },
    /// Refuse sign-in and keys
    Suspend { slug: String },
    /// End a suspension
    Resume { slug: String },
    /// Destroy what the tenant's audit log says, for good; that it was said stays provable
    ShredAudit {
        slug: String,
        /// The short name once more; asked for on a terminal
        #[arg(long, value_name = "SLUG")]
        confirm: Option<String>,
        /// Asks a second person, where the tenant wants one to approve it
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show how people have to sign in, or change it
    SignIn {
        slug: String,
        /// A setting and its value, for example secondFactorForAll=true; null for the default
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// Asks a second person, where turning four eyes off takes one
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Turn four eyes off without a second person, when nobody is left who could approve it
    FourEyes {
        #[arg(value_parser = ["off"])]
        to: String,
        slug: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Create {
        slug: String,
        name: String,
        owner: String,
        owner_name: Option<String>,
        password: Option<Password>,
    },
    List,
    State {
        slug: String,
        change: String,
    },
    ShredAudit(shred::Command),
    Closing(closing::Command),
    SignIn(sign_in::Command),
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let state = |slug, change: StateChange| Command::State { slug, change: change.name().into() };
    Ok(super::Command::Tenant(match verb {
        Verb::Create { slug, name, owner, owner_name, owner_password_stdin } => {
            let password = owner_password_stdin.then(password::from_stdin).transpose()?;
            Command::Create { slug, name, owner, owner_name, password }
        }
        Verb::List { closed: false } => Command::List,
        Verb::List { closed: true } => Command::Closing(closing::Command::List),
        Verb::Close { slug, confirm, reason } => {
            Command::Closing(closing::close(slug, confirm, reason)?)
        }
        Verb::Export(_) => anyhow::bail!("this verb is run where it is typed"),
        Verb::Reopen { slug } => Command::Closing(closing::Command::Reopen { slug }),
        Verb::Freeze { slug } => state(slug, StateChange::Freeze),
        Verb::Unfreeze { slug } => state(slug, StateChange::Unfreeze),
        Verb::Suspend { slug } => state(slug, StateChange::Suspend),
        Verb::Resume { slug } => state(slug, StateChange::Resume),
        Verb::ShredAudit { slug, confirm, reason } => {
            Command::ShredAudit(shred::command(slug, confirm, reason)?)
        }
        Verb::SignIn { slug, set, reason } => Command::SignIn(sign_in::command(slug, set, reason)),
        Verb::FourEyes { to: _, slug } => Command::SignIn(sign_in::Command::FourEyesOff { slug }),
    }))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Create { slug, name, owner, owner_name, password } => {
            let new = NewTenant { slug: slug.parse()?, name };
            create(operator, new, owner, owner_name, password.as_ref()).await
        }
        Command::List => list(operator).await,
        Command::Closing(command) => closing::execute(operator, command).await,
        Command::ShredAudit(command) => shred::execute(operator, command).await,
        Command::SignIn(command) => sign_in::execute(operator, command).await,
        Command::State { slug, change } => state(operator, &slug, &change).await,
    }
}

async fn create(
    operator: &Operator,
    new: NewTenant,
    owner: String,
    owner_name: Option<String>,
    given: Option<&Password>,
) -> anyhow::Result<Report> {
    let (tenants, hasher) = (&operator.tenants, &operator.hasher);
    let (password, made) = password::given_or_new(given, tenants.runtime());
    let name = owner_name.unwrap_or_else(|| owner.clone());
    let member = NewMember { name, email: owner.clone(), password, role: Role::Owner.into() };
    let grant = operator.platform::<TenantCreate>().await?;
    let tenant = provision::tenant_with_owner(tenants, hasher, &grant, new, member).await?;
    let sign_in = format!("{}/t/{}/login", operator.base_url, tenant.slug);
    let mut json = describe(&tenant);
    json["owner"] = owner.as_str().into();
    json["signInUrl"] = sign_in.as_str().into();
    let mut text = format!("Tenant {} made. {owner} signs in at {sign_in}", tenant.slug);
    if let Some(made) = made {
        json["ownerPassword"] = made.as_str().into();
        text += &format!("\nInitial password, shown only now: {made}");
    }
    Ok(Report::done(json, text))
}

async fn list(operator: &Operator) -> anyhow::Result<Report> {
    let grant = operator.platform::<TenantRead>().await?;
    let all = tenants::list(&operator.tenants, &grant).await?;
    let row = |tenant: &Tenant| {
        vec![
            tenant.slug.to_string(),
            tenant.state.name().to_owned(),
            tenant.created.to_string(),
            tenant.name.clone(),
        ]
    };
    let text =
        table(&["SLUG", "STATE", "CREATED", "NAME"], &all.iter().map(row).collect::<Vec<_>>());
    let items: Vec<_> = all.iter().map(describe).collect();
    Ok(Report::done(json!({ "items": items }), text))
}

async fn state(operator: &Operator, slug: &str, change: &str) -> anyhow::Result<Report> {
    let change = StateChange::parse(change)
        .ok_or_else(|| anyhow::anyhow!("unknown change of state {change}"))?;
    let grant = operator.platform::<TenantState>().await?;
    let tenant = tenants::change_state(&operator.tenants, &grant, slug, change).await?;
    let text = format!("Tenant {} is {} now.", tenant.slug, tenant.state.name());
    Ok(Report::done(describe(&tenant), text))
}

fn describe(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "slug": tenant.slug.as_str(),
        "name": tenant.name,
        "state": tenant.state.name(),
        "createdAt": tenant.created,
    })
}
