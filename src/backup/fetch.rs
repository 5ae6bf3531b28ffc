//! Archives read back: nothing of one is believed but what its manifest, signed by this
//! installation, says of it.

use std::io::{Read, Write};

use futures_util::TryStreamExt;
use object_store::path::Path as StorePath;

use super::pack::{self, UnpackError, Unpacked};
use super::{BackupError, Damage, Identities, Kind, Layout, Manifest, Target, Targets, place};
use crate::audit::note::Verifier;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::id::TenantId;

/// Decrypts and decompresses an archive into `out`, on a thread that may wait and belongs to a
/// runtime. What `out` got is to be thrown away unless this went well.
///
/// # Errors
/// [`BackupError::Damaged`], [`super::SealError::WrongKey`], what reading or writing fails with.
pub fn fetch(
    target: &Target,
    manifest: &Manifest,
    identities: &Identities,
    out: &mut dyn Write,
) -> Result<(), BackupError> {
    let path = StorePath::from(manifest.path.as_str());
    let archive = place::open(target, &path)?;
    // Not a byte more than was signed for, in or out: a target may send what has no end.
    let archive = archive.take(manifest.bytes.saturating_add(1));
    let packed =
        pack::unpack(archive, identities, out, manifest.plain_bytes).map_err(
            |error| match error {
                UnpackError::Read(error) => BackupError::Io(error),
                UnpackError::Damaged(_) => damaged(target, &manifest.path, Damage::Content),
                UnpackError::Key(error) => error.into(),
                UnpackError::Write(error) => BackupError::Write {
                    path: "what was restored".into(),
                    reason: error.to_string(),
                },
            },
        )?;
    compare(target, manifest, &packed)
}

fn compare(target: &Target, manifest: &Manifest, packed: &Unpacked) -> Result<(), BackupError> {
    let damage = if packed.bytes != manifest.bytes {
        Damage::Size
    } else if packed.plain_bytes != manifest.plain_bytes
        || packed.plain_sha256 != manifest.plain_sha256
    {
        Damage::Content
    } else {
        return Ok(());
    };
    Err(damaged(target, &manifest.path, damage))
}

/// Reads an archive to its end and compares size and hash; needs no key.
pub fn read_through(target: &Target, manifest: &Manifest) -> Result<(), BackupError> {
    let path = StorePath::from(manifest.path.as_str());
    let mut archive = place::open(target, &path)?.take(manifest.bytes.saturating_add(1));
    let mut hash = pack::Hashing::new(std::io::sink());
    std::io::copy(&mut archive, &mut hash)?;
    let (bytes, sha256) = hash.end();
    if bytes != manifest.bytes {
        return Err(damaged(target, &manifest.path, Damage::Size));
    }
    match sha256 == manifest.sha256 {
        true => Ok(()),
        false => Err(damaged(target, &manifest.path, Damage::Hash)),
    }
}

/// The manifest that lies beside an archive, when this installation signed it and it belongs there.
///
/// # Errors
/// [`BackupError::Damaged`]
pub async fn manifest(
    target: &Target,
    layout: Layout,
    path: &StorePath,
    verifier: Option<&Verifier>,
) -> Result<Manifest, BackupError> {
    let refused = |damage| damaged(target, path.as_ref(), damage);
    let text = place::text(target, &Layout::manifest(path)).await?;
    let text = text.ok_or_else(|| refused(Damage::Manifest))?;
    let manifest = match verifier {
        Some(verifier) => Manifest::open(&text, verifier),
        None => Manifest::unchecked(&text),
    };
    let manifest = manifest.map_err(|_| refused(Damage::Manifest))?;
    let belongs = realm(&manifest)
        .map(|realm| layout.archive(manifest.kind, realm, manifest.taken, manifest.id));
    match belongs {
        Some(belongs) if belongs == *path && manifest.path == path.as_ref() => Ok(manifest),
        _ => Err(refused(Damage::Place)),
    }
}

/// Every archive that lies in some target, as its manifest says, with the target's name. What has no
/// manifest, or one that is not believed, is left out. For when there is no catalogue.
pub async fn scan(
    targets: &Targets,
    layout: Layout,
    verifier: Option<&Verifier>,
) -> Result<Vec<(Manifest, String)>, BackupError> {
    Ok(scan_all(targets, layout, verifier).await?.0)
}

/// The same, and what was left out, in words.
pub async fn scan_all(
    targets: &Targets,
    layout: Layout,
    verifier: Option<&Verifier>,
) -> Result<(Vec<(Manifest, String)>, Vec<String>), BackupError> {
    let (mut found, mut left_out, mut failed) = (Vec::new(), Vec::new(), None);
    for target in &targets.0 {
        for folder in [Kind::Data, Kind::Blobs, Kind::Keys] {
            for path in archives(target, layout, folder).await?.whole {
                match manifest(target, layout, &path, verifier).await {
                    Ok(manifest) => found.push((manifest, target.name.clone())),
                    Err(error) => {
                        tracing::warn!(place = target.name, %path, %error, "left out");
                        left_out.push(format!("{path} was left out: {error}"));
                        if !matches!(error, BackupError::Damaged { .. }) {
                            failed = Some(error);
                        }
                    }
                }
            }
        }
    }
    // One object that cannot be read hides no other; where none can, the target is at fault.
    if let Some(error) = failed.filter(|_| found.is_empty()) {
        return Err(error);
    }
    found.sort_by_key(|(manifest, _)| std::cmp::Reverse((manifest.taken, manifest.id)));
    Ok((found, left_out))
}

/// Files of a folder.
pub(super) struct Folder {
    /// Archives with their manifests beside them.
    pub whole: Vec<StorePath>,
    /// What stands alone.
    pub alone: Vec<object_store::ObjectMeta>,
    /// When something was last written here, by the target's clock.
    pub newest: Option<Timestamp>,
}

pub(super) async fn archives(
    target: &Target,
    layout: Layout,
    folder: Kind,
) -> Result<Folder, BackupError> {
    let listed = target.store.list(Some(&layout.folder(folder)));
    let all: Vec<_> = listed.try_collect().await.map_err(|error| place::failed(target, error))?;
    let names: std::collections::HashSet<String> =
        all.iter().map(|meta| meta.location.to_string()).collect();
    let newest = newest(&all);
    let (mut whole, mut alone) = (Vec::new(), Vec::new());
    for meta in all {
        let name = meta.location.as_ref();
        match name.strip_suffix(".manifest") {
            Some(archive) if names.contains(archive) => whole.push(StorePath::from(archive)),
            None if names.contains(&format!("{name}.manifest")) => {}
            _ => alone.push(meta),
        }
    }
    Ok(Folder { whole, alone, newest })
}

pub(super) fn newest(all: &[object_store::ObjectMeta]) -> Option<Timestamp> {
    all.iter().map(|meta| Timestamp::from_micros(meta.last_modified.timestamp_micros())).max()
}

/// Whose archive a manifest describes.
pub fn realm(manifest: &Manifest) -> Option<Realm> {
    match manifest.owner.as_str() {
        "platform" => Some(Realm::Platform),
        owner => owner.parse::<TenantId>().ok().map(Realm::Tenant),
    }
}

/// An archive that is not what it should be.
pub fn not_it(target: &Target, manifest: &Manifest) -> BackupError {
    damaged(target, &manifest.path, Damage::Size)
}

pub fn damaged(target: &Target, path: &str, damage: Damage) -> BackupError {
    BackupError::Damaged { target: target.name.clone(), path: path.to_owned(), damage }
}
