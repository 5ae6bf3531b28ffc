//! Holds whose time has ended are lifted, each with its entry.

use super::HoldError;
use super::open::{about, hold};
use super::repo;
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::HoldManage;
use crate::retention::clock::{self, Reading};
use crate::tenants::{AuditEvents, Tenants};

/// Holds lifted in one write.
const STEP: u32 = 100;

/// Lifts what has ended by the careful clock that retention goes by; answers how many.
pub async fn lift_ended(tenants: &Tenants, grant: &Grant<HoldManage>) -> Result<u64, HoldError> {
    let Reading { now, in_doubt } = clock::reading(tenants, grant.realm()).await?;
    let (wall, mut lifted) = (tenants.runtime().now(), 0);
    if in_doubt {
        return Ok(0);
    }
    loop {
        let due =
            tenants.read(grant, move |tx| Ok::<_, HoldError>(!repo::ended(tx, now, 1)?.is_empty()));
        if !due.await? {
            return Ok(lifted);
        }
        let written = tenants.write(grant, move |tx| {
            let (mut events, mut count) = (AuditEvents::none(), 0);
            for mut stored in repo::ended(tx, now, STEP)? {
                stored.lifted = Some(wall);
                repo::update(tx, &stored)?;
                let hold = hold(tx, &stored)?;
                let mut event = about(catalogue::HOLD_LIFTED, &hold);
                event.custom_fields.insert("cause".into(), "ended".into());
                events = events.and(event);
                count += 1;
            }
            Ok::<_, HoldError>((count, events))
        });
        lifted += written.await?.value;
    }
}
