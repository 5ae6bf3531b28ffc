//! Archives of key stores, apart from data and never older than `backup.key_days`.
//!
//! A full copy is made every day and whenever a key was destroyed or replaced; in between, a delta
//! holds the keys made since. The newest full copy and the deltas behind it give every key that was
//! not destroyed. A key that is replaced but still opens something is not taken out of its store
//! before the last backup that needs it is gone: rotation has to keep it for `backup.days`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::catalogue::Entry;
use super::run::{Facts, Made, Run};
use super::{BackupError, Damage, Identities, Kind, Manifest, Target, fetch, repo};
use crate::authz::Realm;
use crate::crypto::Key32;
use crate::crypto::keyring::{KeyChanges, KeyShelf, Purpose, StoredKey};
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;
use crate::store::pages::PageWriter;
use crate::store::shelf::FileShelf;

/// Deltas after which a full copy is made again.
const DELTAS: usize = 100;

/// A line of a delta.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: KeyId,
    purpose: String,
    version: u32,
    /// Base64.
    wrapped: String,
    created: Timestamp,
}

/// Archives the whole key store of a realm.
pub async fn archive_full(run: &Run, realm: Realm) -> Result<Made, BackupError> {
    let original = run.tenants.original(&run.grant, realm).await?;
    let tenant = match realm {
        Realm::Platform => None,
        Realm::Tenant(id) => run.tenants.tenant_by_id(id),
    };
    let made = run.keys(realm, tenant.as_ref(), &original).await?;
    run.note(realm, vec![made.clone()]).await?;
    Ok(made)
}

/// Archives what the key archives lack: nothing, the keys made since, or the whole store when one
/// was destroyed. To be called before data leaves that may name a new key.
pub async fn archive_delta(run: &Run, realm: Realm) -> Result<Option<Made>, BackupError> {
    let original = run.tenants.original(&run.grant, realm).await?;
    let now = original.keys().changes()?;
    let archived = run
        .tenants
        .credentials(Realm::Platform, move |tx| {
            Ok::<_, BackupError>(repo::keys(tx, realm, DELTAS as u32 + 1)?)
        })
        .await?;
    // By what they hold: times may be wrong.
    let held = |one: &Entry| one.manifest.keys.filter(|_| one.is_stored());
    let last = archived.iter().filter_map(held).max_by_key(|keys| (keys.gone, keys.made));
    let full = |one: &&Entry| one.manifest.kind == Kind::Keys;
    let base = archived.iter().filter(full).filter_map(held).max_by_key(|it| (it.gone, it.made));
    let behind = |keys: &KeyChanges| base.is_none_or(|base| keys.made > base.made);
    let deltas = archived.iter().filter(|one| one.manifest.kind == Kind::KeysDelta);
    let deltas = deltas.filter_map(held).filter(behind).count();
    match last {
        Some(last) if last == now => return Ok(None),
        Some(last) if last.gone == now.gone && last.made < now.made && deltas < DELTAS => {
            let tenant = match realm {
                Realm::Platform => None,
                Realm::Tenant(id) => run.tenants.tenant_by_id(id),
            };
            let keys = original.keys().clone();
            let write = move |out: &mut dyn Write| {
                let (keys, changes) = keys.keys_made_since(last.made)?;
                for key in &keys {
                    serde_json::to_writer(&mut *out, &Line::of(key))
                        .map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                Ok(Facts::of_keys(changes))
            };
            let made = run.archive(Kind::KeysDelta, realm, tenant.as_ref(), write).await?;
            // One that was destroyed meanwhile makes the delta belong to no full copy.
            if made.manifest.keys.is_some_and(|keys| keys.gone == last.gone) {
                run.note(realm, vec![made.clone()]).await?;
                return Ok(Some(made));
            }
        }
        _ => {}
    }
    archive_full(run, realm).await.map(Some)
}

/// The full copies of an owner's keys among these, the newest first, each with the deltas behind it
/// in their order: by what was made and destroyed until then, because a time may be wrong.
pub fn choices<'a>(
    manifests: &'a [Manifest],
    owner: &str,
) -> Vec<(&'a Manifest, Vec<&'a Manifest>)> {
    let of_owner =
        |kind: Kind| manifests.iter().filter(move |one| one.kind == kind && one.owner == owner);
    let mut fulls: Vec<_> = of_owner(Kind::Keys).collect();
    let age = |one: &Manifest| (one.keys.map(|keys| (keys.gone, keys.made)), one.taken, one.id);
    fulls.sort_by_key(|one| std::cmp::Reverse(age(one)));
    let behind = |full: &'a Manifest| {
        let base = full.keys.unwrap_or_default();
        let mut deltas: Vec<_> = of_owner(Kind::KeysDelta)
            .filter(|one| {
                one.keys.is_some_and(|keys| keys.gone == base.gone && keys.made > base.made)
            })
            .collect();
        deltas.sort_by_key(|one| one.keys.map(|keys| keys.made));
        (full, deltas)
    };
    fulls.into_iter().map(behind).collect()
}

