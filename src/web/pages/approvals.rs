//! Four eyes in the console: asking for a second person, and deciding as one.

use std::collections::HashMap;

use actix_web::http::StatusCode;

use super::{also, with_notice};
use crate::approvals::{self, Act, Approval, ApprovalError, ApprovalState as Decided, Party};
use crate::audit::catalogue;
use crate::authz::permission::{ApprovalDecide, ApprovalRead, ApprovalRequest, UserRead};
use crate::authz::{Permission, Principal};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::http::step_up;
use crate::kernel::id::UserId;
use crate::kernel::{Timestamp, limits};
use crate::retention::PolicyStep;
use crate::sso;
use crate::trail;
use crate::users;
use crate::web::messages::Messages;
use crate::web::problems::sentence;
use crate::web::view::approvals::{ApprovalRow, ApprovalsPage, AskApprovalPage};
use crate::web::view::chrome::Section;
use crate::web::view::form::Field;
use crate::web::view::state::{ApprovalState, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/admin/approvals";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let granted = Audit::Events(&[catalogue::APPROVAL_GRANTED]);
    let refused = Audit::Events(&[catalogue::APPROVAL_REFUSED]);
    let withdrawn = Audit::Events(&[catalogue::APPROVAL_WITHDRAWN]);
    let post = Method::Post;
    vec![
        Route::console(Method::Get, PATH, opened, list).says("What waits for a second person"),
        Route::console(post, "/t/{tenant}/admin/approvals/{id}/approve", granted, approve)
            .says("Approve what somebody else has asked for, which performs it")
            .sensitive(),
        Route::console(post, "/t/{tenant}/admin/approvals/{id}/refuse", refused, refuse)
            .says("Refuse what somebody else has asked for")
            .sensitive(),
        Route::console(post, "/t/{tenant}/admin/approvals/{id}/withdraw", withdrawn, withdraw)
            .says("Take back what one has asked for"),
    ]
}

