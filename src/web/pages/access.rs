//! What lets people and applications into a tenant, and taking it away.

use serde::Deserialize;

use crate::audit::catalogue;
use crate::authz::permission::AccessRevoke;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::incident::{self, Access, IncidentError};
use crate::trail;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::incident::{AccessPage, RevokedPage};
use crate::web::{frame, respond};

const PAGE: &str = "/t/{tenant}/admin/access";
const TITLE: &str = "tab-access";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let revoked = Audit::Events(&[catalogue::ACCESS_REVOKED]);
    vec![
        Route::console(Method::Get, PAGE, opened, show)
            .says("How many sessions, links and keys there are"),
        Route::console(Method::Post, "/t/{tenant}/admin/access/revoke", revoked, revoke)
            .says("Take all sessions, links and keys away, of a member or of the whole tenant")
            .sensitive(),
    ]
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    user: String,
}

async fn show(call: Call<AccessRevoke>) -> Answer {
    let Asked { user } = call.input.query()?;
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "access").await?;
    if user.trim().is_empty() {
        return respond::page(&page(&call).await?);
    }
    match incident::count(tenants, &call.grant, Some(&user)).await {
        Ok(access) => {
            let found = AccessPage { of_user: Some(access), ..page(&call).await? };
            respond::page(&AccessPage { user: Field::value(user), ..found })
        }
        Err(error @ IncidentError::Nobody) => refused_user(&call, user, &error).await,
        Err(error) => Err(error.into()),
    }
}

async fn page(call: &Call<AccessRevoke>) -> Result<AccessPage, Failure> {
    let all: Access = incident::count(&call.app.tenants, &call.grant, None).await?;
    Ok(AccessPage {
        chrome: frame::tenant(call, TITLE, Section::Members).await?,
        slug: call.tenant.slug.to_string(),
        all,
        user: Field::default(),
        of_user: None,
        confirm: Field::default(),
        reason: Field::default(),
    })
}

async fn refused_user(call: &Call<AccessRevoke>, user: String, error: &IncidentError) -> Answer {
    let user = Field::wrong(user, sentence(&error.to_string()));
    respond::refused(&AccessPage { user, ..page(call).await? })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    user: String,
    confirm: String,
    reason: String,
}

async fn revoke(call: Call<AccessRevoke>) -> Answer {
    let Form { user, confirm, reason } = call.input.form()?;
    let of_one = !user.trim().is_empty();
    if !of_one && confirm.trim() != call.tenant.slug.as_str() {
        let confirm = Field::wrong(confirm, FieldError::Confirmation);
        let reason = Field::value(reason);
        return respond::refused(&AccessPage { confirm, reason, ..page(&call).await? });
    }
    let (tenants, who) = (&call.app.tenants, of_one.then_some(user.as_str()));
    match incident::revoke(tenants, &call.grant, who, Some(&reason)).await {
        Ok(done) => {
            let chrome = frame::tenant(&call, TITLE, Section::Members).await?;
            let back = format!("{}/admin/access", chrome.base());
            respond::page(&RevokedPage { chrome, done, back })
        }
        Err(error @ IncidentError::Nobody) => refused_user(&call, user, &error).await,
        Err(error @ IncidentError::Reason) => {
            let reason = Field::wrong(reason, sentence(&error.to_string()));
            respond::refused(&AccessPage { reason, ..page(&call).await? })
        }
        Err(error) => Err(error.into()),
    }
}
