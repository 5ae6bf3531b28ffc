//! Which mail server mails go through.

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::conflict::Conflict;
use super::error::ConfigError;
use super::secret::open_secret;
use super::table::Mail;
use super::value::{Fault, Raw, Value};

/// More than any password has.
const PASSWORD_BYTES: u64 = 4096;

/// How the way to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS after a first word in the clear (RFC 3207); nothing goes out without it.
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    None,
}

impl SmtpTls {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }
}

impl Value for SmtpTls {
    const EXPECTED: &'static str = "\"starttls\", \"tls\" or \"none\"";
    const CLOSED: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let all = [Self::Starttls, Self::Tls, Self::None];
        let text = raw.text().map(str::trim);
        all.into_iter().find(|tls| Some(tls.name()) == text).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.name())
    }
}

/// A host name or an IP address, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpHost(String);

impl SmtpHost {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub fn localhost() -> Self {
        Self("localhost".to_owned())
    }

    fn is_this_machine(&self) -> bool {
        self.0 == "localhost" || self.0.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl Value for SmtpHost {
    const EXPECTED: &'static str = "a host name or an IP address, such as \"mail.example.org\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let name = (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let fits = name || text.parse::<IpAddr>().is_ok();
        fits.then(|| Self(text.to_owned())).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// A sender: an address, perhaps with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(lettre::message::Mailbox);

impl Mailbox {
    pub fn mailbox(&self) -> &lettre::message::Mailbox {
        &self.0
    }
}

impl Value for Mailbox {
    const EXPECTED: &'static str = "an e-mail address, such as \"Strongroom <vault@example.org>\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().filter(|text| !text.contains(char::is_control));
        let mailbox = text.and_then(|text| text.trim().parse().ok());
        mailbox.map(Self).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// A secret of one line.
#[derive(Clone, Debug)]
pub struct SecretText(SecretString);

impl Value for SecretText {
    const EXPECTED: &'static str = "a text in quotes";
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().filter(|text| !text.is_empty() && !text.contains(char::is_control));
        text.map(|text| Self(text.into())).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        String::new()
    }
}

impl Mail {
    /// The port of the mail server, the usual one unless another is set.
    pub fn port(&self) -> u16 {
        let usual = match self.smtp_tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Tls => 465,
            SmtpTls::None => 25,
        };
        self.smtp_port.and_then(|port| port.try_into().ok()).unwrap_or(usual)
    }

    /// Name and password for the mail server, read from their file if they have one.
    ///
    /// # Errors
    /// A file that cannot be read, or that others may read.
    pub fn credentials(&self) -> Result<Option<(String, SecretString)>, ConfigError> {
        let Some(username) = self.smtp_username.clone() else { return Ok(None) };
        let password = match (&self.smtp_password, &self.smtp_password_file) {
            (Some(SecretText(password)), _) => password.clone(),
            (None, Some(path)) => read_password(path)?,
            (None, None) => return Ok(None),
        };
        Ok(Some((username, password)))
    }

    /// The authorities to trust, as PEM; the system's when there is none.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn authorities(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(path) = &self.smtp_ca else { return Ok(None) };
        let read = std::fs::read(path);
        read.map(Some).map_err(|source| ConfigError::Read { path: path.clone(), source })
    }

    /// What has to fit together.
    pub(super) fn conflicts(&self) -> Option<Conflict> {
        let passwords = [self.smtp_password.is_some(), self.smtp_password_file.is_some()];
        let given = passwords.into_iter().filter(|given| *given).count();
        let Some(host) = &self.smtp_host else {
            let without = given > 0 || self.smtp_username.is_some();
            return without.then_some(Conflict::new(
                &[HOST, USERNAME, PASSWORD, PASSWORD_FILE],
                "a name or password for the mail server without mail.smtp_host: set it too",
            ));
        };
        if self.from.is_none() {
            return Some(Conflict::new(
                &[HOST, "mail.from"],
                "mail.smtp_host needs mail.from, the address that mails come from",
            ));
        }
        if given > 1 {
            return Some(Conflict::new(
                &[PASSWORD, PASSWORD_FILE],
                "mail.smtp_password and mail.smtp_password_file are one secret: set one of them",
            ));
        }
        if self.smtp_username.is_some() != (given == 1) {
            return Some(Conflict::new(
                &[USERNAME, PASSWORD, PASSWORD_FILE],
                "mail.smtp_username and its password go together: set both or neither",
            ));
        }
        let in_the_clear = self.smtp_tls == SmtpTls::None && !host.is_this_machine();
        in_the_clear.then_some(Conflict::new(
            &[HOST, "mail.smtp_tls"],
            "mail.smtp_tls = \"none\" is for a mail server on this machine alone: mails hold \
             links that open accounts",
        ))
    }

    /// What is wrong with its files, by the setting that names each.
    pub(super) fn files(&self) -> [Option<(&'static str, ConfigError)>; 2] {
        if self.smtp_host.is_none() {
            return [None, None];
        }
        let password = self.credentials().err().map(|error| (PASSWORD_FILE, error));
        [password, self.authorities().err().map(|error| ("mail.smtp_ca", error))]
    }
}

const HOST: &str = "mail.smtp_host";
const USERNAME: &str = "mail.smtp_username";
const PASSWORD: &str = "mail.smtp_password";
const PASSWORD_FILE: &str = "mail.smtp_password_file";

fn read_password(path: &Path) -> Result<SecretString, ConfigError> {
    let unreadable = |source| ConfigError::Read { path: path.into(), source };
    let mut text = Zeroizing::new(String::new());
    open_secret(path)?.take(PASSWORD_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}
