//! Where backups go, and who can read them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::target::TargetUrl;
use super::value::{Fault, Raw, Value};
use crate::kernel::{Timestamp, limits};

/// Who can read backups: a public key of `age` (X25519, `age1…`).
#[derive(Clone)]
pub struct Recipient(age::x25519::Recipient);

impl Recipient {
    pub fn key(&self) -> &age::x25519::Recipient {
        &self.0
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(
                "a recipient is a private key: take it off this machine, make another pair \
                        with `age-keygen` elsewhere, and write its public key (age1…) here"
                    .to_owned(),
            );
        }
        let key = age::x25519::Recipient::from_str(text.trim());
        key.map(Self).map_err(|_| {
            "a recipient is not a public key of age (age1…): `age-keygen` shows it".to_owned()
        })
    }
}

/// For how long backups keep what was destroyed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ageing {
    key_days: u32,
    data_days: u32,
}

impl Ageing {
    /// Days for which an archive of keys is kept.
    pub fn key_days(self) -> u32 {
        self.key_days
    }

    /// Days for which backups of data are kept, the longest of them.
    pub fn data_days(self) -> u32 {
        self.data_days.max(self.key_days)
    }

    /// When the last archive of keys that can hold one that is destroyed now is deleted.
    pub fn keys_gone(self, now: Timestamp) -> Timestamp {
        now.plus(DAY * self.key_days)
    }

    /// The same of data, which is unreadable without its keys. What was archived continuously is
    /// deleted with the copy of the file that it follows, so not before a later copy is old enough.
    pub fn data_gone(self, now: Timestamp) -> Timestamp {
        now.plus(DAY * self.data_days.max(self.key_days))
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl super::Backup {
    /// Nothing when no backups are made.
    pub fn ageing(&self) -> Option<Ageing> {
        if self.recipients.is_empty() && self.targets.is_empty() {
            return None;
        }
        // Until the next copy of the file is made, and that one is as old as the window; each is
        // looked for once a day.
        let archived = match self.archive_seconds {
            0 => 0,
            _ => self.archive_days + limits::ARCHIVE_COPY_DAYS + 2,
        };
        Some(Ageing { key_days: self.key_days, data_days: self.days.max(archived) })
    }
}

impl super::Closing {
    /// For how long the closing of a tenant can be taken back.
    pub fn grace(&self) -> Duration {
        DAY * self.grace_days
    }
}

macro_rules! lists {
    ($($type:ty: $expected:literal, $shown:expr;)+) => { $(
        impl Value for Vec<$type> {
            const EXPECTED: &'static str = $expected;

            fn read(raw: &Raw) -> Result<Self, Fault> {
                let one = |text: &str| text.trim().parse().map_err(Fault::Because);
                match raw {
                    Raw::List(items) => items
                        .iter()
                        .map(|item| item.text().ok_or(Fault::Unexpected).and_then(one))
                        .collect(),
                    Raw::Env(text) if text.trim().is_empty() => Ok(Self::new()),
                    Raw::Env(text) => text.split(',').map(one).collect(),
                    _ => Err(Fault::Unexpected),
                }
            }

            fn shown(&self) -> String {
                let items: Vec<_> = self.iter().map(|item| format!("\"{}\"", $shown(item))).collect();
                format!("[{}]", items.join(", "))
            }
        }
    )+ };
}

lists! {
    Recipient: "a list of age recipients such as [\"age1…\"], or age1…,age1… in the environment",
        |item: &Recipient| item.0.to_string();
    TargetUrl: "a list of targets such as [\"file:///srv/backup\"]",
        |item: &TargetUrl| item.name().to_owned();
}

/// The time zone that schedules are written in (IANA name).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    pub const fn zone(self) -> chrono_tz::Tz {
        self.0
    }
}

impl Value for TimeZone {
    const EXPECTED: &'static str = "the name of a time zone such as \"Europe/Berlin\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        text.parse().map(Self).map_err(|_| Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_gone_when_the_last_copy_that_may_hold_it_is() {
        let recipient = age::x25519::Identity::generate().to_public().to_string();
        let archived = |archive_seconds, archive_days| {
            let recipients = vec![recipient.parse().unwrap()];
            let mut settings = crate::config::Settings::default().backup;
            (settings.recipients, settings.days) = (recipients, 30);
            (settings.archive_seconds, settings.archive_days) = (archive_seconds, archive_days);
            settings.ageing().unwrap().data_days()
        };
        assert_eq!(archived(0, 300), 30, "nothing is archived between daily backups");
        assert_eq!(archived(10, 7), 30);
        assert_eq!(archived(10, 30), 39, "a copy a week, looked for daily, then the window");
    }

    #[test]
    fn a_private_key_is_no_recipient() {
        let private = age::x25519::Identity::generate();
        assert!(private.to_public().to_string().parse::<Recipient>().is_ok());
        let text = age::secrecy::ExposeSecret::expose_secret(&private.to_string()).to_owned();
        assert!(text.parse::<Recipient>().is_err());
    }
}
