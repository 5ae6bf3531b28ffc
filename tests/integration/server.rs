//! The server process: started, waited for, killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");
const READY: &str = "Strongroom is ready at ";
/// Far more than a start takes, for machines that are busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that every test starts from: nothing on other ports, no rate limits.
const QUIET: &[(&str, &str)] = &[
    ("STRONGROOM_SERVER__HTTP_REDIRECT_LISTEN", "off"),
    ("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__SECOND_FACTOR_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__API_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__INGEST_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__CONSOLE_PER_MINUTE", "0"),
    ("STRONGROOM_LIMITS__TAILS_PER_MINUTE", "0"),
    ("STRONGROOM_LOG__LEVEL", "warn"),
];

pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// A command of the binary that sees nothing of the environment but what is given here.
pub fn command(data: &Path, settings: Settings<'_>) -> Command {
    with_environment(Command::new(BINARY), data, settings)
}

fn with_environment(mut command: Command, data: &Path, settings: Settings<'_>) -> Command {
    command.env_clear().envs(QUIET.iter().copied()).envs(settings.iter().copied());
    command.env("STRONGROOM_DATA_DIR", data);
    command
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub url: String,
    /// What it said on standard output before it was ready.
    pub greeting: Vec<String>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub fn start(data: &Path, settings: Settings<'_>) -> Self {
        Self::try_start(data, settings)
            .unwrap_or_else(|said| panic!("the server did not start: {said}"))
    }

    /// The same; what a server that ended instead wrote to standard error otherwise.
    pub fn try_start(data: &Path, settings: Settings<'_>) -> Result<Self, String> {
        Self::try_start_with(data, settings, &[])
    }

    /// The same with more flags.
    pub fn try_start_with(
        data: &Path,
        settings: Settings<'_>,
        flags: &[&str],
    ) -> Result<Self, String> {
        Self::spawn(command(data, settings), data, flags)
    }

    /// Starts it with a list of its network calls in a file. The server is the child, and strace
    /// ends with it.
    pub fn traced(data: &Path, settings: Settings<'_>, trace: &Path) -> Self {
        let mut command = Command::new("/usr/bin/strace");
        command.args(["-D", "-f", "-qq", "-s", "256", "-e", "trace=network", "-o"]).arg(trace);
        command.arg(BINARY);
        let command = with_environment(command, data, settings);
        Self::spawn(command, data, &[]).unwrap_or_else(|said| panic!("it did not start: {said}"))
    }

    fn spawn(mut command: Command, data: &Path, flags: &[&str]) -> Result<Self, String> {
        let errors = errors(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(flags);
        // Its own group, so that a Ctrl-C reaches the tests alone, which then kill it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let mut greeting = Vec::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => match line.strip_prefix(READY) {
                    Some(url) => {
                        let url = url.trim().trim_end_matches('/').to_owned();
                        return Ok(Self { child, url, greeting });
                    }
                    None => greeting.push(line),
                },
                Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(std::fs::read_to_string(errors).unwrap_or_default());
                }
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler, no flush, no farewell.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the server's standard error goes: beside its data.
pub fn errors(data: &Path) -> PathBuf {
    data.with_extension("stderr")
}

/// Goes on reading after the server is ready, so that it never waits for a full pipe.
fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}
