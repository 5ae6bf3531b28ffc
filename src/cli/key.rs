//! `strongroom key …`: API keys of a tenant.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::api_keys::{self, ApiKey, NewApiKey};
use crate::authz::permission::{ApiKeyCreate, ApiKeyRead, ApiKeyRevoke};
use crate::kernel::Timestamp;
use crate::kernel::id::ApiKeyId;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a key; its token is printed once
    Create {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// owner, admin, operator, viewer, auditor or privacy-officer
        #[arg(long)]
        role: String,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// When it stops working (RFC 3339)
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List the keys
    List {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
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
    Create { tenant: String, role: String, name: String, expires: Option<String> },
    List { tenant: String },
    Revoke { tenant: String, id: ApiKeyId },
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Key(match verb {
        Verb::Create { tenant, role, name, expires } => {
            Command::Create { tenant, role, name, expires }
        }
        Verb::List { tenant } => Command::List { tenant },
        Verb::Revoke { id, tenant } => Command::Revoke { tenant, id },
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Create { tenant, role, name, expires } => {
            let expires_at = expires.map(|time| read_time(&time)).transpose()?;
            create(operator, &tenant, NewApiKey { name, role, expires_at }).await
        }
        Command::List { tenant } => list(operator, &tenant).await,
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

async fn create(operator: &Operator, tenant: &str, new: NewApiKey) -> anyhow::Result<Report> {
    let (grant, _) = operator.tenant::<ApiKeyCreate>(tenant).await?;
    let made = api_keys::create(&operator.tenants, &grant, new).await?;
    let mut json = serde_json::to_value(&made.key)?;
    json["token"] = made.token.as_str().into();
    let text = format!("Key {} made. Its token, shown only now:\n{}", made.key.id, *made.token);
    Ok(Report::done(json, text))
}

async fn list(operator: &Operator, tenant: &str) -> anyhow::Result<Report> {
    let (grant, _) = operator.tenant::<ApiKeyRead>(tenant).await?;
    let keys = api_keys::list(&operator.tenants, &grant).await?;
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let row = |key: &ApiKey| {
        vec![
            key.id.to_string(),
            key.role.clone(),
            format!("…{}", key.hint),
            time(key.last_used_at),
            time(key.revoked_at),
            key.name.clone(),
        ]
    };
    let head = ["ID", "ROLE", "TOKEN", "LAST USED", "REVOKED", "NAME"];
    let text = table(&head, &keys.iter().map(row).collect::<Vec<_>>());
    Ok(Report::done(json!({ "items": keys }), text))
}