/// The answer to an act that did not pass: asks for a reason, or with one for approval.
pub async fn answer<P: Permission>(call: &Call<P>, error: ApprovalError) -> Answer {
    let ApprovalError::Needed(act) = error else { return Err(error.into()) };
    let Some(reason) = call.input.form_field("reason") else {
        return ask(call, &act, Field::default()).await;
    };
    let grant = also::<_, ApprovalRequest>(call)?;
    match approvals::request(&call.app.tenants, &grant, (*act).clone(), &reason).await {
        Ok(_) => Ok(respond::see_other(&with_notice(&here(call), Notice::ApprovalRequested))),
        Err(error @ ApprovalError::Reason) => {
            let field = Field::wrong(reason, sentence(&error.to_string()));
            ask(call, &act, field).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask<P: Permission>(call: &Call<P>, act: &Act, reason: Field) -> Answer {
    let names = Names::of(call, [act].into_iter(), [].into_iter()).await?;
    let fields: Vec<(String, String)> = call.input.form()?;
    let mut chrome = frame::tenant(call, "approval-ask-title", Section::Permissions).await?;
    chrome.tabs = Vec::new();
    let ours = ["csrf", "reason", step_up::SHOWN, step_up::KEPT];
    let status = match reason.error {
        None => StatusCode::CONFLICT,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = AskApprovalPage {
        act: title(act),
        details: names.details(act),
        hours: limits::APPROVAL_LIFE.as_secs() / 3600,
        reason,
        action: call.input.request.path().to_owned(),
        kept: fields.into_iter().filter(|(name, _)| !ours.contains(&name.as_str())).collect(),
        cancel: format!("{}/", chrome.base()),
        chrome,
    };
    respond::page_with(status, &page)
}

async fn list(call: Call<ApprovalRead>) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "approvals").await?;
    let all = approvals::list(tenants, &call.grant).await?;
    let parties = all.iter().flat_map(|one| [Some(&one.requested_by), one.decided_by.as_ref()]);
    let acts = all.iter().map(|one| &one.act);
    let names = Names::of(&call, acts, parties.flatten()).await?;
    let (waiting, decided): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.state == Decided::Waiting);
    let rows = |found: Vec<Approval>| found.into_iter().map(|one| names.row(&call, one)).collect();
    respond::page(&ApprovalsPage {
        chrome: frame::tenant(&call, "tab-approvals", Section::Permissions).await?,
        is_on: approvals::is_on_in(tenants, &call.grant).await?,
        waiting: rows(waiting),
        decided: rows(decided),
    })
}

async fn approve(call: Call<ApprovalDecide>) -> Answer {
    let (app, id) = (&call.app, call.input.id("id")?);
    let ageing = app.settings.backup.ageing();
    let (exports, tenants) = (&app.exports, &app.tenants);
    approvals::approve(exports, tenants, &call.grant, &call.tenant, id, ageing).await?;
    Ok(respond::see_other(&with_notice(&here(&call), Notice::ApprovalGranted)))
}

async fn refuse(call: Call<ApprovalDecide>) -> Answer {
    let reason = call.input.form_field("reason").unwrap_or_default();
    let id = call.input.id("id")?;
    approvals::refuse(&call.app.tenants, &call.grant, id, &reason).await?;
    Ok(respond::see_other(&with_notice(&here(&call), Notice::ApprovalRefused)))
}

async fn withdraw(call: Call<ApprovalRequest>) -> Answer {
    let id = call.input.id("id")?;
    approvals::withdraw(&call.app.tenants, &call.grant, id).await?;
    Ok(respond::see_other(&with_notice(&here(&call), Notice::ApprovalWithdrawn)))
}

fn here<P>(call: &Call<P>) -> String {
    PATH.replace("{tenant}", call.tenant.slug.as_str())
}

/// Names of the members that a page speaks of, where the reader may know them.
struct Names(HashMap<String, String>);

impl Names {
    async fn of<'a, P: Permission>(
        call: &Call<P>,
        acts: impl Iterator<Item = &'a Act>,
        parties: impl Iterator<Item = &'a Party>,
    ) -> Result<Self, Failure> {
        let members = acts.filter_map(|act| match act {
            Act::ChangeRole { member, .. } => Some(member.to_string()),
            Act::SingleSignOn { break_glass, .. } => break_glass.map(|account| account.to_string()),
            _ => None,
        });
        let ids: Vec<String> = members.chain(parties.map(|party| party.id.clone())).collect();
        let mut names = HashMap::new();
        let Some(grant) = call.also::<UserRead>() else { return Ok(Self(names)) };
        for id in ids {
            let Ok(user) = id.parse::<UserId>() else { continue };
            if names.contains_key(&id) {
                continue;
            }
            if let Ok(member) = users::find(&call.app.tenants, &grant, user).await {
                let known = member.name.zip(member.email);
                names.extend(known.map(|(name, email)| (id, format!("{name} ({email})"))));
            }
        }
        Ok(Self(names))
    }

    fn name(&self, id: &str) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn party(&self, party: &Party) -> String {
        match party.kind.as_str() {
            "user" => self.name(&party.id),
            kind => format!("{} {}", Messages::english().label("actor-", kind), party.id),
        }
    }

    /// What decides what an act does.
    fn details(&self, act: &Act) -> Vec<(&'static str, String)> {
        match act {
            Act::ShredAudit | Act::FourEyesOff => Vec::new(),
            Act::SingleSignOn { break_glass, .. } => {
                let account = break_glass.map(|account| self.name(&account.to_string()));
                account.into_iter().map(|name| ("approval-emergency", name)).collect()
            }
            Act::ExportAudit(request) => {
                let time = |time: Option<Timestamp>| time.map(|t| t.to_string());
                let mut found = vec![("approval-format", request.format.name().to_owned())];
                let search = Some(request.q.clone()).filter(|q| !q.is_empty());
                found.extend(search.map(|q| ("approval-search", q)));
                let log = request.log.map(|log| log.to_string());
                found.extend(log.map(|log| ("approval-log", log)));
                found.extend(time(request.from).map(|from| ("approval-from", from)));
                found.extend(time(request.to).map(|to| ("approval-to", to)));
                found
            }
            Act::ErasePerson { subject, request } => {
                let number = request.clone().map(|number| ("approval-request", number));
                let subject = ("approval-subject", subject.to_string());
                std::iter::once(subject).chain(number).collect()
            }
            Act::ShortenRetention { policies } => policies.iter().map(step).collect(),
            Act::ShortenAuditRetention { from, to } => {
                vec![
                    ("approval-days-now", days(Some(*from))),
                    ("approval-days-new", days(Some(*to))),
                ]
            }
            Act::LiftHold { hold } => vec![("approval-hold", hold.to_string())],
            Act::ShortenHold { hold, ends_at, changes, .. } => {
                let ends = changes.ends_at.flatten();
                let review = changes.review_at.flatten();
                let line =
                    |name, time: Option<Timestamp>| time.map(|time| (name, time.to_string()));
                let dates = [
                    line("approval-hold-ends-now", *ends_at),
                    line("approval-hold-ends", ends),
                    line("approval-hold-review", review),
                ];
                let hold = ("approval-hold", hold.to_string());
                std::iter::once(hold).chain(dates.into_iter().flatten()).collect()
            }
            Act::TrustProvider(act) => {
                let settings = sso::in_words(&act.settings).into_iter();
                let line = |(name, value)| ("approval-setting", format!("{name}: {value}"));
                settings.map(line).collect()
            }
            Act::ChangeRole { member, from, to } => {
                let role = |role: &str| Messages::english().label("role-", role);
                vec![
                    ("approval-member", self.name(&member.to_string())),
                    ("approval-role-from", role(from)),
                    ("approval-role-to", role(to)),
                ]
            }
        }
    }

    fn row(&self, call: &Call<ApprovalRead>, approval: Approval) -> ApprovalRow {
        let waits = approval.state == Decided::Waiting;
        let mine = Party::of(call.principal()) == approval.requested_by;
        let person = matches!(call.principal(), Principal::User { .. });
        let own = call.principal().permissions().has(approval.act.permission());
        let may_decide = call.also::<ApprovalDecide>().is_some() && own && person && !mine;
        let state = ApprovalState::from_code(approval.state.name());
        ApprovalRow {
            id: approval.id.to_string(),
            state: state.unwrap_or(ApprovalState::Expired),
            act: title(&approval.act),
            details: self.details(&approval.act),
            requester: self.party(&approval.requested_by),
            requested: approval.requested_at,
            expires: approval.expires_at,
            decider: approval.decided_by.as_ref().map(|party| self.party(party)),
            decided: approval.decided_at,
            answer: approval.answer,
            reason: approval.reason,
            may_decide: waits && may_decide,
            may_withdraw: waits && mine && call.also::<ApprovalRequest>().is_some(),
        }
    }
}

