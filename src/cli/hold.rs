//! `strongroom hold …`: legal holds of a tenant.

use anyhow::Context as _;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::approval;
use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::{HoldManage, RetentionRead};
use crate::kernel::Timestamp;
use crate::kernel::id::HoldId;
use crate::retention::holds::{self, Hold, HoldError, HoldRequest, HoldScope, HoldState, NewHold};

#[derive(Subcommand)]
pub enum Verb {
    /// Keep something from being deleted until the hold is lifted
    #[command(group(clap::ArgGroup::new("what").required(true)))]
    Set {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// A customer with all conversations: the application's reference, or the id here
        #[arg(long, value_name = "REF", group = "what")]
        person: Option<String>,
        /// A member's account: id or e-mail address
        #[arg(long, value_name = "MEMBER", group = "what")]
        member: Option<String>,
        /// One conversation
        #[arg(long, value_name = "ID", group = "what")]
        conversation: Option<String>,
        /// Everything that the tenant keeps
        #[arg(long, group = "what")]
        everything: bool,
        /// Why: the case, who asked for it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When it ends by itself, such as 2027-11-22 (midnight, UTC)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// When somebody is to look at it again
        #[arg(long, value_name = "DATE")]
        review: Option<String>,
    },
    /// List the holds that are in force, the newest first
    List {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// Those that were lifted as well
        #[arg(long)]
        all: bool,
    },
    /// Lift a hold: what it covered can be deleted again
    Lift {
        id: HoldId,
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Set {
        tenant: String,
        scope: HoldScope,
        target: Option<String>,
        reason: String,
        ends: Option<Timestamp>,
        review: Option<Timestamp>,
    },
    List {
        tenant: String,
        all: bool,
    },
    Lift {
        tenant: String,
        id: HoldId,
        reason: String,
    },
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    Ok(super::Command::Hold(match verb {
        Verb::Set {
            tenant,
            person,
            member,
            conversation,
            everything: _,
            reason,
            until,
            review,
        } => {
            let (scope, target) = match (person, member, conversation) {
                (Some(person), ..) => (HoldScope::DataSubject, Some(person)),
                (_, Some(member), _) => (HoldScope::Member, Some(member)),
                (_, _, Some(id)) => (HoldScope::Conversation, Some(id)),
                _ => (HoldScope::Tenant, None),
            };
            let (ends, review) = (day(until.as_deref())?, day(review.as_deref())?);
            Command::Set { tenant, scope, target, reason, ends, review }
        }
        Verb::List { tenant, all } => Command::List { tenant, all },
        Verb::Lift { id, tenant, reason } => Command::Lift { tenant, id, reason },
    }))
}

fn day(text: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let time = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    time.map(Some).with_context(|| format!("{text} is not a date such as 2027-11-22"))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    match command {
        Command::Set { tenant, scope, target, reason, ends, review } => {
            let (grant, _) = operator.tenant::<HoldManage>(&tenant).await?;
            let new = NewHold { scope, target, reason, ends_at: ends, review_at: review };
            let hold = holds::set(tenants, &grant, new, None).await?;
            let text = format!("Hold {} is in force.", hold.id);
            Ok(Report::done(serde_json::to_value(&hold)?, text))
        }
        Command::List { tenant, all } => {
            let (grant, _) = operator.tenant::<RetentionRead>(&tenant).await?;
            let state = (!all).then_some(HoldState::InForce);
            let mut items = Vec::new();
            let mut cursor = None;
            loop {
                let request = HoldRequest { state, limit: Some(1000), cursor };
                let page = holds::list(tenants, &grant, request).await?;
                items.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let text = shown(&items);
            Ok(Report::done(serde_json::json!({ "items": items }), text))
        }
        Command::Lift { tenant, id, reason } => {
            let (grant, _) = operator.tenant::<HoldManage>(&tenant).await?;
            match holds::lift(tenants, &grant, id, &reason).await {
                Ok(hold) => Ok(Report::done(serde_json::to_value(&hold)?, "Hold lifted.")),
                Err(HoldError::Approval(error)) => {
                    approval::answer(operator, &tenant, *error, Some(&reason)).await
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn shown(holds: &[Hold]) -> String {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let row = |hold: &Hold| {
        vec![
            hold.id.to_string(),
            hold.scope.name().to_owned(),
            hold.target.clone().unwrap_or_default(),
            hold.state.name().to_owned(),
            hold.set_at.to_string(),
            time(hold.ends_at),
            time(hold.review_at),
            hold.reason.clone(),
        ]
    };
    let head = ["HOLD", "SCOPE", "TARGET", "STATE", "SET", "ENDS", "REVIEW", "REASON"];
    table(&head, &holds.iter().map(row).collect::<Vec<_>>())
}
