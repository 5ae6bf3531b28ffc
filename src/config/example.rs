//! The configuration file that packages install: every setting, commented out, as it is without one.

use std::fmt::Write as _;

use super::table::{SECTIONS, Settings};

const WIDTH: usize = 96;
const HEAD: &str = "\
# Strongroom's settings. Each line that is commented out says what is the case without it, or names
# a setting that has no value unless it is given one. strongroom.toml(5) has them all, with the
# environment variables that come before this file. `systemctl restart strongroom` after a change.
#
# This file may be read by the service (root:strongroom 0640). Make it 0600 and strongroom's own
# before a secret stands in it; better, keep secrets in files of their own.
";

impl Settings {
    /// A configuration file that changes nothing, with all settings to choose from.
    pub fn example() -> String {
        Self::file_with(&[])
    }

    /// The same, in which some settings have a value: keys, and values in TOML's spelling.
    pub fn file_with(chosen: &[(&str, String)]) -> String {
        let mut text = HEAD.to_owned();
        for (section, about) in SECTIONS {
            let _ = write!(text, "\n{}[{section}]\n", wrapped(about.trim()));
            let prefix = format!("{section}.");
            for setting in Self::describe() {
                let Some(name) = setting.key.strip_prefix(&prefix) else { continue };
                let value = if setting.default.is_empty() { "…" } else { &setting.default };
                let line = match chosen.iter().find(|(key, _)| *key == setting.key) {
                    Some((_, value)) => format!("{name} = {value}"),
                    None => format!("# {name} = {value}"),
                };
                let _ = write!(text, "\n{}{line}\n", wrapped(setting.doc));
            }
        }
        text
    }
}

/// As comments of a readable width.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.chars().count() >= WIDTH {
            lines.push(format!("# {word}"));
        } else {
            lines[last].push(' ');
            lines[last].push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn loaded(text: &str) -> Result<Settings, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strongroom.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(Sources { file: Some(path), ..Sources::default() })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_of_the_package_is_read_and_changes_nothing() {
        let text = Settings::example();
        // The one thing that a default has not is the file itself.
        let settings = Settings { file: None, ..loaded(&text).unwrap() };
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
        assert!(text.lines().all(|line| line.chars().count() <= 200), "{text}");
    }

    #[test]
    fn a_line_whose_comment_sign_is_taken_away_says_what_was_so_without_it() {
        for line in Settings::example().lines() {
            let Some((name, value)) =
                line.strip_prefix("# ").and_then(|line| line.split_once(" = "))
            else {
                continue;
            };
            if value == "…" || name.contains(' ') {
                continue;
            }
            let text = Settings::example()
                .replace(&format!("\n{line}\n"), &format!("\n{name} = {value}\n"));
            loaded(&text).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
