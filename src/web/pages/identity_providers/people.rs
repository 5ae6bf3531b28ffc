//! Changing who gets in by a provider, and with which role.

use actix_web::http::StatusCode;

use super::people_form::{self, Sent};
use super::{approvals, base, found, opened, with_notice, words};
use crate::authz::permission::SsoManage;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::Answer;
use crate::kernel::Fault;
use crate::roles;
use crate::sso::{self, Provider, ProviderChange, SsoError};
use crate::web::view::chrome::Section;
use crate::web::view::form::FieldError;
use crate::web::view::identity_providers::{PeopleForm, PeoplePage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

pub async fn edit(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    opened(&call).await?;
    let form = form(&call, &provider, &Sent::of(&provider.settings), false).await?;
    page(&call, &provider, form, None).await
}

/// The same form with another list of rules.
pub async fn rules(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    let mut sent = Sent::read(&call.input)?;
    sent.act(&provider);
    let form = form(&call, &provider, &sent, true).await?;
    page(&call, &provider, form, None).await
}

pub async fn change(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    let sent = Sent::read(&call.input)?;
    let here = format!("{}/{}", base(&call), provider.id);
    let settings = sent.changed_settings(&provider);
    if settings == provider.settings {
        return Ok(respond::see_other(&with_notice(&here, Notice::NothingChanged)));
    }
    let mut unfinished = form(&call, &provider, &sent, false).await?;
    if people_form::missing(&mut unfinished) {
        return page(&call, &provider, unfinished, None).await;
    }
    let change = ProviderChange { settings: Some(settings), ..ProviderChange::default() };
    let error = match sso::change(&call.app.tenants, &call.grant, provider.id, change).await {
        Ok(_) => return Ok(respond::see_other(&with_notice(&here, Notice::ProviderChanged))),
        Err(SsoError::Approval(error)) => return approvals::answer(&call, *error).await,
        Err(error @ (SsoError::Door(_) | SsoError::NotFound | SsoError::NotAnOwner)) => {
            return Err(error.into());
        }
        Err(error) => error,
    };
    let mut form = unfinished;
    let said = words::said(&error);
    let field = error.field().and_then(|name| people_form::place(&mut form, name));
    let problem = match field {
        Some(field) => {
            field.error = Some(FieldError::Other(said));
            None
        }
        None => Some(said),
    };
    page(&call, &provider, form, problem).await
}

async fn form(
    call: &Call<SsoManage>,
    provider: &Provider,
    sent: &Sent,
    unsaved: bool,
) -> Result<PeopleForm, Failure> {
    let roles = roles::choices(&call.app.tenants, &call.grant).await?;
    Ok(sent.page(provider, &roles, unsaved))
}

async fn page(
    call: &Call<SsoManage>,
    provider: &Provider,
    form: PeopleForm,
    problem: Option<String>,
) -> Answer {
    let status = match form.is_refused() || problem.is_some() {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let page = PeoplePage {
        chrome: frame::tenant(call, "sso-edit-people", Section::Permissions).await?,
        name: provider.settings.name.clone(),
        href: format!("{}/{}", base(call), provider.id),
        preset: words::preset(provider.settings.preset),
        form,
        problem,
    };
    respond::page_with(status, &page)
}
