//! The limits of the process, and where its memory can end up.

use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

use super::check::{Check, Finding, Room};
use super::facts::Facts;

/// Connections and database files each need one. Where they run out, requests fail for reasons that
/// nobody sees.
pub const OPEN_FILES: Check = Check {
    name: "open-files",
    room: Room::Machine,
    title: "Limit of open files",
    expected: "enough for limits.connections and 20 files for each of store.open_tenants",
    mend: "set LimitNOFILE= in the unit (the package does), or ulimit -n where no systemd is; or \
           lower limits.connections and store.open_tenants",
    run: open_files,
    fix: None,
};

/// A core dump holds every key that was in memory.
pub const CORE_DUMPS: Check = Check {
    name: "core-dumps",
    room: Room::Machine,
    title: "Core dumps",
    expected: "none of this process, and no debugger of the same user",
    mend: "the process turns them off by itself: look at its first lines in the operating log for why \
           it could not",
    run: core_dumps,
    fix: None,
};

/// Memory that is swapped out lies on the disk, keys included, and stays there after the machine was
/// turned off.
pub const SWAP: Check = Check {
    name: "swap",
    room: Room::Machine,
    title: "Swap",
    expected: "none, compressed memory (zram), an encrypted device, or MemorySwapMax=0 in the unit",
    mend: "turn swap off, encrypt it with a key that is drawn at every start (crypttab, swap option), \
           or set MemorySwapMax=0 for the service",
    run: swap,
    fix: None,
};

/// When memory runs out the kernel ends a process, most likely this one.
pub const MEMORY: Check = Check {
    name: "memory",
    room: Room::Machine,
    title: "Free memory",
    expected: "at least 512 MiB available",
    mend: "give the machine more memory, or lower store.cache_mib and store.open_tenants",
    run: memory,
    fix: None,
};

/// Files that an open tenant has open at most: readers, writer, keys and index.
const FILES_PER_TENANT: u64 = 20;
const LEAST_KIB: u64 = 512 * 1024;

fn open_files(facts: &Facts) -> Finding {
    let settings = &facts.settings;
    let tenants = u64::from(settings.store.open_tenants) * FILES_PER_TENANT;
    let needed = u64::from(settings.limits.connections) + tenants;
    match getrlimit(Resource::Nofile).current {
        None => Finding::ok("no limit"),
        Some(limit) if limit >= needed => Finding::ok(format!("{limit}, {needed} needed at most")),
        Some(limit) => Finding::warn(format!("{limit}, {needed} needed at most")),
    }
}

fn core_dumps(_: &Facts) -> Finding {
    let is_closed = matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    match (getrlimit(Resource::Core).current, is_closed) {
        (Some(0), true) => Finding::ok("off"),
        (_, true) => Finding::warn("this process makes none, though the limit allows them"),
        (_, false) => Finding::fail("this process can be dumped"),
    }
}

fn swap(_: &Facts) -> Finding {
    if is_kept_from_swapping() {
        return Finding::ok("MemorySwapMax=0 keeps this process out of it");
    }
    let Ok(table) = std::fs::read_to_string("/proc/swaps") else {
        // As in the packaged service: the kernel says how much there is, not where.
        return match rustix::system::sysinfo().totalswap {
            0 => Finding::ok("none"),
            _ => Finding::none("there is some; what kind, strongroom doctor sees as root"),
        };
    };
    let uuid = |device: &str| std::fs::read_to_string(format!("/sys/block/{device}/dm/uuid"));
    let is_encrypted = |device: &str| uuid(device).is_ok_and(|uuid| uuid.starts_with("CRYPT-"));
    swapping(&table, is_encrypted)
}

/// What `/proc/swaps` means: a head, then a line for each device or file.
fn swapping(table: &str, is_encrypted: impl Fn(&str) -> bool) -> Finding {
    let places: Vec<_> =
        table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let is_safe = |place: &&str| {
        let device = place.rsplit('/').next().unwrap_or_default();
        device.starts_with("zram") || is_encrypted(device)
    };
    match places.iter().find(|place| !is_safe(place)) {
        Some(place) => Finding::warn(format!("{place} is not encrypted as far as can be seen")),
        None if places.is_empty() => Finding::ok("none"),
        None => Finding::ok("in memory or encrypted"),
    }
}

fn is_kept_from_swapping() -> bool {
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(group) = group.trim().strip_prefix("0::/") else { return false };
    let most = std::fs::read_to_string(format!("/sys/fs/cgroup/{group}/memory.swap.max"));
    most.is_ok_and(|most| most.trim() == "0")
}

fn memory(_: &Facts) -> Finding {
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    if let Some(free) = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()) {
        let said = format!("{} MiB available", free / 1024);
        return if free < LEAST_KIB { Finding::warn(said) } else { Finding::ok(said) };
    }
    // As in the packaged service: without what caches of files would give back.
    let machine = rustix::system::sysinfo();
    let free = machine.freeram.saturating_add(machine.bufferram);
    match free.saturating_mul(u64::from(machine.mem_unit)) / 1024 {
        free if free < LEAST_KIB => {
            Finding::none("how much could be had, strongroom doctor sees as root")
        }
        free => Finding::ok(format!("{} MiB free", free / 1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    const HEAD: &str = "Filename Type Size Used Priority\n";

    #[test]
    fn swap_in_the_clear_is_a_warning_and_none_zram_or_an_encrypted_device_are_fine() {
        let found = |lines: &str| swapping(&format!("{HEAD}{lines}"), |name| name == "dm-1").state;
        assert_eq!(found(""), State::Ok);
        assert_eq!(found("/dev/zram0 partition 1 0 100\n"), State::Ok);
        assert_eq!(found("/dev/dm-1 partition 1 0 -2\n"), State::Ok);
        assert_eq!(found("/dev/dm-1 partition 1 0 -2\n/swapfile file 1 0 -3\n"), State::Warn);
        assert_eq!(found("/dev/dm-2 partition 1 0 -2\n"), State::Warn);
    }
}
