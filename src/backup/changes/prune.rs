//! Deleting what is older than the window that any second can be restored of.

use std::time::Duration;

use super::archiver::{Known, Turn};
use super::locate::{Chains, base_number, range};
use super::send;
use crate::authz::Realm;
use crate::backup::overdue::Terms;
use crate::backup::{BackupError, Target};
use crate::kernel::Timestamp;
use crate::retention::clock::{self, Reading};

/// Once in so long for each realm.
const EVERY: Duration = Duration::from_secs(24 * 3600);

impl Turn<'_> {
    pub(super) fn is_prune_due(&self, known: &Known) -> bool {
        known.pruned.get(&self.realm).is_none_or(|last| self.now().since(*last) >= EVERY)
    }

    /// The newest copy that is as old as the window is the first that is needed: everything before
    /// it goes.
    pub(super) async fn prune(&mut self, known: &mut Known) {
        let now = self.now();
        let tenants = &self.archiver.tenants;
        if !self.is_prune_due(known) || tenants.read_only().is_some() {
            return;
        }
        let careful = match clock::reading(tenants, Realm::Platform).await {
            Ok(Reading { now, in_doubt: false }) => now,
            Ok(_) => {
                tracing::warn!("the clock is in doubt: the archive of changes keeps what it has");
                known.pruned.insert(self.realm, now);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the archive of changes keeps what it has");
                return;
            }
        };
        known.pruned.insert(self.realm, now);
        let days = u64::from(self.archiver.settings.archive_days);
        let until = careful.minus(Duration::from_secs(days * 24 * 3600));
        let terms = Terms::at(careful, &self.archiver.settings, self.archiver.layout);
        for target in self.waiting(|_| true) {
            let result = self.prune_target(target, until, terms).await;
            if let Ok(kept) = result {
                let all = known.kept.entry(target.name.clone()).or_default();
                match kept {
                    0 => all.remove(&self.realm),
                    kept => all.insert(self.realm, kept),
                };
            }
            self.ok(target, result.map(|_| ()));
        }
    }

    /// How many objects the target refused to delete although their time is over.
    async fn prune_target(
        &self,
        target: &Target,
        until: Timestamp,
        terms: Option<Terms>,
    ) -> Result<u64, BackupError> {
        let mut kept = 0;
        let layout = self.archiver.layout;
        let verifier = self.archiver.tenants.notary().verifier();
        let chains = Chains::read(target, layout, self.realm, &verifier).await?;
        let Some((first, base)) = chains.before(until) else { return Ok(kept) };
        for chain in &chains.0 {
            // Ids sort by the time of their making: one whose copy is on its way is not an old one.
            let older = chain.id < first.id && chain.bases.iter().all(|it| it.taken < base.taken);
            if chain.id != first.id && !older {
                continue;
            }
            let place = layout.chain(self.realm, chain.id);
            for (name, meta) in send::objects(target, &place).await? {
                let is_old = match (base_number(&name), range(&name)) {
                    _ if chain.id != first.id => true,
                    (Some(number), _) => number < base.number,
                    (_, Some((_, last))) => last <= base.number,
                    _ => name
                        .strip_prefix("base-")
                        .and_then(|name| name.strip_suffix(".age")?.parse::<u64>().ok())
                        .is_some_and(|number| number < base.number),
                };
                if is_old && send::delete(target, &meta.location).await {
                    let changed = Timestamp::from_micros(meta.last_modified.timestamp_micros());
                    let path = meta.location.as_ref();
                    kept += u64::from(terms.is_some_and(|terms| terms.is_over(path, changed)));
                }
            }
        }
        Ok(kept)
    }
}
