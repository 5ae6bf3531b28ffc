//! `strongroom tenant sign-in` and `strongroom tenant four-eyes`

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::approval;
use super::command::Operator;
use super::output::{Report, table};
use crate::authn::SignInPolicy;
use crate::authz::permission::{PlatformAuditRecord, SettingsRead, SignInManage};
use crate::settings::{self, SettingsError, SignInSettings};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Show { slug: String },
    Change { slug: String, set: Vec<String>, reason: Option<String> },
    FourEyesOff { slug: String },
}

pub fn command(slug: String, set: Vec<String>, reason: Option<String>) -> Command {
    match set.is_empty() {
        true => Command::Show { slug },
        false => Command::Change { slug, set, reason },
    }
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    match command {
        Command::Show { slug } => {
            let (grant, _) = operator.tenant::<SettingsRead>(&slug).await?;
            report(&settings::sign_in(tenants, &grant).await?)
        }
        Command::Change { slug, set, reason } => {
            let (grant, _) = operator.tenant::<SignInManage>(&slug).await?;
            let now = settings::sign_in(tenants, &grant).await?.policy;
            let wanted = with(&now, &set)?;
            match settings::change_sign_in(tenants, &grant, wanted).await {
                Ok(changed) => report(&changed),
                Err(SettingsError::Approval(error)) => {
                    approval::answer(operator, &slug, *error, reason.as_deref()).await
                }
                Err(error) => Err(error.into()),
            }
        }
        Command::FourEyesOff { slug } => {
            let (grant, tenant) = operator.tenant::<SignInManage>(&slug).await?;
            let platform = operator.platform::<PlatformAuditRecord>().await?;
            let changed =
                settings::four_eyes_off_by_operator(tenants, &grant, &platform, &tenant).await?;
            let text = match changed {
                true => format!(
                    "Four eyes are off in {slug}: what waited still waits, and new acts need no \
                     second person.\nThe tenant's log and the platform's say that this was done \
                     from the machine."
                ),
                false => format!("Four eyes are off in {slug} already. Nothing was changed."),
            };
            let json = json!({ "tenant": slug, "fourEyes": false, "changed": changed });
            Ok(Report::done(json, text))
        }
    }
}

fn report(settings: &SignInSettings) -> anyhow::Result<Report> {
    let json = serde_json::to_value(settings)?;
    let rows: Vec<_> = json
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| vec![name.clone(), value.to_string()])
        .collect();
    Ok(Report::done(json.clone(), table(&["SETTING", "VALUE"], &rows)))
}

/// The policy with each `name=value`, as the API names them.
fn with(policy: &SignInPolicy, set: &[String]) -> anyhow::Result<SignInPolicy> {
    let mut all = serde_json::to_value(policy)?;
    for one in set {
        let (name, text) = one.split_once('=').context("write --set NAME=VALUE")?;
        let Some(old) = all.get(name) else {
            let known = all.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
            bail!(
                "there is no setting {name}; there are: {}",
                known.collect::<Vec<_>>().join(", ")
            );
        };
        if ["singleSignOnOnly", "breakGlass"].contains(&name) {
            bail!("{name} is not set along with the rest; see: strongroom sso enforcement --help");
        }
        let new = match old {
            Value::Array(_) => text.split(',').map(str::trim).filter(|t| !t.is_empty()).collect(),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        all[name] = new;
    }
    serde_json::from_value(all).context("a value does not fit; write true, false, a number or null")
}
