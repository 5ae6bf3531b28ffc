//! On the witness's own machine: no data directory, no server, no network.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, ensure};
use serde_json::json;
use zeroize::Zeroizing;

use super::{read_text, replace};
use crate::audit::note::{Kind, Name, Signer};
use crate::audit::witness::{Memory, Request};
use crate::cli::audit::bundle::read_key;
use crate::cli::output::Report;
use crate::crypto::signing::SigningKey;
use crate::kernel::Runtime;

#[derive(clap::Args)]
pub struct Keygen {
    /// File for the private key; there must be none yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the key calls itself: no blanks, no plus; a domain name makes it unmistakable
    #[arg(long, default_value = "witness")]
    name: String,
}

pub fn keygen(arguments: Keygen) -> anyhow::Result<Report> {
    let Keygen { out, name } = arguments;
    let name: Name = name.parse()?;
    let key = SigningKey::generate(Runtime::system().random.as_ref())?;
    let signer = Signer::new(name, key);
    let text = Zeroizing::new(format!("{}\n", *signer.to_private_text(Kind::Cosignature)));
    let unwritable =
        || format!("{} cannot be written; an existing file is not replaced", out.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&out)
        .with_context(unwritable)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(unwritable)?;
    let public = signer.verifier(Kind::Cosignature).to_string();
    let json = json!({ "publicKey": public, "file": out });
    Ok(Report::done(json, public))
}

#[derive(clap::Args)]
pub struct Cosign {
    /// What the log's machine exported
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// The witness's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the witness has signed so far; made when it is missing, never to be lost or put back
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Where the signed checkpoint goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The log's public key, from a source that you trust; needed at the first time
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

pub fn cosign(arguments: Cosign) -> anyhow::Result<Report> {
    let Cosign { input, key, state, out, public_key } = arguments;
    let request: Request =
        read_text(&input)?.parse().map_err(|error| anyhow!("{}: {error}", input.display()))?;
    let private = Zeroizing::new(read_text(&key)?);
    let (signer, kind) =
        Signer::parse_private(&private).map_err(|error| anyhow!("{}: {error}", key.display()))?;
    ensure!(kind == Kind::Cosignature, "{} is not a witness's key", key.display());
    let public_key = public_key.as_deref().map(read_key).transpose()?;
    let mut memory = match state.exists() {
        true => read_text(&state)?.parse()?,
        false => Memory::default(),
    };
    let now = Runtime::system().now().as_micros() / 1_000_000;
    let now = u64::try_from(now).context("this machine's clock is before 1970")?;
    let (note, checkpoint) = memory.cosign(&request, public_key.as_ref(), &signer, now)?;
    // Remembered before it can be shown to anybody.
    replace(&state, &memory.to_json())?;
    replace(&out, &note.to_string())?;
    let json = json!({
        "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root, "file": out,
    });
    let text = format!(
        "Signed: {} with {} entries. Take {} back to the log's machine.",
        checkpoint.origin,
        checkpoint.size,
        out.display()
    );
    Ok(Report::done(json, text))
}
