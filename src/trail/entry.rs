//! One entry with what proves it.

use serde::Serialize;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::read::{self, LeafView, Opener};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue, pruning};
use crate::authz::{Grant, Permission};
use crate::store::{Sql, StoreError};
use crate::tenants::{Disclosed, Tenants};

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Entry {
    pub event: EntryView,
    pub leaf: LeafView,
}

/// Opening an entry is an entry itself. `P` is a permission to read the realm's log.
pub async fn entry<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    seq: u64,
) -> Result<Disclosed<Entry>, TrailError> {
    tenants
        .disclose(grant, move |tx| {
            let mut opener = Opener::new(tx, tx.shared_keys())?;
            let Some((event, leaf)) = read::entry(tx, &mut opener, seq)? else {
                return Err(missing(tx, seq)?);
            };
            let mut viewed = Event::new(catalogue::AUDIT_VIEWED);
            viewed.resource = Some(Resource::new("audit_entry", seq.to_string()));
            Ok((Entry { event, leaf }, viewed))
        })
        .await
}

/// Why an entry is not there: it was removed, or never was.
fn missing(tx: &impl Sql, seq: u64) -> Result<TrailError, StoreError> {
    let through = pruning::through(tx)?;
    match read::tile_hash(tx, seq)?.filter(|_| seq <= through) {
        Some(hash) => Ok(TrailError::Removed { seq, through, hash }),
        None => Ok(TrailError::NotFound),
    }
}
