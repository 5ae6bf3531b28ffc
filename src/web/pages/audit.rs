//! The audit explorer of a tenant and of the platform: what was searched for, in rows and numbers.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::audit_rows;
use crate::audit::index::{Cursor, Summary, SummaryRequest};
use crate::audit::{catalogue, query};
use crate::authz::permission::{
    AuditExport, AuditRead, AuditSearchSave, AuditVerify, PlatformAuditExport, PlatformAuditRead,
    PlatformAuditSearchSave, PlatformAuditVerify,
};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::tenants::Disclosed;
use crate::trail::searches::{self, SavedSearch};
use crate::trail::witness;
use crate::trail::{self, Page, SearchRequest, TrailError};
use crate::web::problems;
use crate::web::view::audit::{AuditPage, Counts, Example, Live, Problem};
use crate::web::view::audit_facets::FacetView;
use crate::web::view::audit_search::{RANGES, SaveForm, SavedItem, SavedView, Search};
use crate::web::view::audit_timeline::Timeline;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::query::Pager;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let events = Audit::Events(&[catalogue::AUDIT_VIEWED, catalogue::AUDIT_SEARCHED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/audit", events, tenant)
            .says("Search a tenant's audit log"),
        Route::platform(Method::Get, "/platform/audit", events, platform)
            .says("Search the platform's audit log"),
    ]
}

async fn tenant(call: Call<AuditRead>) -> Answer {
    let asked = Asked::read(&call.input)?;
    tenant_page(&call, asked, None).await
}

/// The explorer, with what was wrong with a search that somebody wanted to save.
pub async fn tenant_page<P: crate::authz::Permission>(
    call: &Call<P>,
    asked: Asked,
    unsaved: Option<SaveForm>,
) -> Answer {
    let (tenants, read) = (&call.app.tenants, super::also::<_, AuditRead>(call)?);
    let found = match asked.request(call.app.runtime.now()) {
        Ok(request) => found(&asked, trail::search(tenants, &read, request).await)?,
        Err(problem) => Err(problem),
    };
    let saved = searches::list(tenants, &read).await?;
    let contradicted = !witness::witnesses(tenants, &read).await?.contradictions.is_empty();
    let follows = trail::follows_since(tenants, &read).await?;
    let chrome = frame::tenant(call, "nav-audit", Section::Audit).await?;
    let may = May {
        export: call.also::<AuditExport>().is_some(),
        verify: call.also::<AuditVerify>().is_some(),
        save: call.also::<AuditSearchSave>().is_some(),
    };
    show(chrome, &asked, found, Around { saved: &saved, may, unsaved, contradicted, follows })
}

async fn platform(call: PlatformCall<PlatformAuditRead>) -> Answer {
    let asked = Asked::read(&call.input)?;
    platform_page(&call, asked, None).await
}

/// The same of the platform.
pub async fn platform_page<P: crate::authz::Permission>(
    call: &PlatformCall<P>,
    asked: Asked,
    unsaved: Option<SaveForm>,
) -> Answer {
    let (tenants, read) = (&call.app.tenants, super::also_platform::<_, PlatformAuditRead>(call)?);
    let found = match asked.request(call.app.runtime.now()) {
        Ok(request) => found(&asked, trail::search_platform(tenants, &read, request).await)?,
        Err(problem) => Err(problem),
    };
    let saved = searches::list_platform(tenants, &read).await?;
    let contradicted = !witness::witnesses(tenants, &read).await?.contradictions.is_empty();
    let follows = trail::follows_since(tenants, &read).await?;
    let chrome = frame::platform(call, "nav-platform-audit", Section::PlatformAudit).await?;
    let may = May {
        export: call.also::<PlatformAuditExport>().is_some(),
        verify: call.also::<PlatformAuditVerify>().is_some(),
        save: call.also::<PlatformAuditSearchSave>().is_some(),
    };
    show(chrome, &asked, found, Around { saved: &saved, may, unsaved, contradicted, follows })
}

/// What the person may do beside looking.
#[derive(Clone, Copy)]
struct May {
    export: bool,
    verify: bool,
    save: bool,
}

/// What stands around what was found.
struct Around<'a> {
    saved: &'a [SavedSearch],
    may: May,
    /// A search that could not be saved, with what was wrong.
    unsaved: Option<SaveForm>,
    contradicted: bool,
    follows: Option<Timestamp>,
}

/// The search as it came in with the query string.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub q: String,
    from: String,
    to: String,
    range: String,
    /// Entries older than this one.
    before: String,
    /// Entries newer than this one.
    after: String,
    /// Begins with this entry.
    seq: String,
    /// `1` for the live view.
    live: String,
}

