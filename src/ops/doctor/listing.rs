//! The files of the data directory, as they are seen from outside.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::kernel::Timestamp;

/// Files that are looked at; more than ten thousand tenants have.
const MOST: usize = 400_000;

#[derive(Clone, Debug)]
pub struct Seen {
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    pub owner: u32,
    pub bytes: u64,
    pub changed: Timestamp,
    pub is_directory: bool,
}

impl Seen {
    /// Nothing for a link, which is not followed, or a file that is gone.
    pub fn of(path: &Path) -> Option<Self> {
        let about = std::fs::symlink_metadata(path).ok()?;
        if about.is_symlink() {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            mode: about.mode() & 0o7777,
            owner: about.uid(),
            bytes: about.len(),
            changed: Timestamp::from_micros(about.mtime().saturating_mul(1_000_000)),
            is_directory: about.is_dir(),
        })
    }

    pub fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }

    pub fn name_ends(&self, end: &str) -> bool {
        self.path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(end))
    }
}

/// All of them, directories first seen.
#[derive(Default)]
pub struct Listing {
    /// The data directory itself.
    pub root: Option<Seen>,
    pub files: Vec<Seen>,
    /// Directories that could not be read.
    pub closed: Vec<String>,
}

impl Listing {
    pub fn of(directory: &Path) -> Self {
        let mut listing = Self { root: Seen::of(directory), ..Self::default() };
        let mut waiting = vec![directory.to_owned()];
        while let Some(path) = waiting.pop() {
            let Ok(entries) = std::fs::read_dir(&path) else {
                // One that went away meanwhile is none that cannot be read.
                if path.exists() {
                    listing.closed.push(path.display().to_string());
                }
                continue;
            };
            for seen in entries.flatten().filter_map(|entry| Seen::of(&entry.path())) {
                if listing.files.len() >= MOST {
                    return listing;
                }
                if seen.is_directory {
                    waiting.push(seen.path.clone());
                }
                listing.files.push(seen);
            }
        }
        listing
    }
}
