//! The search index: feeding it, and finding things in a log of ten million entries.
//!
//! `STRONGROOM_BENCH_ENTRIES` asks for another size; `STRONGROOM_BENCH_DIR` names a directory that
//! is kept, so that the log is made once.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strongroom::audit::index::{Cursor, SummaryRequest};
use strongroom::authz::permission::{
    AuditIngest, AuditRead, AuditReindex, TenantCreate, TenantRead,
};
use strongroom::authz::{Caller, Grant, Principal, RequestContext, Role};
use strongroom::config::Settings;
use strongroom::kernel::Runtime;
use strongroom::kernel::clock::ManualClock;
use strongroom::tenants::{
    self, AuditEvents, Boot, DoorError, NewTenant, Tenant, TenantError, Tenants,
};
use strongroom::trail::{self, Page, SearchRequest};
use support::corpus::{self, Corpus};
use support::rows::{RawRows, RawText};
use support::{Report, Series, Target};

const ENTRIES: u64 = 10_000_000;
const BATCH: u64 = 10_000;
/// Appended between two feeds while the log is made.
const STRETCH: u64 = 500_000;
/// The log spans so long.
const SPAN: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// Entries fed in each round of the feed's measurement.
const FED: u64 = 131_072;
/// Times that each search is repeated.
const SEARCHES: usize = 21;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    threads.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let asked = std::env::var("STRONGROOM_BENCH_ENTRIES").ok();
    let entries: u64 = asked.and_then(|text| text.parse().ok()).unwrap_or(ENTRIES);
    let temporary = tempfile::tempdir()?;
    let kept = std::env::var_os("STRONGROOM_BENCH_DIR").map(PathBuf::from);
    let directory = kept.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&directory)?;
    let corpus = Corpus::new();
    let data = directory.join("data");
    make_log(&data, &corpus, entries).await?;
    let rows = RawRows::open(&directory.join("rows.db"), &corpus, entries)?;

    let place = Place::open(&data, &Runtime::system())?;
    let mut report = Report::default();
    feeding(&mut report, &place, temporary.path(), &corpus).await?;
    let bench = place.tenant("bench").await?;
    println!("{} entries", bench.search(request("seq:1")).await?.0.size);
    searching(&mut report, &bench, &rows).await?;
    paging(&mut report, &bench).await?;
    summing(&mut report, &bench).await?;
    ingesting(&mut report, &bench, &corpus).await?;
    report.print("The search index");
    Ok(())
}

/// An installation.
struct Place {
    tenants: Tenants,
    runtime: Runtime,
}

/// A tenant of it, and the rights to its log.
#[derive(Clone)]
struct Log {
    tenants: Tenants,
    ingest: Arc<Grant<AuditIngest>>,
    read: Arc<Grant<AuditRead>>,
    reindex: Arc<Grant<AuditReindex>>,
}

impl Place {
    fn open(data: &Path, runtime: &Runtime) -> Result<Self, Failure> {
        let mut settings = Settings::default();
        settings.store.data_dir = data.to_owned();
        let boot = Boot::open(&settings, runtime)?;
        Ok(Self { tenants: boot.tenants, runtime: runtime.clone() })
    }

    fn caller(&self, principal: Principal) -> Arc<Caller> {
        let request = RequestContext::local(self.runtime.id());
        Arc::new(Caller { principal, request })
    }

    /// The tenant of this name, made if there is none.
    async fn tenant(&self, slug: &str) -> Result<Log, Failure> {
        let operator = self.caller(Principal::LocalOperator { uid: 0 });
        let grant = self.tenants.authorize_platform::<TenantRead>(&operator, "bench").await?;
        let all = tenants::list(&self.tenants, &grant).await?;
        let tenant = match all.into_iter().find(|tenant| tenant.slug.as_str() == slug) {
            Some(tenant) => tenant,
            None => self.make(&operator, slug).await?,
        };
        let (id, name) = (self.runtime.id(), "bench".into());
        let owner = Principal::ApiKey { tenant: tenant.id, id, name, rights: Role::Owner.into() };
        let caller = self.caller(owner);
        Ok(Log {
            tenants: self.tenants.clone(),
            ingest: Arc::new(self.tenants.authorize(&caller, slug, "bench").await?.0),
            read: Arc::new(self.tenants.authorize(&caller, slug, "bench").await?.0),
            reindex: Arc::new(self.tenants.authorize(&caller, slug, "bench").await?.0),
        })
    }

    async fn make(&self, operator: &Arc<Caller>, slug: &str) -> Result<Tenant, Failure> {
        let grant = self.tenants.authorize_platform::<TenantCreate>(operator, "bench").await?;
        let new = NewTenant { slug: slug.parse()?, name: slug.to_owned() };
        let nobody = |_: &mut tenants::WriteTx<'_, _>, _| Ok::<_, TenantError>(AuditEvents::none());
        Ok(tenants::create(&self.tenants, &grant, new, nobody).await?)
    }
}

