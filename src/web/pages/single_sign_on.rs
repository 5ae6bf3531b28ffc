//! Whether people come by an identity provider alone, and who still gets in without one.

use actix_web::http::StatusCode;

use super::{also, approvals, with_notice};
use crate::approvals::ApprovalError;
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{SettingsRead, SignInManage};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Fault;
use crate::settings::{self, Candidate, Lack, SettingsError, SingleSignOn, WantedSingleSignOn};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::{as_sentence, sentence};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Choice, Field};
use crate::web::view::single_sign_on::SingleSignOnPage;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/admin/sso/enforcement";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[catalogue::SETTINGS_CHANGED, catalogue::APPROVAL_REQUESTED]);
    vec![
        Route::console(Method::Get, PATH, opened, show)
            .says("Whether people come by an identity provider alone"),
        Route::console(Method::Post, PATH, changed, change)
            .says("Let people in by an identity provider alone, or by passwords again")
            .sensitive(),
    ]
}

async fn show(call: Call<SettingsRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "single-sign-on").await?;
    let now = settings::single_sign_on(&call.app.tenants, &call.grant).await?;
    let account = now.break_glass.map(|account| account.to_string()).unwrap_or_default();
    let form = Form { only: now.single_sign_on_only, break_glass: Field::value(account) };
    page(&call, now, form, None, StatusCode::OK).await
}

struct Form {
    only: bool,
    break_glass: Field,
}

async fn page<P: Permission>(
    call: &Call<P>,
    now: SingleSignOn,
    form: Form,
    problem: Option<String>,
    status: StatusCode,
) -> Answer {
    let grant = also::<_, SettingsRead>(call)?;
    let owners = settings::candidates(&call.app.tenants, &grant).await?;
    let selected = form.break_glass.value.clone();
    let page = SingleSignOnPage {
        chrome: frame::tenant(call, "sso-only-title", Section::Permissions).await?,
        may_change: call.also::<SignInManage>().is_some(),
        is_on: now.single_sign_on_only,
        only: form.only,
        providers_on: now.providers_on,
        members_linked: now.members_linked,
        other_sessions: now.other_sessions,
        emergency_used: now.emergency_used_at,
        break_glass: form.break_glass,
        owners: choices(owners, &selected),
        mails: call.app.mailer.is_configured(),
        problem,
    };
    respond::page_with(status, &page)
}

/// Nobody is chosen by themselves: whoever sets it up is rarely the one to keep for the day of need.
fn choices(owners: Vec<Candidate>, selected: &str) -> Vec<Choice> {
    let mut all: Vec<Choice> = owners.into_iter().map(|owner| choice(owner, selected)).collect();
    if !all.iter().any(|choice| choice.selected) {
        let label = Messages::english().text("emergency-choose").into_owned();
        all.insert(0, Choice { value: String::new(), label, selected: true });
    }
    all
}

fn choice(owner: Candidate, selected: &str) -> Choice {
    let words = Messages::english();
    let who = format!("{} ({})", owner.name, owner.email);
    let lacks = owner.lacks.map(|lacks| match lacks {
        Lack::Owner => "emergency-lacks-owner",
        Lack::Password => "emergency-lacks-password",
        Lack::SecondFactor => "emergency-lacks-second-factor",
    });
    let label = match lacks {
        None => who,
        Some(lacks) => words.with(lacks, &[("who", who.as_str().into())]).into_owned(),
    };
    let value = owner.id.to_string();
    Choice { selected: value == selected, value, label }
}

async fn change(call: Call<SignInManage>) -> Answer {
    let tenants = &call.app.tenants;
    let only = call.input.form_field("only").is_some();
    let account = call.input.form_field("break_glass").unwrap_or_default().trim().to_owned();
    let before = settings::single_sign_on(tenants, &call.grant).await?;
    let break_glass = Some(account.clone()).filter(|account| !account.is_empty());
    let wanted = WantedSingleSignOn { only, break_glass };
    let error = match settings::change_single_sign_on(tenants, &call.grant, wanted).await {
        Ok(after) => {
            let same = after.single_sign_on_only == before.single_sign_on_only
                && after.break_glass == before.break_glass;
            let notice = if same { Notice::NothingChanged } else { Notice::SettingsSaved };
            let here = PATH.replace("{tenant}", call.tenant.slug.as_str());
            return Ok(respond::see_other(&with_notice(&here, notice)));
        }
        Err(error) => error,
    };
    let mut form = Form { only, break_glass: Field::value(account) };
    let problem = match error {
        SettingsError::Approval(error) => match *error {
            alone @ ApprovalError::Alone => Some(as_sentence(&alone.to_string())),
            other => return approvals::answer(&call, other).await,
        },
        error @ SettingsError::Emergency(_) => {
            form.break_glass.error = Some(sentence(&error.to_string()));
            None
        }
        error if error.code().starts_with("sso-") => Some(as_sentence(&error.to_string())),
        error => return Err(error.into()),
    };
    page(&call, before, form, problem, StatusCode::UNPROCESSABLE_ENTITY).await
}
