//! The doctor: is this installation as it should be, and what to do where it is not.
//!
//! [`Facts`] are gathered once; every [`Check`] looks at them and at this machine, changes nothing,
//! and says what it found. Nothing is asked over the network unless somebody wants it.
//! `docs/doctor.md` has a section for each check, under its name.

mod backups;
mod certificate;
mod check;
mod clock;
mod disk;
mod examine;
mod facts;
mod files;
mod jobs;
mod listing;
mod logs;
mod network;
mod outgoing;
mod people;
mod process;
mod root_key;
mod server;
mod tenants;
#[cfg(test)]
mod tests;

pub use check::{Check, Finding, Outcome, Room, State, worst};
pub use examine::{Patient, Wanted, examine, look_from_outside};
pub use network::reach;

/// Every check, in the order in which they are shown.
pub const CHECKS: &[Check] = &[
    root_key::SOURCE,
    root_key::READABLE,
    root_key::BESIDE,
    root_key::SAME_DISK,
    files::DIRECTORY,
    files::MODES,
    files::OWNER,
    files::CONFIGURATION,
    files::LEFTOVERS,
    files::RESTORE,
    files::TENANTS,
    disk::SPACE,
    disk::INODES,
    disk::FILE_SYSTEM,
    disk::WAL,
    process::OPEN_FILES,
    process::CORE_DUMPS,
    process::SWAP,
    process::MEMORY,
    clock::FILES,
    clock::CAREFUL,
    clock::SYNCHRONISED,
    certificate::READABLE,
    certificate::EXPIRY,
    certificate::NAMES,
    certificate::ACME,
    server::TLS,
    server::PROXIES,
    server::CONTACT,
    server::ADDRESS,
    server::READ_ONLY,
    people::SET_UP,
    people::ADMINISTRATORS,
    people::FACTORS,
    logs::VERIFIED,
    logs::CHECKPOINTS,
    logs::PUBLISHED,
    backups::CONFIGURED,
    backups::LAST,
    backups::TARGETS,
    backups::RESTORE_TEST,
    backups::IDENTITY,
    backups::ARCHIVE,
    backups::LEDGER,
    backups::ELSEWHERE,
    backups::OVERDUE,
    jobs::FAILED,
    jobs::OVERDUE,
    jobs::OFF,
    jobs::SCHEMA,
    tenants::FROZEN,
    tenants::CLOSING,
    outgoing::MAIL,
    outgoing::PROVIDERS,
    outgoing::STREAMS,
    network::MAIL,
    network::TARGETS,
];

/// The check of this name.
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}
