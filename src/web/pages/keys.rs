//! API keys of a tenant.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, role_choices, with_notice};
use crate::api_keys::{self, ApiKey, ApiKeyError, NewApiKey, NewKey, OVERLAP_DEFAULT};
use crate::audit::catalogue;
use crate::authz::permission::{
    ApiKeyCreate, ApiKeyRead, ApiKeyRevoke, ApiKeyUpdate, ScimProvision,
};
use crate::authz::{Flag, Permission, Permissions, Principal, Role};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::kernel::id::ApiKeyId;
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::missing_or_too_long;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::keys::{
    KeyCreatedPage, KeyForm, KeyRights, KeyRotatePage, KeyRow, KeysPage, ScopeChoice, ScopeGroup,
    example,
};
use crate::web::view::state::{KeyState, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/keys";
const ROTATE: &str = "/t/{tenant}/keys/{id}/rotate";
const REVOKE: &str = "/t/{tenant}/keys/{id}/revoke";
/// In the place of a role's code.
const PICKED: &str = "";
/// What most applications need: to store and to read conversations.
const USUAL_ROLE: &str = Role::Operator.name();

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::API_KEY_CREATED, catalogue::ADMIN_PANEL_ACCESS]);
    let rotated = Audit::Events(&[catalogue::API_KEY_ROTATED, catalogue::ADMIN_PANEL_ACCESS]);
    let revoked = Audit::Events(&[catalogue::API_KEY_REVOKED]);
    vec![
        Route::console(Method::Get, PATH, opened, list).says("The API keys, without their secrets"),
        Route::console(Method::Post, PATH, created, create)
            .says("Create an API key; the answer shows it once")
            .sensitive(),
        Route::console(Method::Get, ROTATE, opened, ask_rotate)
            .says("Ask how long the former secret of an API key goes on working"),
        Route::console(Method::Post, ROTATE, rotated, rotate)
            .says("Give an API key a new secret; the answer shows it once")
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
    let update = call.also::<ApiKeyUpdate>().is_some();
    let revoke = call.also::<ApiKeyRevoke>().is_some();
    let may = May { principal: call.principal(), update, revoke };
    let mut rows: Vec<_> = keys.into_iter().map(|key| row(may, key, now)).collect();
    rows.sort_by_key(|row| !matches!(row.state, KeyState::Active));
    let may_create = call.also::<ApiKeyCreate>().is_some();
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = match refused {
        None if may_create => Some(asked_for(call).await?),
        refused => refused.filter(|_| may_create),
    };
    let chrome = frame::tenant(call, "nav-keys", Section::Keys).await?;
    respond::page_with(status, &KeysPage { chrome, rows, form })
}

/// The empty form; with the permission picked that another page's link asks for.
async fn asked_for<P: Permission>(call: &Call<P>) -> Result<KeyForm, Failure> {
    match call.input.query::<AskedFor>().unwrap_or_default().scope {
        Some(scope) if Flag::parse(&scope).is_some() => {
            let is_provisioning = scope == ScimProvision::FLAG.name();
            let mut form = blank(call, PICKED, &[scope]).await?;
            if is_provisioning {
                form.name = Field::value(Messages::english().text("scim-key-name"));
            }
            Ok(form)
        }
        _ => blank(call, USUAL_ROLE, &[]).await,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AskedFor {
    scope: Option<String>,
}

async fn keys<P: Permission>(call: &Call<P>) -> Result<Vec<ApiKey>, Failure> {
    let (tenants, grant) = (&call.app.tenants, also::<_, ApiKeyRead>(call)?);
    trail::record_admin_access(tenants, &grant, "keys").await?;
    Ok(api_keys::list(tenants, &grant).await?)
}

fn row(may: May<'_>, key: ApiKey, now: Timestamp) -> KeyRow {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => KeyState::Revoked,
        (None, Some(expires)) if expires <= now => KeyState::Expired,
        (None, _) => KeyState::Active,
    };
    let permissions: Permissions = key.permissions.iter().filter_map(|p| Flag::parse(p)).collect();
    let active = state == KeyState::Active;
    KeyRow {
        id: key.id.to_string(),
        rights: rights(&key),
        name: key.name,
        hint: key.hint,
        networks: key.networks,
        created: key.created_at,
        former_until: key.former_secret_until.filter(|until| active && *until > now),
        last_used: key.last_used_at,
        last_used_from: key.last_used_from,
        uses: key.uses,
        expires: key.expires_at,
        state,
        may_rotate: active && may.update && may.principal.may_give(permissions),
        may_revoke: may.revoke && state != KeyState::Revoked,
    }
}

/// What the person may do with keys.
#[derive(Clone, Copy)]
struct May<'a> {
    principal: &'a Principal,
    update: bool,
    revoke: bool,
}

fn rights(key: &ApiKey) -> KeyRights {
    match (&key.role, &key.scopes) {
        (_, Some(scopes)) => KeyRights::Scopes(scopes.clone()),
        (role, None) => KeyRights::Role(role.clone().unwrap_or_default()),
    }
}

/// The form, empty or as it was filled in.
async fn blank<P: Permission>(
    call: &Call<P>,
    role: &str,
    picked: &[String],
) -> Result<KeyForm, Failure> {
    let mut choices = role_choices(call, role).await?;
    let label = Messages::english().text("key-picked").into_owned();
    choices.push(Choice { value: PICKED.to_owned(), label, selected: role == PICKED });
    Ok(KeyForm::new(choices, scopes(call.principal(), picked)))
}

