//! The files of the data directory and the configuration: whose they are, and what does not belong.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, some};
use super::listing::Seen;
use crate::authz::TenantState;
use crate::closing::ClosingState;

/// Whoever can enter the directory can copy what is in it, and try keys on the copy.
pub const DIRECTORY: Check = Check {
    name: "data-directory",
    room: Room::Files,
    title: "The data directory's permissions",
    expected: "mode 0700: nobody but the service's user gets in",
    mend: "run chmod 700 on the data directory, or strongroom doctor --fix data-directory",
    run: directory,
    fix: Some(fix_directory),
};

/// The directory keeps everybody out; files that are open to others are one mistake away from being
/// read, and a sign that something else wrote there.
pub const MODES: Check = Check {
    name: "data-files",
    room: Room::Files,
    title: "Permissions of the data files",
    expected: "no file that its group or others may read or write",
    mend: "run strongroom doctor --fix data-files, and find out what wrote or restored them",
    run: modes,
    fix: Some(fix_modes),
};

/// A file of another user cannot be written to by the service, and can be by that user.
pub const OWNER: Check = Check {
    name: "data-owner",
    room: Room::Files,
    title: "Owner of the data files",
    expected: "all of them belong to the owner of the data directory",
    mend: "stop the server and run chown -R with the service's user on the data directory; run \
           strongroom as that user, not as root",
    run: owner,
    fix: None,
};

/// What is in the configuration file decides where backups, mails and logs go. Secrets in it are
/// refused at the start when others can read them; somebody who can write it owns the installation.
pub const CONFIGURATION: Check = Check {
    name: "configuration-file",
    room: Room::Files,
    title: "The configuration file's permissions",
    expected: "writable by its owner alone, not readable by everybody",
    mend: "run chmod 640 on it, with root as its owner and the service's group",
    run: configuration,
    fix: None,
};

/// Files are replaced in one step by others that are written beside them; what is left of one was
/// written by a process that was killed meanwhile. It is of no use and may hold an old secret.
pub const LEFTOVERS: Check = Check {
    name: "leftovers",
    room: Room::Files,
    title: "Files that a killed process left",
    expected: "none that is older than an hour",
    mend: "run strongroom doctor --fix leftovers, which deletes them",
    run: leftovers,
    fix: Some(fix_leftovers),
};

/// A restore that was neither confirmed nor undone keeps the state before it: twice the disk, and
/// data that somebody may believe deleted.
pub const RESTORE: Check = Check {
    name: "unconfirmed-restores",
    room: Room::Files,
    title: "Restores that wait to be confirmed",
    expected: "none, and none that broke off",
    mend: "confirm or undo each restore in the console under Backups or with strongroom restore; \
           docs/restore.md says how",
    run: restore,
    fix: None,
};

/// A directory without a tenant may be what is left of a closed one, or data that lost its registry.
pub const TENANTS: Check = Check {
    name: "tenant-directories",
    room: Room::Files,
    title: "Directories without a tenant, tenants without a directory",
    expected: "a directory for every tenant, and no other",
    mend: "a missing directory: restore the tenant from a backup (docs/restore.md). One too many: \
           look in the platform's log for the closing of its tenant before you move it away; never \
           delete it while the server runs",
    run: tenants,
    fix: None,
};

const OPEN: u32 = 0o077;
const HOUR: Duration = Duration::from_secs(3_600);

fn shown(files: &[&Seen]) -> String {
    some(&files.iter().map(|seen| seen.path.display().to_string()).collect::<Vec<_>>())
}

fn directory(facts: &Facts) -> Finding {
    let path = facts.settings.store.data_dir.display();
    match &facts.files.root {
        None => Finding::fail(format!("{path} is not there or cannot be seen")),
        Some(root) if root.mode & OPEN != 0 => {
            Finding::fail(format!("{path} has mode {:04o}", root.mode))
        }
        Some(_) if !facts.files.closed.is_empty() => {
            Finding::warn(format!("cannot be read: {}", some(&facts.files.closed)))
        }
        Some(root) => Finding::ok(format!("{path} has mode {:04o}", root.mode)),
    }
}

fn fix_directory(facts: &Facts) -> Result<String, String> {
    let path = &facts.settings.store.data_dir;
    close(path, 0o700)?;
    Ok(format!("{} has mode 0700", path.display()))
}

fn close(path: &std::path::Path, mode: u32) -> Result<(), String> {
    let done = std::fs::set_permissions(path, Permissions::from_mode(mode));
    done.map_err(|error| format!("{}: {error}", path.display()))
}

