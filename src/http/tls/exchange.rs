//! Puts a new certificate and its key into the place of the old ones. Two files cannot be renamed at
//! once; what a failure or a kill in between would lose lies beside until both are there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Source, TlsError, load};

/// The old key, under its name with this behind it.
const BEFORE: &str = ".before";

/// With something after the whole name: two files may differ in their extension alone.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Writes a file that is not there yet, durably. It gets its owner by what was opened, not by its
/// name: somebody else may write to the directory.
pub(super) fn write_new(
    path: &Path,
    content: &[u8],
    mode: u32,
    own: impl Fn(&File) -> io::Result<()>,
) -> Result<(), TlsError> {
    let write = || {
        remove_if_there(path)?;
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        own(&file)?;
        // The umask may have taken a right away.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| TlsError::Write { path: path.into(), source })
}

/// Renames certificate and key from `new` to `files`. When the certificate cannot be, the old key is
/// put back.
pub(super) fn put(new: &[PathBuf; 2], files: &[PathBuf; 2]) -> Result<(), TlsError> {
    let [certificate, key] = files;
    let before = beside(key, BEFORE);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Write { path, source }
    };
    let had_key = keep(key, &before).map_err(failed(&before))?;
    let exchanged = fs::rename(&new[1], key).map_err(failed(key)).and_then(|()| {
        let exchanged = fs::rename(&new[0], certificate).map_err(failed(certificate));
        if exchanged.is_err() {
            let back = if had_key { fs::rename(&before, key) } else { fs::remove_file(key) };
            back.map_err(failed(key))?;
        }
        exchanged
    });
    // Before the second name of the old key goes, what is in place is durable.
    let synced = files.iter().try_for_each(|path| sync_parent(path).map_err(failed(path)));
    let is_mixed = exchanged.is_err() && had_key && before.exists() && !is_same(&before, key);
    if synced.is_ok() && !is_mixed {
        remove_if_there(&before).and_then(|()| sync_parent(key)).map_err(failed(&before))?;
    }
    exchanged.and(synced)
}

/// Whether the key is still, or again, what it was.
fn is_same(before: &Path, key: &Path) -> bool {
    matches!((fs::read(before).map(Zeroizing::new), fs::read(key).map(Zeroizing::new)),
        (Ok(before), Ok(key)) if before == key)
}

/// Gives a key a second name; whether there was one.
fn keep(key: &Path, before: &Path) -> io::Result<bool> {
    remove_if_there(before)?;
    match fs::hard_link(key, before) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Not every file system has second names, and not everybody may give them.
        Err(_) => {
            let old = Zeroizing::new(fs::read(key)?);
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(before)?;
            file.write_all(&old)?;
            file.sync_all()?;
        }
    }
    sync_parent(key)?;
    Ok(true)
}

/// What an exchange that was killed between both files left: the old certificate is there with the
/// new key. The old key takes its place again.
pub(super) fn mend(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let before = beside(key, BEFORE);
    let fits = |key: &Path| load::pair(certificate, key, Source::Configured).is_ok();
    if before.exists() && !fits(key) && fits(&before) {
        fs::rename(&before, key)
            .and_then(|()| sync_parent(key))
            .map_err(|source| TlsError::Write { path: key.into(), source })?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
