//! Backups and restores, for platform administrators.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::backup_state::BackupState;
use super::{also_platform, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{PlatformBackupRead, PlatformRestoreRun, TenantRead};
use crate::authz::{Permission, Realm};
use crate::backup::catalogue::Elsewhere;
use crate::backup::restore::{
    self, Available, Moment, Restore, RestoreError, RestoreState, Wanted,
};
use crate::backup::{self, Identities};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::RestoreId;
use crate::kernel::{ErrorKind, Fault, Timestamp};
use crate::tenants::{self, Tenant};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::sentence;
use crate::web::view::backups::{
    ArchiveRow, BackedUp, BackupsPage, ElsewhereRow, PlanCard, RestorePage, RestoreRow, TestCard,
};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::platform::duration;
use crate::web::view::state::{Notice, RestoreStanding};
use crate::web::{frame, respond};

/// Archives that a page offers: more than are kept by default.
const SHOWN: usize = 60;
const LIST: &str = "/platform/backups";
const RESTORE: &str = "/platform/backups/{name}";
const CONFIRM: &str = "/platform/restores/{id}/confirm";
const UNDO: &str = "/platform/restores/{id}/undo";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let run = Audit::Events(&[
        catalogue::RESTORE_STARTED,
        catalogue::RESTORE_COMPLETED,
        catalogue::RESTORE_FAILED,
    ]);
    let confirmed = Audit::Events(&[catalogue::RESTORE_CONFIRMED]);
    let undone = Audit::Events(&[catalogue::RESTORE_UNDONE]);
    vec![
        Route::platform(Method::Get, LIST, opened, list).says("Backups, restore tests, restores"),
        Route::platform(Method::Get, RESTORE, opened, show)
            .says("What restoring a tenant would use and undo"),
        Route::platform(Method::Post, RESTORE, run, run_one).says("Restore a tenant").sensitive(),
        Route::platform(Method::Get, CONFIRM, opened, ask_confirm)
            .says("Ask before keeping what was restored"),
        Route::platform(Method::Post, CONFIRM, confirmed, confirm)
            .says("Keep what was restored")
            .sensitive(),
        Route::platform(Method::Get, UNDO, opened, ask_undo).says("Ask before undoing a restore"),
        Route::platform(Method::Post, UNDO, undone, undo)
            .says("Put the state before a restore back")
            .sensitive(),
    ]
}

async fn list(call: PlatformCall<PlatformBackupRead>) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "backups").await?;
    let archives = restore::available(tenants, &call.grant, None, None).await?;
    let all = tenants::list(tenants, &also_platform::<_, TenantRead>(&call)?).await?;
    let mut by_owner: HashMap<&str, Vec<&Available>> = HashMap::new();
    for one in &archives {
        by_owner.entry(&one.manifest.owner).or_default().push(one);
    }
    let trials = restore::trials(tenants, &call.grant).await?;
    let of = |owner: &str, name: String, slug: String, href: String| {
        let own = by_owner.get(owner).map_or(&[][..], Vec::as_slice);
        let newest = own.first().map(|one| &one.manifest);
        let bytes: u64 = newest.map_or(0, |manifest| manifest.bytes);
        BackedUp {
            name,
            slug,
            href,
            newest: newest.map(|manifest| manifest.taken),
            count: own.len() as u64,
            size: format!("{} KiB", bytes.div_ceil(1024)),
            proven: trials.get(owner).and_then(|trial| trial.passed),
        }
    };
    let mut rows = vec![of("platform", String::new(), String::new(), String::new())];
    rows.extend(all.iter().map(|tenant| {
        let href = format!("{LIST}/{}", tenant.id);
        of(&tenant.id.to_string(), tenant.name.clone(), tenant.slug.to_string(), href)
    }));
    let state = BackupState::of(&call, &call.grant).await?;
    let restores = restore::restores(tenants, &call.grant).await?;
    let elsewhere = backup::catalogue::elsewhere(tenants, &call.app.settings.backup).await?;
    respond::page(&BackupsPage {
        chrome: frame::platform(&call, "nav-backups", Section::Backups).await?,
        configured: state.configured,
        targets: state.targets,
        elsewhere: elsewhere.into_iter().map(elsewhere_row).collect(),
        overdue: backup::catalogue::overdue(tenants).await?,
        last_run: state.last_run,
        unsent: state.unsent.map(|unsent| unsent.as_millis().div_ceil(1000) as u64),
        last_backup: archives.first().map(|one| one.manifest.taken),
        last_test: state.last_test.map(|test| TestCard {
            at: test.started,
            passed: test.passed,
            archives: test.archives,
            took: duration(Duration::from_millis(test.millis)),
            seconds_per_gib: test.seconds_per_gib(),
            problem: test.problem,
        }),
        test_overdue: state.test_overdue,
        tenants: rows,
        restores: restores.into_iter().map(|one| row(one, &all)).collect(),
        may_restore: call.also::<PlatformRestoreRun>().is_some(),
    })
}

