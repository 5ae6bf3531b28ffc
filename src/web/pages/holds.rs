//! Legal holds in the console.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::who::Names;
use super::{also, approvals, with_notice};
use crate::approvals::Party;
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{HoldManage, RetentionRead, SubjectRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::kernel::id::HoldId;
use crate::retention::holds::{
    self, Hold, HoldChanges, HoldError, HoldRequest, HoldScope, HoldState, NewHold, TargetName,
};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::missing_or_too_long;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::holds::{HoldChangeRow, HoldForm, HoldForms, HoldPage, HoldRow, HoldsPage};
use crate::web::view::query::{self, Pager};
use crate::web::view::state::{self as codes, Notice};
use crate::web::{frame, respond};

const ALL: &str = "/t/{tenant}/admin/privacy/holds";
const ONE: &str = "/t/{tenant}/admin/privacy/holds/{id}";
const LIFT: &str = "/t/{tenant}/admin/privacy/holds/{id}/lift";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::console(Method::Get, ALL, opened, list).says("Legal holds"),
        Route::console(
            Method::Post,
            ALL,
            Audit::Events(&[catalogue::HOLD_SET, catalogue::ADMIN_PANEL_ACCESS]),
            set,
        )
        .says("Set a legal hold"),
        Route::console(Method::Get, ONE, opened, one).says("One legal hold"),
        Route::console(
            Method::Post,
            ONE,
            Audit::Events(&[catalogue::HOLD_CHANGED, catalogue::ADMIN_PANEL_ACCESS]),
            change,
        )
        .says("Change when a legal hold ends or is to be looked at"),
        Route::console(
            Method::Post,
            LIFT,
            Audit::Events(&[catalogue::HOLD_LIFTED, catalogue::ADMIN_PANEL_ACCESS]),
            lift,
        )
        .says("Lift a legal hold")
        .sensitive(),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    state: String,
    cursor: String,
}

async fn list(call: Call<RetentionRead>) -> Answer {
    show(&call, None).await
}

/// `refused` is a form that did not go through.
async fn show<P: Permission>(call: &Call<P>, refused: Option<HoldForm>) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, RetentionRead>(call)?);
    trail::record_admin_access(tenants, &grant, "holds").await?;
    let asked: Asked = call.input.query().unwrap_or_default();
    let all = asked.state == "all";
    let wanted = HoldRequest {
        state: (!all).then_some(HoldState::InForce),
        limit: None,
        cursor: Some(asked.cursor.clone()).filter(|cursor| !cursor.is_empty()),
    };
    let page = holds::list(tenants, &grant, wanted).await?;
    let path = ALL.replace("{tenant}", call.tenant.slug.as_str());
    let state = if all { "all" } else { "" };
    let pager = Pager {
        newest: (!asked.cursor.is_empty()).then(|| query::href(&path, &[("state", state)])),
        newer: None,
        older: page
            .next_cursor
            .map(|cursor| query::href(&path, &[("state", state), ("cursor", &cursor)])),
    };
    let now = call.app.runtime.now();
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may_set = call.also::<HoldManage>().is_some();
    let form = match refused {
        None if may_set => Some(form(&Form::default())),
        refused => refused.filter(|_| may_set),
    };
    let mut names = Vec::new();
    for hold in &page.items {
        let asked = hold.target.is_some() && call.also::<SubjectRead>().is_some();
        names.push(match asked {
            true => known(holds::find(tenants, &grant, hold.id).await?.1),
            false => None,
        });
    }
    let rows = page.items.iter().zip(names).map(|(hold, name)| row(&path, hold, name, now));
    let page = HoldsPage {
        chrome: frame::tenant(call, "holds-title", Section::Privacy).await?,
        rows: rows.collect(),
        pager,
        all,
        form,
    };
    respond::page_with(status, &page)
}

