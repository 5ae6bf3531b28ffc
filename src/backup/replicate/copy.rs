//! Copying an archive from one target to another.

use data_encoding::HEXLOWER;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayloadMut};
use sha2::{Digest, Sha256};

use super::super::{BackupError, Damage, Layout, Manifest, Target};

/// The most that S3 takes is 10,000 parts, all of one size but the last.
const PART: usize = 16 * 1024 * 1024;

/// Copies the ciphertext, then the manifest: what has a manifest is whole. The target has nothing
/// new when the source is not what the manifest says.
///
/// # Errors
/// [`BackupError::Damaged`] names the source, [`BackupError::Target`] the one that failed.
pub async fn copy(
    from: &Target,
    to: &Target,
    manifest: &Manifest,
    note: &str,
) -> Result<(), BackupError> {
    let path =
        Path::parse(&manifest.path).map_err(|_| damaged(from, manifest, Damage::Manifest))?;
    let mut upload = to.store.put_multipart(&path).await.map_err(|error| to.failed(error))?;
    if let Err(error) = pour(from, to, manifest, &path, upload.as_mut()).await {
        let _ = upload.abort().await;
        return Err(error);
    }
    upload.complete().await.map_err(|error| to.failed(error))?;
    let put = to.store.put(&Layout::manifest(&path), note.to_owned().into()).await;
    put.map_err(|error| to.failed(error))?;
    Ok(())
}

async fn pour(
    from: &Target,
    to: &Target,
    manifest: &Manifest,
    path: &Path,
    upload: &mut dyn MultipartUpload,
) -> Result<(), BackupError> {
    let source = from.store.get(path).await.map_err(|error| match error {
        object_store::Error::NotFound { .. } => damaged(from, manifest, Damage::Missing),
        error => from.failed(error).into(),
    })?;
    if source.meta.size != manifest.bytes {
        return Err(damaged(from, manifest, Damage::Size));
    }
    let (mut hash, mut pieces) = (Sha256::new(), source.into_stream());
    let (mut part, mut bytes) = (PutPayloadMut::new(), 0);
    while let Some(piece) = pieces.next().await {
        let mut piece = piece.map_err(|error| from.failed(error))?;
        bytes += piece.len() as u64;
        if bytes > manifest.bytes {
            return Err(damaged(from, manifest, Damage::Size));
        }
        hash.update(&piece);
        while !piece.is_empty() {
            let room = (PART - part.content_length()).min(piece.len());
            part.push(piece.split_to(room));
            if part.content_length() == PART {
                let full = std::mem::take(&mut part).freeze();
                upload.put_part(full).await.map_err(|error| to.failed(error))?;
            }
        }
    }
    // Before the last part: nothing that is wrong gets its name.
    if HEXLOWER.encode(&hash.finalize()) != manifest.sha256 {
        return Err(damaged(from, manifest, Damage::Hash));
    }
    if !part.is_empty() {
        upload.put_part(part.freeze()).await.map_err(|error| to.failed(error))?;
    }
    Ok(())
}

fn damaged(from: &Target, manifest: &Manifest, damage: Damage) -> BackupError {
    BackupError::Damaged { target: from.name.clone(), path: manifest.path.clone(), damage }
}
