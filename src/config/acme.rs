//! Which certificate authority is asked for the server's certificate (ACME, RFC 8555).

use std::net::IpAddr;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use reqwest::Url;
use zeroize::Zeroizing;

use super::conflict::Conflict;
use super::error::ConfigError;
use super::secret::open_secret;
use super::table::{Acme, Settings};
use super::target::read_secret;
use super::types::OptionalListen;
use super::value::{Fault, Raw, Value};

const DIRECTORY: &str = "acme.directory";
const KEY_ID: &str = "acme.eab_key_id";
const KEY_FILE: &str = "acme.eab_key_file";
/// Shorter keys are guessed (RFC 2104, 3).
const KEY_BYTES: usize = 16;

/// The address of an authority's directory (RFC 8555, 7.1.1). What is asked and answered there is
/// signed, but not secret, and answers are not signed: it takes TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUrl(String);

impl DirectoryUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for DirectoryUrl {
    const EXPECTED: &'static str =
        "an https:// address such as \"https://ca.example.org/acme/acme/directory\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let url = Url::parse(text).map_err(|_| Fault::Unexpected)?;
        let plain = url.username().is_empty() && url.password().is_none();
        let fits = url.scheme() == "https" && plain && url.has_host() && url.fragment().is_none();
        // As it is asked for: without what an address may not have.
        fits.then(|| Self(url.to_string())).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// A host name in lower case, or an IP address (RFC 8738). No wildcard: the challenges that a server
/// answers by itself do not prove one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateName(String);

impl CertificateName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['[', ']']);
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self(ip.to_string()));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= 253 && text.split('.').all(label);
        fits.then(|| Self(text.to_ascii_lowercase()))
    }
}

impl Value for Vec<CertificateName> {
    const EXPECTED: &'static str = "a list of host names or IP addresses such as \
        [\"vault.example.org\"], or vault.example.org,10.0.0.7 in the environment; no wildcards";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let one = |text: &str| CertificateName::parse(text).ok_or(Fault::Unexpected);
        match raw {
            Raw::List(items) => {
                items.iter().map(|item| one(item.text().ok_or(Fault::Unexpected)?)).collect()
            }
            Raw::Env(text) if text.trim().is_empty() => Ok(Self::new()),
            Raw::Env(text) => text.split(',').map(one).collect(),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        let items: Vec<_> = self.iter().map(|name| format!("\"{}\"", name.0)).collect();
        format!("[{}]", items.join(", "))
    }
}

/// How the authority sees that a name is this server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcmeChallenge {
    /// By a certificate that the TLS listener shows to it alone (RFC 8737).
    TlsAlpn01,
    /// By a text that the redirect listener answers with (RFC 8555, 8.3).
    Http01,
}

impl AcmeChallenge {
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
        }
    }
}

impl Value for AcmeChallenge {
    const EXPECTED: &'static str = "\"tls-alpn-01\" or \"http-01\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim);
        let all = [Self::TlsAlpn01, Self::Http01];
        all.into_iter().find(|one| Some(one.name()) == text).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.name())
    }
}

/// An account that the authority knows already, which ours is bound to (RFC 8555, 7.3.4).
pub struct ExternalAccount {
    pub key_id: String,
    /// Of the MAC.
    pub key: Zeroizing<Vec<u8>>,
}

impl Acme {
    /// The external account, when one is set.
    ///
    /// # Errors
    /// A file that cannot be read, that others may read, or that holds no such key.
    pub fn binding(&self) -> Result<Option<ExternalAccount>, String> {
        let (Some(key_id), Some(path)) = (&self.eab_key_id, &self.eab_key_file) else {
            return Ok(None);
        };
        let text = read_secret(path)?;
        let text = text.trim().as_bytes();
        let spellings = [BASE64URL_NOPAD, BASE64URL, BASE64_NOPAD, BASE64];
        let key = spellings.iter().find_map(|spelling| spelling.decode(text).ok());
        let key = key.map(Zeroizing::new).filter(|key| key.len() >= KEY_BYTES);
        let key = key.ok_or_else(|| {
            format!(
                "{} holds no key of an external account: expected base64url of {KEY_BYTES} bytes \
                 or more, as the authority gave it",
                path.display()
            )
        })?;
        Ok(Some(ExternalAccount { key_id: key_id.clone(), key }))
    }