fn elsewhere_row(found: Elsewhere) -> ElsewhereRow {
    let Elsewhere { target, archives, changes, newest, .. } = found;
    ElsewhereRow { target, archives, changes, newest }
}

fn row(restore: Restore, tenants: &[Tenant]) -> RestoreRow {
    let tenant = tenants.iter().find(|tenant| tenant.id == restore.tenant);
    RestoreRow {
        id: restore.id.to_string(),
        tenant: tenant.map_or_else(|| restore.tenant.to_string(), |tenant| tenant.name.clone()),
        state: match restore.state {
            RestoreState::Running => RestoreStanding::Running,
            RestoreState::Restored => RestoreStanding::Restored,
            RestoreState::Confirmed => RestoreStanding::Confirmed,
            RestoreState::Undone => RestoreStanding::Undone,
            RestoreState::Failed => RestoreStanding::Failed,
        },
        moment: restore.moment,
        started: restore.started,
        lost: restore.lost,
        past: restore.past.map(|past| past.to_string()),
        problem: restore.problem.map(|problem| without_command(&problem).to_owned()),
    }
}

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    at: String,
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    at: String,
    identity: String,
    confirm: String,
}

async fn show(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "backups").await?;
    let Asked { at } = call.input.query()?;
    let tenant = tenant(&call).await?;
    page(&call, &tenant, at, Field::default(), Field::default(), None).await
}

async fn tenant<P: Permission>(call: &PlatformCall<P>) -> Result<Tenant, Failure> {
    let grant = also_platform::<_, TenantRead>(call)?;
    Ok(tenants::find(&call.app.tenants, &grant, call.input.path("name")).await?)
}

/// The time that was typed: RFC 3339, or as times are shown, in UTC.
fn time(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Moment::Latest);
    }
    let shown = || Timestamp::parse(&format!("{}Z", text.replace(' ', "T")));
    Timestamp::parse(text).or_else(shown).map(Moment::At)
}

async fn page(
    call: &PlatformCall<PlatformRestoreRun>,
    tenant: &Tenant,
    at: String,
    identity: Field,
    confirm: Field,
    problem: Option<String>,
) -> Answer {
    let reading = also_platform::<_, PlatformBackupRead>(call)?;
    let (mut plan, mut why) = (None, problem);
    let at = match time(&at) {
        None => Field::wrong(at, FieldError::Time),
        Some(moment) => {
            let wanted = Wanted { tenant: tenant.id.to_string(), moment, from: None };
            let settings = &call.app.settings.backup;
            match restore::plan(&call.app.tenants, &reading, settings, &wanted).await {
                Ok(found) => {
                    plan = Some(PlanCard {
                        moment: found.moment,
                        backup: found.backup,
                        target: found.target,
                        lost: found.lost,
                        held: found.hold.is_some(),
                        recipients: found.recipients,
                        unread: found.unread,
                    });
                }
                Err(error) if error.kind() == ErrorKind::Internal => return Err(error.into()),
                Err(error) => why = why.or_else(|| Some(as_sentence(&error))),
            }
            Field::value(at)
        }
    };
    let realm = Realm::Tenant(tenant.id);
    let (tenants, settings) = (&call.app.tenants, &call.app.settings.backup);
    let found = restore::available(tenants, &reading, Some(realm), None).await?;
    let mut windows: Vec<_> = restore::windows(tenants, settings, &[realm], None)
        .await
        .map(|(all, _)| all.into_iter().map(|(_, window)| (window.from, window.to)).collect())
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "what can be restored is not shown in full");
            Vec::new()
        });
    windows.sort_unstable_by_key(|(_, to)| std::cmp::Reverse(*to));
    let path = format!("{LIST}/{}", tenant.id);
    let archive = |one: Available| ArchiveRow {
        taken: one.manifest.taken,
        entries: one.manifest.entries,
        href: format!("{path}?at={}", one.manifest.taken),
    };
    let archives = found.into_iter().take(SHOWN).map(archive).collect();
    let wrong = [&at, &identity, &confirm].iter().any(|field| field.error.is_some());
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = RestorePage {
        chrome: frame::platform(call, "restore-title", Section::Backups).await?,
        name: tenant.name.clone(),
        slug: tenant.slug.to_string(),
        path,
        windows,
        archives,
        at,
        identity,
        confirm,
        plan,
        problem: why,
    };
    respond::page_with(status, &page)
}