fn row(path: &str, hold: &Hold, name: Option<String>, now: Timestamp) -> HoldRow {
    HoldRow {
        href: format!("{path}/{}", hold.id),
        id: hold.id.to_string(),
        scope: hold.scope.name(),
        target: hold.target.clone(),
        name,
        reason: hold.reason.clone(),
        state: match hold.state {
            HoldState::InForce => codes::HoldState::InForce,
            HoldState::Lifted => codes::HoldState::Lifted,
        },
        set: hold.set_at,
        ends: hold.ends_at,
        review: hold.review_at,
        is_overdue: hold.is_overdue(now),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    scope: String,
    target: String,
    reason: String,
    ends: String,
    review: String,
}

fn form(typed: &Form) -> HoldForm {
    let choice = |scope: HoldScope| Choice {
        value: scope.name().to_owned(),
        label: Messages::english().label("hold-scope-", scope.name()),
        selected: scope.name() == typed.scope,
    };
    HoldForm {
        scope: Field::value(&typed.scope),
        scopes: HoldScope::ALL.map(choice).into(),
        target: Field::value(&typed.target),
        reason: Field::value(&typed.reason),
        ends: Field::value(&typed.ends),
        review: Field::value(&typed.review),
    }
}

/// The beginning of a day, as `<input type="date">` sends it; empty for none.
fn day(name: &'static str, text: &str) -> Result<Option<Timestamp>, HoldError> {
    match text {
        "" => Ok(None),
        day => Timestamp::parse(&format!("{day}T00:00:00Z")).map(Some).ok_or(HoldError::Past(name)),
    }
}

fn words(id: &str) -> FieldError {
    FieldError::Other(Messages::english().text(id).into_owned())
}

async fn set(call: Call<HoldManage>) -> Answer {
    let typed: Form = call.input.form()?;
    let asked = || {
        let scope = HoldScope::parse(&typed.scope).ok_or(HoldError::Target)?;
        Ok(NewHold {
            scope,
            target: Some(typed.target.clone()).filter(|target| !target.trim().is_empty()),
            reason: typed.reason.replace("\r\n", "\n"),
            ends_at: day("endsAt", &typed.ends)?,
            review_at: day("reviewAt", &typed.review)?,
        })
    };
    let result = match asked() {
        Ok(new) => holds::set(&call.app.tenants, &call.grant, new, None).await,
        Err(error) => Err(error),
    };
    let mut form = form(&typed);
    match result {
        Ok(hold) => {
            let path = ALL.replace("{tenant}", call.tenant.slug.as_str());
            let one = format!("{path}/{}", hold.id);
            return Ok(respond::see_other(&with_notice(&one, Notice::HoldSet)));
        }
        Err(HoldError::NoTarget) => form.target.error = Some(words("error-hold-target")),
        Err(HoldError::Target) => form.target.error = Some(words("error-hold-target-needed")),
        Err(HoldError::Reason) => form.reason.error = Some(missing_or_too_long(&typed.reason)),
        Err(HoldError::Past("endsAt")) => form.ends.error = Some(words("error-hold-date")),
        Err(HoldError::Past(_)) => form.review.error = Some(words("error-hold-date")),
        Err(error) => return Err(error.into()),
    }
    show(&call, Some(form)).await
}

async fn one(call: Call<RetentionRead>) -> Answer {
    page(&call, None).await
}

fn by(party: &Party) -> (&str, &str) {
    (&party.kind, &party.id)
}

fn known(name: TargetName) -> Option<String> {
    match name {
        TargetName::Known(name) => Some(name),
        _ => None,
    }
}

async fn page<P: Permission>(call: &Call<P>, refused: Option<HoldForms>) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, RetentionRead>(call)?);
    let id: HoldId = call.input.id("id")?;
    trail::record_admin_access(tenants, &grant, "hold").await?;
    let (hold, name) = holds::find(tenants, &grant, id).await?;
    let may_see = call.also::<SubjectRead>().is_some();
    let known = known(name);
    let parties = hold.history.iter().map(|change| &change.by).chain(&hold.lifted_by);
    let who = Names::of(call, parties.chain([&hold.set_by]).map(by)).await;
    let is = |party: &Party| who.is(&party.kind, &party.id);
    let date = |time: Option<Timestamp>| {
        let text = time.map(|time| time.to_string()).unwrap_or_default();
        Field::value(text.chars().take(10).collect::<String>())
    };
    let forms = HoldForms {
        ends: date(hold.ends_at),
        review: date(hold.review_at),
        reason: Field::default(),
    };
    let in_force = hold.state == HoldState::InForce;
    let may_change = in_force && call.also::<HoldManage>().is_some();
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let path = ALL.replace("{tenant}", call.tenant.slug.as_str());
    let page = HoldPage {
        chrome: frame::tenant(call, "holds-title", Section::Privacy).await?,
        set_by: is(&hold.set_by),
        lifted: hold.lifted_at,
        lifted_by: hold.lifted_by.as_ref().map(is),
        lift_reason: hold.lift_reason.clone(),
        history: hold
            .history
            .iter()
            .rev()
            .map(|change| HoldChangeRow {
                at: change.at,
                by: is(&change.by),
                ends: change.ends_at,
                review: change.review_at,
            })
            .collect(),
        forms: may_change.then(|| refused.unwrap_or(forms)),
        hold: row(&path, &hold, known.filter(|_| may_see), call.app.runtime.now()),
    };
    respond::page_with(status, &page)
}

