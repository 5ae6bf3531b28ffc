//! How long data is kept, in the console: policies, what would go, what went.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;

use super::who::Names;
use super::{also, approvals, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{ConversationRead, RetentionManage, RetentionRead};
use crate::http::attachment;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::retention::{
    self, Asked, Class, ClassReport, DecidedBy, Policies, Policy, PolicyChanges, Preview,
    RetentionError, Run, RunRequest,
};
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::retention::{
    PolicyField, PolicyForm, PolicyRow, PreviewRow, PreviewView, RetentionPage, RetentionRunPage,
    RunRow, SampleRow,
};
use crate::web::view::state::{Notice, RetentionRunState};
use crate::web::{frame, respond};

const ALL: &str = "/t/{tenant}/admin/privacy/retention";
const PREVIEW: &str = "/t/{tenant}/admin/privacy/retention/preview";
const RUNS: &str = "/t/{tenant}/admin/privacy/retention/runs";
const RUN: &str = "/t/{tenant}/admin/privacy/retention/runs/{id}";
const CSV: &str = "/t/{tenant}/admin/privacy/retention/runs/{id}/csv";
const JSON: &str = "/t/{tenant}/admin/privacy/retention/runs/{id}/json";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let previewed = Audit::Events(&[catalogue::RETENTION_PREVIEWED, catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[
        catalogue::RETENTION_CHANGED,
        catalogue::RETENTION_PREVIEWED,
        catalogue::ADMIN_PANEL_ACCESS,
    ]);
    let counts = Audit::Nothing("times and counts of what was deleted; the log has them too");
    vec![
        Route::console(Method::Get, ALL, opened, show).says("How long each class of data is kept"),
        Route::console(Method::Post, ALL, changed, change)
            .says("Change how long classes of data are kept")
            .sensitive(),
        Route::console(Method::Post, PREVIEW, previewed, preview)
            .says("What retention would delete now"),
        Route::console(Method::Get, RUNS, opened, ask_run)
            .says("Ask before deleting what is past its retention"),
        Route::console(Method::Post, RUNS, Audit::Events(&[catalogue::RETENTION_COMPLETED]), run)
            .says("Delete what is past its retention now")
            .sensitive(),
        Route::console(Method::Get, RUN, opened, one).says("What a run of retention deleted"),
        Route::console(Method::Get, CSV, counts, csv).says("The same as CSV"),
        Route::console(Method::Get, JSON, counts, json).says("The same as JSON"),
    ]
}

/// What the page shows beside the policies.
#[derive(Default)]
struct Shown {
    preview: Option<Preview>,
    form: Option<PolicyForm>,
    status: StatusCode,
}

async fn show(call: Call<RetentionRead>) -> Answer {
    page(&call, Shown::default()).await
}

async fn page<P: Permission>(call: &Call<P>, shown: Shown) -> Answer {
    let (app, grant) = (&call.app, also::<_, RetentionRead>(call)?);
    trail::record_admin_access(&app.tenants, &grant, "retention").await?;
    let policies = retention::policies(&app.tenants, &grant, app.retention()).await?;
    let wanted = RunRequest { limit: Some(100), cursor: None };
    let runs = retention::runs(&app.tenants, &grant, wanted).await?;
    let may_change = call.also::<RetentionManage>().is_some();
    let path = ALL.replace("{tenant}", call.tenant.slug.as_str());
    let form = match shown.form {
        None if may_change => Some(form(&policies, &BTreeMap::new(), None)),
        form => form.filter(|_| may_change),
    };
    let page = RetentionPage {
        chrome: frame::tenant(call, "data-retention-title", Section::Privacy).await?,
        policies: policies.items.iter().map(policy).collect(),
        holds: policies.holds,
        clock_in_doubt: policies.clock_in_doubt,
        form,
        preview: shown.preview.map(|preview| previewed(call, preview)),
        may_run: may_change,
        runs: runs.items.iter().map(|run| run_row(&path, run)).collect(),
    };
    respond::page_with(shown.status, &page)
}

fn policy(policy: &Policy) -> PolicyRow {
    PolicyRow {
        class: policy.class.name(),
        days: policy.days.map(Into::into),
        decided: match policy.decided_by {
            DecidedBy::Tenant => "tenant",
            DecidedBy::AuditLog => "audit-log",
            DecidedBy::Installation => "installation",
            DecidedBy::NotStored => "not-stored",
        },
    }
}

/// The form as it is, or as it was typed.
fn form(
    policies: &Policies,
    typed: &BTreeMap<Class, String>,
    wrong: Option<&RetentionError>,
) -> PolicyForm {
    let own = policies.items.iter().filter(|policy| policy.decided_by == DecidedBy::Tenant);
    let field = |policy: &Policy| {
        let stored = policy.days.map(|days| days.to_string()).unwrap_or_default();
        let value = typed.get(&policy.class).cloned().unwrap_or(stored);
        let error = match wrong {
            Some(RetentionError::Days { class, min, max, .. }) if *class == policy.class => {
                Some(FieldError::Days { min: *min, max: *max })
            }
            _ => None,
        };
        let hint = match policy.class {
            Class::SignInRecords => "hint-retention-sign-in",
            _ => "hint-retention-days",
        };
        let required = !policy.may_be_off;
        PolicyField { class: policy.class.name(), days: Field { value, error }, required, hint }
    };
    PolicyForm { fields: own.map(field).collect(), confirm: None }
}

fn previewed<P: Permission>(call: &Call<P>, preview: Preview) -> PreviewView {
    let may_open = call.also::<ConversationRead>().is_some();
    let slug = &call.tenant.slug;
    let mut samples = Vec::new();
    let mut rows = Vec::new();
    for class in preview.classes {
        samples.extend(class.sample.into_iter().map(|sample| SampleRow {
            class: class.class.name(),
            id: sample.conversation.to_string(),
            href: may_open.then(|| format!("/t/{slug}/conversations/{}", sample.conversation)),
            at: sample.at,
            person: sample.person,
        }));
        rows.push(PreviewRow {
            class: class.class.name(),
            due: class.due,
            messages: class.messages,
            persons: class.persons,
            held: class.held,
            oldest: class.oldest,
            newest: class.newest,
        });
    }
    let (as_of, last_backup_until) = (preview.as_of, preview.last_backup_until);
    PreviewView { as_of, rows, samples, last_backup_until }
}

async fn preview(call: Call<RetentionRead>) -> Answer {
    let app = &call.app;
    let none = PolicyChanges::default();
    let found = retention::preview(&app.tenants, &call.grant, none, app.retention()).await?;
    page(&call, Shown { preview: Some(found), ..Shown::default() }).await
}

/// What was typed, by class; and the same once more where it was to be confirmed.
fn typed(call: &Call<RetentionManage>) -> Result<(BTreeMap<Class, String>, String), Failure> {
    let fields: Vec<(String, String)> = call.input.form()?;
    let mut typed = BTreeMap::new();
    let mut confirm = String::new();
    for (name, value) in fields {
        match Class::parse(&name) {
            Some(class) if class.bounds().is_some() => {
                typed.insert(class, value.trim().to_owned());
            }
            _ if name == "confirm" => confirm = value,
            _ => {}
        }
    }
    Ok((typed, confirm))
}

/// Empty keeps a class; what is no number is out of every bound.
fn wanted(typed: &BTreeMap<Class, String>) -> PolicyChanges {
    let days = |text: &String| match text.as_str() {
        "" => None,
        text => Some(text.parse().unwrap_or(0)),
    };
    PolicyChanges { policies: typed.iter().map(|(class, text)| (*class, days(text))).collect() }
}

async fn change(call: Call<RetentionManage>) -> Answer {
    let app = &call.app;
    let (typed, confirm) = typed(&call)?;
    let (changes, read) = (wanted(&typed), also::<_, RetentionRead>(&call)?);
    let refused = async |error: Option<&RetentionError>| {
        let policies = retention::policies(&app.tenants, &read, app.retention()).await?;
        Ok::<_, RetentionError>(form(&policies, &typed, error))
    };
    if let Err(error) = changes.check() {
        let form = Some(refused(Some(&error)).await?);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return page(&call, Shown { form, status, preview: None }).await;
    }
    let asked = serde_json::to_string(&changes).unwrap_or_default();
    if retention::shortens(&app.tenants, &read, changes.clone()).await? && confirm != asked {
        let found =
            retention::preview(&app.tenants, &read, changes.clone(), app.retention()).await?;
        let form = PolicyForm { confirm: Some(asked), ..refused(None).await? };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return page(&call, Shown { preview: Some(found), form: Some(form), status }).await;
    }
    match retention::change(&app.tenants, &call.grant, changes, app.retention()).await {
        Err(RetentionError::Approval(error)) => return approvals::answer(&call, *error).await,
        changed => changed?,
    };
    let path = ALL.replace("{tenant}", call.tenant.slug.as_str());
    Ok(respond::see_other(&with_notice(&path, Notice::PoliciesChanged)))
}

async fn ask_run(call: Call<RetentionManage>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "retention").await?;
    let slug = call.tenant.slug.as_str();
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "data-retention-title", Section::Privacy).await?,
        act: ConfirmAct::DeleteDue,
        subject: call.tenant.name.clone(),
        action: RUNS.replace("{tenant}", slug),
        cancel: ALL.replace("{tenant}", slug),
    })
}

