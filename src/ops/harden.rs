//! What the process does for itself before it opens or makes anything.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
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
    allow_files();
}

/// A shell's usual limit of 1024 open files is for programs that use `select`; who runs a server from
/// one is allowed more. As many as that is, `strongroom doctor` looks at.
fn allow_files() {
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit { current: files.maximum, ..files };
    let _ = setrlimit(Resource::Nofile, all); // refused, it stays as it was
}
