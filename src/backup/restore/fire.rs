//! Everything from backups alone, into an empty directory: after a fire, or for a look at a copy.
//!
//! Nothing is believed that this installation has not signed. Its signing key comes out of the
//! archive of the platform's keys, which the root key opens and nobody without it can have made.

use std::collections::BTreeMap;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::path::Path as StorePath;
use serde::Serialize;
use tokio::runtime::Handle;

use super::RestoreError;
use super::model::Moment;
use super::order::of_kind;
use super::run::{Told, compare};
use crate::audit::event::Resource;
use crate::audit::note::Verifier;
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformRestoreRun;
use crate::authz::{Caller, Principal, Realm, RequestContext};
use crate::backup::{BackupError, Identities, Kind, Layout, Manifest, Target, Targets};
use crate::backup::{changes, fetch, files, keys, ledger, place, scan_all};
use crate::config::{Settings, TargetUrl};
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::id::{InstallationId, KeyId, LogId, RestoreId, TenantId};
use crate::kernel::{Runtime, Timestamp, limits};
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
    /// Time of the last of them; nothing that was erased later is known.
    pub ledger_until: Option<Timestamp>,
    /// Where the ledger was looked for and found readable.
    pub ledger_targets: Vec<String>,
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
    /// The ledger of erasures says that it was destroyed.
    pub destroyed: bool,
    pub problem: Option<String>,
}

pub struct Rebuild {
    /// Say where the directory is and where the root key.
    pub settings: Settings,
    pub runtime: Runtime,
    pub from: TargetUrl,
    /// Where else the ledger of erasures may lie: the one that reaches furthest is used.
    pub ledgers: Vec<TargetUrl>,
    /// Whose backups, when several installations' lie there.
    pub installation: Option<InstallationId>,
    pub identities: Identities,
    /// Only this tenant, in a directory beside the installation, for a look.
    pub only: Option<String>,
    /// The state that is wanted: of everything, or of that tenant.
    pub moment: Moment,
    pub told: Told,
}

