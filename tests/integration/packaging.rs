//! What packages install: the unit and what it allows, scripts, man pages, the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::app::cli;
use crate::server;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");
const UNIT: &str = include_str!("../../packaging/systemd/strongroom.service");
/// For one datagram, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn packaging(name: &str) -> PathBuf {
    Path::new(ROOT).join("packaging").join(name)
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_service_is_exposed_to_no_more_than_one_and_a_half_of_ten() {
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--no-pager", "--offline=true", "--threshold=15"]);
    let (good, said) = output(command.arg(packaging("systemd/strongroom.service")));
    assert!(good, "{said}");
}

#[test]
fn the_unit_gives_the_root_key_to_the_service_alone() {
    assert!(UNIT.contains("\nLoadCredentialEncrypted=strongroom-root-key\n"));
    for open in ["Environment=", "EnvironmentFile=", "MASTER_KEY"] {
        assert!(!UNIT.contains(open), "{open}");
    }
}

#[test]
fn scripts_that_root_runs_are_without_a_fault_that_a_checker_knows() {
    let scripts =
        ["deb/config", "deb/postinst", "deb/prerm", "deb/postrm", "package", "package-tools"]
            .iter()
            .chain(&["needs-only-glibc", "build-packages", "test-packages"]);
    for name in scripts {
        let (good, said) = output(Command::new("sh").arg("-n").arg(packaging(name)));
        assert!(good, "{name}: {said}");
        let mut check = Command::new("shellcheck");
        // SC1007 is about `name= other=`, which is meant so.
        let (good, said) =
            output(check.args(["--severity=warning", "--exclude=SC1007"]).arg(packaging(name)));
        assert!(good, "{said}");
    }
    for name in ["rpm/pre", "rpm/post", "rpm/preun", "rpm/postun"] {
        let mut check = Command::new("shellcheck");
        let (good, said) =
            output(check.args(["--shell=sh", "--severity=warning"]).arg(packaging(name)));
        assert!(good, "{said}");
    }
}

#[test]
fn removal_keeps_the_data_and_purge_deletes_it_only_when_told() {
    let postrm = std::fs::read_to_string(packaging("deb/postrm")).unwrap();
    let deletes: Vec<_> = postrm.lines().filter(|line| line.contains("rm -r")).collect();
    assert_eq!(deletes.len(), 1, "{deletes:?}");
    let before = &postrm[..postrm.find("rm -r").unwrap()];
    assert!(before.contains("[ \"$1\" = purge ]") && before.contains("[ \"$answer\" = true ]"));
    for name in ["deb/prerm", "deb/postinst", "rpm/preun", "rpm/postun"] {
        let text = std::fs::read_to_string(packaging(name)).unwrap();
        assert!(!text.contains("rm -r") && !text.contains("userdel"), "{name}");
    }
}

#[test]
fn the_generated_configuration_starts_a_server_and_stays_out_of_the_help() {
    let directory = TempDir::new().unwrap();
    let (data, out) = (directory.path().join("data"), directory.path().join("made"));
    let said = cli(&data, &[], &["generate", "--out", out.to_str().unwrap()], "");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(out.join("man/strongroom-tenant-create.1").exists());
    let config = out.join("strongroom.toml").display().to_string();
    server::Server::start(&data, &[("STRONGROOM_CONFIG", &config)]).stop();
    let help = cli(&data, &[], &["--help"], "");
    assert!(help.out.contains("serve") && !help.out.contains("generate"), "{}", help.out);
}

/// A server in the way that `wrap` starts it, with what systemd would give it.
struct Served {
    child: Child,
    notices: UnixDatagram,
    directory: TempDir,
}

impl Served {
    fn start(wrap: impl FnOnce(&Path) -> Command) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("notify");
        let notices = UnixDatagram::bind(&socket).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut command = wrap(directory.path());
        command.args([BINARY, "serve", "--listen", "127.0.0.1:0"]);
        let plain = server::command(&data, &[]);
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "600000");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, notices, directory }
    }

    /// What systemd hears next.
    fn notice(&mut self) -> String {
        let mut text = [0; 4096];
        match self.notices.recv(&mut text) {
            Ok(length) => String::from_utf8_lossy(&text[..length]).into_owned(),
            Err(error) => {
                let _ = self.child.kill();
                let mut said = String::new();
                if let Some(errors) = self.child.stderr.take() {
                    for line in BufReader::new(errors).lines().map_while(Result::ok) {
                        said += &line;
                        said += "\n";
                    }
                }
                panic!("systemd heard nothing ({error}); the server said: {said}")
            }
        }
    }

    /// Waits for a notice that says this; what came before it.
    fn hears(&mut self, word: &str) -> Vec<String> {
        let mut before = Vec::new();
        for _ in 0..1000 {
            let notice = self.notice();
            if notice.lines().any(|line| line == word) {
                return before;
            }
            before.push(notice);
        }
        panic!("{word} did not come: {before:?}")
    }

    fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// To the server itself, which is a child of what wraps it.
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = std::fs::read_to_string(self.directory.path().join("data/strongroom.lock"));
        let words = pid.unwrap_or_default();
        let inner = words.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse().ok());
        let pid = inner.unwrap_or_else(|| self.child.id() as i32);
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn end(&mut self) {
        for _ in 0..600 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("it did not end")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn systemd_is_told_when_the_server_is_ready_alive_and_stopping() {
    let mut served = Served::start(|_| Command::new("env"));
    assert!(served.hears("READY=1").iter().all(|notice| notice.starts_with("WATCHDOG=1")));
    for _ in 0..3 {
        served.hears("WATCHDOG=1");
    }
    assert!(UNIT.contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
    served.signal(rustix::process::Signal::HUP);
    served.hears("RELOADING=1");
    served.hears("READY=1");
    served.terminate();
    served.hears("STOPPING=1");
    served.end();
}

/// Read-only but for its own directory, private /tmp and /home, no capability, no way to gain one.
/// Not tried: users of its own, the filter of system calls (the next test reads it off), devices.
fn sandboxed(directory: &Path) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    command.args(["--tmpfs", "/tmp", "--tmpfs", "/home", "--unshare-ipc", "--unshare-uts"]);
    command.args(["--ro-bind", BINARY, BINARY, "--bind"]).arg(directory).arg(directory);
    command.args(["--cap-drop", "ALL", "--die-with-parent", "--"]);
    command
}

#[test]
fn it_serves_where_nothing_but_its_data_can_be_written_and_nothing_be_gained() {
    let directory = TempDir::new().unwrap();
    let (can, said) = output(sandboxed(directory.path()).args(["sh", "-c", "! touch /etc/x"]));
    if !can {
        println!("no sandbox can be made here: {said}");
        return;
    }
    let mut served = Served::start(sandboxed);
    served.hears("READY=1");
    served.hears("WATCHDOG=1");
    served.terminate();
    served.hears("STOPPING=1");
    served.end();
    assert!(served.directory.path().join("data/platform.db").exists());
}

/// The sets of system calls, as systemd names them.
fn sets() -> BTreeMap<String, Vec<String>> {
    let (good, text) =
        output(Command::new("systemd-analyze").args(["--no-pager", "syscall-filter"]));
    assert!(good, "{text}");
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let word = line.trim();
        if line.starts_with('@') {
            word.clone_into(&mut current);
        } else if line.starts_with(' ') && !word.starts_with('#') && !word.is_empty() {
            sets.entry(current.clone()).or_default().push(word.to_owned());
        }
    }
    sets
}

