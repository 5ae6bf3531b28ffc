//! Revoking a key: effective on the next request.

use super::model::ApiKeyError;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::ApiKeyRevoke;
use crate::kernel::id::ApiKeyId;
use crate::store::{Sql, SqlMut};
use crate::tenants::{AuditEvents, Tenants};

/// Revoking a key twice changes nothing the second time. A frozen tenant's keys can be revoked too.
pub async fn revoke(
    tenants: &Tenants,
    grant: &Grant<ApiKeyRevoke>,
    id: ApiKeyId,
) -> Result<(), ApiKeyError> {
    let now = tenants.runtime().now();
    let written = tenants.withdraw(grant, move |tx| {
        let sql = "UPDATE api_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL";
        if tx.execute(sql, args![now, id])? == 1 {
            let mut event = Event::new(catalogue::API_KEY_REVOKED);
            event.resource = Some(Resource::new("api_key", id.to_string()));
            return Ok(((), event.into()));
        }
        match tx.count("SELECT count(*) FROM api_keys WHERE id = $1", args![id])? {
            0 => Err(ApiKeyError::NotFound),
            _ => Ok(((), AuditEvents::none())),
        }
    });
    written.await.map(|_| ())
}
