//! `strongroom certificate`: checks a certificate of destruction without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::args::Context;
use super::audit::read_key;
use super::output::Report;
use super::socket;
use crate::audit::note::Note;

/// How the first line of every certificate begins.
const TITLE: &str = "\nstrongroom ";

#[derive(clap::Args)]
pub struct Arguments {
    /// The certificate, as it was printed or downloaded
    file: PathBuf,
    /// The installation's public key, as `audit public-key` prints it
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("{} is not read", path.display()))?;
    let key = read_key(&arguments.public_key)?;
    // What an editor or a mail adds at the end is no part of it.
    let text = format!("{}\n", text.trim_end_matches(['\n', '\r', ' ']));
    let check = |text: &str| Note::parse(text).and_then(|note| note.verify(&key).map(|_| note));
    // What a command printed before it is no part of it either.
    let within = text.match_indices(TITLE).map(|(at, _)| &text[at + 1..]);
    let checked =
        check(&text).or_else(|error| within.map(check).find(Result::is_ok).unwrap_or(Err(error)));
    let report = match checked {
        Ok(note) => Report::done(
            json!({ "ok": true, "signedBy": key.name().to_string(), "text": note.text() }),
            format!("Signed by {}, and unchanged since:\n\n{}", key.name(), note.text()),
        ),
        Err(error) => Report {
            json: json!({ "ok": false, "error": error.to_string() }),
            text: format!("{}: {error}", path.display()),
            ok: false,
        },
    };
    socket::finish(context, report)
}