fn days(days: Option<u32>) -> String {
    let words = Messages::english();
    match days {
        None => words.text("approval-days-off").into_owned(),
        Some(days) => words.with("approval-days", &[("count", days.into())]).into_owned(),
    }
}

/// What changes for one class.
fn step(step: &PolicyStep) -> (&'static str, String) {
    let words = Messages::english();
    let class = words.label("class-", step.class.name());
    let (from, to) = (days(step.from), days(step.to));
    let of = [("class", class.into()), ("from", from.into()), ("to", to.into())];
    ("approval-policy", words.with("approval-policy-step", &of).into_owned())
}

fn title(act: &Act) -> String {
    let id = match act {
        Act::ShredAudit => "approval-act-shred-audit",
        Act::ExportAudit(_) => "approval-act-export-audit",
        Act::ChangeRole { .. } => "approval-act-change-role",
        Act::FourEyesOff => "approval-act-four-eyes-off",
        Act::ErasePerson { .. } => "approval-act-erase-person",
        Act::ShortenRetention { .. } => "approval-act-shorten-retention",
        Act::ShortenAuditRetention { .. } => "approval-act-shorten-audit-retention",
        Act::LiftHold { .. } => "approval-act-lift-hold",
        Act::ShortenHold { .. } => "approval-act-shorten-hold",
        Act::TrustProvider(_) => "approval-act-trust-provider",
        Act::SingleSignOn { only: false, .. } => "approval-act-single-sign-on-off",
        Act::SingleSignOn { only: true, .. } => "approval-act-emergency-account",
    };
    Messages::english().text(id).into_owned()
}
