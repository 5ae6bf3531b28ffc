//! The members of a tenant.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::{also, role_choices, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{UserCreate, UserRead};
use crate::authz::{Permission, Principal, Role};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::roles;
use crate::trail;
use crate::users::{self, Member, MemberFilter, MemberPage, NewMember, UserError};
use crate::web::messages::Messages;
use crate::web::problems::{PASSWORD_MIN, PersonFields};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::members::{MemberForm, MemberRow, MembersFilter, MembersPage};
use crate::web::view::query::Pager;
use crate::web::view::state::{MemberState, Notice, SecondFactorState};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/members";
/// What most members of a tenant are.
const USUAL_ROLE: &str = Role::Operator.name();

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::USER_CREATED, catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::console(Method::Get, PATH, opened, list).says("The members and their roles"),
        Route::console(Method::Post, PATH, created, create).says("Add a member").sensitive(),
    ]
}

async fn list(call: Call<UserRead>) -> Answer {
    let asked: Asked = call.input.query()?;
    show(&call, asked, None).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    role: String,
    state: String,
    factor: String,
    cursor: String,
}

/// `refused` is a form that did not go through.
async fn show<P: Permission>(call: &Call<P>, asked: Asked, refused: Option<MemberForm>) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, UserRead>(call)?);
    trail::record_admin_access(tenants, &grant, "members").await?;
    let names = role_names(call).await?;
    let filter = MembersFilter {
        q: asked.q.trim().to_owned(),
        roles: roles_to_filter(&names, &asked.role),
        state: MemberState::from_code(&asked.state),
        factor: SecondFactorState::from_code(&asked.factor),
    };
    let MemberPage { mut items, next_cursor } = find(call, &filter, &asked.cursor).await?;
    let chrome = frame::tenant(call, "nav-members", Section::Members).await?;
    let path = format!("{}/members", chrome.base());
    let is_all = asked.cursor.is_empty() && next_cursor.is_none();
    if is_all {
        // Names are sealed, so the database cannot sort by them.
        items.sort_by_cached_key(|m| m.name.as_deref().unwrap_or_default().to_lowercase());
    }
    let pager = Pager {
        newest: (!asked.cursor.is_empty()).then(|| filter.page(&path, "")),
        newer: None,
        older: next_cursor.map(|cursor| filter.page(&path, &cursor)),
    };
    let rows = items.into_iter().map(|member| row(call, &names, member)).collect();
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = match (call.also::<UserCreate>(), refused) {
        (None, _) => None,
        (Some(_), Some(refused)) => Some(refused),
        (Some(_), None) => {
            Some(MemberForm::new(role_choices(call, USUAL_ROLE).await?, PASSWORD_MIN))
        }
    };
    respond::page_with(status, &MembersPage { chrome, filter, rows, pager, form })
}

async fn find<P: Permission>(
    call: &Call<P>,
    filter: &MembersFilter,
    cursor: &str,
) -> Result<MemberPage, Failure> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let wanted = MemberFilter {
        q: text(&filter.q),
        role: text(filter.role()),
        state: filter.state.map(|state| match state {
            MemberState::Active => users::MemberState::Active,
            MemberState::Disabled => users::MemberState::Disabled,
        }),
        second_factor: filter.factor.map(|factor| match factor {
            SecondFactorState::On => users::SecondFactor::On,
            SecondFactorState::Off => users::SecondFactor::Off,
            SecondFactorState::Missing => users::SecondFactor::Missing,
        }),
    };
    let grant = also::<_, UserRead>(call)?;
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    Ok(users::page(&call.app.tenants, &grant, wanted, None, cursor).await?)
}

/// What the roles of this tenant are called, by code.
pub(super) async fn role_names<P: Permission>(
    call: &Call<P>,
) -> Result<HashMap<String, String>, Failure> {
    let own = roles::names(&call.app.tenants, &call.grant).await?;
    let built_in = Role::TENANT
        .into_iter()
        .map(|role| (String::from(role), Messages::english().label("role-", role.name())));
    Ok(own.into_iter().chain(built_in).collect())
}

fn roles_to_filter(names: &HashMap<String, String>, selected: &str) -> Vec<Choice> {
    let choice = |(code, name): (&String, &String)| Choice {
        value: code.clone(),
        label: name.clone(),
        selected: code == selected,
    };
    let mut choices: Vec<Choice> = names.iter().map(choice).collect();
    choices.sort_by_cached_key(|choice| choice.label.to_lowercase());
    choices
}

pub(super) fn row<P: Permission>(
    call: &Call<P>,
    names: &HashMap<String, String>,
    member: Member,
) -> MemberRow {
    MemberRow {
        id: member.id.to_string(),
        state: MemberState::from_code(member.state.name()).unwrap_or(MemberState::Disabled),
        factor: SecondFactorState::from_code(member.second_factor.name())
            .unwrap_or(SecondFactorState::Off),
        last_sign_in: member.signed_in_at,
        is_me: matches!(call.principal(), Principal::User { id, .. } if *id == member.id),
        name: member.name.unwrap_or_default(),
        email: member.email.unwrap_or_default(),
        role: names.get(&member.role).cloned().unwrap_or(member.role),
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    email: String,
    role: String,
    password: SecretString,
}

async fn create(call: Call<UserCreate>) -> Answer {
    let form: Form = call.input.form()?;
    let mut person = PersonFields::new(&form.name, &form.email);
    let Form { name, email, password, role } = form;
    let new = NewMember { name, email, password, role: role.clone() };
    let problems = new.problems(&call.tenant.name);
    if problems.iter().filter(|problem| person.mark(problem)).count() > 0 {
        return refuse(&call, person, &role, None).await;
    }
    let app = &call.app;
    match users::create(&app.tenants, &app.hasher, &call.grant, new).await {
        Ok(_) => {
            let here = format!("/t/{}/members", call.tenant.slug);
            Ok(respond::see_other(&with_notice(&here, Notice::MemberAdded)))
        }
        Err(UserError::TooMuch | UserError::Role(_)) => {
            refuse(&call, person, &role, Some(FieldError::Choice)).await
        }
        Err(error) if person.mark(&error) => refuse(&call, person, &role, None).await,
        Err(error) => Err(error.into()),
    }
}

async fn refuse(
    call: &Call<UserCreate>,
    person: PersonFields,
    role: &str,
    role_error: Option<FieldError>,
) -> Answer {
    let PersonFields { name, email, password } = person;
    let mut form = MemberForm::new(role_choices(call, role).await?, PASSWORD_MIN);
    (form.name, form.email, form.password) = (name, email, password);
    form.role = Field { value: role.to_owned(), error: role_error };
    show(call, Asked::default(), Some(form)).await
}
