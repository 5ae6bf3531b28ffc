//! Searches that are kept under a name, for everybody who may read the log.

mod model;
mod repo;

pub use model::{NewSearch, SavedSearch, SavedSearchError};

use repo::StoredSearch;

use crate::audit::catalogue::Action;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue, query};
use crate::authz::permission::{
    AuditRead, AuditSearchSave, PlatformAuditRead, PlatformAuditSearchSave,
};
use crate::authz::{Grant, Permission, Writes};
use crate::crypto::Field;
use crate::kernel::id::SavedSearchId;
use crate::kernel::limits;
use crate::tenants::{IdempotencyKey, RealmTx, Tenants};

/// A tenant's saved searches, by name.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<AuditRead>,
) -> Result<Vec<SavedSearch>, SavedSearchError> {
    list_in(tenants, grant).await
}

/// The platform's saved searches, by name.
pub async fn list_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditRead>,
) -> Result<Vec<SavedSearch>, SavedSearchError> {
    list_in(tenants, grant).await
}

/// Keeps a search for the tenant. Relative times stay relative.
///
/// # Errors
/// [`SavedSearchError::Query`] for what is no search, [`SavedSearchError::NameTaken`] when there
/// is one of that name.
pub async fn save(
    tenants: &Tenants,
    grant: &Grant<AuditSearchSave>,
    new: NewSearch,
    key: Option<IdempotencyKey>,
) -> Result<SavedSearch, SavedSearchError> {
    save_in(tenants, grant, new, key).await
}

/// The same for searches of the platform's own log.
pub async fn save_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditSearchSave>,
    new: NewSearch,
) -> Result<SavedSearch, SavedSearchError> {
    save_in(tenants, grant, new, None).await
}

/// Forgets a search for the tenant, whoever saved it.
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<AuditSearchSave>,
    id: SavedSearchId,
) -> Result<(), SavedSearchError> {
    delete_in(tenants, grant, id).await
}

/// The same for searches of the platform's own log.
pub async fn delete_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditSearchSave>,
    id: SavedSearchId,
) -> Result<(), SavedSearchError> {
    delete_in(tenants, grant, id).await
}

async fn list_in<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<SavedSearch>, SavedSearchError> {
    let found = tenants.read(grant, |tx| {
        repo::all(tx)?.into_iter().map(|stored| opened(tx, stored)).collect::<Result<Vec<_>, _>>()
    });
    let mut found = found.await?;
    found.sort_by_cached_key(|search| (search.name.to_lowercase(), search.id));
    Ok(found)
}

fn opened(tx: &impl RealmTx, stored: StoredSearch) -> Result<SavedSearch, SavedSearchError> {
    let text = |field, sealed: &[u8]| tx.open_text(field, stored.id.bytes(), sealed);
    Ok(SavedSearch {
        id: stored.id,
        name: text(Field::SearchName, &stored.name)?.unwrap_or_default(),
        q: text(Field::SearchQuery, &stored.query)?.unwrap_or_default(),
        created_at: stored.created,
    })
}

async fn save_in<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    new: NewSearch,
    key: Option<IdempotencyKey>,
) -> Result<SavedSearch, SavedSearchError> {
    let now = tenants.runtime().now();
    let name = new.name.trim().to_owned();
    if !(1..=NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(SavedSearchError::Name);
    }
    let q = new.q.trim().to_owned();
    if query::parse(&q, now)?.root.is_none() {
        return Err(SavedSearchError::Nothing);
    }
    let search = SavedSearch { id: tenants.runtime().id(), name, q, created_at: now };
    let written = tenants.write_once(grant, key, move |tx| {
        let name_hash = tx.lookup_hash("saved-search", &search.name.to_lowercase())?;
        if repo::is_taken(tx, &name_hash)? {
            return Err(SavedSearchError::NameTaken);
        }
        if repo::count(tx)? >= limits::SAVED_SEARCHES {
            return Err(SavedSearchError::TooMany);
        }
        let seal = |field, text: &str| tx.seal(field, search.id.bytes(), None, text.as_bytes());
        let stored = StoredSearch {
            id: search.id,
            name: seal(Field::SearchName, &search.name)?,
            query: seal(Field::SearchQuery, &search.q)?,
            created: now,
        };
        repo::insert(tx, &name_hash, &stored)?;
        Ok((search.clone(), about(catalogue::SEARCH_SAVED, search.id, true).into()))
    });
    Ok(written.await?.value)
}

/// Longer names do not fit where they are shown.
const NAME_CHARS: usize = 128;

async fn delete_in<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: SavedSearchId,
) -> Result<(), SavedSearchError> {
    let written = tenants.write(grant, move |tx| match repo::delete(tx, id)? {
        true => Ok(((), about(catalogue::SEARCH_DELETED, id, false).into())),
        false => Err(SavedSearchError::NotFound),
    });
    written.await.map(|_| ())
}

/// Names the search by its id: what is sealed in the data is not in the log either.
fn about(action: Action, id: SavedSearchId, saved: bool) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("saved_search", id.to_string()));
    for field in ["name", "q"] {
        let value = |there: bool| there.then(|| SEALED.into());
        event.changes.insert(field.into(), Change { old: value(!saved), new: value(saved) });
    }
    event
}

/// Stands in the log for a value that is sealed in the data.
const SEALED: &str = "[sealed]";
