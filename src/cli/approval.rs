//! Acts that a second person has to approve, asked for from a shell.

use serde_json::json;

use super::command::Operator;
use super::output::Report;
use crate::approvals::{self, ApprovalError};
use crate::authz::permission::ApprovalRequest;

/// Asks for an act that did not pass, with a reason.
pub async fn answer(
    operator: &Operator,
    slug: &str,
    error: ApprovalError,
    reason: Option<&str>,
) -> anyhow::Result<Report> {
    let (ApprovalError::Needed(act), Some(reason)) = (&error, reason) else {
        return match error {
            ApprovalError::Needed(_) => Err(anyhow::anyhow!(
                "a second person has to approve this: add --reason TEXT to ask for that"
            )),
            error => Err(error.into()),
        };
    };
    let (grant, _) = operator.tenant::<ApprovalRequest>(slug).await?;
    let asked = approvals::request(&operator.tenants, &grant, (**act).clone(), reason).await?;
    let text = format!(
        "Nothing was done yet: approval was asked for, until {}. Somebody who may approve it \
         decides at {}/t/{slug}/admin/approvals",
        asked.expires_at, operator.base_url
    );
    let json = json!({ "approval": asked.id, "state": "waiting", "expiresAt": asked.expires_at });
    Ok(Report::done(json, text))
}
