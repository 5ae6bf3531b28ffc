//! `strongroom sso …`: identity providers of a tenant, for the day on which nobody gets in by them.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::{Operator, Password};
use super::enforcement;
use super::output::{Report, table};
use crate::authz::permission::{SsoManage, SsoRead};
use crate::kernel::id::ProviderId;
use crate::sso::{
    self, NewProvider, Protocol, Provider, ProviderChange, ProviderSettings, ProviderState,
    SsoError,
};

#[derive(Subcommand)]
pub enum Verb {
    /// List the identity providers
    List {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Show how one is set up, without its secrets
    Show {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        provider: ProviderId,
    },
    /// Set one up; it is off until an owner turns it on
    Create {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// The settings in JSON, as the API takes and gives them
        #[arg(long, value_name = "FILE")]
        settings: std::path::PathBuf,
        /// SAML: the provider's metadata, which fills in its names, addresses and certificates
        #[arg(long, value_name = "FILE")]
        metadata: Option<std::path::PathBuf>,
        /// Read the client secret from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Turn one off; sessions that stand on its word end
    Off {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        provider: ProviderId,
    },
    /// Remove one, with its links to members; sessions that stand on its word end
    Delete {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        provider: ProviderId,
    },
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
    List {
        tenant: String,
    },
    Show {
        tenant: String,
        provider: ProviderId,
    },
    Create {
        tenant: String,
        settings: Box<ProviderSettings>,
        metadata: Option<String>,
        secret: Option<Password>,
    },
    Off {
        tenant: String,
        provider: ProviderId,
    },
    Delete {
        tenant: String,
        provider: ProviderId,
    },
    Enforcement(enforcement::Command),
}

/// # Errors
/// A file that cannot be read, or holds something else.
pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    Ok(super::Command::Sso(match verb {
        Verb::List { tenant } => Command::List { tenant },
        Verb::Show { tenant, provider } => Command::Show { tenant, provider },
        Verb::Create { tenant, settings, metadata, secret_stdin } => {
            let metadata = metadata.map(|path| text_of(&path)).transpose()?;
            let read = serde_json::from_str(&text_of(&settings)?).map_err(|error| {
                anyhow::anyhow!(
                    "{} does not hold a provider's settings: {error}",
                    settings.display()
                )
            })?;
            let secret = secret_stdin.then(super::password::from_stdin).transpose()?;
            Command::Create { tenant, settings: Box::new(read), metadata, secret }
        }
        Verb::Off { tenant, provider } => Command::Off { tenant, provider },
        Verb::Delete { tenant, provider } => Command::Delete { tenant, provider },
        Verb::Enforcement { to, tenant, break_glass } => {
            Command::Enforcement(enforcement::Command { tenant, only: to == "on", break_glass })
        }
    }))
}

fn text_of(path: &std::path::Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    match command {
        Command::List { tenant } => {
            let (grant, _) = operator.tenant::<SsoRead>(&tenant).await?;
            let items = sso::list(tenants, &grant).await?;
            let text = shown(&items);
            Ok(Report::done(json!({ "items": items }), text))
        }
        Command::Show { tenant, provider } => {
            let (grant, _) = operator.tenant::<SsoRead>(&tenant).await?;
            let found = sso::get(tenants, &grant, provider).await?;
            let text = serde_json::to_string_pretty(&found)?;
            Ok(Report::done(serde_json::to_value(&found)?, text))
        }
        Command::Create { tenant, settings, metadata, secret } => {
            let (grant, _) = operator.tenant::<SsoManage>(&tenant).await?;
            let secret = secret.map(|secret| secret.secret());
            let new = NewProvider { settings: *settings, metadata, secret };
            let made = sso::create(tenants, &grant, new).await?;
            let text = format!("Identity provider {} is set up, and off.", made.id);
            Ok(Report::done(serde_json::to_value(&made)?, text))
        }
        Command::Off { tenant, provider } => {
            let (grant, _) = operator.tenant::<SsoManage>(&tenant).await?;
            let off = ProviderChange { state: Some(ProviderState::Off), ..Default::default() };
            let changed = sso::change(tenants, &grant, provider, off).await?;
            Ok(Report::done(serde_json::to_value(&changed)?, "Turned off."))
        }
        Command::Delete { tenant, provider } => {
            let (grant, _) = operator.tenant::<SsoManage>(&tenant).await?;
            match sso::delete(tenants, &grant, provider).await {
                Ok(()) => {}
                Err(SsoError::NotFound) => anyhow::bail!(
                    "there is no such provider; see: strongroom sso list --tenant {tenant}"
                ),
                Err(error) => return Err(error.into()),
            }
            Ok(Report::done(json!({ "id": provider, "deleted": true }), "Removed."))
        }
        Command::Enforcement(command) => enforcement::execute(operator, command).await,
    }
}

fn shown(providers: &[Provider]) -> String {
    let row = |provider: &Provider| {
        let protocol = match provider.settings.protocol {
            Protocol::Saml(_) => "SAML",
            Protocol::Oidc(_) => "OpenID Connect",
        };
        vec![
            provider.id.to_string(),
            provider.state.name().to_owned(),
            protocol.to_owned(),
            provider.settings.domains.join(" "),
            provider.settings.name.clone(),
        ]
    };
    let head = ["ID", "STATE", "PROTOCOL", "DOMAINS", "NAME"];
    table(&head, &providers.iter().map(row).collect::<Vec<_>>())
}
