//! Restore tests: the newest backups are restored into a scratch directory and checked like for a
//! real restore. Nothing of it is kept but the result, which is signed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::run::Told;
use super::trial::Trial;
use super::{RestoreError, available, repo};
use crate::audit::event::{Outcome, Resource};
use crate::audit::note::Note;
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun};
use crate::authz::{Grant, Realm};
use crate::backup::{BackupError, Identities, Manifest, Target, Targets, catalogue, realm};
use crate::config::Backup;
use crate::kernel::Timestamp;
use crate::kernel::id::RestoreTestId;
use crate::store::StoreError;
use crate::tenants::{AuditEvents, DoorError, Tenants};

const TITLE: &str = "strongroom restore test v1";

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreTest {
    pub id: RestoreTestId,
    pub started: Timestamp,
    pub millis: u64,
    pub passed: bool,
    /// Archives that were restored, and the bytes in them.
    pub archives: u64,
    pub bytes: u64,
    pub problem: Option<String>,
    /// Each of them: owner, archive, what was wrong.
    pub tested: Vec<Tested>,
    /// All this as the installation signed it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// The tenant's short name, or `platform`.
    pub owner: String,
    /// Its id, or `platform`.
    #[serde(default)]
    pub id: String,
    pub backup: String,
    /// Where it was read from.
    #[serde(default)]
    pub target: String,
    pub taken: Timestamp,
    /// As of which second it was restored from the continuous archive too.
    #[serde(default)]
    pub second: Option<Timestamp>,
    pub entries: u64,
    pub millis: u64,
    pub problem: Option<String>,
}

/// When an owner's backups were last tried, and last with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    pub tried: Timestamp,
    pub passed: Option<Timestamp>,
}

impl RestoreTest {
    /// Seconds that restoring a gibibyte takes, by this test.
    pub fn seconds_per_gib(&self) -> Option<u64> {
        const GIB: u128 = 1 << 30;
        let millis = u128::from(self.millis) * GIB;
        let bytes = u128::from(self.bytes);
        (bytes > 0).then(|| u64::try_from(millis / bytes / 1000).unwrap_or(u64::MAX))
    }
}

/// A test that is under way, one owner after the other. Dropped before its end, it was none.
pub struct Rehearsal<'a> {
    tenants: &'a Tenants,
    reading: &'a Grant<PlatformBackupRead>,
    grant: &'a Grant<PlatformBackupRun>,
    identities: Arc<Identities>,
    targets: Targets,
    /// Of each target, how its keys came back.
    trials: HashMap<String, Result<Arc<Trial>, String>>,
    waiting: VecDeque<(Manifest, Vec<String>)>,
    begun: Duration,
    test: RestoreTest,
}

/// Restores the newest backups of the platform and of some tenants, checks them, and forgets them.
/// The result is kept, signed and recorded, whatever it is.
///
/// # Errors
/// [`RestoreError`] when nothing could be tested; a test that fails is an answer.
pub async fn rehearse(
    tenants: &Tenants,
    grants: (&Grant<PlatformBackupRead>, &Grant<PlatformBackupRun>),
    settings: &Backup,
    identities: Identities,
    told: Told,
) -> Result<RestoreTest, RestoreError> {
    let mut rehearsal = Rehearsal::begin(tenants, grants, settings, identities).await?;
    while let Some(next) = rehearsal.next() {
        told(&next);
        rehearsal.step().await?;
    }
    rehearsal.end().await
}

impl<'a> Rehearsal<'a> {
    /// # Errors
    /// [`RestoreError`] when it cannot be found out what there is to test.
    pub async fn begin(
        tenants: &'a Tenants,
        (reading, grant): (&'a Grant<PlatformBackupRead>, &'a Grant<PlatformBackupRun>),
        settings: &Backup,
        identities: Identities,
    ) -> Result<Self, RestoreError> {
        let most = settings.test_tenants as usize + 1;
        Ok(Self {
            tenants,
            reading,
            grant,
            identities: Arc::new(identities),
            targets: crate::backup::targets(tenants, settings)?,
            trials: HashMap::new(),
            waiting: newest(tenants, reading, most).await?,
            begun: tenants.runtime().clock.monotonic(),
            test: RestoreTest {
                id: tenants.runtime().id(),
                started: tenants.now(),
                millis: 0,
                passed: true,
                archives: 0,
                bytes: 0,
                problem: None,
                tested: Vec::new(),
                note: String::new(),
            },
        })
    }

    /// What comes next, in words; nothing when all was tested.
    pub fn next(&self) -> Option<String> {
        let (manifest, _) = self.waiting.front()?;
        Some(format!("{}: restoring {} into a scratch directory", name(manifest), manifest.id))
    }