/// A certificate is public.
fn open_files(facts: &Facts) -> Vec<&Seen> {
    let is_public = |seen: &Seen| seen.path.ends_with("tls/cert.pem") && seen.mode & 0o022 == 0;
    let files = facts.files.files.iter();
    files.filter(|seen| seen.mode & OPEN != 0 && !is_public(seen)).collect()
}

fn modes(facts: &Facts) -> Finding {
    let open = open_files(facts);
    if open.is_empty() {
        return Finding::ok(format!("{} files, all closed", facts.files.files.len()));
    }
    Finding::fail(format!("open to others: {}", shown(&open)))
}

fn fix_modes(facts: &Facts) -> Result<String, String> {
    let open = open_files(facts);
    for seen in &open {
        close(&seen.path, if seen.is_directory { 0o700 } else { seen.mode & 0o700 })?;
    }
    Ok(format!("{} closed to others", open.len()))
}

fn owner(facts: &Facts) -> Finding {
    let Some(root) = &facts.files.root else { return Finding::none("no data directory") };
    let files = facts.files.files.iter();
    let others: Vec<_> = files.filter(|seen| seen.owner != root.owner).collect();
    if others.is_empty() {
        return Finding::ok(format!("all of user {}", root.owner));
    }
    Finding::fail(format!("not of user {}: {}", root.owner, shown(&others)))
}

fn configuration(facts: &Facts) -> Finding {
    let Some(path) = &facts.settings.file else { return Finding::none("no file is used") };
    let Some(seen) = std::fs::canonicalize(path).ok().and_then(|path| Seen::of(&path)) else {
        return Finding::none(format!("{} cannot be seen", path.display()));
    };
    let said = format!("{} has mode {:04o}", path.display(), seen.mode);
    match seen.mode {
        mode if mode & 0o022 != 0 => Finding::fail(said),
        mode if mode & 0o004 != 0 => Finding::warn(said),
        _ => Finding::ok(said),
    }
}

fn left(facts: &Facts) -> Vec<&Seen> {
    let is_left = |seen: &&Seen| {
        !seen.is_directory && seen.has_extension("new") && facts.age(seen.changed) > HOUR
    };
    facts.files.files.iter().filter(is_left).collect()
}

fn leftovers(facts: &Facts) -> Finding {
    let left = left(facts);
    if left.is_empty() { Finding::ok("none") } else { Finding::warn(shown(&left)) }
}

fn fix_leftovers(facts: &Facts) -> Result<String, String> {
    let left = left(facts);
    for seen in &left {
        let gone = std::fs::remove_file(&seen.path);
        gone.map_err(|error| format!("{}: {error}", seen.path.display()))?;
    }
    Ok(format!("{} deleted", left.len()))
}

fn restore(facts: &Facts) -> Finding {
    let directory = &facts.settings.store.data_dir;
    let inside = |name: &str| {
        let parent = directory.join(name);
        facts.files.files.iter().filter(|seen| seen.path.parent() == Some(&parent)).count()
    };
    if directory.join("restore-unfinished").exists() {
        return Finding::fail("the restore of the whole installation is not finished");
    }
    match (inside("restored"), inside("restoring")) {
        (0, 0) => Finding::ok("none"),
        (0, under_way) => Finding::warn(format!("{under_way} under way")),
        (waiting, _) => Finding::warn(format!("{waiting} neither confirmed nor undone")),
    }
}

fn tenants(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let parent = facts.settings.store.data_dir.join("tenants");
        let files = facts.files.files.iter();
        let there: Vec<_> = files
            .filter(|seen| seen.is_directory && seen.path.parent() == Some(&parent))
            .filter_map(|seen| Some(seen.path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        let has_directory = |id: &str| there.iter().any(|name| name == id);
        let missing: Vec<_> = records
            .tenants
            .iter()
            .filter(|tenant| tenant.state != TenantState::Closed)
            .filter(|tenant| !has_directory(&tenant.id.to_string()))
            .map(|tenant| tenant.slug.to_string())
            .collect();
        if !missing.is_empty() {
            return Finding::fail(format!("no directory: {}", some(&missing)));
        }
        let is_known = |name: &String| {
            let known = records.tenants.iter().any(|tenant| tenant.id.to_string() == **name);
            // What is being destroyed has left the registry.
            let going = records.closings.iter().any(|closing| {
                closing.state == ClosingState::Destroying && closing.tenant.to_string() == **name
            });
            known || going
        };
        let orphans: Vec<_> = there.into_iter().filter(|name| !is_known(name)).collect();
        if orphans.is_empty() {
            return Finding::ok(format!("{} tenants, each with its own", records.tenants.len()));
        }
        Finding::warn(format!("no tenant: {}", some(&orphans)))
    })
}
