//! `strongroom generate`, which packages are built with: what belongs beside the binary, made from
//! the tables that it works by.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::args::Arguments;
use crate::config::{DEFAULT_FILE, Settings};

/// Writes `strongroom.toml`, `man/` and `completions/` into a directory.
pub fn run(out: &Path) -> anyhow::Result<ExitCode> {
    write(&out.join("strongroom.toml"), Settings::example().as_bytes())?;
    let man = directory(out, "man")?;
    let command = Arguments::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &man).context("man pages cannot be written")?;
    write(&man.join("strongroom.toml.5"), settings_page().as_bytes())?;
    let completions = directory(out, "completions")?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut command = Arguments::command();
        clap_complete::generate_to(shell, &mut command, "strongroom", &completions)
            .context("completions cannot be written")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn directory(out: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = out.join(name);
    std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// strongroom.toml(5).
fn settings_page() -> String {
    let version = concat!("strongroom ", env!("CARGO_PKG_VERSION"));
    let mut page = Roff::new();
    page.control("TH", ["strongroom.toml", "5", "", version, ""]);
    page.control("SH", ["NAME"]);
    page.text([roman("strongroom.toml - settings of Strongroom")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        roman("TOML. The file is the one that "),
        bold("--config"),
        roman(" names, else the one in "),
        bold("STRONGROOM_CONFIG"),
        roman(format!(
            ", else {DEFAULT_FILE} if it exists. Every setting has an environment variable, which \
             comes before the file. Lists are written with commas there. What cannot be understood \
             is refused, with its place."
        )),
    ]);
    page.control("SH", ["SETTINGS"]);
    for setting in Settings::describe() {
        page.control("TP", []);
        page.text([bold(setting.key)]);
        page.text([roman(setting.doc.replace('`', ""))]);
        page.control("br", []);
        let default = match setting.default.as_str() {
            "" => "unset".to_owned(),
            default => default.to_owned(),
        };
        page.text([roman("Default: "), roman(default), roman(". "), italic(setting.env)]);
        if let Some(alias) = setting.alias {
            page.text([roman("or "), italic(alias)]);
        }
    }
    page.control("SH", ["ROOT KEY"]);
    page.text([roman(
        "One source at most: the systemd credential strongroom-root-key, which is used by itself; \
         root_key.file; root_key.key; root_key.passphrase_from. Make a key with: openssl rand -hex 32",
    )]);
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("strongroom"), roman("(1), "), bold("systemd-creds"), roman("(1)")]);
    page.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        found.push(name.to_owned());
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            if verb.get_name() != "help" {
                verbs(verb, &format!("{name}-{}", verb.get_name()), found);
            }
        }
    }

    #[test]
    fn every_verb_has_a_page_and_every_setting_is_on_one() {
        let directory = tempfile::tempdir().unwrap();
        run(directory.path()).unwrap();
        let mut found = Vec::new();
        verbs(&Arguments::command(), "strongroom", &mut found);
        assert!(found.len() > 50, "{found:?}");
        for name in found {
            let path = directory.path().join(format!("man/{name}.1"));
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(text.contains(".SH NAME"), "{name}");
        }
        assert!(!directory.path().join("man/strongroom-generate.1").exists());
        let settings = std::fs::read_to_string(directory.path().join("man/strongroom.toml.5"));
        let settings = settings.unwrap().replace('\\', "");
        for setting in Settings::describe() {
            assert!(settings.contains(setting.key) && settings.contains(&setting.env));
        }
        for (file, word) in
            [("strongroom.bash", "serve"), ("_strongroom", "serve"), ("strongroom.fish", "serve")]
        {
            let path = directory.path().join("completions").join(file);
            assert!(std::fs::read_to_string(path).unwrap().contains(word), "{file}");
        }
    }

    #[test]
    fn it_is_made_alike_each_time() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for directory in [&one, &other] {
            run(directory.path()).unwrap();
        }
        for file in ["strongroom.toml", "man/strongroom.1", "completions/strongroom.bash"] {
            let read = |directory: &tempfile::TempDir| std::fs::read(directory.path().join(file));
            assert_eq!(read(&one).unwrap(), read(&other).unwrap(), "{file}");
        }
    }
}
