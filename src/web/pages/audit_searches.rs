//! Saving a search for everybody who may read the log, and deleting one.

use super::{audit, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{AuditSearchSave, PlatformAuditSearchSave};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Fault as _;
use crate::trail::searches::{self, NewSearch, SavedSearch, SavedSearchError};
use crate::web::problems;
use crate::web::respond;
use crate::web::view::audit_search::{SaveForm, Search};
use crate::web::view::form::Field;
use crate::web::view::state::Notice;

pub fn routes() -> Vec<Route> {
    let saved = Audit::Events(&[catalogue::SEARCH_SAVED]);
    let deleted = Audit::Events(&[catalogue::SEARCH_DELETED]);
    vec![
        Route::console(Method::Post, "/t/{tenant}/admin/audit/searches", saved, tenant_save)
            .says("Save a search of a tenant's audit log"),
        Route::console(
            Method::Post,
            "/t/{tenant}/admin/audit/searches/{id}/delete",
            deleted,
            tenant_delete,
        )
        .says("Delete a saved search of a tenant's audit log"),
        Route::platform(Method::Post, "/platform/audit/searches", saved, platform_save)
            .says("Save a search of the platform's audit log"),
        Route::platform(
            Method::Post,
            "/platform/audit/searches/{id}/delete",
            deleted,
            platform_delete,
        )
        .says("Delete a saved search of the platform's audit log"),
    ]
}

async fn tenant_save(call: Call<AuditSearchSave>) -> Answer {
    let new = read(&call.input)?;
    let saved = searches::save(&call.app.tenants, &call.grant, new.clone(), None).await;
    match outcome(&format!("/t/{}/admin/audit", call.tenant.slug), &new, saved)? {
        Ok(answer) => Ok(answer),
        Err(form) => audit::tenant_page(&call, audit::Asked::of(&new.q), Some(form)).await,
    }
}

async fn platform_save(call: PlatformCall<PlatformAuditSearchSave>) -> Answer {
    let new = read(&call.input)?;
    let saved = searches::save_platform(&call.app.tenants, &call.grant, new.clone()).await;
    match outcome("/platform/audit", &new, saved)? {
        Ok(answer) => Ok(answer),
        Err(form) => audit::platform_page(&call, audit::Asked::of(&new.q), Some(form)).await,
    }
}

async fn tenant_delete(call: Call<AuditSearchSave>) -> Answer {
    searches::delete(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let path = format!("/t/{}/admin/audit", call.tenant.slug);
    Ok(respond::see_other(&with_notice(&path, Notice::SearchDeleted)))
}

async fn platform_delete(call: PlatformCall<PlatformAuditSearchSave>) -> Answer {
    searches::delete_platform(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    Ok(respond::see_other(&with_notice("/platform/audit", Notice::SearchDeleted)))
}

fn read(input: &Input) -> Result<NewSearch, Failure> {
    let field = |name| input.form_field(name).unwrap_or_default();
    Ok(NewSearch { name: field("name"), q: field("q") })
}

/// Back to the search that was saved; or the form again, with what was wrong beside its field.
fn outcome(
    path: &str,
    new: &NewSearch,
    result: Result<SavedSearch, SavedSearchError>,
) -> Result<Result<actix_web::HttpResponse, SaveForm>, Failure> {
    match result {
        Ok(saved) => {
            let there = Search { q: saved.q, ..Search::default() };
            let href = there.link_with(path, "notice", Notice::SearchSaved.code());
            Ok(Ok(respond::see_other(&href)))
        }
        Err(error) if error.field().is_some() || matches!(error, SavedSearchError::TooMany) => {
            let error = problems::sentence(&error.to_string());
            Ok(Err(SaveForm { name: Field::wrong(&new.name, error), q: new.q.clone() }))
        }
        Err(error) => Err(error.into()),
    }
}
