//! Programs that tests talk to.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// The first line that a program says, and what follows it; none when it does not say one for a
/// minute. (Node.js now and then waits for itself before it has run a line of a program.)
pub fn first_line(stdout: ChildStdout) -> Option<(String, BufReader<ChildStdout>)> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut line, mut stdout) = (String::new(), BufReader::new(stdout));
        if stdout.read_line(&mut line).is_ok() {
            let _ = sender.send((line, stdout));
        }
    });
    receiver.recv_timeout(PATIENCE).ok()
}
