//! Who answers for what a caller hands out.

use crate::args;
use crate::authz::Principal;
use crate::store::{Sql, StoreError};

/// The person who asks; of an application, whoever was shown its key, so that keys and links that it
/// makes go with them as well. Nobody for a shell, and for keys from one.
pub fn maker(tx: &impl Sql, principal: &Principal) -> Result<Option<[u8; 16]>, StoreError> {
    match principal {
        Principal::User { id, .. } => Ok(Some(*id.bytes())),
        Principal::PlatformAdmin { id, .. } => Ok(Some(*id.bytes())),
        Principal::ApiKey { id, .. } => {
            let sql = "SELECT made_by FROM api_keys WHERE id = $1";
            Ok(tx.query_one(sql, args![*id], |row| row.get(0))?.flatten())
        }
        _ => Ok(None),
    }
}