fn expand(name: &str, sets: &BTreeMap<String, Vec<String>>, into: &mut BTreeSet<String>) {
    match sets.get(name) {
        Some(names) => names.iter().for_each(|name| expand(name, sets, into)),
        None => {
            into.insert(name.to_owned());
        }
    }
}

/// What `SystemCallFilter=` of the unit leaves.
fn allowed() -> BTreeSet<String> {
    let sets = sets();
    let mut allowed = BTreeSet::new();
    for line in UNIT.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let mut named = BTreeSet::new();
        let names = line.trim_start_matches('~');
        names.split_whitespace().for_each(|name| expand(name, &sets, &mut named));
        match line.starts_with('~') {
            true => allowed.retain(|call| !named.contains(call)),
            false => allowed.extend(named),
        }
    }
    allowed
}

#[test]
fn it_makes_no_system_call_that_the_unit_forbids_and_no_memory_to_execute() {
    let (can, said) = output(Command::new("strace").args(["-f", "-qq", "true"]));
    if !can {
        println!("nothing can be traced here: {said}");
        return;
    }
    let mut trace = PathBuf::new();
    let mut served = Served::start(|directory| {
        trace = directory.join("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&trace);
        command
    });
    served.hears("READY=1");
    served.hears("WATCHDOG=1");
    let data = served.directory.path().join("data");
    let made = ["tenant", "create", "acme", "--name", "Acme", "--owner", "a@example.org"];
    let said = cli(&data, &[], &made, "");
    assert_eq!(said.code, 0, "{said:?}");
    served.terminate();
    served.hears("STOPPING=1");
    served.end();
    let mut allowed = allowed();
    // SQLite gives its files to the owner of the database, when it runs as root only.
    if rustix::process::geteuid().is_root() {
        allowed.insert("fchown".to_owned());
    }
    let text = std::fs::read_to_string(&trace).unwrap();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let call = line.split_whitespace().nth(1).and_then(|rest| rest.split_once('('));
        let Some((name, _)) = call else { continue };
        if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            seen.insert(name.to_owned());
        }
        // MemoryDenyWriteExecute=: what is executed comes from files, read-only.
        let executes =
            line.contains("PROT_EXEC") && (name == "mprotect" || line.contains("PROT_WRITE"));
        assert!(!executes, "{line}");
    }
    assert!(seen.len() > 40 && seen.contains("fdatasync"), "{seen:?}");
    let forbidden: Vec<_> = seen.difference(&allowed).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

#[test]
fn the_binary_needs_the_c_library_and_nothing_else() {
    let (good, said) = output(Command::new(packaging("needs-only-glibc")).arg(BINARY));
    assert!(good, "{said}");
}

#[test]
fn what_is_installed_first_is_checked_with_what_every_machine_has() {
    let directory = tempfile::TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let upgrade = |args: &[&str]| {
        let nowhere = std::path::Path::new("/nonexistent/strongroom");
        let said = crate::app::cli(nowhere, &[], &[&["upgrade"], args].concat(), "");
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    upgrade(&["keygen", "--out", &at("key")]);
    std::fs::write(at("SHA256SUMS"), "6e34  strongroom.deb\n").unwrap();
    let signers = upgrade(&["sign", "--key", &at("key"), &at("SHA256SUMS")]);
    std::fs::write(at("signers"), signers).unwrap();
    let is_good = || {
        let mut check = std::process::Command::new("ssh-keygen");
        check.args(["-Y", "verify", "-I", "strongroom-release", "-n", "file", "-f"]);
        check.arg(at("signers")).arg("-s").arg(at("SHA256SUMS.sig"));
        check.stdin(std::fs::File::open(at("SHA256SUMS")).unwrap());
        let said = check.output().expect("ssh-keygen: see packaging/test-tools");
        said.status.success()
    };
    assert!(is_good());
    std::fs::write(at("SHA256SUMS"), "6e35  strongroom.deb\n").unwrap();
    assert!(!is_good(), "a changed list was believed");
}