/// Makes a key store at `path` from what a target has of an owner's keys; waits for disk and
/// network. `shelf_key` is the key of the file. What is damaged is left out, an older copy used
/// instead; answers what, in words.
///
/// # Errors
/// [`BackupError::None`] when there is no full copy; why the newest cannot be used when none can.
pub fn read_keys(
    target: &Target,
    manifests: &[Manifest],
    owner: &str,
    identities: &Identities,
    shelf_key: &Key32,
    path: &Path,
) -> Result<Vec<String>, BackupError> {
    let (mut left_out, mut first) = (Vec::new(), None);
    let newest = manifests.iter().filter(|one| one.owner == owner).filter_map(|one| one.keys);
    let gone = newest.map(|keys| keys.gone).max().unwrap_or(0);
    for (full, deltas) in choices(manifests, owner) {
        match read_full(target, full, identities, shelf_key, path) {
            Ok(()) => {
                let result = add_deltas(target, &deltas, identities, shelf_key, path, gone);
                if result.is_err() {
                    let _ = std::fs::remove_file(path);
                }
                left_out.extend(result?);
                return Ok(left_out);
            }
            Err(error) if error.is_of_the_archive() => {
                left_out.push(format!("{} was left out: {error}", full.path));
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or_else(|| BackupError::None(format!("the keys of {owner}"))))
}

/// Makes a key store from one full copy.
pub fn read_full(
    target: &Target,
    full: &Manifest,
    identities: &Identities,
    shelf_key: &Key32,
    path: &Path,
) -> Result<(), BackupError> {
    let mut pages = PageWriter::create(path, shelf_key)?;
    fetch::fetch(target, full, identities, &mut pages)?;
    Ok(pages.finish()?)
}

fn add_deltas(
    target: &Target,
    deltas: &[&Manifest],
    identities: &Identities,
    shelf_key: &Key32,
    path: &Path,
    gone: u64,
) -> Result<Vec<String>, BackupError> {
    let (shelf, mut left_out) = (FileShelf::open(path, shelf_key)?, Vec::new());
    for delta in deltas {
        let mut text = Vec::new();
        match fetch::fetch(target, delta, identities, &mut text) {
            Ok(()) => {}
            Err(error) if error.is_of_the_archive() => {
                left_out.push(format!("{} was left out: {error}", delta.path));
                continue;
            }
            Err(error) => return Err(error),
        }
        let damaged = || fetch::damaged(target, &delta.path, Damage::Content);
        for line in BufReader::new(text.as_slice()).lines() {
            let line: Line = serde_json::from_str(&line?).map_err(|_| damaged())?;
            let key = line.key().ok_or_else(damaged)?;
            if shelf.find(key.id)?.is_none() {
                shelf.insert(&[key])?;
            }
        }
    }
    // Archives of what it becomes are later than all of what it was.
    shelf.outgrow(gone)?;
    Ok(left_out)
}

impl Line {
    fn of(key: &StoredKey) -> Self {
        Self {
            id: key.id,
            purpose: key.purpose.name().to_owned(),
            version: key.version,
            wrapped: BASE64.encode(&key.wrapped),
            created: key.created,
        }
    }

    fn key(self) -> Option<StoredKey> {
        Some(StoredKey {
            id: self.id,
            purpose: Purpose::parse(&self.purpose)?,
            version: self.version,
            wrapped: BASE64.decode(self.wrapped.as_bytes()).ok()?,
            created: self.created,
        })
    }
}
