//! Notices that the files of the certificate were replaced.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::acme;
use super::shown::paths;
use crate::config::Settings;

/// What changes when a file is written or replaced; none when it is not there.
type Stamp = [Option<(u64, u64, u64, i64, i64)>; 2];

/// The files, as they were when somebody last looked.
pub struct Watch {
    files: [PathBuf; 2],
    known: Stamp,
    /// Seen once. Both files have to lie still before they are read: tools write one after the
    /// other, and a pair that does not fit is no news.
    moving: Option<Stamp>,
}

impl Watch {
    pub fn new(settings: &Settings) -> Self {
        // One that an authority is to give may not be there yet.
        let files = match acme::expected(settings) {
            Some(path) => [path.clone(), path],
            None => paths(settings),
        };
        let known = stamp(&files);
        Self { files, known, moving: None }
    }

    /// Whether there is something new, which is said once. Asked every few seconds.
    pub fn has_changed(&mut self) -> bool {
        let now = stamp(&self.files);
        let lies_still = self.moving.replace(now) == Some(now);
        let is_news = lies_still && now != self.known;
        if is_news {
            self.known = now;
        }
        is_news
    }
}

fn stamp(files: &[PathBuf; 2]) -> Stamp {
    [&files[0], &files[1]].map(|path| {
        let about = std::fs::metadata(path).ok()?;
        // Whoever sets the time of a file back does not set that of its inode.
        let changed = about.ctime() * 1_000_000_000 + about.ctime_nsec();
        let written = about.mtime() * 1_000_000_000 + about.mtime_nsec();
        Some((about.dev(), about.ino(), about.len(), written, changed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_news_once_and_only_when_they_lie_still() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c"), dir.path().join("k"));
        std::fs::write(&certificate, "1").unwrap();
        let mut settings = Settings::default();
        settings.server.tls_certificate = Some(certificate.clone());
        settings.server.tls_key = Some(key.clone());
        let mut watch = Watch::new(&settings);
        assert!(!watch.has_changed() && !watch.has_changed());
        std::fs::write(&certificate, "22").unwrap();
        assert!(!watch.has_changed(), "it may still be written");
        std::fs::write(&key, "2").unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
        assert!(!watch.has_changed() && !watch.has_changed());
        // The usual way to replace a file: another under its name.
        std::fs::write(dir.path().join("new"), "33").unwrap();
        std::fs::rename(dir.path().join("new"), &certificate).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
    }
}
