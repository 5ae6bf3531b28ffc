//! Everything from backups alone, into an empty directory: after a fire, or for a look at a copy.
//!
//! Nothing is believed that this installation has not signed. Its signing key comes out of the
//! archive of the platform's keys, which the root key opens and nobody without it can have made.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use object_store::path::Path as StorePath;
use serde::Serialize;
use tokio::runtime::Handle;

use super::run::{Told, compare};
use super::{RestoreError, ledger};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformRestoreRun;
use crate::authz::{Caller, Principal, Realm, RequestContext, TenantState};
use crate::backup::{BackupError, Identities, Kind, Layout, Manifest, Target, Targets};
use crate::backup::{changes, fetch, files, keys, place, scan};
use crate::config::{Settings, TargetUrl};
use crate::crypto::TenantKeys;
use crate::kernel::id::{InstallationId, RestoreId, TenantId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::StoreError;
use crate::store::erasures::Erasure;
use crate::store::pages::PageWriter;
use crate::tenants::replace::{Empty, Whole};
use crate::tenants::{AuditEvents, Boot, BootError, DoorError, Tenant};

/// What came back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebuilt {
    pub directory: PathBuf,
    pub restore: RestoreId,
    pub tenants: Vec<RebuiltTenant>,
    /// Lines of the ledger of erasures, and keys that were destroyed again.
    pub ledger: u64,
    pub erased_again: u64,
    /// What an administrator should know.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuiltTenant {
    pub slug: String,
    /// The moment that it is as of; none when it could not be restored.
    pub moment: Option<Timestamp>,
    pub entries: u64,
    pub problem: Option<String>,
}

pub struct Rebuild {
    /// Say where the directory is and where the root key.
    pub settings: Settings,
    pub runtime: Runtime,
    pub from: TargetUrl,
    pub identities: Identities,
    /// Only this tenant, in a directory beside the installation, for a look.
    pub only: Option<String>,
    pub told: Told,
}

impl From<BootError> for RestoreError {
    fn from(error: BootError) -> Self {
        match error {
            BootError::Store(error) => error.into(),
            BootError::RootKeyMissing => Self::Fire(
                "the root key is needed: give it as STRONGROOM_MASTER_KEY or \
                 STRONGROOM_MASTER_KEY_FILE. No backup holds it"
                    .into(),
            ),
            other => Self::Fire(other.to_string()),
        }
    }
}

/// Builds a data directory up from a target. One that was interrupted begins anew.
///
/// # Errors
/// [`RestoreError`]: the directory cannot be served then.
pub async fn rebuild(rebuild: Rebuild) -> Result<Rebuilt, RestoreError> {
    let (settings, runtime) = (rebuild.settings.clone(), rebuild.runtime.clone());
    let is_copy = rebuild.only.is_some();
    let handle = Handle::current();
    let built = tokio::task::spawn_blocking(move || {
        let job = Job::new(rebuild, handle)?;
        job.run()
    });
    let rebuilt = built.await.map_err(|_| DoorError::from(StoreError::Panicked))??;
    if !is_copy {
        record(&settings, &runtime, &rebuilt).await?;
    }
    Ok(rebuilt)
}

/// What is done on a thread that may wait.
struct Job {
    rebuild: Rebuild,
    handle: Handle,
    target: Target,
    layout: Layout,
}

impl Job {
    fn new(rebuild: Rebuild, handle: Handle) -> Result<Self, RestoreError> {
        let target = Target::open(&rebuild.from)?;
        let layout = Layout::new(handle.block_on(installation(&target))?);
        Ok(Self { rebuild, handle, target, layout })
    }

    fn tell(&self, text: &str) {
        (self.rebuild.told)(text);
    }

    fn scan(
        &self,
        verifier: Option<&crate::audit::note::Verifier>,
    ) -> Result<Vec<Manifest>, RestoreError> {
        let targets = Targets(vec![self.target.clone()]);
        let found = self.handle.block_on(scan(&targets, self.layout, verifier))?;
        Ok(found.into_iter().map(|(manifest, _)| manifest).collect())
    }

