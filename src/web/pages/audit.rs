//! The audit explorer of a tenant and of the platform: search, one entry, verification.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, also_platform, audit_rows};
use crate::audit::index::Cursor;
use crate::audit::{catalogue, query, verify};
use crate::authz::permission::{AuditRead, AuditVerify, PlatformAuditRead, PlatformAuditVerify};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::tenants::Disclosed;
use crate::trail::{self, Page, SearchRequest, TrailError};
use crate::web::view::audit::{
    ActionGroup, AuditFilter, AuditPage, IndexState, Verification, VerificationResult,
};
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::FieldError;
use crate::web::view::query::Pager;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let search = Audit::Events(&[catalogue::AUDIT_VIEWED, catalogue::AUDIT_SEARCHED]);
    let one = Audit::Events(&[catalogue::AUDIT_VIEWED]);
    let check = Audit::Events(&[catalogue::AUDIT_VERIFIED, catalogue::AUDIT_VIEWED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/audit", search, tenant_explorer)
            .says("Search a tenant's audit log"),
        // Before the entries, whose path would take it.
        Route::console(Method::Post, "/t/{tenant}/admin/audit/verify", check, tenant_verify)
            .says("Verify a tenant's audit log"),
        Route::console(Method::Get, "/t/{tenant}/admin/audit/{seq}", one, tenant_entry)
            .says("One entry of a tenant's audit log"),
        Route::platform(Method::Get, "/platform/audit", search, platform_explorer)
            .says("Search the platform's audit log"),
        Route::platform(Method::Post, "/platform/audit/verify", check, platform_verify)
            .says("Verify the platform's audit log"),
        Route::platform(Method::Get, "/platform/audit/{seq}", one, platform_entry)
            .says("One entry of the platform's audit log"),
    ]
}

async fn tenant_explorer(call: Call<AuditRead>) -> Answer {
    let asked = Asked::read(&call.input)?;
    let found = match asked.request() {
        Ok(request) => found(&asked, trail::search(&call.app.tenants, &call.grant, request).await)?,
        Err(problem) => Err(problem),
    };
    let chrome = frame::tenant(&call, "nav-audit", Section::Audit).await?;
    show(chrome, asked, found, None, call.also::<AuditVerify>().is_some())
}

async fn platform_explorer(call: PlatformCall<PlatformAuditRead>) -> Answer {
    let asked = Asked::read(&call.input)?;
    let found = match asked.request() {
        Ok(request) => {
            found(&asked, trail::search_platform(&call.app.tenants, &call.grant, request).await)?
        }
        Err(problem) => Err(problem),
    };
    let chrome = frame::platform(&call, "nav-platform-audit", Section::PlatformAudit).await?;
    show(chrome, asked, found, None, call.also::<PlatformAuditVerify>().is_some())
}

async fn tenant_entry(call: Call<AuditRead>) -> Answer {
    let tenants = &call.app.tenants;
    let entry = trail::entry(tenants, &call.grant, call.input.id("seq")?).await?.value;
    let size = trail::overview(tenants, &call.grant).await?.size;
    let chrome = frame::tenant(&call, "nav-audit", Section::Audit).await?;
    respond::page(&audit_rows::page(chrome, &entry, size))
}

async fn platform_entry(call: PlatformCall<PlatformAuditRead>) -> Answer {
    let tenants = &call.app.tenants;
    let entry = trail::entry(tenants, &call.grant, call.input.id("seq")?).await?.value;
    let size = trail::overview(tenants, &call.grant).await?.size;
    let chrome = frame::platform(&call, "nav-platform-audit", Section::PlatformAudit).await?;
    respond::page(&audit_rows::page(chrome, &entry, size))
}

async fn tenant_verify(call: Call<AuditVerify>) -> Answer {
    let tenants = &call.app.tenants;
    let read = also::<_, AuditRead>(&call)?;
    let verification = trail::verify(tenants, &call.grant).await?;
    call.app.verified.note(call.grant.realm(), &verification);
    let asked = Asked::default();
    let page = trail::search(tenants, &read, SearchRequest::default()).await?.value;
    let chrome = frame::tenant(&call, "nav-audit", Section::Audit).await?;
    show(chrome, asked, Ok(page), Some(panel(&verification)), true)
}

async fn platform_verify(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    let tenants = &call.app.tenants;
    let read = also_platform::<_, PlatformAuditRead>(&call)?;
    let verification = trail::verify_platform(tenants, &call.grant).await?;
    call.app.verified.note(call.grant.realm(), &verification);
    let asked = Asked::default();
    let page = trail::search_platform(tenants, &read, SearchRequest::default()).await?.value;
    let chrome = frame::platform(&call, "nav-platform-audit", Section::PlatformAudit).await?;
    show(chrome, asked, Ok(page), Some(panel(&verification)), true)
}

/// The search as it came in with the query.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    action: String,
    actor: String,
    outcome: String,
    from: String,
    to: String,
    cursor: String,
}

impl Asked {
    fn read(input: &Input) -> Result<Self, Failure> {
        let mut asked: Self = input.query()?;
        let parts = [&mut asked.q, &mut asked.action, &mut asked.actor, &mut asked.outcome];
        for part in parts {
            *part = part.trim().to_owned();
        }
        Ok(asked)
    }

