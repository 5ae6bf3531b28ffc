//! Throwing away every export of a log whose contents are being destroyed.

use super::{ExportState, repo, task};
use crate::authz::{Grant, Permission};
use crate::tenants::{DoorError, SystemWrite, Tenants};

/// What the list of exports says about them.
const PROBLEM: &str = "the contents of the log were destroyed";

/// Ends what is ready and what is being written, and takes the files away: what was read before
/// the keys went must not outlive them. Who destroys the contents records that.
pub async fn discard_all<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<(), DoorError> {
    let open = tenants.read(grant, |tx| Ok::<_, DoorError>(repo::open(tx)?)).await?;
    let (realm, now) = (grant.realm(), tenants.runtime().now());
    for (id, ..) in open {
        let end = tenants.system_write(realm, SystemWrite::ExportState, move |tx| {
            Ok(repo::end(tx, id, ExportState::Cancelled, Some(PROBLEM), now)?)
        });
        end.await?;
        task::discard(task::path(tenants, realm, id)).await;
    }
    Ok(())
}
