//! Witnesses of a tenant's log and of the platform's: who signed what, and what they are to sign.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use super::with_notice;
use crate::audit::catalogue;
use crate::audit::note::Checkpoint;
use crate::authz::permission::{
    AuditVerify, AuditWitness, PlatformAuditVerify, PlatformAuditWitness,
};
use crate::authz::{Grant, Permission, Writes};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::Tenants;
use crate::trail;
use crate::trail::witness::{self, NewWitness, Witness, WitnessError, image};
use crate::web::problems::sentence;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::Field;
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::state::{Notice, WitnessState};
use crate::web::view::witnesses::{
    ContradictionRow, RequestView, WitnessForms, WitnessRow, WitnessesPage,
};
use crate::web::{frame, respond};

const TENANT: &str = "/t/{tenant}/admin/audit/witnesses";
const PLATFORM: &str = "/platform/audit/witnesses";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let quiet = Audit::Nothing("sizes, hashes and signatures: no contents are shown");
    let added = Audit::Events(&[catalogue::WITNESS_ADDED]);
    let removed = Audit::Events(&[catalogue::WITNESS_REMOVED]);
    let taken =
        Audit::Events(&[catalogue::CHECKPOINT_WITNESSED, catalogue::CHECKPOINT_CONTRADICTED]);
    const SHOW: &str = "Witnesses of the log, and what they are to sign";
    const ADD: &str = "Name a witness";
    const IMPORT: &str = "Take what a witness signed";
    const REQUEST: &str = "What a witness is to sign, as a file";
    const IMAGE: &str = "The same as an image to photograph";
    const ASK: &str = "Ask before removing a witness";
    const REMOVE: &str = "Take no more signatures of a witness";
    vec![
        Route::console(Method::Get, TENANT, opened, tenant_show).says(SHOW),
        Route::console(Method::Post, TENANT, added, tenant_add).says(ADD).sensitive(),
        Route::console(
            Method::Post,
            "/t/{tenant}/admin/audit/witnesses/import",
            taken,
            tenant_import,
        )
        .says(IMPORT),
        Route::console(
            Method::Get,
            "/t/{tenant}/admin/audit/witnesses/request",
            quiet,
            tenant_request,
        )
        .says(REQUEST),
        Route::console(
            Method::Get,
            "/t/{tenant}/admin/audit/witnesses/request.svg",
            quiet,
            tenant_image,
        )
        .says(IMAGE),
        Route::console(
            Method::Get,
            "/t/{tenant}/admin/audit/witnesses/{id}/remove",
            opened,
            tenant_confirm,
        )
        .says(ASK),
        Route::console(
            Method::Post,
            "/t/{tenant}/admin/audit/witnesses/{id}/remove",
            removed,
            tenant_remove,
        )
        .says(REMOVE)
        .sensitive(),
        Route::platform(Method::Get, PLATFORM, opened, platform_show).says(SHOW),
        Route::platform(Method::Post, PLATFORM, added, platform_add).says(ADD).sensitive(),
        Route::platform(Method::Post, "/platform/audit/witnesses/import", taken, platform_import)
            .says(IMPORT),
        Route::platform(Method::Get, "/platform/audit/witnesses/request", quiet, platform_request)
            .says(REQUEST),
        Route::platform(
            Method::Get,
            "/platform/audit/witnesses/request.svg",
            quiet,
            platform_image,
        )
        .says(IMAGE),
        Route::platform(
            Method::Get,
            "/platform/audit/witnesses/{id}/remove",
            opened,
            platform_confirm,
        )
        .says(ASK),
        Route::platform(
            Method::Post,
            "/platform/audit/witnesses/{id}/remove",
            removed,
            platform_remove,
        )
        .says(REMOVE)
        .sensitive(),
    ]
}

