//! How one value is read from TOML or from an environment variable.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use toml::de::DeValue;
use zeroize::Zeroizing;

/// A value as its source spells it.
pub(super) enum Raw {
    /// From an environment variable: a text that may stand for any type.
    Env(Zeroizing<String>),
    Text(Zeroizing<String>),
    Integer(i128),
    List(Vec<Raw>),
    /// A TOML type that no setting has.
    Other(&'static str),
}

impl Raw {
    pub fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(Zeroizing::new(text.to_string())),
            DeValue::Integer(number) => {
                match i128::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Self::Integer(number),
                    Err(_) => Self::Other("a number out of range"),
                }
            }
            DeValue::Array(items) => {
                Self::List(items.iter().map(|item| Self::from_toml(item.get_ref())).collect())
            }
            DeValue::Float(_) => Self::Other("a decimal number"),
            DeValue::Boolean(_) => Self::Other("true or false"),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Env(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Tells whether the same was given, without keeping what it was.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.hash_into(&mut hash);
        hash.finalize().into()
    }

    /// A list in the environment is one text.
    fn hash_into(&self, hash: &mut Sha256) {
        match self {
            Self::Env(text) | Self::Text(text) => hash.update(text.as_bytes()),
            Self::Integer(number) => hash.update(number.to_string()),
            Self::Other(what) => hash.update(what),
            Self::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    hash.update(if n == 0 { "" } else { "," });
                    item.hash_into(hash);
                }
            }
        }
    }

    /// For messages; never called on secrets.
    pub fn shown(&self) -> String {
        match self {
            Self::Env(text) | Self::Text(text) => format!("{:?}", text.as_str()),
            Self::Integer(number) => number.to_string(),
            Self::List(_) => "a list".into(),
            Self::Other(what) => (*what).into(),
        }
    }
}

/// Why a value is refused.
pub(super) enum Fault {
    /// It is not what `Value::EXPECTED` says.
    Unexpected,
    /// Right in shape; the text says what is wrong and holds no secret.
    Because(String),
}

pub(super) trait Value: Sized {
    /// Completes "expected …".
    const EXPECTED: &'static str;
    /// Its text appears in no message.
    const SECRET: bool = false;
    /// A number or one of a few words: it can name no host, path or person.
    const CLOSED: bool = false;

    fn read(raw: &Raw) -> Result<Self, Fault>;

    /// In TOML's spelling, for the documentation; empty when unset.
    fn shown(&self) -> String;

    /// The number that a range is checked against.
    fn number(&self) -> Option<u64> {
        None
    }
}

/// A value whose text `FromStr` reads.
pub(super) fn parse<T: FromStr>(raw: &Raw) -> Result<T, Fault> {
    raw.text().and_then(|text| text.trim().parse().ok()).ok_or(Fault::Unexpected)
}

/// A whole number, of the type that holds it.
pub(super) fn number<T: FromStr + TryFrom<i128>>(raw: &Raw) -> Result<T, Fault> {
    match raw {
        Raw::Integer(number) => T::try_from(*number).map_err(|_| Fault::Unexpected),
        Raw::Env(_) => parse(raw),
        _ => Err(Fault::Unexpected),
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => { $(
        impl Value for $type {
            const EXPECTED: &'static str = "a whole number";
            const CLOSED: bool = true;

            fn read(raw: &Raw) -> Result<Self, Fault> {
                number(raw)
            }

            fn shown(&self) -> String {
                self.to_string()
            }

            fn number(&self) -> Option<u64> {
                Some((*self).into())
            }
        }
    )+ };
}

whole_numbers!(u32, u64);

impl Value for SocketAddr {
    const EXPECTED: &'static str = "an IP address and port such as \"127.0.0.1:8443\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        parse(raw)
    }

    fn shown(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Value for IpAddr {
    const EXPECTED: &'static str = "an IP address such as \"10.0.0.1\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        parse(raw)
    }

    fn shown(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "a path in UTF-8";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw.text() {
            Some(text) if !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER) => {
                Ok(Self::from(text))
            }
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.display())
    }
}

/// A line of text.
impl Value for String {
    const EXPECTED: &'static str = "a text in quotes";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).filter(|text| !text.is_empty());
        let clean = text.filter(|text| !text.contains(char::is_control));
        clean.map(str::to_owned).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{self}\"")
    }
}

impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;
    const CLOSED: bool = T::CLOSED;

    /// An empty variable is no way to say "unset": a forgotten secret would pass for none.
    fn read(raw: &Raw) -> Result<Self, Fault> {
        T::read(raw).map(Some)
    }

    fn shown(&self) -> String {
        self.as_ref().map(T::shown).unwrap_or_default()
    }

    fn number(&self) -> Option<u64> {
        self.as_ref().and_then(T::number)
    }
}

impl Value for Vec<IpAddr> {
    const EXPECTED: &'static str =
        "a list of IP addresses such as [\"10.0.0.1\"], or 10.0.0.1,10.0.0.2 in the environment";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw {
            Raw::List(items) => items.iter().map(IpAddr::read).collect(),
            Raw::Env(text) if text.trim().is_empty() => Ok(Self::new()),
            Raw::Env(text) => text
                .split(',')
                .map(|item| item.trim().parse().map_err(|_| Fault::Unexpected))
                .collect(),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        let items: Vec<_> = self.iter().map(IpAddr::shown).collect();
        format!("[{}]", items.join(", "))
    }
}
