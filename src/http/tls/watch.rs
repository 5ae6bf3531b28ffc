//! Notices that the files of the certificate were replaced.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::acme;
use super::shown::paths;
use crate::config::Settings;
use crate::kernel::{Timestamp, limits};

/// What changes when a file is written or replaced; none when it is not there.
type Stamp = [Option<(u64, u64, u64, i64, i64)>; 2];

/// The files, as they were when somebody last looked.
pub struct Watch {
    files: [PathBuf; 2],
    known: Stamp,
    /// Seen once. Both files have to lie still before they are read: tools write one after the
    /// other, and a pair that does not fit is no news.
    moving: Option<Stamp>,
    /// When what was new was refused.
    refused: Option<Timestamp>,
}

impl Watch {
    /// Made before the files are read: what is written meanwhile is news.
    pub fn new(settings: &Settings) -> Self {
        // One that an authority is to give may not be there yet.
        let files = match acme::expected(settings) {
            Some(path) => [path.clone(), path],
            None => paths(settings),
        };
        let known = stamp(&files);
        Self { files, known, moving: None, refused: None }
    }

    /// Whether there is something new, which is said once, and after a while again when it was
    /// refused. Asked every few seconds.
    pub fn has_changed(&mut self, now: Timestamp) -> bool {
        let found = stamp(&self.files);
        let lies_still = self.moving.replace(found) == Some(found);
        let is_due = |at: Timestamp| is_over(at, now);
        let is_news = lies_still && (found != self.known || self.refused.is_some_and(is_due));
        if is_news {
            (self.known, self.refused) = (found, None);
        }
        is_news
    }

    /// What was new was not taken over, for a reason that may pass: a disk that was full, a log that
    /// took no entry.
    pub fn refused(&mut self, now: Timestamp) {
        self.refused = Some(now);
    }
}

/// Whether something that failed is to be tried again; a clock that was set back does not delay it.
pub fn is_over(failed: Timestamp, now: Timestamp) -> bool {
    now < failed || now.since(failed) >= limits::CERTIFICATE_RETRY
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

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    #[test]
    fn new_files_are_news_once_and_only_when_they_lie_still() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c"), dir.path().join("k"));
        std::fs::write(&certificate, "1").unwrap();
        let mut settings = Settings::default();
        settings.server.tls_certificate = Some(certificate.clone());
        settings.server.tls_key = Some(key.clone());
        let mut watch = Watch::new(&settings);
        assert!(!watch.has_changed(NOW) && !watch.has_changed(NOW));
        std::fs::write(&certificate, "22").unwrap();
        assert!(!watch.has_changed(NOW), "it may still be written");
        std::fs::write(&key, "2").unwrap();
        assert!(!watch.has_changed(NOW));
        assert!(watch.has_changed(NOW));
        assert!(!watch.has_changed(NOW) && !watch.has_changed(NOW));
        // The usual way to replace a file: another under its name.
        std::fs::write(dir.path().join("new"), "33").unwrap();
        std::fs::rename(dir.path().join("new"), &certificate).unwrap();
        assert!(!watch.has_changed(NOW));
        assert!(watch.has_changed(NOW));
    }

    #[test]
    fn what_was_refused_is_news_again_after_a_while_and_after_a_clock_that_was_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let certificate = dir.path().join("c");
        let mut settings = Settings::default();
        settings.server.tls_certificate = Some(certificate.clone());
        settings.server.tls_key = Some(dir.path().join("k"));
        let mut watch = Watch::new(&settings);
        std::fs::write(&certificate, "1").unwrap();
        assert!(!watch.has_changed(NOW) && watch.has_changed(NOW));
        let later = NOW.plus(limits::CERTIFICATE_RETRY);
        for (failed, again) in [(NOW, later), (later, NOW)] {
            watch.refused(failed);
            assert!(!watch.has_changed(failed));
            assert!(watch.has_changed(again), "tried once more");
            assert!(!watch.has_changed(again), "and then no more, when it was taken");
        }
    }
}
