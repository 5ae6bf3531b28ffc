//! Naming witnesses, and removing them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{Witness, id};
use super::{WITNESSES_MOST, WitnessError};
use crate::audit::event::Resource;
use crate::audit::note::{Kind, Verifier};
use crate::audit::witness::repo::{self, StoredWitness};
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Writes};
use crate::tenants::Tenants;

/// A witness to be named.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWitness {
    /// What people call it.
    pub name: String,
    /// The line that `strongroom audit witness keygen` printed.
    pub key: String,
}

const NAME_CHARS: usize = 128;

/// From now on this key's signatures under checkpoints are taken. `P` is a permission about the
/// realm's witnesses.
pub async fn add<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    new: NewWitness,
) -> Result<Witness, WitnessError> {
    let name = new.name.trim().to_owned();
    if !(1..=NAME_CHARS).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(WitnessError::Name);
    }
    let key: Verifier = new.key.trim().parse().map_err(WitnessError::Key)?;
    if key.kind() != Kind::Cosignature {
        return Err(WitnessError::KeyKind);
    }
    let now = tenants.runtime().now();
    let written = tenants.write(grant, move |tx| {
        let mut active = repo::all(tx)?;
        active.retain(|witness| witness.removed.is_none());
        if active.iter().any(|witness| witness.key.key_id() == key.key_id()) {
            return Err(WitnessError::Known);
        }
        if active.iter().any(|witness| witness.name == name) {
            return Err(WitnessError::Name);
        }
        if active.len() >= WITNESSES_MOST {
            return Err(WitnessError::TooMany);
        }
        repo::add(tx, &key, &name, now)?;
        let added = StoredWitness {
            key: key.clone(),
            name: name.clone(),
            added: now,
            removed: None,
            last: None,
        };
        let event = about(catalogue::WITNESS_ADDED, &added);
        Ok((Witness::from(added), event.into()))
    });
    Ok(written.await?.value)
}

/// From now on this witness's signatures are not taken any more; those that are stored stay.
/// `which` is a name or an id.
pub async fn remove<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    which: String,
) -> Result<Witness, WitnessError> {
    let now = tenants.runtime().now();
    let written = tenants.write(grant, move |tx| {
        let mut found = find(repo::all(tx)?, &which)?;
        repo::remove(tx, &found.key, now)?;
        found.removed = Some(now);
        let event = about(catalogue::WITNESS_REMOVED, &found);
        Ok::<_, WitnessError>((Witness::from(found), event.into()))
    });
    Ok(written.await?.value)
}

/// The active witness with this name or id.
pub(super) fn find(all: Vec<StoredWitness>, which: &str) -> Result<StoredWitness, WitnessError> {
    let mut active = all.into_iter().filter(|witness| witness.removed.is_none());
    let found = active.find(|witness| witness.name == which || id(witness) == which);
    found.ok_or(WitnessError::NotFound)
}

fn about(action: catalogue::Action, witness: &StoredWitness) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("witness", id(witness)));
    event.custom_fields.insert("name".into(), witness.name.as_str().into());
    event.custom_fields.insert("key".into(), witness.key.to_string().into());
    event
}
