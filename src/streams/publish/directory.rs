//! Checkpoints as files that are written once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::place::Checkpoint;
use crate::store::files::sync_directory;

/// Writes `<log id>/<size>.note`. A file that is there already is left as it is: it must say the
/// same, or its beginning when the machine stopped in the middle of it.
///
/// # Errors
/// What is wrong, with the path.
pub fn write(directory: &Path, checkpoint: &Checkpoint) -> Result<(), String> {
    let below = directory.join(checkpoint.log.to_string());
    let path = below.join(format!("{:020}.note", checkpoint.size));
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    if !below.exists() {
        DirBuilder::new().mode(0o755).create(&below).map_err(named)?;
        sync_directory(directory).map_err(named)?;
    }
    let note = checkpoint.note.as_bytes();
    let new = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path);
    match new {
        Ok(file) => put(file, note).map_err(named)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let there = std::fs::read(&path).map_err(named)?;
            if there == note {
                return Ok(());
            }
            let rest = note.strip_prefix(there.as_slice()).ok_or_else(|| {
                format!(
                    "{}: another checkpoint of this size is there; find out why",
                    path.display()
                )
            })?;
            let file = OpenOptions::new().append(true).open(&path).map_err(named)?;
            put(file, rest).map_err(named)?;
        }
        Err(error) => return Err(named(error)),
    }
    sync_directory(&below).map_err(named)
}

fn put(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::LogId;

    fn checkpoint(note: &str) -> Checkpoint {
        let log = LogId::from_bytes([1; 16]);
        let (origin, root) = ("o".to_owned(), "r".to_owned());
        Checkpoint { log, origin, size: 42, root, note: note.to_owned() }
    }

    #[test]
    fn a_checkpoint_is_written_once_finished_if_cut_off_and_never_replaced() {
        let directory = tempfile::TempDir::new().unwrap();
        let whole = checkpoint("o\n42\nr\n\n- signature\n");
        write(directory.path(), &whole).unwrap();
        write(directory.path(), &whole).unwrap();
        let path = directory.path().join(whole.log.to_string()).join("00000000000000000042.note");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole.note);
        std::fs::write(&path, "o\n42").unwrap();
        write(directory.path(), &whole).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole.note);
        let other = write(directory.path(), &checkpoint("o\n42\nother\n")).unwrap_err();
        assert!(other.contains("another checkpoint"), "{other}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole.note);
    }
}