    /// Owners that were tested, and all.
    pub fn progress(&self) -> (u64, u64) {
        let done = self.test.tested.len() as u64;
        (done, done + self.waiting.len() as u64)
    }

    /// Tests one owner.
    ///
    /// # Errors
    /// [`RestoreError`] when the platform's file does not answer.
    pub async fn step(&mut self) -> Result<(), RestoreError> {
        let Some((manifest, names)) = self.waiting.pop_front() else { return Ok(()) };
        if !self.is_there(&manifest).await? {
            return Ok(());
        }
        let clock = self.tenants.runtime().clock.clone();
        let (begun, there) = (clock.monotonic(), self.one_of(&names));
        let result = match &there {
            Some(target) => self.one(target, manifest.clone()).await,
            None => Err(RestoreError::Nothing(names.join(", "))),
        };
        let (second, problem) = match result {
            Ok(second) => (second, None),
            // Its time came meanwhile, or its tenant's.
            Err(_) if !self.is_there(&manifest).await? => return Ok(()),
            Err(error) => (None, Some(error.to_string())),
        };
        let (owner, target) = (name(&manifest), there.map(|target| target.name));
        self.test.archives += 1;
        self.test.bytes += manifest.plain_bytes;
        if let Some(problem) = &problem {
            self.test.passed = false;
            self.test.problem.get_or_insert_with(|| format!("{owner}: {problem}"));
        }
        self.test.tested.push(Tested {
            owner,
            id: manifest.owner,
            backup: manifest.id.to_string(),
            target: target.unwrap_or_default(),
            taken: manifest.taken,
            second,
            entries: manifest.entries,
            millis: millis(clock.monotonic().saturating_sub(begun)),
            problem,
        });
        Ok(())
    }

    /// Signs, keeps and records the result.
    ///
    /// # Errors
    /// [`RestoreError`] when the platform's file does not answer.
    pub async fn end(mut self) -> Result<RestoreTest, RestoreError> {
        if self.test.archives == 0 {
            self.test.passed = false;
            self.test.problem = Some("there is no backup yet that could be restored".into());
        }
        let clock = &self.tenants.runtime().clock;
        self.test.millis = millis(clock.monotonic().saturating_sub(self.begun));
        keep(self.tenants, self.grant, self.test).await
    }

    /// Any of the targets that have an archive: each should be tried now and then.
    fn one_of(&self, names: &[String]) -> Option<Target> {
        let there: Vec<_> =
            self.targets.0.iter().filter(|target| names.contains(&target.name)).collect();
        let chance = self.chance() as usize;
        there.get(chance.checked_rem(there.len())?).map(|target| (*target).clone())
    }

