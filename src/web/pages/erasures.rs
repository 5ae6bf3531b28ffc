//! Erasing persons in the console.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;

use super::who::Names;
use super::{also, approvals, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{SubjectErase, SubjectRead};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::{ErrorKind, Fault};
use crate::privacy::{self, Erasure, Kind, Preview, PrivacyError, Wanted, Who};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::erasures::{
    ErasurePage, ErasureRow, ErasuresPage, FindForm, FoundPage, FoundPerson,
};
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::state::{ErasureState, Notice};
use crate::web::{frame, respond};

const ALL: &str = "/t/{tenant}/admin/privacy/erasures";
const FIND: &str = "/t/{tenant}/admin/privacy/erasures/find";
const ONE: &str = "/t/{tenant}/admin/privacy/erasures/{id}";
const CERTIFICATE: &str = "/t/{tenant}/admin/privacy/erasures/{id}/certificate";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let erased = Audit::Events(&[
        catalogue::ERASURE_REQUESTED,
        catalogue::ERASURE_COMPLETED,
        catalogue::APPROVAL_REQUESTED,
    ]);
    vec![
        Route::console(Method::Get, ALL, opened, list).says("Persons who were erased"),
        Route::console(Method::Post, FIND, Audit::Events(&[catalogue::ERASURE_PREVIEWED]), find)
            .says("Who fits, and what erasing them would do"),
        Route::console(Method::Post, ALL, erased, erase)
            .says("Erase a person for good")
            .sensitive(),
        Route::console(Method::Get, ONE, opened, one).says("One erasure with its certificate"),
        Route::console(
            Method::Get,
            CERTIFICATE,
            Audit::Nothing("a certificate has ids and counts, and is in the log itself"),
            certificate,
        )
        .says("The certificate of an erasure"),
    ]
}

async fn list(call: Call<SubjectRead>) -> Answer {
    list_page(&call, FindAsked::default(), false).await
}

async fn list_page<P: Permission>(call: &Call<P>, asked: FindAsked, wrong: bool) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, SubjectRead>(call)?);
    trail::record_admin_access(tenants, &grant, "erasures").await?;
    let all = privacy::list(tenants, &grant).await?;
    let asked_by = all.iter().map(|one| &one.requested_by);
    let who = Names::of(call, asked_by.map(|by| (by.kind.as_str(), by.id.as_str()))).await;
    let find = call.also::<SubjectErase>().map(|_| FindForm {
        action: path(call, FIND),
        ways: ways(&asked.by),
        by: Field::value(asked.by),
        value: match wrong {
            true => Field::wrong(asked.value, said("erasure-value-wrong")),
            false => Field::value(asked.value),
        },
    });
    let row = |erasure: &Erasure| ErasureRow {
        href: path(call, ONE).replace("{id}", &erasure.id.to_string()),
        begun: erasure.requested_at,
        state: state(erasure),
        kind: kind(erasure.kind),
        request: erasure.request.clone(),
        asked_by: who.is(&erasure.requested_by.kind, &erasure.requested_by.id),
    };
    let page = ErasuresPage {
        chrome: frame::tenant(call, "erasures-title", Section::Privacy).await?,
        find,
        rows: all.iter().map(row).collect(),
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond::page_with(status, &page)
}

#[derive(Default, Deserialize)]
struct FindAsked {
    by: String,
    value: String,
}

impl FindAsked {
    fn who(&self) -> Option<Who> {
        let value = self.value.trim();
        match self.by.as_str() {
            _ if value.is_empty() => None,
            "reference" => Some(Who::Reference(value.to_owned())),
            "email" => Some(Who::Email(value.to_owned())),
            "member" => value.parse().ok().map(Who::Member),
            "subject" => value.parse().ok().map(Who::Subject),
            _ => None,
        }
    }
}

fn ways(selected: &str) -> Vec<Choice> {
    let all = [
        ("reference", "erasure-by-reference"),
        ("email", "erasure-by-email"),
        ("member", "erasure-by-member"),
        ("subject", "erasure-by-subject"),
    ];
    let choice = |(value, message): (&str, &str)| Choice {
        value: value.to_owned(),
        label: Messages::english().text(message).into_owned(),
        selected: value == selected,
    };
    all.into_iter().map(choice).collect()
}

async fn find(call: Call<SubjectErase>) -> Answer {
    let asked: FindAsked = call.input.form()?;
    match asked.who() {
        Some(who) => found_page(&call, who, None, StatusCode::OK).await,
        None => list_page(&call, asked, true).await,
    }
}

#[derive(Deserialize)]
struct Form {
    subject: String,
    confirm: String,
    reason: String,
    #[serde(default)]
    request: String,
}

