//! `strongroom upgrade check`: every database is copied, and what this release would do to it is
//! done to the copy. Nothing of the installation is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::boot::MARKER;
use super::release::{Release, read};
use super::{BootError, list, root_key};
use crate::config::Settings;
use crate::crypto::root::RootFile;
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::Runtime;
use crate::kernel::id::TenantId;
use crate::store::lock::DirectoryLock;
use crate::store::migrate::{self, Migrations};
use crate::store::shelf::FileShelf;
use crate::store::{Readers, StoreError, before, files};

/// Where copies lie while they are tried.
pub(super) const WORK: &str = "upgrade-check";

/// What an upgrade would do.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The version that last used the directory, if it wrote that down.
    pub from: Option<String>,
    pub files: Vec<Rehearsed>,
}

/// What an upgrade would do to one file.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// In the data directory.
    pub file: PathBuf,
    /// The tenant's short name; none for the platform's files.
    pub tenant: Option<String>,
    /// The schema that it has; none when it could not be read.
    pub found: Option<i64>,
    pub known: i64,
    pub bytes: u64,
    /// What trying took, without the copy.
    pub took: Duration,
    /// Why it cannot be brought up to date.
    pub problem: Option<String>,
}

impl Rehearsed {
    pub fn is_behind(&self) -> bool {
        self.found.is_some_and(|found| found < self.known)
    }
}

/// Tries an upgrade to this release on copies. The server has to be stopped.
///
/// # Errors
/// [`BootError`] when the installation as a whole cannot be looked at; a file that cannot be
/// brought up to date is an answer.
pub fn rehearse(settings: &Settings, runtime: &Runtime) -> Result<Rehearsal, BootError> {
    let data = settings.store.data_dir.clone();
    let root_path = data.join("root.json");
    if !root_path.exists() {
        return Err(BootError::RootFileMissing(data));
    }
    let _lock = DirectoryLock::take(&data)?;
    if data.join(MARKER).exists() {
        return Err(BootError::Unfinished(data));
    }
    let root_file = RootFile::read(&root_path)?;
    let root = root_key::find(&settings.root_key, &data, Some(&root_file), runtime)?;
    let master = root_file.unwrap(&root.source)?;
    let from = read(&data)?.map(|record| record.release.version);
    let work = data.join(WORK);
    files::remove_directory(&work)?;
    files::private_directory(&work)?;
    let mut stage = Stage { data, work, runtime, files: Vec::new() };
    let looked = stage.everything(TenantId::from_bytes(*root_file.installation_id.bytes()), master);
    let cleared = files::remove_directory(&stage.work);
    looked?;
    cleared?;
    Ok(Rehearsal { from, files: stage.files })
}

struct Stage<'a> {
    data: PathBuf,
    work: PathBuf,
    runtime: &'a Runtime,
    files: Vec<Rehearsed>,
}

impl Stage<'_> {
    fn everything(&mut self, installation: TenantId, master: Key32) -> Result<(), StoreError> {
        let own = Release::own();
        let Some(platform) = self.keys("", None, installation, master, own.keys)? else {
            return Ok(());
        };
        let key = platform.file_key()?;
        let copy = self.database("", None, "platform.db", key, migrate::PLATFORM)?;
        let Some(copy) = copy else { return Ok(()) };
        let tenants = Readers::new(copy, key.clone(), 1).read_here(|tx| list::all(tx))??;
        for tenant in tenants {
            let (place, slug) = (format!("tenants/{}", tenant.id), tenant.slug.to_string());
            let named = Some(slug.as_str());
            let root = match platform.tenant_root(tenant.id) {
                Ok(root) => root,
                Err(error) => {
                    self.refuse(&place, named, "keys.db", own.keys, &error.into());
                    continue;
                }
            };
            if let Some(keys) = self.keys(&place, named, tenant.id, root, own.keys)? {
                self.database(&place, named, "tenant.db", keys.file_key()?, migrate::TENANT)?;
            }
            files::remove_directory(&self.work.join(&place))?;
        }
        Ok(())
    }

    /// Tries a key store; the keys of its copy.
    fn keys(
        &mut self,
        place: &str,
        tenant: Option<&str>,
        owner: TenantId,
        root: Key32,
        known: i64,
    ) -> Result<Option<TenantKeys>, StoreError> {
        let shelf_key = TenantKeys::shelf_key_of(&root);
        let mut keys = None;
        let done = self.attempt(place, tenant, "keys.db", known, |copy| {
            let (shelf, found) = FileShelf::rehearse(copy, &shelf_key)?;
            keys = Some(TenantKeys::open(*owner.bytes(), root, Box::new(shelf), self.runtime)?);
            Ok(found)
        })?;
        self.files.push(done);
        Ok(keys)
    }

    /// Tries a data file; its copy, brought up to date.
    fn database(
        &mut self,
        place: &str,
        tenant: Option<&str>,
        name: &str,
        key: &Key32,
        migrations: Migrations,
    ) -> Result<Option<PathBuf>, StoreError> {
        let known = migrate::known(migrations);
        let done = self
            .attempt(place, tenant, name, known, |copy| migrate::rehearse(copy, key, migrations))?;
        let good = done.problem.is_none();
        self.files.push(done);
        Ok(good.then(|| self.work.join(place).join(name)))
    }

    /// Copies a file and tries on it.
    fn attempt(
        &self,
        place: &str,
        tenant: Option<&str>,
        name: &str,
        known: i64,
        run: impl FnOnce(&Path) -> Result<i64, StoreError>,
    ) -> Result<Rehearsed, StoreError> {
        let file = self.data.join(place).join(name);
        let directory = self.work.join(place);
        files::private_directory(&directory)?;
        let copy = directory.join(name);
        let prepared = match file.exists() {
            false => Err(StoreError::Missing(file.display().to_string().into())),
            true => before::has_room(&file, &directory)
                .and_then(|()| before::copy_as_it_lies(&file, &copy)),
        };
        let begun = self.runtime.clock.monotonic();
        let found = prepared.and_then(|()| run(&copy));
        let took = self.runtime.clock.monotonic().saturating_sub(begun);
        let bytes = before::bytes(&file);
        let (found, problem) = match found {
            Ok(found) => (Some(found), None),
            Err(error) => (None, Some(self.named(&error))),
        };
        let (file, tenant) = (Path::new(place).join(name), tenant.map(str::to_owned));
        Ok(Rehearsed { file, tenant, found, known, bytes, took, problem })
    }

    /// What is wrong with the copy is wrong with the original.
    fn named(&self, error: &StoreError) -> String {
        error.to_string().replace(&*self.work.to_string_lossy(), &self.data.to_string_lossy())
    }

    fn refuse(
        &mut self,
        place: &str,
        tenant: Option<&str>,
        name: &str,
        known: i64,
        error: &StoreError,
    ) {
        let (file, tenant) = (Path::new(place).join(name), tenant.map(str::to_owned));
        let (bytes, problem) = (before::bytes(&self.data.join(&file)), Some(error.to_string()));
        let took = Duration::ZERO;
        self.files.push(Rehearsed { file, tenant, found: None, known, bytes, took, problem });
    }
}
