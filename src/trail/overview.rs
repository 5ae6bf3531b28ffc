//! The state of a log at a glance, for every page's head.

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::leaf::Hash;
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue};
use crate::authz::permission::AuditRead;
use crate::authz::{Grant, Permission};
use crate::store::Sql;
use crate::tenants::Tenants;

#[derive(Clone, Debug)]
pub struct Overview {
    pub size: u64,
    pub head: Hash,
}

/// Size and head: no content, so no entry.
pub async fn overview<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Overview, TrailError> {
    tenants
        .read(grant, |tx| {
            let sql = "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1";
            let last = tx.query_one(sql, &[], |row| Ok((row.get::<u64>(0)?, row.get(1)?)))?;
            let (size, head) = last.unwrap_or((0, [0; 32]));
            Ok(Overview { size, head: Hash::from_bytes(head) })
        })
        .await
}

/// The latest entries for a home page. Seeing them is an entry itself.
pub async fn latest(
    tenants: &Tenants,
    grant: &Grant<AuditRead>,
    count: u64,
) -> Result<Vec<EntryView>, TrailError> {
    let disclosed = tenants.disclose(grant, move |tx| {
        let size = read::size(tx)?;
        let seqs: Vec<_> = (size.saturating_sub(count) + 1..=size).rev().collect();
        let entries = read::entries(tx, &mut Opener::new(tx, tx.shared_keys())?, &seqs)?;
        let mut viewed = Event::new(catalogue::AUDIT_VIEWED);
        viewed.resource = Some(Resource::new("audit_log", "latest"));
        viewed.custom_fields.insert("entries".into(), entries.len().into());
        Ok::<_, TrailError>((entries, viewed))
    });
    Ok(disclosed.await?.value)
}
