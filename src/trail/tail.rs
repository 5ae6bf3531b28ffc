//! Watching entries arrive. Opening a live view is an entry before anything is seen of it, closing
//! it another that says what was; the entries between are covered by the two.

use std::time::Duration;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::index::Cursor;
use crate::audit::query::{self, Condition, Query};
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Permission};
use crate::kernel::limits;
use crate::tenants::Tenants;

/// How long a look waits for the index.
const CATCH_UP: Duration = Duration::from_millis(500);
/// How long a look may then take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How far back a view begins at most, when it is asked to go on after an entry.
const BACK: u64 = 1_000;

/// A live view of a log.
pub struct Tail {
    q: String,
    query: Query,
    /// Entries up to this one have been looked at.
    through: u64,
    /// Number of the entry that recorded the opening.
    opened: u64,
    shown: Shown,
}

/// What a live view has shown.
#[derive(Clone, Copy, Default)]
struct Shown {
    first: Option<u64>,
    last: Option<u64>,
    entries: u64,
}

/// New entries that match, newest first.
#[derive(Default)]
pub struct News {
    pub items: Vec<EntryView>,
    /// More came than a view shows at a time: these are the newest.
    pub more: bool,
    /// Entries up to this one have been looked at.
    pub through: u64,
}

impl Tail {
    /// Begins a live view with what follows the entry `after`, or else with what comes from now on.
    /// `P` is a permission to read the realm's log.
    ///
    /// # Errors
    /// A query that is none.
    pub async fn open<P: Permission>(
        tenants: &Tenants,
        grant: &Grant<P>,
        q: String,
        after: Option<u64>,
    ) -> Result<Self, TrailError> {
        let query = query::parse(&q, tenants.runtime().now())?;
        let event = tailed("opened", &q);
        let opened =
            tenants.disclose(grant, move |tx| Ok::<_, TrailError>((read::size(tx)?, event)));
        let opened = opened.await?;
        let (size, entry) = (opened.value, opened.entry);
        let through = after.map_or(size, |after| after.clamp(size.saturating_sub(BACK), size));
        Ok(Self { q, query, through, opened: entry, shown: Shown::default() })
    }

    /// Whether the log has grown since the last look; from memory.
    pub async fn has_news<P: Permission>(
        &self,
        tenants: &Tenants,
        grant: &Grant<P>,
    ) -> Result<bool, TrailError> {
        Ok(tenants.log_size(grant).await? > self.through)
    }

    /// What has come since the last look.
    pub async fn news<P: Permission>(
        &mut self,
        tenants: &Tenants,
        grant: &Grant<P>,
    ) -> Result<News, TrailError> {
        let (from, query) = (self.through + 1, self.query.clone());
        let news = tenants.read(grant, move |tx| {
            let size = read::size(tx)?;
            let (seqs, more, through) = match query.root.is_none() {
                true => {
                    let first = from.max((size + 1).saturating_sub(limits::TAIL_ROWS as u64));
                    ((first..=size).rev().collect(), first > from, size)
                }
                false => {
                    let through = tx.catch_up_index(CATCH_UP)?.min(size);
                    let query = query.and(Condition::Seq { from, to: through.max(from) });
                    let (newest, rows) = (Cursor::default(), limits::TAIL_ROWS);
                    let found = tx.search_index(&query, newest, rows, through, PATIENCE)?;
                    (found.seqs, found.more, through)
                }
            };
            let items = read::entries(tx, &mut Opener::new(tx, tx.shared_keys())?, &seqs)?;
            Ok::<_, TrailError>(News { items, more, through })
        });
        let news = news.await?;
        self.through = self.through.max(news.through);
        Ok(news)
    }

    /// Notes that these have been sent.
    pub fn sent(&mut self, news: &News) {
        let numbers = || news.items.iter().map(|entry| entry.seq);
        self.shown.first = self.shown.first.or(numbers().min());
        self.shown.last = numbers().max().or(self.shown.last);
        self.shown.entries += news.items.len() as u64;
    }

    /// Records what was shown. `why` is a word for the log.
    pub async fn close<P: Permission>(
        self,
        tenants: &Tenants,
        grant: &Grant<P>,
        why: &'static str,
    ) -> Result<(), TrailError> {
        let mut event = tailed("closed", &self.q);
        let Shown { first, last, entries } = self.shown;
        let numbers = [("firstSeq", first), ("lastSeq", last), ("opened", Some(self.opened))];
        for (name, seq) in numbers {
            event.custom_fields.extend(seq.map(|seq| (name.to_owned(), seq.into())));
        }
        event.custom_fields.insert("entries".into(), entries.into());
        event.custom_fields.insert("reason".into(), why.into());
        tenants.disclose(grant, move |_| Ok::<_, TrailError>(((), event))).await?;
        Ok(())
    }
}

fn tailed(phase: &'static str, q: &str) -> Event {
    let mut event = Event::new(catalogue::AUDIT_TAILED);
    event.resource = Some(Resource::new("audit_log", "entries"));
    event.custom_fields.insert("phase".into(), phase.into());
    if !q.is_empty() {
        event.custom_fields.insert("q".into(), q.into());
    }
    event
}
