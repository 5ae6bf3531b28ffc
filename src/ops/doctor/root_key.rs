//! The root key: where it comes from, and who else could have it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::check::{Check, Finding, Room};
use super::facts::Facts;
use crate::config::RootKeyConfig;
use crate::tenants::EMBEDDED_ROOT_KEY;

/// Everything is encrypted under keys that this one opens. A file of its own, a systemd credential
/// or a passphrase keeps it apart from the data; an environment can be read by every process of the
/// same user, and ends up in crash reports and process lists.
pub const SOURCE: Check = Check {
    name: "root-key-source",
    room: Room::Keys,
    title: "Where the root key comes from",
    expected: "a systemd credential, a passphrase, or a file outside of the data directory",
    mend: "hand the key over as the systemd credential strongroom-root-key, or set root_key.file or \
           root_key.passphrase_from; docs/configuration.md has all sources",
    run: source,
    fix: None,
};

/// A key that is missing, that others may read, or that was typed rather than drawn at random keeps
/// the next start from working, or opens everything to others.
pub const READABLE: Check = Check {
    name: "root-key-readable",
    room: Room::Keys,
    title: "The root key's file",
    expected: "there, readable by its owner alone, 32 random bytes",
    mend: "bring the file back from where you keep its copy, and run chmod 400 on it",
    run: readable,
    fix: None,
};

/// A key that lies with the data protects from nobody who takes the disk, the machine or a copy of
/// the directory.
pub const BESIDE: Check = Check {
    name: "root-key-beside-data",
    room: Room::Keys,
    title: "The root key beside the data",
    expected: "no key in the data directory",
    mend: "stop the server, move root.key to a place outside of the data directory, and say where \
           with root_key.file or STRONGROOM_MASTER_KEY_FILE; keep a copy of it off this machine. Or \
           replace it by one that never lay there: strongroom root-key add, docs/operations.md",
    run: beside,
    fix: None,
};

/// On the same disk the key is in every image and snapshot of it.
pub const SAME_DISK: Check = Check {
    name: "root-key-same-disk",
    room: Room::Keys,
    title: "The root key's disk",
    expected: "a file system other than the data's",
    mend: "keep the key on another file system, on a removable medium, or as a systemd credential \
           that is sealed to this machine (systemd-creds encrypt)",
    run: same_disk,
    fix: None,
};

fn file(facts: &Facts) -> Option<PathBuf> {
    match facts.settings.root_key.source() {
        RootKeyConfig::File(path) | RootKeyConfig::Credential(path) => Some(path),
        RootKeyConfig::Passphrase(from) => from.file().map(Path::to_owned),
        RootKeyConfig::None | RootKeyConfig::Inline(_) => None,
    }
}

fn source(facts: &Facts) -> Finding {
    match facts.settings.root_key.source() {
        RootKeyConfig::Credential(_) => Finding::ok("a systemd credential"),
        RootKeyConfig::Passphrase(_) => Finding::ok("a passphrase"),
        RootKeyConfig::File(path) => Finding::ok(format!("the file {}", path.display())),
        RootKeyConfig::Inline(_) => Finding::warn("an environment variable or the configuration"),
        RootKeyConfig::None => Finding::warn("no source is set: a key was made at the first start"),
    }
}

fn readable(facts: &Facts) -> Finding {
    let source = facts.settings.root_key.source();
    if let RootKeyConfig::Passphrase(_) = source {
        return Finding::none("a passphrase is asked for at the start");
    }
    match source.load() {
        Ok(Some(_)) => Finding::ok("it is there and looks random"),
        Ok(None) => Finding::none("no source is set"),
        Err(error) => Finding::fail(error.to_string()),
    }
}

fn beside(facts: &Facts) -> Finding {
    let directory = &facts.settings.store.data_dir;
    let embedded = directory.join(EMBEDDED_ROOT_KEY);
    if embedded.exists() {
        return Finding::fail(format!("{} lies beside what it opens", embedded.display()));
    }
    match facts.settings.root_key.source().refuse_beside(directory) {
        Ok(()) => Finding::ok("none there"),
        Err(error) => Finding::fail(error.to_string()),
    }
}

fn same_disk(facts: &Facts) -> Finding {
    let Some(file) = file(facts) else { return Finding::none("the key is in no file") };
    let device = |path: &Path| std::fs::metadata(path).ok().map(|about| about.dev());
    match (device(&file), device(&facts.settings.store.data_dir)) {
        (Some(key), Some(data)) if key == data => {
            Finding::warn(format!("{} is on the file system of the data", file.display()))
        }
        (Some(_), Some(_)) => Finding::ok("another file system"),
        _ => Finding::none("one of both cannot be seen"),
    }
}
