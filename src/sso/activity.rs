//! What has become of providers lately, for the list of them.

use std::collections::BTreeMap;

use super::{ReportKind, SsoError};
use crate::args;
use crate::authz::Grant;
use crate::authz::permission::SsoRead;
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, SsoTestId};
use crate::store::Sql;
use crate::tenants::Tenants;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When somebody was signed in by it last.
    pub last_sign_in: Option<Timestamp>,
    /// When somebody was refused, and the report of it.
    pub last_failure: Option<(SsoTestId, Timestamp)>,
    /// Whether the last try succeeded.
    pub last_test: Option<bool>,
}

/// Of every provider that somebody has come by, or tried out.
pub async fn activity(
    tenants: &Tenants,
    grant: &Grant<SsoRead>,
) -> Result<BTreeMap<ProviderId, Activity>, SsoError> {
    let look = tenants.read(grant, |tx| {
        let mut all: BTreeMap<ProviderId, Activity> = BTreeMap::new();
        let sql = "SELECT provider, max(seen) FROM identities GROUP BY provider";
        for (provider, seen) in tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))? {
            all.entry(provider).or_default().last_sign_in = Some(seen);
        }
        let sql = "SELECT provider, id, created, passed, kind FROM sso_tests
                   ORDER BY created, id";
        let tests = tx.query(sql, args![], |row| {
            let what = (row.get::<bool>(3)?, row.get::<String>(4)?);
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, what))
        })?;
        for (provider, id, created, (passed, kind)) in tests {
            let activity = all.entry(provider).or_default();
            match kind == ReportKind::Test.name() {
                true => activity.last_test = Some(passed),
                false if !passed => activity.last_failure = Some((id, created)),
                false => {}
            }
        }
        Ok::<_, SsoError>(all)
    });
    look.await
}
