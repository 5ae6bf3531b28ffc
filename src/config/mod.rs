//! Settings: one TOML file, environment variables over it, command-line flags over both.
//!
//! `table.rs` is the one list of settings; parsing, environment names, defaults and
//! `docs/configuration.md` all come from it. What is unknown, of a wrong type or given twice where
//! it must not be is refused, with the place where it stands.

mod acme;
mod backup;
mod conflict;
mod error;
#[cfg(test)]
mod examine_tests;
mod example;
mod files;
mod given;
mod load;
mod mail;
mod origins;
mod passphrase;
mod place;
mod publish;
mod reload;
mod secret;
mod show;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use acme::{AcmeChallenge, CertificateName, DirectoryUrl};
pub use backup::{Ageing, Recipient, TimeZone};
pub use error::{ConfigError, Origin};
pub use load::{DEFAULT_FILE, Examined, ROOT_KEY_CREDENTIAL, Sources};
#[cfg(test)]
pub use mail::SmtpHost;
pub use mail::{Mailbox, SmtpTls};
pub use origins::Origins;
pub use passphrase::PassphraseFrom;
pub use place::host_name;
pub use publish::{HttpUrl, SecretHeader, SyslogUrl};
pub use reload::is_reloaded;
pub use secret::{RootKeyConfig, SecretKey32};
pub use show::{ShownSetting, ToldSetting};
pub use table::{
    Acme, Backup, Checkpoints, Closing, Description, Jobs, Limits, Log, Mail, RootKey, Server,
    Sessions, Settings, Sso, Store, Streams,
};
pub use target::{Place, S3Place, SftpPlace, TargetUrl, read_secret};
pub use types::{ContactUrl, ExternalUrl, LogFilter, LogFormat, OptionalListen, Rate, TlsVersion};
