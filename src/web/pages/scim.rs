//! Provisioning: what a provider needs, and which groups mean which role.

use actix_web::http::StatusCode;

use super::{also, role_choices, with_notice};
use crate::audit::catalogue as c;
use crate::authz::Permission;
use crate::authz::permission::{ApiKeyCreate, ScimProvision, SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Fault;
use crate::scim::{self, GroupRule, ScimOverview, ScimSettings};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::as_sentence;
use crate::web::view::Choice;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::scim::{RuleFields, ScimPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/admin/scim";

/// Empty rules at the end of the form.
const ROOM: usize = 3;

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[c::ADMIN_PANEL_ACCESS]);
    let changed =
        Audit::Events(&[c::SETTINGS_CHANGED, c::ROLE_CHANGED, c::USER_DISABLED, c::USER_ENABLED]);
    vec![
        Route::console(Method::Get, PATH, opened, show)
            .says("What provisioning has done, and which groups mean which role"),
        Route::console(Method::Post, PATH, changed, change)
            .says("Change which groups of provisioning mean which role")
            .sensitive(),
    ]
}

async fn show(call: Call<SsoRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "provisioning").await?;
    let overview = scim::overview(&call.app.tenants, &call.grant).await?;
    let settings = overview.settings.clone();
    page(&call, &overview, settings, None, StatusCode::OK).await
}

async fn page<P: Permission>(
    call: &Call<P>,
    overview: &ScimOverview,
    settings: ScimSettings,
    problem: Option<String>,
    status: StatusCode,
) -> Answer {
    let may_change = call.also::<SsoManage>().is_some();
    let may_make_key =
        call.also::<ApiKeyCreate>().is_some() && call.also::<ScimProvision>().is_some();
    let mut rules = Vec::new();
    let room = if may_change { ROOM } else { 0 };
    let empty = (0..room).map(|_| GroupRule { group: String::new(), role: String::new() });
    for (rule, number) in settings.rules.into_iter().chain(empty).zip(1..) {
        let roles = rule_choices(call, &rule.role).await?;
        let is_missing = !rule.group.is_empty() && rule.role.is_empty();
        let error = is_missing.then_some(FieldError::Required);
        let role = Field { value: rule.role, error };
        rules.push(RuleFields { number, group: rule.group, role, roles });
    }
    let default_role = settings.default_role.unwrap_or_default();
    let nobody = Messages::english().text("scim-no-role").into_owned();
    let mut default_roles =
        vec![Choice { value: String::new(), label: nobody, selected: default_role.is_empty() }];
    default_roles.extend(choices(call, &default_role).await?);
    let page = ScimPage {
        chrome: frame::tenant(call, "scim-title", Section::Permissions).await?,
        url: format!("{}/scim/v2", call.app.base_url()),
        users: overview.users,
        groups: overview.groups,
        changed: overview.changed_at,
        rules,
        group_names: overview.group_names.clone(),
        default_role: Field::value(default_role),
        default_roles,
        domains: Field::value(settings.domains.join("\n")),
        provider_domains: overview.provider_domains.clone(),
        may_change,
        may_make_key,
        problem,
    };
    respond::page_with(status, &page)
}

/// The roles that one may give, and the one that is set.
async fn choices<P: Permission>(call: &Call<P>, selected: &str) -> Result<Vec<Choice>, Failure> {
    let mut choices = role_choices(call, selected).await?;
    if !selected.is_empty() && !choices.iter().any(|choice| choice.selected) {
        let value = selected.to_owned();
        choices.insert(0, Choice { label: value.clone(), value, selected: true });
    }
    Ok(choices)
}

/// For a new rule, none is chosen by itself.
async fn rule_choices<P: Permission>(
    call: &Call<P>,
    selected: &str,
) -> Result<Vec<Choice>, Failure> {
    let mut all = choices(call, selected).await?;
    if selected.is_empty() {
        let label = Messages::english().text("sso-rule-role-choose").into_owned();
        all.insert(0, Choice { value: String::new(), label, selected: true });
    }
    Ok(all)
}

async fn change(call: Call<SsoManage>) -> Answer {
    let fields: Vec<(String, String)> = call.input.form()?;
    let wanted = sent(&fields);
    let read = also::<_, SsoRead>(&call)?;
    let before = scim::overview(&call.app.tenants, &read).await?;
    if wanted.rules.iter().any(|rule| rule.role.is_empty()) {
        return page(&call, &before, wanted, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    match scim::change_settings(&call.app.tenants, &call.grant, wanted.clone()).await {
        Ok(after) => {
            let same = after.settings == before.settings;
            let notice = if same { Notice::NothingChanged } else { Notice::SettingsSaved };
            let here = PATH.replace("{tenant}", call.tenant.slug.as_str());
            Ok(respond::see_other(&with_notice(&here, notice)))
        }
        Err(error) if error.field().is_some() => {
            let problem = Some(as_sentence(&error.to_string()));
            page(&call, &before, wanted, problem, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Rules in the order of their numbers; those without a group are none.
fn sent(fields: &[(String, String)]) -> ScimSettings {
    let all = |name: &str| {
        let named = fields.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.trim().to_owned()).collect::<Vec<_>>()
    };
    let (orders, groups, roles) = (all("rule_order"), all("rule_group"), all("rule_role"));
    let mut rules: Vec<(u32, GroupRule)> = groups
        .into_iter()
        .zip(roles)
        .enumerate()
        .filter(|(_, (group, _))| !group.is_empty())
        .map(|(at, (group, role))| {
            let order = orders.get(at).and_then(|order| order.parse().ok());
            (order.unwrap_or(u32::MAX), GroupRule { group, role })
        })
        .collect();
    rules.sort_by_key(|(order, _)| *order);
    let domains = all("domains").join("\n");
    let domains = domains.split([',', ' ', '\n', '\r']).map(str::to_owned);
    ScimSettings {
        rules: rules.into_iter().map(|(_, rule)| rule).collect(),
        default_role: all("default_role").into_iter().find(|role| !role.is_empty()),
        domains: domains.filter(|domain| !domain.is_empty()).collect(),
    }
}
