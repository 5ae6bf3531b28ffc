//! Removing logs from before restores: a file at a time, when its youngest entry is past the
//! retention of the log that follows.

use super::TrailError;
use super::pruning::is_held;
use crate::audit::notary::Notary;
use crate::audit::past::{self, LastWords, PastLog};
use crate::audit::{pruning, retention};
use crate::authz::{Grant, Realm, Writes};
use crate::kernel::Timestamp;
use crate::retention::clock::{self, Reading};
use crate::store::{Sql, StoreError};
use crate::tenants::{AuditEvents, DoorError, ReadTx, Tenants};

/// Removes the logs of a realm that are past its retention; answers how many. What an interrupted
/// call left is removed by the next; a log that cannot be read is kept, for whoever looks into that.
pub async fn remove_past_logs<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<u64, TrailError> {
    let realm = grant.realm();
    // A clock that leapt ahead makes nothing old.
    let Reading { now, in_doubt } = clock::reading(tenants, realm).await?;
    if in_doubt {
        return Ok(0);
    }
    let notary = tenants.notary().clone();
    let due = tenants.read(grant, move |tx| {
        let due = due(tx, realm, now)?;
        let asked =
            due.into_iter().filter_map(|past| Some((last_words(tx, &notary, &past)?, past)));
        Ok::<_, TrailError>(asked.collect::<Vec<_>>())
    });
    let due = due.await?;
    if due.is_empty() {
        return Ok(0);
    }
    let written = tenants.write(grant, move |tx| {
        let days = retention::days(tx)?;
        let still = self::due(tx, realm, now)?;
        let (mut removed, mut events) = (0, AuditEvents::none());
        for (words, past) in due.iter().filter(|(_, past)| still.contains(past)) {
            events = events.and(past::remove(tx, past, words, days, now)?);
            removed += 1;
        }
        Ok::<_, TrailError>((removed, events))
    });
    Ok(written.await?.value)
}

/// Removes the files of logs that are removed; one that was interrupted is done now.
pub async fn remove_past_files<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<u64, TrailError> {
    tenants.read(grant, |tx| Ok::<_, DoorError>(tx.remove_past_files()?)).await.map_err(Into::into)
}

/// A log's end is the beginning of the one that follows, so none of its entries is younger.
fn due(tx: &impl Sql, realm: Realm, now: Timestamp) -> Result<Vec<PastLog>, StoreError> {
    let mut past = past::list(tx)?;
    if past.is_empty() || is_held(tx, realm)? {
        return Ok(Vec::new());
    }
    let keep_from = pruning::keep_from(tx, retention::days(tx)?, now)?;
    past.retain(|past| past.removed.is_none() && keep_from.is_some_and(|from| past.ended < from));
    Ok(past)
}

fn last_words(tx: &ReadTx<'_>, notary: &Notary, past: &PastLog) -> Option<LastWords> {
    let asked = tx.in_past_log(past.id, |file, past| past::last_words(file, notary, past));
    asked.unwrap_or_else(|error: StoreError| {
        tracing::error!(log = %past.id, %error, "a log past its retention is kept: it cannot be read");
        None
    })
}
