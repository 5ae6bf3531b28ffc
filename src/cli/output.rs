//! What is printed: for people, or one JSON object.

use std::io::{ErrorKind, Write};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The outcome of a command, as it crosses the admin socket.
#[derive(Serialize, Deserialize)]
pub struct Report {
    pub json: Value,
    /// The same for people.
    pub text: String,
    /// False when the command ran and found something wrong.
    pub ok: bool,
}

impl Report {
    pub fn done(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), ok: true }
    }

    pub fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json { say(&self.json.to_string()) } else { say(&printable(self.text.trim_end())) }
    }
}

/// Writes a line to standard output. A reader that has seen enough (`grep -q`, `head`) is no
/// failure; a full disk is one.
pub fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output cannot be written"),
    }
}

/// Says on standard error what went wrong; with `--json` as an object, standard output stays empty.
pub fn failure(error: &anyhow::Error, as_json: bool) {
    if as_json {
        eprintln!("{}", json!({ "error": causes(error) }));
    } else {
        eprintln!("strongroom: {}", printable(&causes(error)));
    }
}

/// An error and its causes on one line. Some errors have their cause in their own text: it is not
/// said twice.
pub fn causes(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.ends_with(&cause) {
            let colon = if told.is_empty() { "" } else { ": " };
            told = format!("{told}{colon}{cause}");
        }
    }
    told
}

/// Names come from whoever may give them: what steers a terminal, or turns text around so that it
/// reads as something else, is shown as what it is.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Columns, as wide as their widest cell; a cell keeps to its line.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let one_line = |cell: &String| printable(cell).replace('\n', "\\n");
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(one_line).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(head.to_vec());
    for row in &rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("in the search {0}")]
    struct Outer(#[from] std::num::ParseIntError);

    #[test]
    fn a_cause_that_an_error_names_itself_is_not_said_twice() {
        let inner = || "x".parse::<u8>().unwrap_err();
        let error = anyhow::Error::from(Outer(inner())).context("no export");
        assert_eq!(causes(&error), format!("no export: in the search {}", inner()));
    }

    #[test]
    fn a_name_can_neither_steer_the_terminal_nor_add_a_line() {
        let name = "Acme\u{1b}[2J\nglobex  active\u{202e}".to_owned();
        let text = table(&["NAME"], &[vec![name]]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.chars().any(|c| c == '\u{1b}' || c == '\u{202e}'), "{text}");
        assert_eq!(printable("Zoë\nLefèvre"), "Zoë\nLefèvre");
    }
}
