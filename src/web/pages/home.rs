//! A tenant's home page.

use super::{audit_rows, identity_providers};
use crate::api_keys;
use crate::audit::catalogue;
use crate::authz::Principal;
use crate::authz::permission::{
    AccountRead, ApiKeyCreate, ApiKeyRead, AuditRead, ConversationRead, SettingsRead, UserRead,
};
use crate::conversations;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::settings;
use crate::trail;
use crate::users;
use crate::web::view::chrome::Section;
use crate::web::view::home::{Counters, HomePage, first_steps};
use crate::web::{frame, respond};

/// Entries of the log that the page shows.
const LAST_ENTRIES: u64 = 8;

pub fn routes() -> Vec<Route> {
    // For who may read the log; the others see numbers.
    let viewed = Audit::Events(&[catalogue::AUDIT_VIEWED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/", viewed, home)
            .says("Home page of a tenant: numbers and the last entries of its log"),
    ]
}

async fn home(call: Call<AccountRead>) -> Answer {
    let tenants = &call.app.tenants;
    let (counters, is_empty) = count(&call).await?;
    let last_entries = match call.also::<AuditRead>() {
        Some(grant) => {
            let entries = trail::latest(tenants, &grant, LAST_ENTRIES).await?;
            Some(entries.iter().map(audit_rows::row).collect())
        }
        None => None,
    };
    let name = match call.principal() {
        Principal::User { name, .. } => name.clone(),
        _ => String::new(),
    };
    // They begin with a key.
    let steps = match is_empty && call.also::<ApiKeyCreate>().is_some() {
        true => first_steps(call.app.base_url(), call.tenant.slug.as_str()),
        false => Vec::new(),
    };
    let emergency_used = match call.also::<SettingsRead>() {
        Some(grant) => settings::single_sign_on(tenants, &grant).await?.emergency_used_at,
        None => None,
    };
    let chrome = frame::tenant(&call, "nav-home", Section::Home).await?;
    respond::page(&HomePage {
        chrome,
        name,
        emergency_used,
        ending: identity_providers::ending(&call).await?,
        counters,
        last_entries,
        first_steps: steps,
    })
}

/// What the person may see counted, and whether they see that the tenant holds nothing yet.
async fn count(call: &Call<AccountRead>) -> Result<(Counters, bool), Failure> {
    let tenants = &call.app.tenants;
    let mut counters = Counters::default();
    let mut is_empty = false;
    if let Some(grant) = call.also::<ConversationRead>() {
        let counts = conversations::counts(tenants, &grant).await?;
        counters.open_conversations = Some(counts.open);
        is_empty = counts.open + counts.closed == 0;
    }
    if let Some(grant) = call.also::<UserRead>() {
        counters.members = Some(users::count_active(tenants, &grant).await?);
    }
    if let Some(grant) = call.also::<ApiKeyRead>() {
        let now = call.app.runtime.now();
        let keys = api_keys::list(tenants, &grant).await?;
        let active = keys.iter().filter(|key| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|expires| expires > now)
        });
        counters.active_keys = Some(active.count() as u64);
    }
    if let Some(grant) = call.also::<AuditRead>() {
        counters.log_entries = Some(trail::overview(tenants, &grant).await?.size);
    }
    Ok((counters, is_empty))
}
