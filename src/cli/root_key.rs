//! `strongroom root-key …`: replacing the key that everything is sealed under.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use data_encoding::HEXLOWER;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::command::{Operator, Password};
use super::output::{Report, table};
use crate::config::{PassphraseFrom, RootKeyConfig};
use crate::crypto::Key32;
use crate::crypto::passphrase::Derivation;
use crate::crypto::root::LocalRoot;
use crate::kernel::Runtime;
use crate::tenants::{RootKeyInfo, new_passphrase};

#[derive(Subcommand)]
pub enum Verb {
    /// Say which root keys open this installation, by their fingerprints
    List,
    /// Let another root key open this installation too; nothing else changes
    ///
    /// Then say in the configuration where it comes from, restart, and retire the former one.
    #[command(group = clap::ArgGroup::new("new").required(true))]
    Add {
        /// A file with 32 random bytes, in hex, base64 or raw: `openssl rand -hex 32` makes one
        #[arg(long, value_name = "FILE", group = "new")]
        file: Option<PathBuf>,
        /// Where a new passphrase comes from: terminal, fd:NUMBER or the path of a file
        #[arg(long, value_name = "WHERE", group = "new")]
        passphrase_from: Option<PassphraseFrom>,
    },
    /// Leave the root key that the server was started with as the only one
    Retire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    List,
    Add {
        /// In hexadecimal.
        key: Password,
        passphrase: Option<Derivation>,
    },
    Retire,
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let command = match verb {
        Verb::List => Command::List,
        Verb::Retire => Command::Retire,
        Verb::Add { file, passphrase_from } => add(file, passphrase_from)?,
    };
    Ok(super::Command::RootKey(command))
}

fn add(file: Option<PathBuf>, from: Option<PassphraseFrom>) -> anyhow::Result<Command> {
    let (key, passphrase) = match (file, from) {
        (Some(file), _) => {
            let key = RootKeyConfig::File(file).load()?.context("there is no key")?;
            (Zeroizing::new(HEXLOWER.encode(key.expose_secret())), None)
        }
        (None, Some(from)) => {
            let (root, derivation) = new_passphrase(&from, &Runtime::system())?;
            (Zeroizing::new(HEXLOWER.encode(root.0.expose())), Some(derivation))
        }
        (None, None) => anyhow::bail!("name the new key with --file or --passphrase-from"),
    };
    Ok(Command::Add { key: Password::new(key.to_string()), passphrase })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let grant = operator.platform().await?;
    let tenants = &operator.tenants;
    let (keys, said) = match command {
        Command::List => (tenants.root_keys(&grant)?, ""),
        Command::Add { key, passphrase } => {
            let secret = key.secret();
            let bytes = HEXLOWER.decode(secret.expose_secret().as_bytes()).map(Zeroizing::new);
            let key = bytes.ok().and_then(|bytes| Key32::from_slice(&bytes));
            let source = LocalRoot(key.context("a root key has 32 bytes")?);
            let keys = tenants.add_root_key(&grant, source, passphrase).await?;
            (
                keys,
                "Both open this installation now. Say in the configuration where the new one comes \
                 from, restart, and then: strongroom root-key retire",
            )
        }
        Command::Retire => (
            tenants.retire_root_keys(&grant).await?,
            "Keep the former one as long as archives of keys from before are kept \
             (backup.key_days), and make a backup now: strongroom backup run. A root.key beside the \
             data that opens nothing any more is deleted when you retire once more",
        ),
    };
    let json = json!({ "rootKeys": keys.iter().map(one).collect::<Vec<_>>() });
    let rows: Vec<_> = keys.iter().map(row).collect();
    let text = format!("{}\n{said}", table(&["FINGERPRINT", "MADE OF", "IN USE"], &rows));
    Ok(Report::done(json, text.trim_end().to_owned()))
}

fn one(key: &RootKeyInfo) -> serde_json::Value {
    json!({ "fingerprint": key.fingerprint, "madeOf": made_of(key), "inUse": key.in_use })
}

fn row(key: &RootKeyInfo) -> Vec<String> {
    let in_use = if key.in_use { "yes" } else { "no" };
    vec![key.fingerprint.clone(), made_of(key).to_owned(), in_use.to_owned()]
}

fn made_of(key: &RootKeyInfo) -> &'static str {
    if key.passphrase { "passphrase" } else { "key" }
}