    /// Whether anything is set that goes with a directory alone.
    fn has_more(&self) -> bool {
        let some = [&self.ca, &self.eab_key_file].into_iter().any(Option::is_some);
        some || self.eab_key_id.is_some() || self.contact.is_some() || !self.names.is_empty()
    }
}

impl Settings {
    /// The names that a certificate is asked for: those that are set, else the host that people use.
    pub fn acme_names(&self) -> Vec<CertificateName> {
        if !self.acme.names.is_empty() {
            return self.acme.names.clone();
        }
        let url = self.server.external_url.as_ref().and_then(|url| Url::parse(url.as_str()).ok());
        let name = url.as_ref().and_then(Url::host_str).and_then(CertificateName::parse);
        name.into_iter().collect()
    }

    pub(super) fn acme_conflicts(&self) -> Vec<Conflict> {
        let acme = &self.acme;
        let mut found = Vec::new();
        let mut say = |is_so: bool, keys, reason| {
            if is_so {
                found.push(Conflict::new(keys, reason));
            }
        };
        if acme.directory.is_none() {
            say(
                acme.has_more(),
                &[DIRECTORY, "acme.ca", "acme.contact", "acme.names", KEY_ID, KEY_FILE],
                "settings of acme without acme.directory, which names the authority: set it too",
            );
            return found;
        }
        let server = &self.server;
        say(
            server.tls_certificate.is_some() || server.tls_key.is_some(),
            &[DIRECTORY, "server.tls_certificate", "server.tls_key"],
            "acme.directory and server.tls_certificate are two sources of one certificate: \
             keep one of them",
        );
        say(
            acme.challenge == AcmeChallenge::Http01
                && server.http_redirect_listen == OptionalListen::Off,
            &["acme.challenge", "server.http_redirect_listen"],
            "acme.challenge = \"http-01\" is answered by the listener that \
             server.http_redirect_listen turns off: give it an address, or use \"tls-alpn-01\"",
        );
        say(
            self.acme_names().is_empty(),
            &[DIRECTORY, "acme.names", "server.external_url"],
            "acme.directory has no name to ask a certificate for: set server.external_url, or \
             acme.names",
        );
        say(
            acme.eab_key_id.is_some() != acme.eab_key_file.is_some(),
            &[KEY_ID, KEY_FILE],
            "acme.eab_key_id and acme.eab_key_file go together: set both or neither",
        );
        found
    }

    /// What is wrong with the files of `acme`, by the setting that names each.
    pub(super) fn acme_files(&self) -> Vec<(&'static str, ConfigError)> {
        let acme = &self.acme;
        let key = acme.eab_key_file.iter().filter_map(|path| open_secret(path).err());
        let ca = acme.ca.iter().filter_map(|path| super::files::readable(path));
        key.map(|error| (KEY_FILE, error)).chain(ca.map(|error| ("acme.ca", error))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_host_or_an_address_and_never_a_wildcard() {
        for (text, name) in [
            ("Vault.Example.org", "vault.example.org"),
            ("localhost", "localhost"),
            ("10.0.0.7", "10.0.0.7"),
            ("[2001:DB8::7]", "2001:db8::7"),
        ] {
            assert_eq!(CertificateName::parse(text).unwrap().as_str(), name);
        }
        for bad in ["", "*.example.org", "a b", "-a.example.org", "a..b", "vault:8443", "a/b"] {
            assert_eq!(CertificateName::parse(bad), None, "{bad}");
        }
    }
}
