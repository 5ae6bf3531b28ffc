//! Telling those who run the platform.

use super::repo;
use crate::authn::tell;
use crate::authz::{Realm, Role};
use crate::mail::Letter;
use crate::tenants::{DoorError, WriteTx};

/// Queues a mail to every platform administrator, in the transaction of what it is about; does
/// nothing where no mail can be sent.
///
/// # Errors
/// A failing store. A mail that cannot be written is none: it does not undo the alarm.
pub fn tell_all<P>(tx: &mut WriteTx<'_, P>, letter: &Letter) -> Result<(), DoorError> {
    for admin in repo::in_role(tx, Role::PlatformAdmin)? {
        if let Err(error) = tell(tx, Realm::Platform, *admin.bytes(), letter) {
            tracing::warn!(%error, "an administrator could not be told");
        }
    }
    Ok(())
}