impl Log {
    async fn append(&self, payloads: Vec<Vec<u8>>) -> Result<u64, DoorError> {
        let payloads: Arc<[Vec<u8>]> = payloads.into();
        let written = self.tenants.write(&self.ingest, move |_| {
            Ok::<_, DoorError>(((), AuditEvents::reported(payloads.clone())))
        });
        Ok(written.await?.last_entry)
    }

    async fn feed(&self) -> Result<u64, Failure> {
        loop {
            let budget = Duration::from_secs(60);
            let fed = trail::feed(&self.tenants, &self.reindex, budget).await?;
            if fed.indexed_through >= fed.size {
                return Ok(fed.size);
            }
        }
    }

    /// A page and how long it took, its entry in the log included.
    async fn search(&self, request: SearchRequest) -> Result<(Page, f64), Failure> {
        let start = Instant::now();
        let page = trail::search(&self.tenants, &self.read, request).await?.value;
        Ok((page, start.elapsed().as_secs_f64() * 1000.0))
    }
}

fn request(q: &str) -> SearchRequest {
    SearchRequest { q: q.to_owned(), ..SearchRequest::default() }
}

fn payloads(corpus: &Corpus, from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).map(|n| corpus.event(n).payload(&[])).collect()
}

/// Fills the log through the product's own append and feed, by a clock that runs fast.
async fn make_log(data: &Path, corpus: &Corpus, entries: u64) -> Result<(), Failure> {
    let begin = Runtime::system().now().minus(SPAN);
    let clock = Arc::new(ManualClock::new(begin));
    let place = Place::open(data, &Runtime { clock: clock.clone(), ..Runtime::system() })?;
    let log = place.tenant("bench").await?;
    let mut size = log.feed().await?;
    let (mut appending, mut feeding, made) = (Duration::ZERO, Duration::ZERO, size);
    clock.advance(SPAN.mul_f64((size as f64 / entries as f64).min(0.99)));
    while size < entries {
        let end = entries.min(size + STRETCH);
        let start = Instant::now();
        while size < end {
            let count = BATCH.min(end - size);
            let step = SPAN.mul_f64(count as f64 / entries as f64);
            clock.advance(step.min(begin.plus(SPAN).since(place.runtime.now())));
            size = log.append(payloads(corpus, size, count)).await?;
        }
        appending += start.elapsed();
        let start = Instant::now();
        log.feed().await?;
        feeding += start.elapsed();
        let rate = |time: Duration| (size - made) as f64 / time.as_secs_f64();
        let (append, feed) = (rate(appending), rate(feeding));
        eprintln!("{size} entries made; {append:.0}/s appended, {feed:.0}/s fed");
    }
    place.tenants.shut_down().await;
    Ok(())
}

/// Feeding against FTS5 by itself, which gets the same text in the same transactions.
async fn feeding(
    report: &mut Report,
    place: &Place,
    scratch: &Path,
    corpus: &Corpus,
) -> Result<(), Failure> {
    let log = place.tenant("fed").await?;
    let mut raw = RawText::create(&scratch.join("text.db"))?;
    let mut series = Series::default();
    let mut size = log.feed().await?;
    for _ in 0..support::rounds() {
        let from = size;
        while size < from + FED {
            size = log.append(payloads(corpus, size, BATCH.min(from + FED - size))).await?;
        }
        let start = Instant::now();
        log.feed().await?;
        let fed = FED as f64 / start.elapsed().as_secs_f64();
        series.push(fed, raw.insert(corpus, from, FED)?);
    }
    report.add("feed", "entries/s", series, "raw FTS5, same text", Target::Ratio(0.5));
    Ok(())
}

/// Kinds of searches, and the question to plain indexed SQL that comes nearest.
fn kinds() -> Vec<(&'static str, String, Option<String>)> {
    let (action, actor) = (corpus::action_name(40), corpus::actor_id(300));
    let is = |column: &str, value: &str| Some(format!("{column} = '{value}'"));
    vec![
        ("everything", String::new(), Some("1 = 1".to_owned())),
        ("action", format!("action:{action}"), is("action", &action)),
        ("wildcard", "action:invoice.*".into(), Some("action GLOB 'invoice.*'".into())),
        ("actor, by id", format!("actor:{actor}"), is("actor_id", &actor)),
        ("actor, by name", "actor:\"Ada Hopper\"".into(), is("actor_name", "Ada Hopper")),
        ("resource", "resource:invoice-004711".into(), is("resource_id", "invoice-004711")),
        ("type", "type:ticket".into(), is("resource_type", "ticket")),
        ("outcome", "outcome:error".into(), is("outcome", "error")),
        ("ip", "ip:10.3.4.5".into(), is("ip", "10.3.4.5")),
        ("ip, network of many", "ip:10.0.0.0/8".into(), None),
        ("ip, network of few", "ip:198.51.100.0/24".into(), None),
        ("ip, network of none", "ip:203.0.113.0/24".into(), None),
        ("changed field", "changed:state".into(), None),
        ("custom field", "custom.amount:4711".into(), None),
        ("value that is nowhere", "resource:nothing".into(), is("resource_id", "nothing")),
        (
            "two that never meet",
            "type:ticket action:invoice.viewed".into(),
            Some("resource_type = 'ticket' AND action = 'invoice.viewed'".into()),
        ),
        (
            "actor and not outcome",
            format!("actor:{actor} -outcome:success"),
            Some(format!("actor_id = '{actor}' AND outcome <> 'success'")),
        ),
        ("word, common", "payment".into(), None),
        ("word, rare", "quokka".into(), None),
        ("word that is nowhere", "xylophone".into(), None),
        ("word, beginning", "quok*".into(), None),
        ("phrase", "\"left the building\"".into(), None),
        ("phrase of common words", "\"firefox payment\"".into(), None),
        ("two words", "payment quokka".into(), None),
        ("word and field", "quokka outcome:success".into(), None),
        ("word and rare field", "payment resource:invoice-004711".into(), None),
        ("oldest month", "before:-150d outcome:error".into(), None),
    ]
}

