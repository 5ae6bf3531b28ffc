//! What an erasure would do, before anything is done.

use std::time::Duration;

use super::person::{self, Person};
use super::{ErasureCounts, Preview, PrivacyError, Who, repo};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::SubjectErase;
use crate::kernel::id::KeyId;
use crate::retention::holds;
use crate::tenants::{Disclosed, ReadTx, Tenants};

/// Time for the search index to come to the log's end.
const BUDGET: Duration = Duration::from_secs(5);

/// Everybody who fits, with what there is of them. Looking is an entry, without whom was looked for:
/// that would stay in the log after they are erased.
pub async fn preview(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    who: Who,
) -> Result<Disclosed<Vec<Preview>>, PrivacyError> {
    let looked = tenants.disclose(grant, move |tx| {
        let found = person::find(tx, &who)?;
        let previews = found.iter().map(|person| one(tx, person));
        let previews = previews.collect::<Result<Vec<_>, PrivacyError>>()?;
        let mut event = Event::new(catalogue::ERASURE_PREVIEWED);
        let keys: Vec<_> = found.iter().map(|person| person.key.to_string()).collect();
        event.custom_fields.insert("subjects".into(), keys.into());
        Ok((previews, event))
    });
    looked.await
}

fn one(tx: &ReadTx<'_>, person: &Person) -> Result<Preview, PrivacyError> {
    let entries = mentions(tx, person.key)?;
    Ok(Preview {
        subject: person.key,
        kind: person.kind,
        member: person.member,
        reference: person.reference.clone(),
        name: person.name.clone(),
        email: person.email.clone(),
        counts: ErasureCounts { entries, ..repo::counts(tx, person)? },
        held: holds::is_held_subject(tx, person.key)?,
        erasure: repo::of_subject(tx, person.key)?.map(|erasure| erasure.id),
    })
}

/// Entries with something sealed about the person.
pub(super) fn mentions(tx: &ReadTx<'_>, key: KeyId) -> Result<Option<u64>, PrivacyError> {
    tx.catch_up_index(BUDGET)?;
    Ok(tx.mentions_in_index(key)?)
}