/// Bars of the timeline, at the most.
const BARS: usize = 60;

impl Asked {
    fn read(input: &Input) -> Result<Self, Failure> {
        let mut asked: Self = input.query()?;
        for part in [&mut asked.q, &mut asked.before, &mut asked.after, &mut asked.seq] {
            *part = part.trim().to_owned();
        }
        Ok(asked)
    }

    fn request(&self, now: Timestamp) -> Result<SearchRequest, Problem> {
        let (mut from, to) = (time(&self.from)?, time(&self.to)?);
        match RANGES.iter().find(|range| range.code == self.range) {
            Some(range) => from = Some(now.minus(std::time::Duration::from_secs(range.seconds))),
            None if self.range.is_empty() => {}
            None => return Err(FieldError::Choice.into()),
        }
        let number =
            |text: &str| text.parse::<u64>().map_err(|_| Problem::from(FieldError::Choice));
        let cursor = match (self.seq.as_str(), self.before.as_str(), self.after.as_str()) {
            ("", "", "") => Cursor::default(),
            ("", "", after) => Cursor::Above(number(after)?),
            ("", before, _) => Cursor::Below(number(before)?),
            (seq, ..) => Cursor::Below(number(seq)?.saturating_add(1)),
        };
        let summary = Some(SummaryRequest { buckets: BARS });
        Ok(SearchRequest { q: self.q.clone(), from, to, limit: None, cursor, summary })
    }

    fn search(&self) -> Search {
        Search {
            q: self.q.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            range: self.range.clone(),
        }
    }

    /// Whether it shows what is newest.
    fn is_newest(&self) -> bool {
        [&self.seq, &self.before, &self.after].into_iter().all(String::is_empty)
    }