/// What is said at a shell names the command that goes on from there.
fn without_command(problem: &str) -> &str {
    problem.split_once("; see: strongroom ").map_or(problem, |(problem, _)| problem)
}

fn as_sentence(error: &RestoreError) -> String {
    let text = error.to_string();
    let mut letters = without_command(&text).chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

async fn run_one(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    let Form { at, identity, confirm } = call.input.form()?;
    let secret = zeroize::Zeroizing::new(identity);
    let tenant = tenant(&call).await?;
    if confirm.trim() != tenant.slug.as_str() {
        let wrong = Field::wrong(confirm, sentence("this is not the tenant's short name"));
        return page(&call, &tenant, at, Field::default(), wrong, None).await;
    }
    let Some(moment) = time(&at) else {
        return page(&call, &tenant, at, Field::default(), Field::value(confirm), None).await;
    };
    let identities = match Identities::parse(&secret) {
        Ok(identities) => identities,
        Err(error) => {
            let wrong = Field::wrong("", sentence(&error.to_string()));
            return page(&call, &tenant, at, wrong, Field::value(confirm), None).await;
        }
    };
    let reading = also_platform::<_, PlatformBackupRead>(&call)?;
    let wanted = Wanted { tenant: tenant.id.to_string(), moment, from: None };
    let (tenants, settings) = (&call.app.tenants, &call.app.settings.backup);
    let (grants, told) = ((&reading, &call.grant), Arc::new(|_: &str| ()));
    match restore::start(tenants, grants, settings, &wanted, identities, told).await {
        // It goes on by itself; the list shows what becomes of it.
        Ok(_) => Ok(respond::see_other(&with_notice(LIST, Notice::RestoreStarted))),
        Err(error) if error.kind() == ErrorKind::Internal => Err(error.into()),
        Err(error) => {
            let why = Some(as_sentence(&error));
            page(&call, &tenant, at, Field::default(), Field::value(confirm), why).await
        }
    }
}

async fn ask_confirm(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    ask(&call, ConfirmAct::KeepRestore, CONFIRM).await
}

async fn ask_undo(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    ask(&call, ConfirmAct::UndoRestore, UNDO).await
}

/// Either throws one of two states away.
async fn ask(
    call: &PlatformCall<PlatformRestoreRun>,
    act: ConfirmAct,
    action: &'static str,
) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "backups").await?;
    let id: RestoreId = call.input.id("id")?;
    let restore = restore::find(tenants, &also_platform(call)?, id).await?;
    if restore.state != RestoreState::Restored {
        return Ok(respond::see_other(&with_notice(LIST, Notice::NothingChanged)));
    }
    let tenant = tenants.tenant_by_id(restore.tenant);
    let name = tenant.map_or_else(|| restore.tenant.to_string(), |tenant| tenant.name.clone());
    let named = [("name", name.into()), ("at", restore.started.display().into())];
    respond::page(&ConfirmPage {
        chrome: frame::platform(call, "nav-backups", Section::Backups).await?,
        act,
        subject: Messages::english().with("restore-named", &named).into_owned(),
        action: action.replace("{id}", &id.to_string()),
        cancel: LIST.to_owned(),
    })
}

async fn confirm(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    let id: RestoreId = call.input.id("id")?;
    restore::confirm(&call.app.tenants, &call.grant, id).await?;
    Ok(respond::see_other(&with_notice(LIST, Notice::RestoreConfirmed)))
}

async fn undo(call: PlatformCall<PlatformRestoreRun>) -> Answer {
    let id: RestoreId = call.input.id("id")?;
    restore::undo(&call.app.tenants, &call.grant, id).await?;
    Ok(respond::see_other(&with_notice(LIST, Notice::RestoreUndone)))
}
