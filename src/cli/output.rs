//! What is printed: for people, or one JSON object.

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

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json);
        } else {
            println!("{}", self.text.trim_end());
        }
    }
}

/// Says on standard error what went wrong; with `--json` as an object, standard output stays empty.
pub fn failure(error: &anyhow::Error, as_json: bool) {
    if as_json {
        eprintln!("{}", json!({ "error": format!("{error:#}") }));
    } else {
        eprintln!("strongroom: {error:#}");
    }
}

/// Columns, as wide as their widest cell.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
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
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}