async fn run(call: Call<RetentionManage>) -> Answer {
    let app = call.app.clone();
    let begun =
        retention::begin(&app.tenants, &call.grant, app.retention(), Asked::BySomebody).await?;
    let begun = begun.ok_or(RetentionError::NoRun)?;
    let path = RUN.replace("{tenant}", call.tenant.slug.as_str());
    let path = path.replace("{id}", &begun.id().to_string());
    begun.in_background(app.stopping.subscribe()).await;
    Ok(respond::see_other(&with_notice(&path, Notice::RetentionBegun)))
}

fn state(run: &Run) -> RetentionRunState {
    RetentionRunState::from_code(run.state.name()).unwrap_or(RetentionRunState::Interrupted)
}

fn run_row(path: &str, run: &Run) -> RunRow {
    RunRow {
        href: format!("{path}/runs/{}", run.id),
        started: run.started_at,
        state: state(run),
        deleted: run.report.deleted(),
        keys: run.report.keys_destroyed,
        last_backup_until: run.report.last_backup_until,
    }
}

async fn one(call: Call<RetentionRead>) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "retention-run").await?;
    let run = retention::find_run(tenants, &call.grant, call.input.id("id")?).await?;
    let row = |class: &ClassReport| PreviewRow {
        class: class.class.name(),
        due: class.deleted,
        messages: class.messages,
        persons: class.persons,
        held: class.held,
        oldest: class.oldest,
        newest: class.newest,
    };
    let report = &run.report;
    let by = report.requested_by.as_ref().map(|by| (by.kind.as_str(), by.id.as_str()));
    let who = Names::of(&call, by.into_iter()).await;
    respond::page(&RetentionRunPage {
        chrome: frame::tenant(&call, "retention-run-title", Section::Privacy).await?,
        id: run.id.to_string(),
        state: state(&run),
        started: run.started_at,
        finished: run.finished_at,
        requested_by: by.map(|(kind, id)| who.is(kind, id)),
        resumed: report.resumed.into(),
        rows: report.classes.iter().map(row).collect(),
        keys_destroyed: report.keys_destroyed,
        keys_waiting: report.keys_waiting,
        last_backup_until: report.last_backup_until,
        last_key_until: report.last_key_until,
    })
}

async fn csv(call: Call<RetentionRead>) -> Answer {
    let run = retention::find_run(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let name = format!("retention-{}.csv", run.id);
    Ok(attachment::text(&name, "text/csv; charset=utf-8", retention::csv(&run)))
}

async fn json(call: Call<RetentionRead>) -> Answer {
    let run = retention::find_run(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let name = format!("retention-{}.json", run.id);
    let text = serde_json::to_string_pretty(&run).unwrap_or_default();
    Ok(attachment::text(&name, "application/json", text))
}
