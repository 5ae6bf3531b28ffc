//! `strongroom key …`: API keys of a tenant.

use std::time::Duration;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::api_keys::{self, ApiKey, NewApiKey, NewKey, OVERLAP_DEFAULT};
use crate::authz::permission::{ApiKeyCreate, ApiKeyRead, ApiKeyRevoke, ApiKeyUpdate};
use crate::kernel::Timestamp;
use crate::kernel::id::ApiKeyId;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a key; its token is printed once
    Create {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// owner, admin, operator, viewer, auditor, privacy-officer or a role of the tenant's own
        #[arg(long, required_unless_present = "scope", conflicts_with = "scope")]
        role: Option<String>,
        /// A permission, conversation.read for instance, in the place of a role; may be repeated
        #[arg(long, value_name = "PERMISSION")]
        scope: Vec<String>,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// An address or a network (CIDR) that it works from; may be repeated, everywhere without
        #[arg(long, value_name = "CIDR")]
        network: Vec<String>,
        /// When it stops working (RFC 3339)
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List the keys
    List {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Give a key a new secret, printed once; the former one works for a while
    Rotate {
        /// Id of the key
        id: ApiKeyId,
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// For how many seconds the former secret goes on working, up to 604800
        #[arg(long, value_name = "SECONDS", default_value_t = OVERLAP_DEFAULT.as_secs())]
        overlap: u64,
    },
    /// Revoke a key; effective on the next request
    Revoke {
        /// Id of the key
        id: ApiKeyId,
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Create(Box<Create>),
    List { tenant: String },
    Rotate { tenant: String, id: ApiKeyId, overlap: u64 },
    Revoke { tenant: String, id: ApiKeyId },
}

#[derive(Serialize, Deserialize)]
pub struct Create {
    tenant: String,
    role: Option<String>,
    scope: Vec<String>,
    name: String,
    network: Vec<String>,
    expires: Option<String>,
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Key(match verb {
        Verb::Create { tenant, role, scope, name, network, expires } => {
            Command::Create(Box::new(Create { tenant, role, scope, name, network, expires }))
        }
        Verb::List { tenant } => Command::List { tenant },
        Verb::Rotate { id, tenant, overlap } => Command::Rotate { tenant, id, overlap },
        Verb::Revoke { id, tenant } => Command::Revoke { tenant, id },
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Create(new) => create(operator, *new).await,
        Command::List { tenant } => list(operator, &tenant).await,
        Command::Rotate { tenant, id, overlap } => {
            let (grant, _) = operator.tenant::<ApiKeyUpdate>(&tenant).await?;
            let overlap = Duration::from_secs(overlap);
            let made = api_keys::rotate(&operator.tenants, &grant, id, overlap, None).await?;
            shown(&made, "has a new secret")
        }
        Command::Revoke { tenant, id } => {
            let (grant, _) = operator.tenant::<ApiKeyRevoke>(&tenant).await?;
            api_keys::revoke(&operator.tenants, &grant, id).await?;
            Ok(Report::done(json!({ "id": id, "revoked": true }), "Key revoked."))
        }
    }
}

fn read_time(text: &str) -> anyhow::Result<Timestamp> {
    Timestamp::parse(text)
        .ok_or_else(|| anyhow::anyhow!("--expires takes a time like 2027-01-31T00:00:00Z"))
}

async fn create(operator: &Operator, new: Create) -> anyhow::Result<Report> {
    let Create { tenant, role, scope, name, network: networks, expires } = new;
    let (grant, _) = operator.tenant::<ApiKeyCreate>(&tenant).await?;
    let expires_at = expires.map(|time| read_time(&time)).transpose()?;
    let scopes = (!scope.is_empty()).then_some(scope);
    let new = NewApiKey { name, role, scopes, networks, expires_at };
    let made = api_keys::create(&operator.tenants, &grant, new).await?;
    shown(&made, "made")
}

fn shown(made: &NewKey, done: &str) -> anyhow::Result<Report> {
    let mut json = serde_json::to_value(&made.key)?;
    json["token"] = made.token.as_str().into();
    let text = format!("Key {} {done}. Its token, shown only now:\n{}", made.key.id, *made.token);
    Ok(Report::done(json, text))
}

async fn list(operator: &Operator, tenant: &str) -> anyhow::Result<Report> {
    let (grant, _) = operator.tenant::<ApiKeyRead>(tenant).await?;
    let keys = api_keys::list(&operator.tenants, &grant).await?;
    let head = ["ID", "RIGHTS", "TOKEN", "FROM", "LAST USED", "USES", "ENDS", "NAME"];
    let text = table(&head, &keys.iter().map(row).collect::<Vec<_>>());
    Ok(Report::done(json!({ "items": keys }), text))
}

fn row(key: &ApiKey) -> Vec<String> {
    let time = |time: Timestamp| time.display();
    let used = match (key.last_used_at, &key.last_used_from) {
        (Some(at), Some(from)) => format!("{} from {from}", time(at)),
        (Some(at), None) => time(at),
        (None, _) => "-".to_owned(),
    };
    let ends = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) => time(at),
        (None, None) => "-".to_owned(),
    };
    let networks = || key.networks.join(" ");
    vec![
        key.id.to_string(),
        key.role.clone().unwrap_or_else(|| key.permissions.join(" ")),
        format!("…{}", key.hint),
        if key.networks.is_empty() { "everywhere".to_owned() } else { networks() },
        used,
        key.uses.to_string(),
        ends,
        key.name.clone(),
    ]
}