    fn chance(&self) -> u64 {
        let mut bytes = [0; 8];
        self.tenants.runtime().random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    async fn one(
        &mut self,
        target: &Target,
        manifest: Manifest,
    ) -> Result<Option<Timestamp>, RestoreError> {
        let realm = realm(&manifest).ok_or(RestoreError::Foreign)?;
        let trial = self.trial(target, &manifest).await?;
        let (archives, made) = self.archives(realm, target, &manifest).await?;
        let chance = self.chance();
        blocking(move || trial.run(&manifest, &archives, (made, chance))).await
    }

    /// Whether an archive is still one that a restore would use.
    async fn is_there(&self, manifest: &Manifest) -> Result<bool, RestoreError> {
        let known = match realm(manifest) {
            Some(Realm::Tenant(id)) => self.tenants.tenant_by_id(id).is_some(),
            _ => true,
        };
        let find = catalogue::find(self.tenants, self.reading, manifest.id).await;
        match find {
            Ok(_) => Ok(known),
            Err(BackupError::Unknown(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys of a target are read once.
    async fn trial(
        &mut self,
        target: &Target,
        data: &Manifest,
    ) -> Result<Arc<Trial>, RestoreError> {
        if !self.trials.contains_key(&target.name) {
            let (archives, made) = self.archives(Realm::Platform, target, data).await?;
            let (tenants, identities) = (self.tenants.clone(), self.identities.clone());
            let place = target.clone();
            let begun =
                blocking(move || Trial::begin(&tenants, place, identities, &archives, made)).await;
            let begun = begun.map(Arc::new).map_err(|error| error.to_string());
            self.trials.insert(target.name.clone(), begun);
        }
        let none = || Err(RestoreError::Nothing(target.name.clone()));
        let trial = self.trials.get(&target.name).cloned();
        trial.map_or_else(none, |trial| trial.map_err(RestoreError::Fire))
    }

    /// What the catalogue knows of an owner in a target, and how many keys were made before an archive
    /// of data, wherever they lie.
    async fn archives(
        &self,
        realm: Realm,
        target: &Target,
        data: &Manifest,
    ) -> Result<(Vec<Manifest>, u64), RestoreError> {
        let there = HashSet::from([target.name.clone()]);
        let all = catalogue::of_owner(self.tenants, self.reading, realm).await?;
        let before = all.iter().filter(|entry| entry.manifest.taken <= data.taken);
        let made = before.filter_map(|entry| entry.manifest.keys).map(|keys| keys.made).max();
        let stored = all.into_iter().filter(|entry| entry.is_stored_in(&there));
        Ok((stored.map(|entry| entry.manifest).collect(), made.unwrap_or(0)))
    }
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, RestoreError> + Send + 'static,
) -> Result<T, RestoreError> {
    let done = tokio::task::spawn_blocking(f).await;
    done.map_err(|_| DoorError::from(StoreError::Panicked))?
}

/// What people know an owner by.
fn name(manifest: &Manifest) -> String {
    manifest.slug.clone().unwrap_or_else(|| manifest.owner.clone())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The newest archive of each owner, those that were tested longest ago first; the platform's, which
/// opens all others, each time.
async fn newest(
    tenants: &Tenants,
    reading: &Grant<PlatformBackupRead>,
    most: usize,
) -> Result<VecDeque<(Manifest, Vec<String>)>, RestoreError> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for one in available::available(tenants, reading, None, None).await? {
        let known = match realm(&one.manifest) {
            Some(Realm::Tenant(id)) => tenants.tenant_by_id(id).is_some(),
            Some(Realm::Platform) => true,
            None => false,
        };
        if known && seen.insert(one.manifest.owner.clone()) {
            all.push((one.manifest, one.targets));
        }
    }
    let tried = trials(tenants, reading).await?;
    let last = |manifest: &Manifest| tried.get(&manifest.owner).map(|trial| trial.tried);
    all.sort_by_key(|(manifest, _)| (manifest.owner != "platform", last(manifest)));
    all.truncate(most);
    Ok(all.into())
}

/// When backups of each owner were last tried, by its id or `platform`.
///
/// # Errors
/// [`RestoreError`] when the platform's file does not answer.
pub async fn trials(
    tenants: &Tenants,
    reading: &Grant<PlatformBackupRead>,
) -> Result<HashMap<String, Tried>, RestoreError> {
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, RestoreError>(repo::trials(tx)?);
    tenants.read(reading, read).await
}

/// Signs the result, keeps it, and says it in the log.
async fn keep(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRun>,
    mut test: RestoreTest,
) -> Result<RestoreTest, RestoreError> {
    let json = serde_json::to_string(&test).unwrap_or_default();
    if let Ok(mut note) = Note::new(format!("{TITLE}\n{json}\n")) {
        note.sign(tenants.notary().signer());
        test.note = note.to_string();
    }
    let kept = test.clone();
    let written = tenants.write(grant, move |tx| {
        repo::insert_test(tx, &kept)?;
        for tested in &kept.tested {
            repo::put_trial(tx, &tested.id, kept.started, tested.problem.is_none())?;
        }
        let mut event = Event::new(events::RESTORE_TESTED);
        event.resource = Some(Resource::new("restore_test", kept.id.to_string()));
        event.outcome = if kept.passed { Outcome::Success } else { Outcome::Failure };
        let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
        say("archives", kept.archives.into());
        say("bytes", kept.bytes.into());
        say("millis", kept.millis.into());
        if let Some(problem) = &kept.problem {
            say("reason", problem.as_str().into());
        }
        Ok::<_, RestoreError>(((), AuditEvents::from(event)))
    });
    written.await?;
    crate::backup::metrics::tested(&test);
    if let Some(problem) = &test.problem {
        tracing::error!(problem, "a restore test failed: backups may be useless");
    }
    Ok(test)
}

/// The latest tests, the newest first.
pub async fn tests(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
) -> Result<Vec<RestoreTest>, RestoreError> {
    tenants.read(grant, |tx| Ok(repo::last_tests(tx)?)).await
}

/// One of them, however long ago.
///
/// # Errors
/// [`RestoreError`] when the platform's file does not answer.
pub async fn test(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    id: RestoreTestId,
) -> Result<Option<RestoreTest>, RestoreError> {
    tenants.read(grant, move |tx| Ok(repo::test(tx, id)?)).await
}

/// A test as its signed note says it.
pub(super) fn parse(note: &str) -> Option<RestoreTest> {
    let parsed = Note::parse(note).ok()?;
    let test: RestoreTest = serde_json::from_str(parsed.text().strip_prefix(TITLE)?).ok()?;
    Some(RestoreTest { note: note.to_owned(), ..test })
}
