//! Publishing signed checkpoints outside of this machine: to a directory, to syslog, to an HTTP
//! address. What is published there nobody with this machine can take back.
//!
//! The highest checkpoint of each log lies in a file of its own (`audit::notary`), so that no
//! tenant is opened for it. A place that fails is tried again at every run, with the latest.

mod directory;
mod place;
mod repo;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use place::{Checkpoint, Place};
use repo::Sizes;

use crate::audit::checkpoint;
use crate::audit::notary::HeadMark;
use crate::audit::note;
use crate::authz::Realm;
use crate::config;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::StoreError;
use crate::tenants::{DoorError, SystemWrite, Tenants};

/// Checkpoints on their way together.
const AT_ONCE: usize = 100;

/// The places, and how publishing to each goes.
pub struct Publisher {
    places: Vec<Place>,
    known: Mutex<Known>,
    states: Mutex<HashMap<String, PlaceState>>,
}

/// What need not be looked up again.
#[derive(Default)]
struct Known {
    /// Published sizes by place and log; none before they are read.
    sizes: Option<Sizes>,
    /// Notes that are published everywhere.
    heads: HashMap<LogId, HeadMark>,
}

/// How publishing to one place goes.
#[derive(Clone, Debug, Default)]
pub struct PlaceState {
    pub place: String,
    /// Since the start.
    pub published: u64,
    pub last: Option<Timestamp>,
    pub last_error: Option<String>,
}

impl Publisher {
    pub fn new(settings: &config::Checkpoints) -> Self {
        let places = Place::all(settings);
        let state = |place: &Place| {
            let name = place.name();
            (name.clone(), PlaceState { place: name, ..PlaceState::default() })
        };
        let states = Mutex::new(places.iter().map(state).collect());
        Self { places, known: Mutex::default(), states }
    }

    /// For pages.
    pub fn states(&self) -> Vec<PlaceState> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.iter().filter_map(|place| states.get(&place.name()).cloned()).collect()
    }

    /// Publishes what is new; how many checkpoints went out, and how many places fail.
    pub async fn publish(&self, tenants: &Tenants) -> Result<(u64, u64), DoorError> {
        if self.places.is_empty() {
            return Ok((0, 0));
        }
        let sizes = self.sizes(tenants).await?;
        let heads = self.heads(tenants).await?;
        let (mut published, mut failing) = (0, 0);
        for place in &self.places {
            let name = place.name();
            let due: Vec<&Checkpoint> = heads
                .iter()
                .map(|(_, checkpoint)| checkpoint)
                .filter(|head| {
                    sizes.get(&(name.clone(), head.log)).is_none_or(|size| *size < head.size)
                })
                .collect();
            match self.one_place(tenants, place, &due).await {
                Ok(count) => published += count,
                Err(()) => failing += 1,
            }
        }
        if failing == 0 {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.heads.extend(heads.iter().map(|(mark, head)| (head.log, *mark)));
        }
        self.mark(tenants).await?;
        Ok((published, failing))
    }

    async fn one_place(
        &self,
        tenants: &Tenants,
        place: &Place,
        due: &[&Checkpoint],
    ) -> Result<u64, ()> {
        let (name, clock) = (place.name(), tenants.runtime().clock.clone());
        let mut published = 0;
        for some in due.chunks(AT_ONCE) {
            let sent = place.send(some, &clock).await;
            let result = match sent {
                Ok(()) => self.note(tenants, &name, some).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            self.report(&name, result.clone().map(|()| some.len() as u64), tenants.runtime().now());
            result.map_err(|_| ())?;
            published += some.len() as u64;
        }
        Ok(published)
    }

    fn report(&self, name: &str, result: Result<u64, String>, now: Timestamp) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = states.get_mut(name) else { return };
        let failing = result.is_err();
        match result {
            Ok(count) => {
                state.published += count;
                (state.last, state.last_error) = (Some(now), None);
                metrics::counter!("strongroom_checkpoints_published_total", "place" => name.to_owned())
                    .increment(count);
            }
            Err(error) => {
                if state.last_error.as_ref() != Some(&error) {
                    tracing::warn!(place = name, error, "checkpoints are not published");
                }
                state.last_error = Some(error);
            }
        }
        metrics::gauge!("strongroom_checkpoints_failing", "place" => name.to_owned())
            .set(u8::from(failing));
    }

    /// What was published before, read once.
    async fn sizes(&self, tenants: &Tenants) -> Result<Sizes, DoorError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).sizes.clone();
        if let Some(sizes) = known {
            return Ok(sizes);
        }
        let pass = super::reader::Pass::get(tenants, Realm::Platform)?;
        let sizes = pass.read(tenants, |tx| Ok::<_, DoorError>(repo::all(tx)?)).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).sizes = Some(sizes.clone());
        Ok(sizes)
    }

    /// The notes that may not be published everywhere yet.
    async fn heads(&self, tenants: &Tenants) -> Result<Vec<(HeadMark, Checkpoint)>, DoorError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).heads.clone();
        let notary = tenants.notary().clone();
        let read = tokio::task::spawn_blocking(move || {
            let verifier = notary.verifier();
            let changed = notary.heads(|log| known.get(&log).copied())?;
            let checked = changed.into_iter().filter_map(|(log, mark, note)| {
                // What this installation did not sign is not passed on in its name.
                let (checkpoint, _) = note::Checkpoint::open(&note, &verifier).ok()?;
                let note::Checkpoint { origin, size, root } = checkpoint;
                Some((mark, Checkpoint { log, origin, size, root: root.to_string(), note }))
            });
            Ok::<_, StoreError>(checked.collect())
        });
        Ok(read.await.map_err(|_| StoreError::Panicked)??)
    }

    /// Remembers what was published.
    async fn note(
        &self,
        tenants: &Tenants,
        place: &str,
        some: &[&Checkpoint],
    ) -> Result<(), DoorError> {
        let rows: Vec<(LogId, u64)> = some.iter().map(|head| (head.log, head.size)).collect();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sizes) = &mut known.sizes {
                sizes.extend(rows.iter().map(|(log, size)| ((place.to_owned(), *log), *size)));
            }
        }
        let (place, now) = (place.to_owned(), tenants.runtime().now());
        let write = tenants.system_write(Realm::Platform, SystemWrite::StreamCursor, move |tx| {
            for (log, size) in &rows {
                repo::put(tx, &place, *log, *size, now)?;
            }
            Ok(())
        });
        write.await
    }

    /// Has the logs keep for ever what was published; those that were not opened since the start
    /// later.
    async fn mark(&self, tenants: &Tenants) -> Result<(), DoorError> {
        let pass = super::reader::Pass::get(tenants, Realm::Platform)?;
        let unmarked = pass.read(tenants, |tx| Ok::<_, DoorError>(repo::unmarked(tx)?)).await?;
        for (log, size) in unmarked {
            let Some(realm) = tenants.realm_of(log) else { continue };
            let keep = tenants.system_write(realm, SystemWrite::Checkpoint, move |tx| {
                Ok(checkpoint::keep(tx, size)?)
            });
            keep.await?;
            let noted =
                tenants.system_write(Realm::Platform, SystemWrite::StreamCursor, move |tx| {
                    Ok(repo::marked(tx, log, size)?)
                });
            noted.await?;
        }
        Ok(())
    }
}