async fn erase(call: Call<SubjectErase>) -> Answer {
    let form: Form = call.input.form()?;
    let subject = form.subject.parse().map_err(|_| Failure::not_found())?;
    let wanted = Wanted {
        who: Who::Subject(subject),
        confirm: form.confirm.clone(),
        reason: form.reason.clone(),
        request: Some(form.request.clone()),
    };
    let (app, ageing) = (&call.app, call.app.settings.backup.ageing());
    let done = privacy::erase(&app.tenants, &call.grant, &call.tenant, wanted, ageing, None).await;
    match done {
        Ok(erasure) => {
            let page = path(&call, ONE).replace("{id}", &erasure.id.to_string());
            Ok(respond::see_other(&with_notice(&page, Notice::PersonErased)))
        }
        Err(PrivacyError::Approval(error)) => approvals::answer(&call, *error).await,
        Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Conflict) => {
            let status = match error.kind() {
                ErrorKind::Conflict => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            found_page(&call, Who::Subject(subject), Some((form, error)), status).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn found_page(
    call: &Call<SubjectErase>,
    who: Who,
    mut refused: Option<(Form, PrivacyError)>,
    status: StatusCode,
) -> Answer {
    let found = privacy::preview(&call.app.tenants, &call.grant, who).await?.value;
    let found = found.into_iter().map(|preview| {
        let mut person = person(call, preview);
        if let Some((form, error)) = refused.take() {
            mark(&mut person, form, &error);
        }
        person
    });
    let page = FoundPage {
        found: found.collect(),
        back: path(call, ALL),
        chrome: frame::tenant(call, "erasure-found", Section::Privacy).await?,
    };
    respond::page_with(status, &page)
}

/// What was typed, and what is wrong with it.
fn mark(person: &mut FoundPerson, form: Form, error: &PrivacyError) {
    let said = || sentence(&error.to_string());
    person.confirm = Field::value(form.confirm);
    person.reason = Field::value(form.reason);
    person.request = Field::value(form.request);
    match error {
        PrivacyError::Confirmation(_) => person.confirm.error = Some(said()),
        PrivacyError::Reason => person.reason.error = Some(said()),
        PrivacyError::Request => person.request.error = Some(said()),
        _ => person.problem = Some(said().text(Messages::english())),
    }
}

fn person(call: &Call<SubjectErase>, preview: Preview) -> FoundPerson {
    let erasure = preview.erasure;
    let own = match preview.kind {
        Kind::DataSubject => preview.reference.clone(),
        Kind::Member => preview.email.clone(),
    };
    FoundPerson {
        action: path(call, ALL),
        subject: preview.subject.to_string(),
        kind: kind(preview.kind),
        typed: own.unwrap_or_else(|| "erase".to_owned()),
        reference: preview.reference,
        name: preview.name,
        email: preview.email,
        conversations: preview.counts.conversations,
        messages: preview.counts.messages,
        messages_of_others: preview.counts.messages_of_others,
        entries: preview.counts.entries,
        saved_searches: preview.counts.saved_searches,
        held: preview.held,
        erasure: erasure.map(|id| path(call, ONE).replace("{id}", &id.to_string())),
        confirm: Field::default(),
        reason: Field::default(),
        request: Field::default(),
        problem: None,
    }
}

async fn one(call: Call<SubjectRead>) -> Answer {
    let tenants = &call.app.tenants;
    let found = privacy::find(tenants, &call.grant, call.input.id("id")?).await?;
    trail::record_admin_access(tenants, &call.grant, "erasures").await?;
    let by = &found.requested_by;
    let who = Names::of(&call, [(by.kind.as_str(), by.id.as_str())].into_iter()).await;
    respond::page(&ErasurePage {
        chrome: frame::tenant(&call, "erasure-title", Section::Privacy).await?,
        back: path(&call, ALL),
        state: state(&found),
        kind: kind(found.kind),
        id: found.id.to_string(),
        subject: found.subject.to_string(),
        begun: found.requested_at,
        finished: found.finished_at,
        asked_by: who.is(&by.kind, &by.id),
        reason: found.reason,
        request: found.request,
        conversations: found.counts.conversations,
        messages: found.counts.messages,
        entries: found.counts.entries,
        keys_until: found.keys_in_backups_until,
        data_until: found.data_in_backups_until,
        certificate: found.certificate,
        download: path(&call, CERTIFICATE).replace("{id}", &found.id.to_string()),
    })
}

async fn certificate(call: Call<SubjectRead>) -> Answer {
    let found = privacy::find(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let certificate = found.certificate.ok_or_else(Failure::not_found)?;
    let name = format!("attachment; filename=\"strongroom-erasure-{}.txt\"", found.id);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(certificate))
}

fn said(message: &str) -> FieldError {
    FieldError::Other(Messages::english().text(message).into_owned())
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::DataSubject => "erasure-data-subject",
        Kind::Member => "erasure-member",
    }
}

fn state(erasure: &Erasure) -> ErasureState {
    match erasure.state {
        privacy::ErasureState::Running => ErasureState::Running,
        privacy::ErasureState::Done => ErasureState::Done,
    }
}

fn path<P>(call: &Call<P>, of: &str) -> String {
    of.replace("{tenant}", call.tenant.slug.as_str())
}