    fn run(&self) -> Result<Rebuilt, RestoreError> {
        let directory = self.rebuild.settings.store.data_dir.clone();
        let empty = Empty::take(&directory)?
            .ok_or_else(|| RestoreError::NotEmpty(directory.display().to_string()))?;
        self.tell("reading the installation's keys");
        let (whole, signed) = self.unlock(empty)?;
        let mut rebuilt = Rebuilt {
            directory,
            restore: whole.restore(),
            tenants: Vec::new(),
            ledger: 0,
            erased_again: 0,
            notes: Vec::new(),
        };
        let ledger = self.ledger(&whole, &signed, &mut rebuilt)?;
        let platform = whole.platform_keys();
        let installation = TenantId::from_bytes(*whole.installation().bytes());
        rebuilt.erased_again += whole.erase_again(installation, &platform, &ledger)?;
        self.tell("reading the platform");
        self.bring(&whole, Realm::Platform, &platform, &signed, &mut rebuilt.notes)?;
        let all = self.tenants(&whole)?;
        for tenant in all.iter().filter(|tenant| tenant.state != TenantState::Closed) {
            self.tell(&format!("reading {}", tenant.slug));
            let brought = self.tenant(&whole, tenant, &signed, &ledger, &mut rebuilt);
            // One that cannot be read keeps none of the others away.
            let (moment, entries, problem) = match brought {
                Ok(Some((moment, entries))) => (Some(moment), entries, None),
                Ok(None) => (None, 0, Some("it was destroyed on purpose".to_owned())),
                Err(error) => (None, 0, Some(error.to_string())),
            };
            let slug = tenant.slug.to_string();
            rebuilt.tenants.push(RebuiltTenant { slug, moment, entries, problem });
        }
        whole.begin_anew(Realm::Platform, &platform, self.rebuild.only.is_some())?;
        whole.done()?;
        Ok(rebuilt)
    }

    /// `root.json` and the platform's keys; from then on manifests are believed or not.
    fn unlock(&self, empty: Empty) -> Result<(Whole, Vec<Manifest>), RestoreError> {
        let unchecked = self.scan(None)?;
        let roots = unchecked.iter().filter(|one| one.kind == Kind::Root);
        let root = roots.max_by_key(|one| (one.taken, one.id)).ok_or_else(|| {
            RestoreError::Fire(format!(
                "{} holds no archive of root.json; archives of keys are deleted after a week at \
                 the most",
                self.target.name
            ))
        })?;
        let Rebuild { identities, settings, runtime, .. } = &self.rebuild;
        let mut json = Vec::new();
        fetch(&self.target, root, identities, &mut json)?;
        let platform = Layout::owner(Realm::Platform);
        let whole = empty.unlock(&json, &settings.root_key, runtime, |path, key| {
            keys::read_keys(&self.target, &unchecked, &platform, identities, key, path)?;
            Ok::<_, RestoreError>(())
        })?;
        let signed = self.scan(Some(&whole.verifier()))?;
        // What was used before anybody could check it.
        let believed: HashSet<_> = signed.iter().map(|one| one.id).collect();
        let (full, deltas) = keys::choose(&unchecked, &platform)?;
        let mut used = [root, full].into_iter().chain(deltas);
        if let Some(forged) = used.find(|one| !believed.contains(&one.id)) {
            let path = &forged.path;
            return Err(RestoreError::Fire(format!("{path} was not signed by this installation")));
        }
        Ok((whole, signed))
    }