    /// A search to show beside what was wrong with a form.
    pub fn of(q: &str) -> Self {
        Self { q: q.to_owned(), ..Self::default() }
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self { error, place: None }
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

/// The page, or what is wrong with the search; other failures are failures.
fn found(
    asked: &Asked,
    result: Result<Disclosed<Page>, TrailError>,
) -> Result<Result<Page, Problem>, Failure> {
    match result {
        Ok(disclosed) => Ok(Ok(disclosed.value)),
        Err(TrailError::Query(error)) => Ok(Err(explained(&asked.q, error.at, error.message))),
        Err(error @ TrailError::TooBroad(_)) => {
            Ok(Err(problems::sentence(&error.to_string()).into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with a search, with its place marked.
fn explained(q: &str, at: usize, problem: String) -> Problem {
    let at = q.floor_char_boundary(at.min(q.len()));
    let (before, rest) = q.split_at(at);
    let end = rest.find(char::is_whitespace).filter(|end| *end > 0).unwrap_or(rest.len());
    let (place, after) = rest.split_at(end);
    // At the end something is missing: a blank is marked.
    let place = if place.is_empty() { "\u{a0}" } else { place };
    let characters = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
    let place = Some((before.to_owned(), place.to_owned(), after.to_owned()));
    Problem { error: FieldError::Query { at: characters, problem }, place }
}

fn show(chrome: Chrome, asked: &Asked, found: Result<Page, Problem>, around: Around<'_>) -> Answer {
    let Around { saved, may, unsaved, contradicted, follows } = around;
    let path = chrome.audit_href();
    let search = asked.search();
    let (mut page, problem) = match found {
        Ok(page) => (Some(page), None),
        Err(problem) => (None, Some(problem)),
    };
    if let Some(page) = &mut page {
        page.items.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
    }
    let refused = problem.is_some() || unsaved.is_some();
    let pager = page.as_ref().map(|page| pager(asked, &search, page, &path)).unwrap_or_default();
    let looked = page.as_ref().map_or(0, |page| page.indexed_through.unwrap_or(page.size));
    let live = live(asked, &search, looked, &path);
    let summary = page.as_mut().and_then(|page| page.summary.take());
    let page = AuditPage {
        live,
        problem,
        pager,
        ranges: search.ranges(&path),
        chips: search.chips(&path),
        rows: page.iter().flat_map(|page| &page.items).map(audit_rows::row).collect(),
        indexed_through: page.as_ref().and_then(|page| page.indexed_through),
        counts: summary.map(|summary| counts(summary, &search, &path)),
        saved: saved_view(saved, &search, &path, may, unsaved),
        contradicted,
        follows,
        may_export: may.export,
        may_verify: may.verify,
        examples: examples(&path),
        fields: query::FIELDS.iter().map(|field| (field.name, field.meaning)).collect(),
        search,
        chrome,
    };
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond::page_with(status, &page)
}

fn pager(asked: &Asked, search: &Search, page: &Page, path: &str) -> Pager {
    let (newest, oldest) = (page.items.first(), page.items.last());
    let upwards = asked.seq.is_empty() && asked.before.is_empty() && !asked.after.is_empty();
    // A page that was read upwards comes from older entries; one read downwards from newer ones.
    let (is_newer, is_older) = match upwards {
        true => (page.next.is_some(), true),
        false => (!asked.is_newest(), page.next.is_some()),
    };
    let link = |name, seq: Option<u64>| Some(search.link_with(path, name, &seq?.to_string()));
    Pager {
        newest: (!asked.is_newest()).then(|| search.link(path)),
        newer: link("after", newest.map(|entry| entry.seq).filter(|_| is_newer)),
        older: link("before", oldest.map(|entry| entry.seq).filter(|_| is_older)),
    }
}

fn live(asked: &Asked, search: &Search, looked: u64, path: &str) -> Live {
    let on = asked.live == "1";
    let source = crate::web::view::query::href(
        &format!("{path}/tail"),
        &[("q", &search.q), ("after", &looked.to_string())],
    );
    Live {
        on,
        toggle: if on { search.link(path) } else { search.link_with(path, "live", "1") },
        source,
        possible: asked.is_newest() && search.to.is_empty(),
    }
}

fn counts(summary: Summary, search: &Search, path: &str) -> Counts {
    let bars = summary.histogram.iter();
    let buckets: Vec<_> = bars.map(|bar| (bar.from, bar.to, bar.count)).collect();
    let facets = summary.facets.into_iter();
    Counts {
        total: summary.total,
        at_least: !summary.complete,
        counted_from: Some(summary.counted_from).filter(|from| *from > 1),
        timeline: Timeline::new(&buckets, search, path),
        facets: facets
            .map(|facet| FacetView::new(facet.field, facet.values, facet.more, search, path))
            .collect(),
    }
}

fn saved_view(
    saved: &[SavedSearch],
    search: &Search,
    path: &str,
    may: May,
    unsaved: Option<SaveForm>,
) -> Option<SavedView> {
    let item = |saved: &SavedSearch| SavedItem {
        name: saved.name.clone(),
        q: saved.q.clone(),
        href: Search { q: saved.q.clone(), ..Search::default() }.link(path),
        delete: may.save.then(|| format!("{path}/searches/{}/delete", saved.id)),
    };
    let new = || SaveForm { name: Field::default(), q: search.as_text() };
    let form = unsaved.or_else(|| (may.save && !search.is_empty()).then(new));
    let view = SavedView { items: saved.iter().map(item).collect(), form };
    (may.save || !view.items.is_empty()).then_some(view)
}

/// Searches that show what the language can do.
const EXAMPLES: [(&str, &str); 6] = [
    ("outcome:denied after:-7d", "example-denied"),
    ("action:login.failed ip:10.0.0.0/8", "example-logins"),
    ("action:(message.access, conversation.access) -role:operator", "example-access"),
    ("changed:role", "example-roles"),
    ("action:api_key.* OR action:user.*", "example-keys"),
    ("\"free text\"", "example-text"),
];

fn examples(path: &str) -> Vec<Example> {
    let example = |(q, meaning): (&'static str, &'static str)| {
        let href = Search { q: q.to_owned(), ..Search::default() }.link(path);
        Example { q, meaning, href }
    };
    EXAMPLES.into_iter().map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_seconds() {
        let with = time("2026-11-22T05:06:00").unwrap();
        assert_eq!(time("2026-11-22T05:06"), Ok(with));
        assert_eq!(time(""), Ok(None));
        assert_eq!(time("yesterday"), Err(FieldError::Time));
    }

    #[test]
    fn every_example_is_a_search() {
        for (q, _) in EXAMPLES {
            let parsed = query::parse(q, Timestamp::from_micros(0));
            assert!(parsed.is_ok_and(|query| query.root.is_some()), "{q}");
        }
    }

    #[test]
    fn a_mistake_is_marked_where_it_is_whatever_the_letters_before_it() {
        let problem = explained("actor:Zoë seq:x y", "actor:Zoë seq:".len(), "a number".into());
        assert_eq!(problem.place, Some(("actor:Zoë seq:".into(), "x".into(), " y".into())));
        assert_eq!(problem.error, FieldError::Query { at: 15, problem: "a number".into() });
        let missing = explained("action:", 7, "a value".into()).place.unwrap();
        assert_eq!(missing, ("action:".into(), "\u{a0}".into(), String::new()));
    }
}
