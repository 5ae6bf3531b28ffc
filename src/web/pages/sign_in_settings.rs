//! How people of a tenant have to sign in.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, approvals, with_notice};
use crate::approvals::ApprovalError;
use crate::audit::catalogue;
use crate::authn::SignInPolicy;
use crate::authz::Permission;
use crate::authz::permission::{SettingsRead, SignInManage};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Fault;
use crate::settings::{self, SettingsError};
use crate::trail;
use crate::web::problems::{as_sentence, sentence};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::sign_in_settings::{SignInForm, SignInSettingsPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/admin/sign-in";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[catalogue::SETTINGS_CHANGED, catalogue::APPROVAL_REQUESTED]);
    vec![
        Route::console(Method::Get, PATH, opened, show)
            .says("How people of the tenant have to sign in"),
        Route::console(Method::Post, PATH, changed, change)
            .says("Change how people of the tenant have to sign in")
            .sensitive(),
    ]
}

async fn show(call: Call<SettingsRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "sign-in").await?;
    let now = settings::sign_in(&call.app.tenants, &call.grant).await?;
    page(&call, form(&now.policy), None, StatusCode::OK).await
}

async fn page<P: Permission>(
    call: &Call<P>,
    form: SignInForm,
    problem: Option<String>,
    status: StatusCode,
) -> Answer {
    let grant = also::<_, SettingsRead>(call)?;
    let without = settings::sign_in(&call.app.tenants, &grant).await?.without_second_factor;
    let sessions = &call.app.settings.sessions;
    let page = SignInSettingsPage {
        chrome: frame::tenant(call, "sign-in-settings", Section::Permissions).await?,
        form,
        may_change: call.also::<SignInManage>().is_some(),
        without_second: without,
        idle_minutes: sessions.idle_minutes.into(),
        absolute_hours: sessions.absolute_hours.into(),
        problem,
    };
    respond::page_with(status, &page)
}

fn form(policy: &SignInPolicy) -> SignInForm {
    let number =
        |value: Option<u32>| Field::value(value.map_or_else(String::new, |v| v.to_string()));
    SignInForm {
        second_factor_for_all: policy.second_factor_for_all,
        idle_minutes: number(policy.idle_minutes),
        absolute_hours: number(policy.absolute_hours),
        access_token_minutes: number(Some(policy.access_token_minutes)),
        magic_links: policy.magic_links,
        passkeys_alone: policy.passkeys_alone,
        registration: policy.registration,
        registration_domains: Field::value(policy.registration_domains.join("\n")),
        four_eyes: policy.four_eyes,
    }
}

/// A box that is not ticked is not sent.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Sent {
    second_factor_for_all: Option<String>,
    idle_minutes: String,
    absolute_hours: String,
    access_token_minutes: String,
    magic_links: Option<String>,
    passkeys_alone: Option<String>,
    registration: Option<String>,
    registration_domains: String,
    four_eyes: Option<String>,
}

impl Sent {
    /// As it was typed.
    fn form(&self) -> SignInForm {
        SignInForm {
            second_factor_for_all: self.second_factor_for_all.is_some(),
            idle_minutes: Field::value(self.idle_minutes.trim()),
            absolute_hours: Field::value(self.absolute_hours.trim()),
            access_token_minutes: Field::value(self.access_token_minutes.trim()),
            magic_links: self.magic_links.is_some(),
            passkeys_alone: self.passkeys_alone.is_some(),
            registration: self.registration.is_some(),
            registration_domains: Field::value(self.registration_domains.trim()),
            four_eyes: self.four_eyes.is_some(),
        }
    }

    /// What is no number is out of every range, which is then said.
    fn policy(&self) -> SignInPolicy {
        let number = |text: &str| text.trim().parse().unwrap_or(u32::MAX);
        let optional = |text: &str| (!text.trim().is_empty()).then(|| number(text));
        SignInPolicy {
            second_factor_for_all: self.second_factor_for_all.is_some(),
            idle_minutes: optional(&self.idle_minutes),
            absolute_hours: optional(&self.absolute_hours),
            access_token_minutes: number(&self.access_token_minutes),
            magic_links: self.magic_links.is_some(),
            passkeys_alone: self.passkeys_alone.is_some(),
            registration: self.registration.is_some(),
            registration_domains: self
                .registration_domains
                .split([',', ' ', '\n', '\r'])
                .map(str::to_owned)
                .collect(),
            four_eyes: self.four_eyes.is_some(),
            ..SignInPolicy::default()
        }
    }
}

async fn change(call: Call<SignInManage>) -> Answer {
    let sent: Sent = call.input.form()?;
    let tenants = &call.app.tenants;
    let before = settings::sign_in(tenants, &call.grant).await?.policy;
    let error = match settings::change_sign_in(tenants, &call.grant, sent.policy()).await {
        Ok(after) => {
            let same = after.policy == before;
            let notice = if same { Notice::NothingChanged } else { Notice::SettingsSaved };
            let here = PATH.replace("{tenant}", call.tenant.slug.as_str());
            return Ok(respond::see_other(&with_notice(&here, notice)));
        }
        Err(error) => error,
    };
    let mut form = sent.form();
    let problem = match error {
        SettingsError::Approval(error) => match *error {
            alone @ ApprovalError::Alone => Some(as_sentence(&alone.to_string())),
            other => return approvals::answer(&call, other).await,
        },
        error => match place(&mut form, error.field()) {
            Some(field) => {
                field.error = Some(said(&error));
                None
            }
            None => return Err(error.into()),
        },
    };
    page(&call, form, problem, StatusCode::UNPROCESSABLE_ENTITY).await
}

fn said(error: &SettingsError) -> FieldError {
    sentence(&error.to_string())
}

/// The field of a setting.
fn place<'a>(form: &'a mut SignInForm, name: Option<&str>) -> Option<&'a mut Field> {
    Some(match name? {
        "idleMinutes" => &mut form.idle_minutes,
        "absoluteHours" => &mut form.absolute_hours,
        "accessTokenMinutes" => &mut form.access_token_minutes,
        "registrationDomains" => &mut form.registration_domains,
        _ => return None,
    })
}
