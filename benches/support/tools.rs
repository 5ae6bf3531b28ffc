//! What an administrator would do with stock tools, for ceilings.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::installation::Failure;

pub fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

/// `first | second > out`, durable when it returns.
pub fn pipe(first: &mut Command, second: &mut Command, out: &Path) -> Result<(), Failure> {
    let file = std::fs::File::create(out)?;
    let mut first: Child = first.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let input = first.stdout.take().ok_or("no pipe")?;
    let status = second.stdin(input).stdout(file.try_clone()?).status();
    let ended = first.wait()?;
    file.sync_all()?;
    match status?.success() && ended.success() {
        true => Ok(()),
        false => Err("a tool failed".into()),
    }
}
