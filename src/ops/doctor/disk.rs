//! Room on the disk, and what kind it is.

use super::check::{Check, Finding, Room};
use super::facts::{Facts, some};

/// A full disk stops every write, the audit log's included, and with it every request that has to be
/// recorded.
pub const SPACE: Check = Check {
    name: "disk-space",
    room: Room::Machine,
    title: "Free space for the data",
    expected: "at least a tenth of the file system, and 2 GiB, free",
    mend: "enlarge the file system or move what else lies on it; exports, unconfirmed restores and \
           changes/ that no target takes are what grows here",
    run: space,
    fix: None,
};

/// Without inodes no file can be made, however much space there is.
pub const INODES: Check = Check {
    name: "disk-inodes",
    room: Room::Machine,
    title: "Free inodes for the data",
    expected: "at least a tenth free",
    mend: "find what makes so many files on the file system (du --inodes), or make one with more",
    run: inodes,
    fix: None,
};

/// Locks and the order of writes, on which databases rely at a power loss, are not to be relied on
/// over a network or through user space; what lies in memory is gone at the next start.
pub const FILE_SYSTEM: Check = Check {
    name: "file-system",
    room: Room::Machine,
    title: "Kind of file system",
    expected: "a local one: ext4, XFS, Btrfs or ZFS",
    mend: "move the data directory to a local disk while the server is stopped; a container needs a \
           volume for it",
    run: file_system,
    fix: None,
};

/// A log that is not taken into its database slows reading down and fills the disk: something keeps
/// a reading open, or archiving does not go on.
pub const WAL: Check = Check {
    name: "write-ahead-logs",
    room: Room::Machine,
    title: "Size of the write-ahead logs",
    expected: "none over 512 MiB",
    mend: "look in the operating log for archiving that fails and for long exports; a restart takes \
           the log in",
    run: wal,
    fix: None,
};

const GIBIBYTE: u64 = 1 << 30;
const WAL_BYTES: u64 = 512 << 20;

/// Free and all, by tenths of a percent.
fn share(free: u64, all: u64) -> u64 {
    free.saturating_mul(1_000).checked_div(all).unwrap_or(1_000)
}

fn space(facts: &Facts) -> Finding {
    let Ok(about) = rustix::fs::statvfs(&facts.settings.store.data_dir) else {
        return Finding::none("the file system does not tell");
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    room(free, share(about.f_bavail, about.f_blocks))
}

fn room(free: u64, share: u64) -> Finding {
    let tenths = free.saturating_mul(10) / GIBIBYTE;
    let said = format!("{}.{} GiB free, {}%", tenths / 10, tenths % 10, share / 10);
    match () {
        () if free < GIBIBYTE / 2 || share < 20 => Finding::fail(said),
        () if free < 2 * GIBIBYTE || share < 100 => Finding::warn(said),
        () => Finding::ok(said),
    }
}

fn inodes(facts: &Facts) -> Finding {
    let Ok(about) = rustix::fs::statvfs(&facts.settings.store.data_dir) else {
        return Finding::none("the file system does not tell");
    };
    if about.f_files == 0 {
        return Finding::none("this file system makes them as it needs them");
    }
    let share = share(about.f_favail, about.f_files);
    let said = format!("{} free, {}%", about.f_favail, share / 10);
    match share {
        0..20 => Finding::fail(said),
        20..100 => Finding::warn(said),
        _ => Finding::ok(said),
    }
}

/// By its number in `statfs(2)`.
fn file_system(facts: &Facts) -> Finding {
    let Ok(about) = rustix::fs::statfs(&facts.settings.store.data_dir) else {
        return Finding::none("the file system does not tell");
    };
    match about.f_type {
        0x6969 => Finding::warn("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Finding::warn("SMB"),
        0x0102_1997 => Finding::warn("9p"),
        0x6573_5546 => Finding::warn("FUSE"),
        0x00c3_6400 => Finding::warn("Ceph"),
        0x0102_1994 => Finding::fail("tmpfs: everything is gone at the next start of the machine"),
        0x794c_7630 => Finding::warn("overlay: it may go with its container"),
        0xef53 => Finding::ok("ext4"),
        0x5846_5342 => Finding::ok("XFS"),
        0x9123_683e => Finding::ok("Btrfs"),
        0x2fc1_2fc1 => Finding::ok("ZFS"),
        other => Finding::ok(format!("a local one (0x{other:x})")),
    }
}

fn wal(facts: &Facts) -> Finding {
    let large = |bytes: u64| bytes > WAL_BYTES;
    let logs = || facts.files.files.iter().filter(|seen| seen.name_ends("-wal"));
    let names: Vec<_> = logs()
        .filter(|seen| large(seen.bytes))
        .map(|seen| format!("{} ({} MiB)", seen.path.display(), seen.bytes >> 20))
        .collect();
    if names.is_empty() {
        let largest = logs().map(|seen| seen.bytes).max().unwrap_or_default();
        return Finding::ok(format!("the largest has {} MiB", largest >> 20));
    }
    Finding::warn(some(&names))
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn little_room_is_a_warning_and_next_to_none_a_failure() {
        assert_eq!(room(100 * GIBIBYTE, 500).state, State::Ok);
        assert_eq!(room(100 * GIBIBYTE, 60).state, State::Warn);
        assert_eq!(room(GIBIBYTE, 500).state, State::Warn);
        assert_eq!(room(GIBIBYTE / 4, 500).state, State::Fail);
        assert_eq!(room(100 * GIBIBYTE, 10).state, State::Fail);
        assert_eq!(room(3 * GIBIBYTE / 2, 500).found, "1.5 GiB free, 50%");
    }
}