    /// The ledger of erasures, which goes before everything: what it names is destroyed again.
    fn ledger(
        &self,
        whole: &Whole,
        signed: &[Manifest],
        rebuilt: &mut Rebuilt,
    ) -> Result<Vec<Erasure>, RestoreError> {
        let fetched = self.handle.block_on(ledger::read(&self.target, self.layout))?;
        let known = signed.iter().max_by_key(|manifest| manifest.ledger.0);
        if let Some(manifest) = known
            && !fetched.follows(manifest.ledger.0, &manifest.ledger.1)
        {
            return Err(RestoreError::Fire(format!(
                "the ledger of erasures in {} is not the one that this installation wrote: lines \
                 are missing or were changed. Without it what was erased would come back",
                self.target.name
            )));
        }
        whole.put_ledger(&fetched.text)?;
        rebuilt.ledger = fetched.erasures.len() as u64;
        Ok(fetched.erasures)
    }

    fn tenants(&self, whole: &Whole) -> Result<Vec<Tenant>, RestoreError> {
        let all = whole.tenants(None)?;
        let Some(name) = &self.rebuild.only else { return Ok(all) };
        let named =
            |tenant: &&Tenant| tenant.slug.as_str() == name || tenant.id.to_string() == *name;
        let one = all.iter().find(named).ok_or_else(|| RestoreError::Nothing(name.clone()))?;
        Ok(whole.tenants(Some(one.id))?)
    }

    /// A tenant's keys, then what was erased since, then its data. None when it was destroyed.
    fn tenant(
        &self,
        whole: &Whole,
        tenant: &Tenant,
        signed: &[Manifest],
        ledger: &[Erasure],
        rebuilt: &mut Rebuilt,
    ) -> Result<Option<(Timestamp, u64)>, RestoreError> {
        let (realm, identities) = (Realm::Tenant(tenant.id), &self.rebuild.identities);
        let opened = whole.tenant_keys(tenant.id, |path, key| {
            let name = Layout::owner(realm);
            keys::read_keys(&self.target, signed, &name, identities, key, path)?;
            Ok::<_, RestoreError>(())
        });
        let Some(keys) = opened? else { return Ok(None) };
        rebuilt.erased_again += whole.erase_again(tenant.id, &keys, ledger)?;
        let brought = self.bring(whole, realm, &keys, signed, &mut rebuilt.notes)?;
        whole.begin_anew(realm, &keys, self.rebuild.only.is_some())?;
        whole.forget_again(tenant.id, &keys, ledger)?;
        Ok(Some(brought))
    }

    /// The newest data of a realm, checked: from the continuous archive where that reaches further.
    fn bring(
        &self,
        whole: &Whole,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        signed: &[Manifest],
        notes: &mut Vec<String>,
    ) -> Result<(Timestamp, u64), RestoreError> {
        let name = Layout::owner(realm);
        let newest = |kind: Kind| {
            let of_owner = signed.iter().filter(|one| one.kind == kind && one.owner == name);
            of_owner.max_by_key(|one| (one.taken, one.id)).cloned()
        };
        if let Some(beside) = newest(Kind::Blobs) {
            self.beside(whole, realm, &beside)?;
        }
        let archive = newest(Kind::Data);
        let taken = archive.as_ref().map(|manifest| manifest.taken);
        match self.changes(whole, realm, keys, taken) {
            Ok(Some(brought)) => return Ok(brought),
            Ok(None) => {}
            Err(error) if archive.is_some() => {
                crate::store::files::remove_if_there(&whole.database(realm))?;
                notes.push(format!("{name}: the continuous archive was not used: {error}"));
            }
            Err(error) => return Err(error),
        }
        let manifest = archive.ok_or(RestoreError::Nothing(name))?;
        super::room(&self.rebuild.settings.store.data_dir, &manifest)?;
        let mut file = PageWriter::create(&whole.database(realm), keys.file_key()?)?;
        fetch(&self.target, &manifest, &self.rebuild.identities, &mut file)?;
        file.finish()?;
        let checked = whole.check(realm, keys, &manifest.rows)?;
        compare(&checked, &manifest)?;
        Ok((manifest.taken, manifest.entries))
    }