async fn searching(report: &mut Report, log: &Log, rows: &RawRows) -> Result<(), Failure> {
    for (name, q, sql) in kinds() {
        let mut times = Vec::new();
        let mut plain = Vec::new();
        for round in 0..=SEARCHES {
            let (_, time) = match log.search(request(&q)).await {
                Ok(found) => found,
                Err(error) => {
                    println!("{name}: {error}");
                    break;
                }
            };
            // The first one warms up.
            if round > 0 {
                times.push(time);
                if let Some(sql) = &sql {
                    plain.push(rows.page(sql)?);
                }
            }
        }
        report.latency(&format!("first page: {name}"), times, plain, 50.0, 150.0);
    }
    Ok(())
}

/// Page 10,000 of a search costs what page 1 costs.
async fn paging(report: &mut Report, log: &Log) -> Result<(), Failure> {
    for q in ["type:invoice", "payment"] {
        let all = SearchRequest { limit: Some(1000), ..request(q) };
        let mut deep = all.clone();
        // 500 pages of 1,000 are 10,000 of 50.
        for _ in 0..500 {
            let Some(next) = log.search(deep.clone()).await?.0.next else { break };
            deep.cursor = Cursor::Below(next);
        }
        let (mut first, mut far) = (Vec::new(), Vec::new());
        for _ in 0..SEARCHES {
            first.push(log.search(request(q)).await?.1);
            far.push(log.search(SearchRequest { cursor: deep.cursor, ..request(q) }).await?.1);
        }
        report.latency(&format!("page 10,000 of {q}, beside page 1"), far, first, 50.0, 150.0);
    }
    Ok(())
}

async fn summing(report: &mut Report, log: &Log) -> Result<(), Failure> {
    for (name, q) in [
        ("everything", String::new()),
        ("action", format!("action:{}", corpus::action_name(40))),
        ("type", "type:invoice".to_owned()),
        ("actor", format!("actor:{}", corpus::actor_id(300))),
        ("resource", "resource:invoice-004711".to_owned()),
        ("network of many", "ip:10.0.0.0/8".to_owned()),
        ("common word", "payment".to_owned()),
        ("rare word", "quokka".to_owned()),
        ("phrase", "\"left the building\"".to_owned()),
    ] {
        let mut times = Vec::new();
        let mut last = None;
        for round in 0..=SEARCHES / 2 {
            let summary = Some(SummaryRequest { buckets: 60 });
            let (page, time) = log.search(SearchRequest { summary, ..request(&q) }).await?;
            if round > 0 {
                times.push(time);
            }
            last = page.summary;
        }
        let last = last.ok_or("no summary")?;
        println!(
            "summary of {name}: {} found (all counted: {}), facets from {}, {} bars",
            last.total,
            last.complete,
            last.counted_from,
            last.histogram.len()
        );
        report.latency(&format!("summary: {name}"), times, Vec::new(), 300.0, 300.0);
    }
    Ok(())
}

/// Searches while an application posts a thousand events a call without a pause.
async fn ingesting(report: &mut Report, log: &Log, corpus: &Corpus) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let batch = payloads(corpus, 1, 1000);
    let (posting, stopped) = (log.clone(), stop.clone());
    let poster = tokio::spawn(async move {
        let start = Instant::now();
        let mut count = 0.0;
        while !stopped.load(Ordering::Relaxed) {
            if posting.append(batch.clone()).await.is_err() {
                break;
            }
            count += 1000.0;
        }
        count / start.elapsed().as_secs_f64()
    });
    let (mut times, mut behind) = (Vec::new(), Vec::new());
    for _ in 0..SEARCHES {
        let (page, time) = log.search(request("outcome:error payment")).await?;
        times.push(time);
        let through = page.indexed_through.unwrap_or(page.size);
        behind.push((page.size - through) as f64);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let rate = poster.await?;
    report.latency("first page during ingest", times, Vec::new(), 1150.0, 1150.0);
    report.alone("entries a second posted meanwhile", "", vec![rate], Target::None);
    report.alone("entries that the index was behind", "", behind, Target::None);
    let start = Instant::now();
    log.feed().await?;
    let seconds = vec![start.elapsed().as_secs_f64()];
    report.alone("caught up after its end in", "s", seconds, Target::None);
    Ok(())
}