impl From<BootError> for RestoreError {
    fn from(error: BootError) -> Self {
        match error {
            BootError::Store(error) => error.into(),
            BootError::RootKeyMissing => Self::Fire(
                "the root key is needed: give it as STRONGROOM_MASTER_KEY or \
                 STRONGROOM_MASTER_KEY_FILE, or say with root_key.passphrase_from where its \
                 passphrase comes from. No backup holds it"
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
        let layout = Layout::new(handle.block_on(installation(&target, rebuild.installation))?);
        Ok(Self { rebuild, handle, target, layout })
    }

    fn tell(&self, text: &str) {
        (self.rebuild.told)(text);
    }

    fn scan(
        &self,
        verifier: Option<&Verifier>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Manifest>, RestoreError> {
        let targets = Targets(vec![self.target.clone()]);
        let found = self.handle.block_on(scan_all(&targets, self.layout, verifier))?;
        notes.extend(found.1);
        Ok(found.0.into_iter().map(|(manifest, _)| manifest).collect())
    }

    fn run(&self) -> Result<Rebuilt, RestoreError> {
        let directory = self.rebuild.settings.store.data_dir.clone();
        let empty = Empty::take(&directory)?
            .ok_or_else(|| RestoreError::NotEmpty(directory.display().to_string()))?;
        self.tell("reading the installation's keys");
        let mut notes = Vec::new();
        let (whole, signed) = self.unlock(&empty, &mut notes)?;
        let mut rebuilt = Rebuilt {
            directory,
            restore: whole.restore(),
            tenants: Vec::new(),
            ledger: 0,
            ledger_until: None,
            ledger_targets: Vec::new(),
            erased_again: 0,
            notes,
        };
        let ledger = self.ledger(&whole, &signed, &mut rebuilt)?;
        let platform = whole.platform_keys();
        let installation = TenantId::from_bytes(*whole.installation().bytes());
        rebuilt.erased_again += whole.erase_again(installation, &platform, &ledger)?;
        self.tell("reading the platform");
        self.bring(&whole, Realm::Platform, &platform, &signed, &mut rebuilt.notes)?;
        let all = self.tenants(&whole)?;
        // Closed ones too: they may be reopened, or on hold. Those whose time was up have no keys.
        for tenant in &all {
            self.tell(&format!("reading {}", tenant.slug));
            let brought = self.tenant(&whole, tenant, &signed, &ledger, &mut rebuilt);
            // One that cannot be read keeps none of the others away.
            let root = KeyId::from_bytes(*tenant.id.bytes());
            let destroyed = ledger.iter().any(|line| line.key == root);
            let (moment, entries, problem) = match brought {
                Ok(Some((moment, entries))) => (Some(moment), entries, None),
                Ok(None) if destroyed => (None, 0, None),
                Ok(None) => {
                    let why = "its key is in no archive of keys, and no erasure says why";
                    (None, 0, Some(why.to_owned()))
                }
                Err(error) => (None, 0, Some(error.to_string())),
            };
            let slug = tenant.slug.to_string();
            rebuilt.tenants.push(RebuiltTenant { slug, moment, entries, destroyed, problem });
        }
        let missing = whole.begin_anew(Realm::Platform, &platform, self.rebuild.only.is_some())?;
        rebuilt.notes.extend(missing.iter().map(|log| unarchived("platform", *log)));
        whole.done()?;
        Ok(rebuilt)
    }

    /// `root.json` and the platform's keys; from then on manifests are believed or not. Whatever
    /// somebody else put beside them is passed over.
    fn unlock(
        &self,
        empty: &Empty,
        notes: &mut Vec<String>,
    ) -> Result<(Whole, Vec<Manifest>), RestoreError> {
        let signed = self.signed(empty, notes)?;
        let (platform, mut first) = (Layout::owner(Realm::Platform), None);
        for root in of_kind(&signed, Kind::Root, None) {
            let opened = self.open(empty, root, |path, key| {
                let identities = &self.rebuild.identities;
                keys::read_keys(&self.target, &signed, &platform, identities, key, path)
            });
            match opened {
                Ok((whole, left_out)) => {
                    notes.extend(left_out);
                    return Ok((whole, signed));
                }
                Err(error) => {
                    notes.push(format!("{} was left out: {error}", root.path));
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.unwrap_or_else(|| self.no_root()))
    }

    fn no_root(&self) -> RestoreError {
        RestoreError::Fire(format!(
            "{} holds no archive of root.json; archives of keys are deleted after a week at the most",
            self.target.name
        ))
    }

    fn open<T>(
        &self,
        empty: &Empty,
        root: &Manifest,
        bring: impl FnOnce(&Path, &Key32) -> Result<T, BackupError>,
    ) -> Result<(Whole, T), RestoreError> {
        let Rebuild { identities, settings, runtime, .. } = &self.rebuild;
        if root.plain_bytes > limits::BACKUP_ROOT_BYTES {
            return Err(damaged(&self.target, root));
        }
        let (mut json, mut brought) = (Vec::new(), None);
        fetch(&self.target, root, identities, &mut json)?;
        let whole = empty.unlock(&json, &settings.root_key, runtime, |path, key| {
            brought = Some(bring(path, key)?);
            Ok::<_, RestoreError>(())
        })?;
        let brought = brought.ok_or_else(|| damaged(&self.target, root))?;
        Ok((whole, brought))
    }

    /// What this installation has signed. Its key comes out of the archives of its keys: who can write
    /// to a target can put others beside them, but none that the root key opens.
    fn signed(
        &self,
        empty: &Empty,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Manifest>, RestoreError> {
        let unchecked = self.scan(None, &mut Vec::new())?;
        let (platform, mut first) = (Layout::owner(Realm::Platform), None);
        for root in of_kind(&unchecked, Kind::Root, None) {
            let mut is_sealed_with_ours = false;
            let fulls = of_kind(&unchecked, Kind::Keys, Some(&platform));
            let fulls = fulls.into_iter().map(Some).chain([None]);
            for full in fulls {
                let opened = self.open(empty, root, |path, key| {
                    is_sealed_with_ours = true;
                    let none = || BackupError::None(format!("the keys of {platform}"));
                    let full = full.ok_or_else(none)?;
                    if full.plain_bytes > limits::BACKUP_KEYS_BYTES {
                        return Err(crate::backup::damaged(&self.target, full));
                    }
                    keys::read_full(&self.target, full, &self.rebuild.identities, key, path)
                });
                // Who has copied an archive cannot sign for it; what it holds is ours all the same.
                let checked = opened.and_then(|(whole, ())| {
                    let mut left_out = Vec::new();
                    let signed = self.scan(Some(&whole.verifier()), &mut left_out)?;
                    if of_kind(&signed, Kind::Keys, Some(&platform)).is_empty() {
                        let why = "nothing in this target was signed with the key in it";
                        return Err(RestoreError::Fire(why.to_owned()));
                    }
                    Ok((signed, left_out))
                });
                match checked {
                    Ok((signed, left_out)) => {
                        notes.extend(left_out);
                        return Ok(signed);
                    }
                    Err(error) => {
                        let at = full.filter(|_| is_sealed_with_ours).unwrap_or(root);
                        notes.push(format!("{} was left out: {error}", at.path));
                        first.get_or_insert(error);
                    }
                }
                if !is_sealed_with_ours {
                    break;
                }
            }
            // The root key has opened it: no other root.json would do better.
            if is_sealed_with_ours {
                break;
            }
        }
        Err(first.unwrap_or_else(|| self.no_root()))
    }

    /// The ledger of erasures, which goes before everything: what it names is destroyed again. Of
    /// all targets that are known, the one that reaches furthest.
    fn ledger(
        &self,
        whole: &Whole,
        signed: &[Manifest],
        rebuilt: &mut Rebuilt,
    ) -> Result<Vec<Erasure>, RestoreError> {
        let verifier = whole.verifier();
        let mut targets = Targets(vec![self.target.clone()]);
        let more = self.rebuild.ledgers.iter().chain(&self.rebuild.settings.backup.targets);
        for url in more {
            if targets.0.iter().all(|known| known.name != url.name()) {
                targets.0.push(Target::open(url)?);
            }
        }
        let fetched = self.handle.block_on(ledger::fetch(&targets, self.layout, &verifier))?;
        for (target, why) in &fetched.unread {
            rebuilt.notes.push(format!(
                "the ledger of erasures in {target} could not be read, it may reach further: {why}"
            ));
        }
        let left_out = fetched.left_out.iter();
        rebuilt.notes.extend(left_out.map(|(path, why)| format!("{path} was left out: {why}")));
        let known = signed.iter().max_by_key(|manifest| manifest.ledger.0);
        if let Some(manifest) = known
            && !fetched.follows(manifest.ledger.0, &manifest.ledger.1)
        {
            return Err(RestoreError::Fire(format!(
                "the ledger of erasures in {} is not the one that this installation wrote: lines \
                 are missing or were changed. Without it what was erased would come back. Give the \
                 other targets with --ledger-from",
                self.target.name
            )));
        }
        whole.put_ledger(&fetched.text)?;
        rebuilt.ledger = fetched.erasures.len() as u64;
        rebuilt.ledger_until = fetched.erasures.last().map(|line| line.time);
        let is_read = |name: &String| fetched.unread.iter().all(|(unread, _)| unread != name);
        rebuilt.ledger_targets =
            targets.0.iter().map(|target| target.name.clone()).filter(is_read).collect();
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
        let mut left_out = Vec::new();
        let opened = whole.tenant_keys(tenant.id, |path, key| {
            let name = Layout::owner(realm);
            left_out = keys::read_keys(&self.target, signed, &name, identities, key, path)?;
            Ok::<_, RestoreError>(())
        });
        let Some(keys) = opened? else { return Ok(None) };
        rebuilt.notes.extend(left_out);
        rebuilt.erased_again += whole.erase_again(tenant.id, &keys, ledger)?;
        let brought = self.bring(whole, realm, &keys, signed, &mut rebuilt.notes)?;
        let missing = whole.begin_anew(realm, &keys, self.rebuild.only.is_some())?;
        let slug = tenant.slug.as_str();
        rebuilt.notes.extend(missing.iter().map(|log| unarchived(slug, *log)));
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
        for beside in of_kind(signed, Kind::Blobs, Some(&name)) {
            match self.beside(whole, realm, beside) {
                Err(RestoreError::Backup(error)) if error.is_of_the_archive() => {
                    notes.push(format!("{} was left out: {error}", beside.path));
                }
                other => {
                    other?;
                    break;
                }
            }
        }
        let moment = self.moment(realm);
        let mut archives = of_kind(signed, Kind::Data, Some(&name));
        archives.retain(|manifest| match moment {
            Moment::Latest => true,
            Moment::At(time) => manifest.taken <= time,
            Moment::Backup(id) => manifest.id == id,
        });
        let taken = archives.first().map(|manifest| manifest.taken);
        match self.changes(whole, realm, keys, taken) {
            Ok(Some(brought)) => return Ok(brought),
            Ok(None) => {}
            Err(error) if !archives.is_empty() => {
                crate::store::files::remove_if_there(&whole.database(realm))?;
                notes.push(format!("{name}: the continuous archive was not used: {error}"));
            }
            Err(error) => return Err(error),
        }
        let mut first = None;
        for manifest in archives {
            match self.archive(whole, realm, keys, manifest) {
                Ok(brought) => return Ok(brought),
                Err(error) if error.is_of_the_archive() => {
                    crate::store::files::remove_if_there(&whole.database(realm))?;
                    notes.push(format!(
                        "{} was left out, an older one is looked for: {error}",
                        manifest.path
                    ));
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or(match moment {
            Moment::At(time) => RestoreError::NothingThen { tenant: name, at: time.to_string() },
            Moment::Backup(id) => RestoreError::Nothing(format!("{name} with the id {id}")),
            Moment::Latest => RestoreError::Nothing(name),
        }))
    }

    /// Which state of a realm is wanted. With a tenant alone the platform is only what it hangs on.
    fn moment(&self, realm: Realm) -> Moment {
        match (realm, &self.rebuild.only) {
            (Realm::Platform, Some(_)) => Moment::Latest,
            _ => self.rebuild.moment,
        }
    }

    /// One archive of data, checked.
    fn archive(
        &self,
        whole: &Whole,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        manifest: &Manifest,
    ) -> Result<(Timestamp, u64), RestoreError> {
        super::room(&self.rebuild.settings.store.data_dir, manifest)?;
        let mut file = PageWriter::create(&whole.database(realm), keys.file_key()?)?;
        fetch(&self.target, manifest, &self.rebuild.identities, &mut file)?;
        file.finish()?;
        let checked = whole.check(realm, keys, &manifest.rows)?;
        compare(&checked, manifest)?;
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
        let until = match self.moment(realm) {
            Moment::Latest => now,
            Moment::At(time) => time.min(now),
            Moment::Backup(_) => return Ok(None),
        };
        let windows = changes::window(&self.target, self.layout, realm, &verifier);
        let windows = self.handle.block_on(windows)?;
        let there = windows.iter().filter(|window| window.from <= until);
        let reaches = there.map(|window| window.to.min(until)).max();
        if reaches.is_none_or(|to| archive.is_some_and(|archive| to <= archive)) {
            return Ok(None);
        }
        let (path, identities) = (whole.database(realm), &self.rebuild.identities);
        let made = changes::materialise(
            &self.target,
            self.layout,
            realm,
            until,
            &verifier,
            identities,
            &path,
        )?;
        let checked = whole.check(realm, keys, &BTreeMap::new())?;
        Ok(Some((made.at, checked.log.size)))
    }

    /// What lies beside the data file.
    fn beside(&self, whole: &Whole, realm: Realm, manifest: &Manifest) -> Result<(), RestoreError> {
        let database = whole.database(realm);
        let directory = database.parent().unwrap_or(&database);
        // Without a name: whatever happens, it leaves nothing behind.
        let mut packed = tempfile::tempfile_in(directory).map_err(BackupError::from)?;
        fetch(&self.target, manifest, &self.rebuild.identities, &mut packed)?;
        let mut unpack = || {
            packed.rewind()?;
            files::unpack(&packed, directory)
        };
        Ok(unpack().map_err(BackupError::from)?)
    }
}

fn unarchived(owner: &str, log: LogId) -> String {
    format!(
        "{owner}: log {log}, kept from before an earlier restore, is in no archive: it was not backed \
         up before this moment. strongroom audit verify says so until its time is over"
    )
}

fn damaged(target: &Target, manifest: &Manifest) -> RestoreError {
    crate::backup::damaged(target, manifest).into()
}

/// The installation whose backups lie in a target, or that is wanted of several.
async fn installation(
    target: &Target,
    wanted: Option<InstallationId>,
) -> Result<InstallationId, RestoreError> {
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    let listed = target.store.list_with_delimiter(None).await;
    let listed = listed.map_err(|error| place::failed(target, error))?;
    let id = |path: &StorePath| path.as_ref().strip_prefix("strongroom-")?.parse().ok();
    let found: Vec<InstallationId> = listed.common_prefixes.iter().filter_map(id).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(RestoreError::Fire(format!("there are no backups in {}", target.name))),
        several => {
            let several: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(RestoreError::Fire(format!(
                "{} holds the backups of several installations: say whose with --installation ({})",
                target.name,
                several.join(", ")
            )))
        }
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
    let whole = rebuilt
        .tenants
        .iter()
        .filter(|tenant| tenant.problem.is_none() && !tenant.destroyed)
        .count();
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
