//! Restore tests: the newest backups are restored into a scratch directory and checked like for a
//! real restore. Nothing of it is kept but the result, which is signed.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::run::{Told, compare};
use super::{RestoreError, available, repo};
use crate::audit::event::{Outcome, Resource};
use crate::audit::note::Note;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun};
use crate::authz::{Grant, Realm};
use crate::backup::{Identities, Manifest, Target, fetch, realm};
use crate::config::Backup;
use crate::kernel::Timestamp;
use crate::kernel::id::RestoreTestId;
use crate::store::StoreError;
use crate::store::pages::PageWriter;
use crate::tenants::{AuditEvents, DoorError, Tenants};

/// Owners that one test restores; with more, they take turns.
const MOST: usize = 20;
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
    pub backup: String,
    pub taken: Timestamp,
    pub entries: u64,
    pub millis: u64,
    pub problem: Option<String>,
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

/// Restores the newest archive of the platform and of each tenant, checks them, and forgets them.
/// The result is kept, signed and recorded, whatever it is.
///
/// # Errors
/// [`RestoreError`] when nothing could be tested; a test that fails is an answer.
pub async fn rehearse(
    tenants: &Tenants,
    (reading, grant): (&Grant<PlatformBackupRead>, &Grant<PlatformBackupRun>),
    settings: &Backup,
    identities: Identities,
    told: Told,
) -> Result<RestoreTest, RestoreError> {
    let (started, clock) = (tenants.now(), tenants.runtime().clock.clone());
    let begun = clock.monotonic();
    let identities = Arc::new(identities);
    let mut test = RestoreTest {
        id: tenants.runtime().id(),
        started,
        millis: 0,
        passed: true,
        archives: 0,
        bytes: 0,
        problem: None,
        tested: Vec::new(),
        note: String::new(),
    };
    for (manifest, names) in newest(tenants, reading).await? {
        let slug = manifest.slug.clone().unwrap_or_else(|| manifest.owner.clone());
        told(&format!("{slug}: restoring {} into a scratch directory", manifest.id));
        let begun = clock.monotonic();
        let result = match available::target(tenants, settings, None, &names) {
            Ok(target) => one(tenants, &manifest, target, identities.clone()).await,
            Err(error) => Err(error),
        };
        let problem = result.err().map(|error| error.to_string());
        test.archives += 1;
        test.bytes += manifest.plain_bytes;
        if let Some(problem) = &problem {
            test.passed = false;
            test.problem.get_or_insert_with(|| format!("{slug}: {problem}"));
        }
        test.tested.push(Tested {
            owner: slug,
            backup: manifest.id.to_string(),
            taken: manifest.taken,
            entries: manifest.entries,
            millis: millis(clock.monotonic().saturating_sub(begun)),
            problem,
        });
    }
    if test.archives == 0 {
        test.passed = false;
        test.problem = Some("there is no backup yet that could be restored".into());
    }
    test.millis = millis(clock.monotonic().saturating_sub(begun));
    keep(tenants, grant, test).await
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The newest archive of each owner, those that were tested longest ago first.
async fn newest(
    tenants: &Tenants,
    reading: &Grant<PlatformBackupRead>,
) -> Result<Vec<(Manifest, Vec<String>)>, RestoreError> {
    let mut all: Vec<(Manifest, Vec<String>)> = Vec::new();
    for one in available::available(tenants, reading, None, None).await? {
        let known = match realm(&one.manifest) {
            Some(Realm::Tenant(id)) => tenants.tenant_by_id(id).is_some(),
            Some(Realm::Platform) => true,
            None => false,
        };
        if known && !all.iter().any(|(other, _)| other.owner == one.manifest.owner) {
            all.push((one.manifest, one.targets));
        }
    }
    let last = tenants.read(reading, |tx| Ok::<_, RestoreError>(repo::last_tests(tx)?)).await?;
    let tested = |manifest: &Manifest| {
        let name = manifest.slug.as_ref().unwrap_or(&manifest.owner);
        let of = |test: &&RestoreTest| test.tested.iter().any(|tested| tested.owner == *name);
        last.iter().find(of).map(|test| test.started)
    };
    all.sort_by_key(|(manifest, _)| (tested(manifest), manifest.owner != "platform"));
    all.truncate(MOST);
    Ok(all)
}

async fn one(
    tenants: &Tenants,
    manifest: &Manifest,
    target: Target,
    identities: Arc<Identities>,
) -> Result<(), RestoreError> {
    let realm = realm(manifest).ok_or(RestoreError::Foreign)?;
    super::room(tenants.data_directory(), manifest)?;
    let scratch = tenants.scratch(realm).await?;
    let manifest = manifest.clone();
    let tested = tokio::task::spawn_blocking(move || {
        let mut file = PageWriter::create(&scratch.database(), &scratch.file_key()?)?;
        fetch(&target, &manifest, &identities, &mut file)?;
        file.close()?; // the check makes it durable
        let checked = scratch.check(&manifest.rows)?;
        compare(&checked, &manifest)
    });
    tested.await.map_err(|_| DoorError::from(StoreError::Panicked))?
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
        let mut event = Event::new(catalogue::RESTORE_TESTED);
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

/// A test as its signed note says it.
pub(super) fn parse(note: &str) -> Option<RestoreTest> {
    let parsed = Note::parse(note).ok()?;
    let test: RestoreTest = serde_json::from_str(parsed.text().strip_prefix(TITLE)?).ok()?;
    Some(RestoreTest { note: note.to_owned(), ..test })
}
