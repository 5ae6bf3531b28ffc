//! What the process does for itself before it opens or makes anything.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask,
};

/// From here on files are made for their owner alone, whoever makes them: the database engine too.
/// Keys in memory get neither into a core dump nor to another process of the same user (a debugger,
/// `/proc/<pid>/mem`, `/proc/<pid>/environ`).
pub fn process() {
    umask(Mode::RWXG | Mode::RWXO);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    if let Err(error) = limited.and(set_dumpable_behavior(DumpableBehavior::NotDumpable)) {
        eprintln!("strongroom: keys could end up in a core dump: {error}");
    }
}