    /// None when the archive reaches as far.
    fn changes(
        &self,
        whole: &Whole,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        archive: Option<Timestamp>,
    ) -> Result<Option<(Timestamp, u64)>, RestoreError> {
        let (verifier, now) = (whole.verifier(), self.rebuild.runtime.now());
        let windows = changes::window(&self.target, self.layout, realm, &verifier);
        let windows = self.handle.block_on(windows)?;
        let reaches = windows.iter().map(|window| window.to).max();
        if reaches.is_none_or(|to| archive.is_some_and(|archive| to <= archive)) {
            return Ok(None);
        }
        let (path, identities) = (whole.database(realm), &self.rebuild.identities);
        let made = changes::materialise(
            &self.target,
            self.layout,
            realm,
            now,
            &verifier,
            identities,
            &path,
        )?;
        let checked = whole.check(realm, keys, &BTreeMap::new())?;
        Ok(Some((made.at, checked.log.size)))
    }

    /// What lies beside the data file.
    fn beside(&self, whole: &Whole, realm: Realm, manifest: &Manifest) -> Result<(), RestoreError> {
        let packed = whole.database(realm).with_file_name("beside.tar");
        let mut file = std::fs::File::create(&packed).map_err(BackupError::from)?;
        fetch(&self.target, manifest, &self.rebuild.identities, &mut file)?;
        let unpack = || {
            let directory = packed.parent().unwrap_or(&packed);
            files::unpack(std::fs::File::open(&packed)?, directory)?;
            std::fs::remove_file(&packed)
        };
        Ok(unpack().map_err(BackupError::from)?)
    }
}

/// The one installation whose backups lie in a target.
async fn installation(target: &Target) -> Result<InstallationId, RestoreError> {
    let listed = target.store.list_with_delimiter(None).await;
    let listed = listed.map_err(|error| place::failed(target, error))?;
    let id = |path: &StorePath| path.as_ref().strip_prefix("strongroom-")?.parse().ok();
    let found: Vec<InstallationId> = listed.common_prefixes.iter().filter_map(id).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(RestoreError::Fire(format!("there are no backups in {}", target.name))),
        _ => Err(RestoreError::Fire(format!(
            "{} holds the backups of several installations: give one of them a place of its own",
            target.name
        ))),
    }
}

/// The platform's log says what was done, in its first entries.
async fn record(
    settings: &Settings,
    runtime: &Runtime,
    rebuilt: &Rebuilt,
) -> Result<(), RestoreError> {
    let boot = Boot::open(settings, runtime)?;
    let uid = rustix::process::getuid().as_raw();
    let request = RequestContext::local(runtime.id());
    let caller = Arc::new(Caller { principal: Principal::LocalOperator { uid }, request });
    let grant = boot.tenants.authorize_platform::<PlatformRestoreRun>(&caller, "cli").await;
    let grant = grant.map_err(DoorError::from)?;
    let mut restored = Event::new(catalogue::RESTORE_COMPLETED);
    restored.resource = Some(Resource::new("installation", boot.installation.to_string()));
    let say = |event: &mut Event, name: &str, value: serde_json::Value| {
        event.custom_fields.insert(name.into(), value);
    };
    say(&mut restored, "restore", rebuilt.restore.to_string().into());
    let whole = rebuilt.tenants.iter().filter(|tenant| tenant.problem.is_none()).count();
    say(&mut restored, "tenants", whole.into());
    let mut replayed = Event::new(catalogue::ERASURES_REPLAYED);
    replayed.resource = Some(Resource::new("installation", boot.installation.to_string()));
    say(&mut replayed, "lines", rebuilt.ledger.into());
    say(&mut replayed, "keysDestroyed", rebuilt.erased_again.into());
    let written = boot.tenants.write(&grant, move |_| {
        Ok::<_, DoorError>(((), AuditEvents::from(restored.clone()).then(replayed.clone().into())))
    });
    written.await?;
    boot.tenants.shut_down().await;
    Ok(())
}
