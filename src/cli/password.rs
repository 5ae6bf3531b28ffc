//! Passwords come from standard input or are made up; never from the command line, which every
//! process of the machine can read.

use std::io::Read;

use anyhow::{Context as _, bail};
use data_encoding::BASE32_NOPAD;

use super::command::Password;

/// The first line of standard input.
pub fn from_stdin() -> anyhow::Result<Password> {
    let mut text = String::new();
    std::io::stdin()
        .take(8192)
        .read_to_string(&mut text)
        .context("the password on standard input is not UTF-8 text")?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        bail!(
            "no password on standard input; give one like: printf '%s' 'a long passphrase' | strongroom …"
        );
    }
    Ok(Password::new(line))
}

/// A random initial password with 100 bits, easy to read out: `abcde-fghij-klmno-pqrst`.
pub fn generate(runtime: &crate::kernel::Runtime) -> String {
    let letters = BASE32_NOPAD.encode(&runtime.bytes::<13>()).to_lowercase();
    let groups: Vec<_> =
        letters.as_bytes().chunks(5).take(4).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

/// The password given, or a new one; the second is what to print.
pub fn given_or_new(
    given: Option<&Password>,
    runtime: &crate::kernel::Runtime,
) -> (secrecy::SecretString, Option<String>) {
    match given {
        Some(password) => (password.secret(), None),
        None => {
            let password = generate(runtime);
            (password.clone().into(), Some(password))
        }
    }
}
