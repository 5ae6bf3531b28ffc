//! API keys of a tenant.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, built_in_roles as roles, with_notice};
use crate::api_keys::{self, ApiKey, ApiKeyError, NewApiKey};
use crate::audit::catalogue;
use crate::authz::permission::{ApiKeyCreate, ApiKeyRead, ApiKeyRevoke};
use crate::authz::{Permission, Role};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::kernel::id::ApiKeyId;
use crate::trail;
use crate::web::problems::missing_or_too_long;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::keys::{KeyCreatedPage, KeyForm, KeyRow, KeysPage, example};
use crate::web::view::state::{KeyState, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/keys";
const REVOKE: &str = "/t/{tenant}/keys/{id}/revoke";
/// What most applications need: to store and to read conversations.
const USUAL_ROLE: &str = Role::Operator.name();

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::API_KEY_CREATED, catalogue::ADMIN_PANEL_ACCESS]);
    let revoked = Audit::Events(&[catalogue::API_KEY_REVOKED]);
    vec![
        Route::console(Method::Get, PATH, opened, list).says("The API keys, without their secrets"),
        Route::console(Method::Post, PATH, created, create)
            .says("Create an API key; the answer shows it once")
            .sensitive(),
        Route::console(Method::Get, REVOKE, opened, confirm).says("Ask before revoking an API key"),
        Route::console(Method::Post, REVOKE, revoked, revoke).says("Revoke an API key"),
    ]
}

async fn list(call: Call<ApiKeyRead>) -> Answer {
    show(&call, None).await
}

/// `refused` is a form that did not go through.
async fn show<P: Permission>(call: &Call<P>, refused: Option<KeyForm>) -> Answer {
    let keys = keys(call).await?;
    let now = call.app.runtime.now();
    let may_revoke = call.also::<ApiKeyRevoke>().is_some();
    let mut rows: Vec<_> = keys.into_iter().map(|key| row(key, now, may_revoke)).collect();
    rows.sort_by_key(|row| !matches!(row.state, KeyState::Active));
    let may_create = call.also::<ApiKeyCreate>().is_some();
    let empty = || KeyForm::new(roles(call.principal(), USUAL_ROLE));
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = may_create.then(|| refused.unwrap_or_else(empty));
    let chrome = frame::tenant(call, "nav-keys", Section::Keys).await?;
    respond::page_with(status, &KeysPage { chrome, rows, form })
}

async fn keys<P: Permission>(call: &Call<P>) -> Result<Vec<ApiKey>, Failure> {
    let (tenants, grant) = (&call.app.tenants, also::<_, ApiKeyRead>(call)?);
    trail::record_admin_access(tenants, &grant, "keys").await?;
    Ok(api_keys::list(tenants, &grant).await?)
}

fn row(key: ApiKey, now: Timestamp, may_revoke: bool) -> KeyRow {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => KeyState::Revoked,
        (None, Some(expires)) if expires <= now => KeyState::Expired,
        (None, _) => KeyState::Active,
    };
    KeyRow {
        id: key.id.to_string(),
        name: key.name,
        hint: key.hint,
        role: key.role,
        created: key.created_at,
        last_used: key.last_used_at,
        uses: key.uses,
        expires: key.expires_at,
        state,
        may_revoke: may_revoke && state != KeyState::Revoked,
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    role: String,
    #[serde(default)]
    expires: String,
}

async fn create(call: Call<ApiKeyCreate>) -> Answer {
    let form: Form = call.input.form()?;
    let Ok(expires_at) = day(&form.expires) else {
        return refuse(&call, &form, &ApiKeyError::Expiry).await;
    };
    let new = NewApiKey { name: form.name.clone(), role: form.role.clone(), expires_at };
    let created = match api_keys::create(&call.app.tenants, &call.grant, new).await {
        Ok(created) => created,
        Err(ApiKeyError::Door(error)) => return Err(error.into()),
        Err(error) => return refuse(&call, &form, &error).await,
    };
    respond::page(&KeyCreatedPage {
        chrome: frame::tenant(&call, "key-created-title", Section::Keys).await?,
        name: created.key.name,
        role: created.key.role,
        expires: created.key.expires_at,
        token: created.token.to_string(),
        example: example(call.app.base_url(), call.tenant.slug.as_str()),
    })
}

/// The beginning of a day, as `<input type="date">` sends it; empty for none.
fn day(text: &str) -> Result<Option<Timestamp>, ()> {
    match text {
        "" => Ok(None),
        day => Timestamp::parse(&format!("{day}T00:00:00Z")).map(Some).ok_or(()),
    }
}

async fn refuse(call: &Call<ApiKeyCreate>, form: &Form, error: &ApiKeyError) -> Answer {
    let mut page = KeyForm::new(roles(call.principal(), &form.role));
    page.name = Field::value(&form.name);
    page.expires = Field::value(&form.expires);
    match error {
        ApiKeyError::Name => page.name.error = Some(missing_or_too_long(&form.name)),
        ApiKeyError::Expiry => page.expires.error = Some(FieldError::Expiry),
        _ => page.role.error = Some(FieldError::Choice),
    }
    show(call, Some(page)).await
}

async fn confirm(call: Call<ApiKeyRevoke>) -> Answer {
    let id: ApiKeyId = call.input.id("id")?;
    let keys = keys(&call).await?;
    let key = keys.into_iter().find(|key| key.id == id).ok_or(ApiKeyError::NotFound)?;
    let here = format!("/t/{}/keys", call.tenant.slug);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "nav-keys", Section::Keys).await?,
        act: ConfirmAct::RevokeKey,
        subject: key.name,
        action: format!("{here}/{id}/revoke"),
        cancel: here,
    })
}

async fn revoke(call: Call<ApiKeyRevoke>) -> Answer {
    api_keys::revoke(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let here = format!("/t/{}/keys", call.tenant.slug);
    Ok(respond::see_other(&with_notice(&here, Notice::KeyRevoked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_the_beginning_of_a_day_in_utc_or_nothing() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(day("2027-01-31"), Ok(Timestamp::parse("2027-01-31T00:00:00Z")));
        assert_eq!(day("tomorrow"), Err(()));
    }
}
