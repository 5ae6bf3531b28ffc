//! Making a release's file.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::manifest::check_name;
use super::{MEMBER_BYTES, Manifest, Member, NOTE, ReleaseError};
use crate::audit::note::{Note, Signer};

/// Writes a release with these files. The same files, key and build give the same bytes.
///
/// # Errors
/// [`ReleaseError::Name`]; [`ReleaseError::Io`].
pub fn pack(
    mut manifest: Manifest,
    files: &[PathBuf],
    signer: &Signer,
    out: impl Write,
) -> Result<Manifest, ReleaseError> {
    manifest.members = files.iter().map(member).collect::<Result<_, _>>()?;
    let text = manifest.to_string();
    // What nobody could read is not signed.
    let manifest: Manifest = text.parse()?;
    let mut note = Note::new(text)?;
    note.sign(signer);
    let note = note.to_string();
    let mut tar = tar::Builder::new(out);
    tar.append(&header(NOTE, note.len() as u64)?, note.as_bytes())?;
    for (path, member) in files.iter().zip(&manifest.members) {
        tar.append(&header(&member.name, member.bytes)?, File::open(path)?.take(member.bytes))?;
    }
    tar.into_inner()?.flush()?;
    Ok(manifest)
}

fn member(path: &PathBuf) -> Result<Member, ReleaseError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name)?;
    let mut hash = Sha256::new();
    let bytes =
        std::io::copy(&mut File::open(path)?.take(MEMBER_BYTES + 1), &mut HashWriter(&mut hash))?;
    if bytes > MEMBER_BYTES {
        return Err(ReleaseError::Malformed("a file of it is too large"));
    }
    Ok(Member { name, bytes, sha256: hash.finalize().into() })
}

pub(super) struct HashWriter<'a>(pub &'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Without anybody's name and time.
pub(super) fn header(name: &str, bytes: u64) -> Result<tar::Header, ReleaseError> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}
