//! `strongroom setup`: from nothing to a server that somebody can sign in to.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::app::Said;
use crate::client::Session;
use crate::server::Server;

const RECIPIENT: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

/// A machine after the package was installed: a data directory that is empty, a configuration in
/// which everything is commented out, a place for backups.
struct Machine {
    directory: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { directory: TempDir::new().unwrap() };
        for name in ["data", "backups"] {
            let path = machine.path(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        let out = machine.path("generated");
        let generated = machine.run(&["generate", "--out", out.to_str().unwrap()], "");
        assert_eq!(generated.code, 0, "{generated:?}");
        std::fs::copy(out.join("strongroom.toml"), machine.config()).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("strongroom.toml")
    }

    fn run(&self, args: &[&str], stdin: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.env_clear().args(args).arg("--config").arg(self.config());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same at a terminal, which both says and hears.
    fn at_terminal(&self, verb: &str, typed: &str) -> String {
        let binary = env!("CARGO_BIN_EXE_strongroom");
        let line = format!("{binary} {verb} --config {}", self.config().display());
        let mut command = Command::new("timeout");
        let terminal = ["120", "script", "-qec", &line, "/dev/null"];
        command.env_clear().env("PATH", "/usr/bin:/bin").args(terminal);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // The end of the input is the end of the terminal: what it says is read to its own end.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn answers(&self) -> String {
        format!(
            "data_dir = \"{data}\"\n[root_key]\nsource = \"file\"\nfile = \"{key}\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\n[administrator]\nemail = \"ada@example.org\"\n\
             name = \"Ada\"\n[backup]\nrecipients = [\"{RECIPIENT}\"]\n\
             targets = [\"file://{backups}\"]\n",
            data = self.path("data").display(),
            key = self.path("root.key").display(),
            backups = self.path("backups").display(),
        )
    }

    fn set_up(&self, answers: &str, more: &[&str]) -> Said {
        let file = self.path("answers.toml");
        std::fs::write(&file, answers).unwrap();
        self.run(&[&["setup", "--answers", file.to_str().unwrap()], more].concat(), "")
    }

    /// The server on what was set up, without the redirect that others may have the port of.
    fn start(&self) -> Server {
        let config = self.config();
        Server::start(&self.path("data"), &[("STRONGROOM_CONFIG", config.to_str().unwrap())])
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Whoever has the link chooses a password.
async fn follows(machine: &Machine, url: &str) {
    let server = machine.start();
    let browser = Session::new(&server.url, &machine.path("data"));
    let path = &url[url.find("/platform/password").expect("a link to a password")..];
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("password_again"), "{}", page.body);
}

#[tokio::test]
async fn five_answers_from_a_file_make_an_installation_and_a_link_that_works() {
    let machine = Machine::new();
    let said = machine.set_up(&machine.answers(), &["--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let made: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(mode(&machine.config()), 0o640);
    assert_eq!(mode(&machine.path("root.key")), 0o600);
    let key = std::fs::read_to_string(machine.path("root.key")).unwrap();
    assert!(!said.out.contains(key.trim()) && !said.err.contains(key.trim()));
    assert!(!machine.path("data/root.key").exists(), "the key lies beside the data");
    let text = std::fs::read_to_string(machine.config()).unwrap();
    assert!(text.contains("\nlisten = \"127.0.0.1:0\"\n"), "{text}");
    assert!(text.contains("\n# tls_minimum = \"1.3\"\n"), "what was not asked is documented");
    let checked = machine.run(&["config", "check"], "");
    assert_eq!(checked.code, 0, "{checked:?}");
    follows(&machine, made["setupUrl"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_person_is_asked_and_asked_again_where_an_answer_will_not_do() {
    let machine = Machine::new();
    let (data, key) = (machine.path("data"), machine.path("root.key"));
    let inside = data.join("root.key");
    let backups = format!("file://{}", machine.path("backups").display());
    let lines = [
        "relative",
        data.to_str().unwrap(),
        "paper",
        "file",
        inside.to_str().unwrap(),
        "file",
        key.to_str().unwrap(),
        "127.0.0.1:0",
        "https://vault.example.org/path",
        "",
        "127.0.0.1:0",
        "",
        "",
        "ada",
        "",
        "ada@example.org",
        "Ada",
        RECIPIENT,
        "file:///nowhere/at/all",
        RECIPIENT,
        &backups,
    ];
    let said = machine.run(&["setup"], &(lines.join("\n") + "\n"));
    assert_eq!(said.code, 0, "{said:?}");
    for problem in [
        "relative is no absolute path",
        "\"paper\" is none of the three",
        "lies in",
        "https://HOST",
        "\"ada\" is no e-mail address",
        "/nowhere/at/all is no directory",
    ] {
        assert!(said.err.contains(problem), "{problem}: {said:?}");
    }
    // What goes to a pipe or a file stays there.
    let made = std::fs::read_to_string(&key).unwrap();
    assert!(!said.err.contains(made.trim()) && !said.out.contains(made.trim()), "{said:?}");
    let url = said.out.split_whitespace().find(|word| word.contains("token=")).unwrap();
    follows(&machine, url).await;
}

#[test]
fn a_person_at_a_terminal_is_shown_the_new_root_key_once() {
    let machine = Machine::new();
    let key = machine.path("root.key");
    let (data, file) = (machine.path("data"), key.to_str().unwrap());
    let data = data.to_str().unwrap();
    let typed = [data, "file", file, "127.0.0.1:0", "", "", "ada@example.org", "Ada", "", ""];
    let typed = typed.join("\n");
    let said = machine.at_terminal("setup", &typed);
    let made = std::fs::read_to_string(&key).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(said.contains("Write it down now"), "{said}");
    assert_eq!(said.matches(made.trim()).count(), 1, "{said}");
}

#[test]
fn a_second_try_does_not_write_over_the_configuration_that_the_first_one_kept() {
    let machine = Machine::new();
    let own = "[server]\nlisten = \"127.0.0.1:9\"\n";
    std::fs::write(machine.config(), own).unwrap();
    let other = machine.path("other");
    std::fs::write(&other, "of somebody else").unwrap();
    let kept = |name: &str| machine.path(&format!("strongroom.toml{name}"));
    std::os::unix::fs::symlink(&other, kept(".before")).unwrap();
    let said = machine.set_up(&machine.answers(), &["--replace"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "of somebody else");
    assert_eq!(std::fs::read_to_string(kept(".before-2")).unwrap(), own);
    // As after a try that got as far as this.
    std::fs::remove_dir_all(machine.path("data")).unwrap();
    let said = machine.set_up(&machine.answers(), &["--replace"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(std::fs::read_to_string(kept(".before-2")).unwrap(), own);
    assert!(kept(".before-3").exists());
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_nothing_is_changed() {
    let machine = Machine::new();
    let before = std::fs::read_to_string(machine.config()).unwrap();
    let wrong = machine
        .answers()
        .replace("127.0.0.1:0", "here")
        .replace("ada@example.org", "ada")
        .replace("file://", "ftp://");
    let said = machine.set_up(&wrong, &[]);
    assert_eq!(said.code, 1, "{said:?}");
    for problem in ["server.listen", "no e-mail address", "ftp:// is no target"] {
        assert!(said.err.contains(problem), "{problem}: {said:?}");
    }
    std::fs::set_permissions(machine.path("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = machine.set_up(&machine.answers(), &[]);
    assert!(said.code == 1 && said.err.contains("chmod 700"), "{said:?}");
    let misspelt = machine.answers().replace("recipients", "recipient");
    assert!(machine.set_up(&misspelt, &[]).err.contains("recipient"));
    assert_eq!(std::fs::read_to_string(machine.config()).unwrap(), before);
    assert!(!machine.path("root.key").exists());
    assert_eq!(std::fs::read_dir(machine.path("data")).unwrap().count(), 0);
}

#[test]
fn a_configuration_that_somebody_wrote_is_replaced_only_when_they_say_so_and_kept() {
    let machine = Machine::new();
    let own = "[server]\nlisten = \"127.0.0.1:9\"\n";
    std::fs::write(machine.config(), own).unwrap();
    let said = machine.set_up(&machine.answers(), &[]);
    assert!(said.code == 1 && said.err.contains("left as it was"), "{said:?}");
    assert_eq!(std::fs::read_to_string(machine.config()).unwrap(), own);
    assert!(!machine.path("root.key").exists());
    let said = machine.set_up(&machine.answers(), &["--replace"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(std::fs::read_to_string(machine.path("strongroom.toml.before")).unwrap(), own);
    // A second time there is an installation, which nobody sets up over.
    let said = machine.set_up(&machine.answers(), &["--replace"]);
    assert!(said.code == 1 && said.err.contains("set up already"), "{said:?}");
}