async fn tenant_show(call: Call<AuditVerify>) -> Answer {
    let chrome = frame::tenant(&call, "witnesses-title", Section::Audit).await?;
    let forms = call.also::<AuditWitness>().map(|_| WitnessForms::default());
    show(&call.app.tenants, &call.grant, &call.input, chrome, forms, StatusCode::OK).await
}

async fn platform_show(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    let chrome = frame::platform(&call, "witnesses-title", Section::PlatformAudit).await?;
    let forms = call.also::<PlatformAuditWitness>().map(|_| WitnessForms::default());
    show(&call.app.tenants, &call.grant, &call.input, chrome, forms, StatusCode::OK).await
}

async fn tenant_add(call: Call<AuditWitness>) -> Answer {
    let chrome = frame::tenant(&call, "witnesses-title", Section::Audit).await?;
    add(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn platform_add(call: PlatformCall<PlatformAuditWitness>) -> Answer {
    let chrome = frame::platform(&call, "witnesses-title", Section::PlatformAudit).await?;
    add(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn tenant_import(call: Call<AuditWitness>) -> Answer {
    let chrome = frame::tenant(&call, "witnesses-title", Section::Audit).await?;
    import(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn platform_import(call: PlatformCall<PlatformAuditWitness>) -> Answer {
    let chrome = frame::platform(&call, "witnesses-title", Section::PlatformAudit).await?;
    import(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn tenant_request(call: Call<AuditVerify>) -> Answer {
    request(&call.app.tenants, &call.grant, &call.input).await
}

async fn platform_request(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    request(&call.app.tenants, &call.grant, &call.input).await
}

async fn tenant_image(call: Call<AuditVerify>) -> Answer {
    picture(&call.app.tenants, &call.grant, &call.input).await
}

async fn platform_image(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    picture(&call.app.tenants, &call.grant, &call.input).await
}

async fn tenant_confirm(call: Call<AuditWitness>) -> Answer {
    let chrome = frame::tenant(&call, "witnesses-title", Section::Audit).await?;
    confirm(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn platform_confirm(call: PlatformCall<PlatformAuditWitness>) -> Answer {
    let chrome = frame::platform(&call, "witnesses-title", Section::PlatformAudit).await?;
    confirm(&call.app.tenants, &call.grant, &call.input, chrome).await
}

async fn tenant_remove(call: Call<AuditWitness>) -> Answer {
    let here = format!("/t/{}/admin/audit/witnesses", call.tenant.slug);
    remove(&call.app.tenants, &call.grant, &call.input, &here).await
}

async fn platform_remove(call: PlatformCall<PlatformAuditWitness>) -> Answer {
    remove(&call.app.tenants, &call.grant, &call.input, PLATFORM).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    witness: String,
}

async fn show<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
    chrome: Chrome,
    forms: Option<WitnessForms>,
    status: StatusCode,
) -> Answer {
    trail::record_admin_access(tenants, grant, "witnesses").await?;
    let found = witness::witnesses(tenants, grant).await?;
    let asked: Asked = input.query()?;
    let mut active = found.items.iter().filter(|witness| witness.removed_at.is_none());
    let chosen = active.clone().find(|witness| witness.id == asked.witness).or(active.next());
    let request = view(tenants, grant, chosen).await?;
    let contradictions = found
        .contradictions
        .iter()
        .map(|found| ContradictionRow { size: found.size, found: found.found_at });
    let contradictions = contradictions.collect();
    let rows = found.items.iter().map(row).collect();
    let page = WitnessesPage { chrome, rows, contradictions, request: Some(request), forms };
    respond::page_with(status, &page)
}

async fn view<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    chosen: Option<&Witness>,
) -> Result<RequestView, Failure> {
    let id = chosen.map(|witness| witness.id.clone());
    let request = witness::request(tenants, grant, id.clone(), None).await?;
    let checkpoint: Checkpoint = request.note.text().parse().map_err(WitnessError::Note)?;
    Ok(RequestView {
        witness: id.unwrap_or_default(),
        name: chosen.map(|witness| witness.name.clone()).unwrap_or_default(),
        size: checkpoint.size,
        old: request.old,
        text: request.to_string(),
    })
}

fn row(witness: &Witness) -> WitnessRow {
    WitnessRow {
        id: witness.id.clone(),
        name: witness.name.clone(),
        added: witness.added_at,
        size: witness.size,
        signed: witness.signed_at,
        state: match witness.removed_at {
            None => WitnessState::Active,
            Some(_) => WitnessState::Removed,
        },
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
    key: String,
}

async fn add<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
    chrome: Chrome,
) -> Answer {
    let Named { name, key } = input.form()?;
    let new = NewWitness { name, key };
    let mut forms = WitnessForms {
        name: Field::value(&new.name),
        key: Field::value(&new.key),
        note: Field::default(),
    };
    let here = format!("{}/witnesses", chrome.audit_href());
    match witness::add(tenants, grant, new).await {
        Ok(_) => return Ok(respond::see_other(&with_notice(&here, Notice::WitnessAdded))),
        Err(WitnessError::Door(error)) => return Err(error.into()),
        Err(error) => {
            let field = if error.field() == Some("key") { &mut forms.key } else { &mut forms.name };
            field.error = Some(sentence(&error.to_string()));
        }
    }
    show(tenants, grant, input, chrome, Some(forms), StatusCode::UNPROCESSABLE_ENTITY).await
}

#[derive(Deserialize)]
struct Signed {
    note: String,
}

async fn import<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
    chrome: Chrome,
) -> Answer {
    let Signed { note } = input.form()?;
    // A form sends its lines as CR LF.
    let note = note.replace("\r\n", "\n");
    let here = format!("{}/witnesses", chrome.audit_href());
    let error = match witness::import(tenants, grant, &note).await {
        Ok(_) => return Ok(respond::see_other(&with_notice(&here, Notice::CheckpointWitnessed))),
        Err(WitnessError::Door(error)) => return Err(error.into()),
        Err(error) => error,
    };
    let status = match error.kind() {
        ErrorKind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let note = Field::wrong(note, sentence(&error.to_string()));
    let forms = WitnessForms { note, ..WitnessForms::default() };
    show(tenants, grant, input, chrome, Some(forms), status).await
}

/// What the witness in the query is to sign.
async fn asked<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
) -> Result<String, Failure> {
    let asked: Asked = input.query()?;
    let witness = (!asked.witness.is_empty()).then_some(asked.witness);
    Ok(witness::request(tenants, grant, witness, None).await?.to_string())
}

async fn request<P: Permission>(tenants: &Tenants, grant: &Grant<P>, input: &Input) -> Answer {
    let text = asked(tenants, grant, input).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("content-disposition", "attachment; filename=\"witness-request.txt\""))
        .body(text))
}

async fn picture<P: Permission>(tenants: &Tenants, grant: &Grant<P>, input: &Input) -> Answer {
    let svg = image(&asked(tenants, grant, input).await?)?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg))
}

async fn confirm<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
    chrome: Chrome,
) -> Answer {
    trail::record_admin_access(tenants, grant, "witnesses").await?;
    let id = input.path("id");
    let found = witness::witnesses(tenants, grant).await?.items;
    let found = found.into_iter().find(|witness| witness.id == id && witness.removed_at.is_none());
    let found = found.ok_or(WitnessError::NotFound)?;
    let here = format!("{}/witnesses", chrome.audit_href());
    respond::page(&ConfirmPage {
        chrome,
        act: ConfirmAct::RemoveWitness,
        subject: found.name,
        action: format!("{here}/{id}/remove"),
        cancel: here,
    })
}

async fn remove<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    input: &Input,
    here: &str,
) -> Answer {
    witness::remove(tenants, grant, input.path("id").to_owned()).await?;
    Ok(respond::see_other(&with_notice(here, Notice::WitnessRemoved)))
}
