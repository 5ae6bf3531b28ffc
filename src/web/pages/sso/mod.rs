//! Single sign-on: on the way to a provider, and what people see when they come back.

mod leave;
mod oidc;
mod saml;
mod start;

use actix_web::http::{StatusCode, header};

use super::sign_in::admitted;
use crate::authn::sso::Refusal;
use crate::authn::{AuthnError, form_binding};
use crate::http::call::{OpenCall, TENANT_COOKIE};
use crate::http::csrf;
use crate::http::route::{Answer, Route};
use crate::sso::{Finished, SsoError};
use crate::tenants::Tenant;
use crate::web::view::sso::SsoRefusedPage;
use crate::web::{frame, respond};

pub use leave::leave;

pub fn routes() -> Vec<Route> {
    [start::routes(), saml::routes(), oidc::routes()].into_iter().flatten().collect()
}

/// What the browser gets for a provider's answer.
pub fn finished(call: &OpenCall, tenant: &Tenant, done: Result<Finished, SsoError>) -> Answer {
    let base = format!("/t/{}", tenant.slug);
    match done {
        Ok(Finished::Admitted { admission, next }) => {
            let mut answer = admitted(admission, &base, TENANT_COOKIE)?;
            // Whoever has yet to show a second factor goes there first.
            let home = header::HeaderValue::from_str(&format!("{base}/")).ok();
            let next = next.filter(|_| answer.headers().get(header::LOCATION) == home.as_ref());
            if let Some(next) = next.and_then(|next| header::HeaderValue::from_str(&next).ok()) {
                answer.headers_mut().insert(header::LOCATION, next);
            }
            Ok(answer)
        }
        Ok(Finished::Tested(provider, report)) => {
            Ok(respond::see_other(&format!("{base}/admin/sso/{provider}/tests/{report}")))
        }
        Ok(Finished::Confirmed { token, next }) => {
            // An answer that came as a form from elsewhere brought no cookie of the session: forms
            // that are open in other windows are too old then.
            let former = call.input.cookie(TENANT_COOKIE);
            let binding = match &former {
                Some(former) => form_binding(former).to_owned(),
                None => csrf::new_cookie(&call.app),
            };
            let cookie = respond::cookie(TENANT_COOKIE, format!("{}.{binding}", *token));
            let next = next.unwrap_or_else(|| format!("{base}/"));
            respond::with_cookie(respond::see_other(&next), &cookie)
        }
        Ok(Finished::Refused(refusal)) | Err(SsoError::Refused(refusal)) => {
            refused(call, tenant, Some(refusal))
        }
        Err(SsoError::Authn(AuthnError::NotConfirmed | AuthnError::Suspended)) => {
            refused(call, tenant, None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What people are told: what they can do about it, and a number by which whoever looks after the
/// tenant finds the rest. Which check failed is for them alone.
pub fn refused(call: &OpenCall, tenant: &Tenant, refusal: Option<Refusal>) -> Answer {
    let text = match refusal {
        Some(Refusal::Over | Refusal::OtherBrowser | Refusal::Replayed | Refusal::NotAsked) => {
            "sso-refused-again"
        }
        Some(Refusal::ProviderOff | Refusal::Unreachable) => "sso-refused-provider",
        Some(Refusal::OtherPerson) => "sso-refused-other-person",
        Some(
            Refusal::CreationOff
            | Refusal::NotLinked
            | Refusal::NoRole
            | Refusal::RoleTooHigh
            | Refusal::Disabled
            | Refusal::EmailForeign
            | Refusal::EmailMissing
            | Refusal::EmailUnverified,
        ) => "sso-refused-no-access",
        _ => "sso-refused-check",
    };
    let reference = call.input.context.id.to_string();
    let back = format!("/t/{}/login", tenant.slug);
    let make = |chrome| SsoRefusedPage { chrome, text, reference, back };
    let status = StatusCode::FORBIDDEN;
    frame::open_page(call, "sso-refused-title", make, |page| respond::page_with(status, page))
}