#[derive(Deserialize)]
struct Dates {
    ends: String,
    review: String,
}

async fn change(call: Call<HoldManage>) -> Answer {
    let (id, typed): (HoldId, Dates) = (call.input.id("id")?, call.input.form()?);
    let grant = also::<_, RetentionRead>(&call)?;
    let (hold, _) = holds::find(&call.app.tenants, &grant, id).await?;
    // A day that was not touched stays the moment that it was.
    let changed = |name, text: &str, stored: Option<Timestamp>| match stored {
        Some(time) if time.to_string().starts_with(text) && !text.is_empty() => Ok(None),
        None if text.is_empty() => Ok(None),
        _ => day(name, text).map(Some),
    };
    let changes = || {
        Ok(HoldChanges {
            ends_at: changed("endsAt", &typed.ends, hold.ends_at)?,
            review_at: changed("reviewAt", &typed.review, hold.review_at)?,
        })
    };
    let result = match changes() {
        Ok(changes) => holds::change(&call.app.tenants, &call.grant, id, changes).await,
        Err(error) => Err(error),
    };
    let mut forms = HoldForms {
        ends: Field::value(&typed.ends),
        review: Field::value(&typed.review),
        reason: Field::default(),
    };
    match result {
        Ok(_) => {
            return Ok(respond::see_other(&with_notice(&here(&call, id), Notice::HoldChanged)));
        }
        Err(HoldError::Past("endsAt")) => forms.ends.error = Some(words("error-hold-date")),
        Err(HoldError::Past(_)) => forms.review.error = Some(words("error-hold-date")),
        Err(HoldError::Approval(error)) => return approvals::answer(&call, *error).await,
        Err(error) => return Err(error.into()),
    }
    page(&call, Some(forms)).await
}

fn here<P>(call: &Call<P>, id: HoldId) -> String {
    ONE.replace("{tenant}", call.tenant.slug.as_str()).replace("{id}", &id.to_string())
}

async fn lift(call: Call<HoldManage>) -> Answer {
    let id: HoldId = call.input.id("id")?;
    let reason = call.input.form_field("reason").unwrap_or_default().replace("\r\n", "\n");
    match holds::lift(&call.app.tenants, &call.grant, id, &reason).await {
        Ok(_) => Ok(respond::see_other(&with_notice(&here(&call, id), Notice::HoldLifted))),
        Err(HoldError::Reason) => {
            let reason = Field::wrong(&reason, missing_or_too_long(&reason));
            let (ends, review) = (Field::default(), Field::default());
            page(&call, Some(HoldForms { ends, review, reason })).await
        }
        Err(HoldError::Approval(error)) => approvals::answer(&call, *error).await,
        Err(error) => Err(error.into()),
    }
}
