//! `strongroom sso enforcement`: the way back for a tenant that nobody gets into any more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::Operator;
use super::output::Report;
use crate::authz::permission::{PlatformAuditRecord, SignInManage};
use crate::settings::{self, WantedSingleSignOn};

#[derive(Serialize, Deserialize)]
pub struct Command {
    pub tenant: String,
    pub only: bool,
    pub break_glass: Option<String>,
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command { tenant: slug, only, break_glass } = command;
    let tenants = &operator.tenants;
    let (grant, tenant) = operator.tenant::<SignInManage>(&slug).await?;
    let platform = operator.platform::<PlatformAuditRecord>().await?;
    let wanted = WantedSingleSignOn { only, break_glass };
    let changed =
        settings::single_sign_on_by_operator(tenants, &grant, &platform, &tenant, wanted).await?;
    let now = settings::single_sign_on(tenants, &grant).await?;
    let mut json = serde_json::to_value(&now)?;
    json["tenant"] = slug.as_str().into();
    json["changed"] = Value::from(changed);
    let recorded = "The tenant's log and the platform's say that this was done from the machine.";
    let text = match (changed, now.single_sign_on_only) {
        (false, _) => format!("It is so in {slug} already. Nothing was changed."),
        (true, true) => format!(
            "People come into {slug} by an identity provider alone; every other session has ended, \
             but the emergency account's.\n{recorded}"
        ),
        (true, false) => format!(
            "Passwords, links and passkeys let people into {slug} again. Who has no password gets a \
             link for one with: strongroom user reset-password\n{recorded}"
        ),
    };
    Ok(Report::done(json, text))
}
