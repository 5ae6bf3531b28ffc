//! `strongroom role …`: roles of a tenant.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::{RoleManage, RoleRead};
use crate::roles::{self, NewRole, RoleView};

#[derive(Subcommand)]
pub enum Verb {
    /// List the roles, built in and the tenant's own
    List {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Define a role
    Create {
        /// What members and keys are given, such as claims-handler
        code: String,
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// Name for people; the code when absent
        #[arg(long)]
        name: Option<String>,
        /// What it is for, in a sentence
        #[arg(long, default_value = "")]
        description: String,
        /// A permission that it has; may be given several times, or separated by commas
        #[arg(long = "permission", value_name = "NAME", value_delimiter = ',')]
        permissions: Vec<String>,
        /// A role whose permissions it gets as well
        #[arg(long, value_name = "ROLE")]
        copy_of: Option<String>,
    },
    /// Delete a role that nobody has
    Delete {
        code: String,
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    List {
        tenant: String,
    },
    Create {
        tenant: String,
        code: String,
        name: String,
        description: String,
        permissions: Vec<String>,
        copy_of: Option<String>,
    },
    Delete {
        tenant: String,
        code: String,
    },
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Role(match verb {
        Verb::List { tenant } => Command::List { tenant },
        Verb::Create { code, tenant, name, description, permissions, copy_of } => {
            let name = name.unwrap_or_else(|| code.clone());
            Command::Create { tenant, code, name, description, permissions, copy_of }
        }
        Verb::Delete { code, tenant } => Command::Delete { tenant, code },
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    match command {
        Command::List { tenant } => {
            let (grant, _) = operator.tenant::<RoleRead>(&tenant).await?;
            let roles = roles::list(tenants, &grant).await?;
            let text = shown(&roles.items);
            Ok(Report::done(serde_json::to_value(&roles)?, text))
        }
        Command::Create { tenant, code, name, description, permissions, copy_of } => {
            let (grant, _) = operator.tenant::<RoleManage>(&tenant).await?;
            let new = NewRole { code, name, description, permissions, copy_of };
            let role = roles::create(tenants, &grant, new).await?;
            let text = format!("Role {} with {} permissions.", role.code, role.permissions.len());
            Ok(Report::done(serde_json::to_value(&role)?, text))
        }
        Command::Delete { tenant, code } => {
            let (grant, _) = operator.tenant::<RoleManage>(&tenant).await?;
            roles::delete(tenants, &grant, &code).await?;
            Ok(Report::done(json!({ "code": code, "deleted": true }), "Role deleted."))
        }
    }
}

fn shown(roles: &[RoleView]) -> String {
    let row = |role: &RoleView| {
        vec![
            role.code.clone(),
            if role.built_in { "built in" } else { "own" }.to_owned(),
            role.permissions.len().to_string(),
            role.members.to_string(),
            role.api_keys.to_string(),
            role.name.clone(),
        ]
    };
    let head = ["ROLE", "KIND", "PERMISSIONS", "MEMBERS", "API KEYS", "NAME"];
    table(&head, &roles.iter().map(row).collect::<Vec<_>>())
}