/// What somebody may give, by domain.
fn scopes(principal: &Principal, picked: &[String]) -> Vec<ScopeGroup> {
    let mine = Role::Owner.permissions().and(principal.permissions());
    let mut groups: Vec<ScopeGroup> = Vec::new();
    for flag in mine.iter() {
        let scope = ScopeChoice {
            code: flag.name(),
            description: flag.description(),
            is_picked: picked.iter().any(|name| name == flag.name()),
        };
        match groups.last_mut().filter(|group| group.domain == flag.domain()) {
            Some(group) => group.scopes.push(scope),
            None => groups.push(ScopeGroup { domain: flag.domain(), scopes: vec![scope] }),
        }
    }
    groups
}

#[derive(Default)]
struct Form {
    name: String,
    role: String,
    scopes: Vec<String>,
    networks: String,
    expires: String,
}

impl Form {
    /// `scope` comes once for every box that is ticked.
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (field, value) in fields {
            match field.as_str() {
                "name" => form.name = value,
                "role" => form.role = value,
                "scope" => form.scopes.push(value),
                "networks" => form.networks = value,
                "expires" => form.expires = value,
                _ => {}
            }
        }
        form
    }

    fn asked(&self) -> Result<NewApiKey, ApiKeyError> {
        let expires_at = day(&self.expires).map_err(|()| ApiKeyError::Expiry)?;
        let picked = self.role == PICKED;
        Ok(NewApiKey {
            name: self.name.clone(),
            role: (!picked).then(|| self.role.clone()),
            scopes: picked.then(|| self.scopes.clone()),
            networks: self.networks.split_whitespace().map(str::to_owned).collect(),
            expires_at,
        })
    }
}

async fn create(call: Call<ApiKeyCreate>) -> Answer {
    let form = Form::read(call.input.form()?);
    let new = match form.asked() {
        Ok(new) => new,
        Err(error) => return refuse(&call, &form, &error).await,
    };
    match api_keys::create(&call.app.tenants, &call.grant, new).await {
        Ok(created) => reveal(&call, created, None).await,
        Err(ApiKeyError::Door(error)) => Err(error.into()),
        Err(error) => refuse(&call, &form, &error).await,
    }
}

/// Shows a new secret, this once.
async fn reveal<P: Permission>(
    call: &Call<P>,
    made: NewKey,
    former_until: Option<Timestamp>,
) -> Answer {
    let title = if former_until.is_some() { "key-rotated-title" } else { "key-created-title" };
    // A key of picked permissions need not have this one.
    let may_ask = made.key.permissions.iter().any(|name| name == Flag::AccountRead.name());
    let example = may_ask.then(|| example(call.app.base_url(), call.tenant.slug.as_str()));
    respond::page(&KeyCreatedPage {
        chrome: frame::tenant(call, title, Section::Keys).await?,
        rights: rights(&made.key),
        name: made.key.name,
        expires: made.key.expires_at,
        former_until,
        token: made.token.to_string(),
        example,
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
    let words = |id| FieldError::Other(Messages::english().text(id).into_owned());
    let mut page = blank(call, &form.role, &form.scopes).await?;
    page.name = Field::value(&form.name);
    page.networks = Field::value(&form.networks);
    page.expires = Field::value(&form.expires);
    match error {
        ApiKeyError::Name => page.name.error = Some(missing_or_too_long(&form.name)),
        ApiKeyError::Expiry => page.expires.error = Some(FieldError::Expiry),
        ApiKeyError::Network(_) | ApiKeyError::Networks => {
            page.networks.error = Some(words("error-key-network"));
        }
        ApiKeyError::Rights => {
            page.role.error = Some(words("error-key-permissions"));
            page.lacks_permissions = true;
        }
        _ => page.role.error = Some(FieldError::Choice),
    }
    show(call, Some(page)).await
}

/// What can be chosen for the former secret: seconds, and the words for it.
const OVERLAPS: [(u64, &str); 4] = [
    (0, "key-overlap-none"),
    (3600, "key-overlap-hour"),
    (86_400, "key-overlap-day"),
    (604_800, "key-overlap-week"),
];

async fn ask_rotate(call: Call<ApiKeyUpdate>) -> Answer {
    let id: ApiKeyId = call.input.id("id")?;
    let keys = keys(&call).await?;
    let key = keys.into_iter().find(|key| key.id == id).ok_or(ApiKeyError::NotFound)?;
    let choice = |(seconds, words): (u64, &str)| Choice {
        value: seconds.to_string(),
        label: Messages::english().text(words).into_owned(),
        selected: seconds == OVERLAP_DEFAULT.as_secs(),
    };
    respond::page(&KeyRotatePage {
        chrome: frame::tenant(&call, "nav-keys", Section::Keys).await?,
        id: id.to_string(),
        name: key.name,
        overlap: Field::default(),
        overlaps: OVERLAPS.map(choice).into(),
    })
}

async fn rotate(call: Call<ApiKeyUpdate>) -> Answer {
    let id: ApiKeyId = call.input.id("id")?;
    let seconds = call.input.form_field("overlap").and_then(|text| text.parse().ok());
    let overlap = Duration::from_secs(seconds.ok_or(ApiKeyError::Overlap)?);
    let made = api_keys::rotate(&call.app.tenants, &call.grant, id, overlap, None).await?;
    let until = made.key.former_secret_until;
    reveal(&call, made, until).await
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