    /// What was typed, and the controls as terms after it.
    fn query(&self) -> String {
        let mut query = self.q.clone();
        let controls =
            [("action", &self.action), ("actor", &self.actor), ("outcome", &self.outcome)];
        for (field, value) in controls.into_iter().filter(|(_, value)| !value.is_empty()) {
            query = query::with_term(&query, field, value, false);
        }
        query
    }

    fn request(&self) -> Result<SearchRequest, FieldError> {
        let below = match self.cursor.as_str() {
            "" => None,
            cursor => Some(cursor.parse().map_err(|_| FieldError::Choice)?),
        };
        let (q, from, to) = (self.query(), time(&self.from)?, time(&self.to)?);
        let cursor = below.map_or_else(Cursor::default, Cursor::Below);
        Ok(SearchRequest { q, from, to, limit: None, cursor, summary: None })
    }

    fn filter(&self) -> AuditFilter {
        AuditFilter {
            q: self.q.clone(),
            action: self.action.clone(),
            actor: self.actor.clone(),
            outcome: self.outcome.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
        }
    }
}

/// A time as `<input type="datetime-local">` sends it, in UTC; empty for none.
fn time(text: &str) -> Result<Option<Timestamp>, FieldError> {
    let seconds = if text.len() == "2026-11-22T05:06".len() { ":00" } else { "" };
    match text {
        "" => Ok(None),
        text => Timestamp::parse(&format!("{text}{seconds}Z")).map(Some).ok_or(FieldError::Time),
    }
}

/// The page, or what is wrong with the query; other failures are failures.
fn found(
    asked: &Asked,
    result: Result<Disclosed<Page>, TrailError>,
) -> Result<Result<Page, FieldError>, Failure> {
    match result {
        Ok(disclosed) => Ok(Ok(disclosed.value)),
        Err(TrailError::Query(error)) => {
            let query = asked.query();
            let before = query.char_indices().take_while(|(byte, _)| *byte < error.at).count();
            let at = u32::try_from(before + 1).unwrap_or(u32::MAX);
            Ok(Err(FieldError::Query { at, problem: error.message }))
        }
        Err(error) => Err(error.into()),
    }
}

fn show(
    chrome: Chrome,
    asked: Asked,
    found: Result<Page, FieldError>,
    verification: Option<Verification>,
    may_verify: bool,
) -> Answer {
    let filter = asked.filter();
    let path = chrome.audit_href();
    let (page, problem) = match found {
        Ok(page) => (Some(page), None),
        Err(problem) => (None, Some(problem)),
    };
    let older = page.as_ref().and_then(|page| page.next);
    let pager = Pager {
        newest: (!asked.cursor.is_empty()).then(|| filter.href(&path, "")),
        newer: None,
        older: older.map(|below| filter.href(&path, &below.to_string())),
    };
    let behind = page.as_ref().and_then(|page| page.indexed_through);
    let rows = page.iter().flat_map(|page| &page.items).map(audit_rows::row).collect();
    let page = AuditPage {
        chrome,
        filter,
        actions: actions(),
        rows,
        pager,
        index: behind.map_or(IndexState::Current, |seq| IndexState::Through { seq }),
        verification,
        may_verify,
        problem,
    };
    let refused = page.problem.is_some();
    respond::page_with(
        if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK },
        &page,
    )
}

fn actions() -> Vec<ActionGroup> {
    let mut groups: Vec<ActionGroup> = Vec::new();
    for action in catalogue::all() {
        let category = action.category.name().replace(' ', "_");
        let name = action.name.to_owned();
        match groups.last_mut().filter(|group| group.category == category) {
            Some(group) => group.actions.push(name),
            None => groups.push(ActionGroup { category, actions: vec![name] }),
        }
    }
    groups
}

fn panel(found: &verify::Verification) -> Verification {
    let result = match found.ok {
        true => {
            let head = (found.size > 0).then(|| found.head.to_string());
            VerificationResult::Whole { head }
        }
        false => VerificationResult::Broken { first_bad: found.first_bad.unwrap_or(0) },
    };
    let took = Duration::from_millis(found.duration_ms);
    Verification { entries: found.size, took, result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_terms_that_mean_what_was_typed() {
        let asked = Asked {
            q: "ip:10.0.0.7".into(),
            actor: r#"Ann "A" \ Lee"#.into(),
            outcome: "denied".into(),
            ..Asked::default()
        };
        let typed = r#"ip:10.0.0.7 actor:"Ann \"A\" \\ Lee" outcome:denied"#;
        let parse = |text: &str| query::parse(text, Timestamp::from_micros(0));
        assert_eq!(parse(&asked.query()), parse(typed));
    }

    #[test]
    fn times_are_read_with_and_without_seconds() {
        let with = time("2026-11-22T05:06:00").unwrap();
        assert_eq!(time("2026-11-22T05:06"), Ok(with));
        assert_eq!(time(""), Ok(None));
        assert_eq!(time("yesterday"), Err(FieldError::Time));
    }
}
