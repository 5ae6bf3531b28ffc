//! From signing out here on to the provider that somebody came from.

use super::start;
use crate::authn::sso::Vouched;
use crate::http::call::{OpenCall, TENANT_COOKIE};
use crate::http::headers::admit_forms;
use crate::http::route::Answer;
use crate::sso::{self, SendAway};
use crate::tenants::Tenant;
use crate::web::view::sso::{LeavePage, SendAwayPage};
use crate::web::{frame, respond};

/// After the session has ended: to the provider, so that it ends there too, or to the sign-in page.
pub async fn leave(call: &OpenCall, tenant: &Tenant, vouched: Option<&Vouched>) -> Answer {
    let browser = start::browser(call);
    let away = match vouched {
        None => None,
        Some(vouched) => {
            let (app, base) = (&call.app, call.app.base_url());
            let marked = browser.clone();
            let begun =
                sso::logout::begin(&app.tenants, &app.oidc, base, tenant, vouched, marked).await;
            // Whoever wants to leave is not kept: the session here is over.
            begun.unwrap_or_else(|error| {
                tracing::warn!(tenant = %tenant.slug, %error, "no logout at the identity provider");
                None
            })
        }
    };
    let answer = match away {
        None => {
            let target = format!("/t/{}/login?notice=signed-out", tenant.slug);
            return respond::signed_out(respond::see_other(&target), TENANT_COOKIE);
        }
        // A page in between: the policy of the page with the sign-out button lets its form lead to
        // no other site, not by a redirect either.
        Some(SendAway::Redirect(url)) => {
            let make = |chrome| LeavePage { chrome, url };
            frame::open_page(call, "sso-leave-title", make, respond::page)?
        }
        Some(SendAway::Post { url, fields }) => {
            let make = |chrome| SendAwayPage { chrome, url, fields };
            let mut answer = frame::open_page(call, "sso-leave-title", make, respond::page)?;
            admit_forms(answer.headers_mut());
            answer
        }
    };
    respond::signed_out(start::marked(answer, &browser)?, TENANT_COOKIE)
}
