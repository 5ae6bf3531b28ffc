//! What is refused before it is stored.

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::model::Secrets;
use super::senders::SendError;
use super::{Authentication, Destination, StreamError, tls};
use crate::kernel::limits;
use crate::outgoing::{Allowed, host_and_port};

/// Longest address or URL.
const ADDRESS_BYTES: usize = 2048;

pub fn name(name: &str) -> Result<String, StreamError> {
    let name = name.trim();
    let fits = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(StreamError::Name) }
}

/// Everything about a destination and its secrets. Reads certificates: not for an async thread.
pub fn destination(
    destination: &Destination,
    secrets: &Secrets,
    allowed: &Allowed,
) -> Result<(), StreamError> {
    match destination {
        Destination::Syslog(target) => {
            let (host, _) = host_and_port(&target.address)
                .ok_or_else(|| address("this is not host:port, such as siem.example.org:6514"))?;
            refused(host, allowed)?;
            if target.facility > 23 {
                return Err(StreamError::Target("a facility is a number from 0 to 23".into()));
            }
        }
        Destination::Splunk(target) => {
            url(&target.url, allowed)?;
            for text in [&target.index, &target.source_type].into_iter().flatten() {
                line(text)?;
            }
        }
        Destination::Http(target) => {
            url(&target.url, allowed)?;
            match &target.authentication {
                Authentication::Basic { user } if user.contains(':') => {
                    return Err(StreamError::Target("a user name holds no colon".into()));
                }
                Authentication::Basic { user } => line(user)?,
                Authentication::Header { name } => header_name(name)?,
                Authentication::None | Authentication::Bearer => {}
            }
        }
    }
    self::secrets(destination, secrets)?;
    let options = destination.tls();
    let pasted = [&options.ca, &options.client_certificate];
    if pasted.into_iter().flatten().any(|pem| pem.len() > limits::STREAM_PEM_BYTES) {
        return Err(StreamError::Tls("the certificates are too long".into()));
    }
    if let Some(name) = &options.server_name {
        let known = rustls::pki_types::ServerName::try_from(name.as_str());
        known.map_err(|_| StreamError::Tls("the server's name is no host name".into()))?;
    }
    // Without TLS the system's authorities need not be there.
    if destination.is_encrypted() || !options.is_usual() {
        tls::client_config(options, secrets.client_key.as_ref()).map_err(StreamError::Tls)?;
    }
    Ok(())
}

fn secrets(destination: &Destination, secrets: &Secrets) -> Result<(), StreamError> {
    let most = limits::STREAM_SECRET_BYTES;
    if let Some(credential) = &secrets.credential {
        let text = credential.expose_secret();
        if text.is_empty() || text.len() > most || HeaderValue::from_str(text).is_err() {
            return Err(StreamError::Secret(most));
        }
    }
    if secrets.client_key.as_ref().is_some_and(|key| key.expose_secret().len() > most) {
        return Err(StreamError::Secret(most));
    }
    let missing = secrets.credential.is_none() && destination.needs_credential();
    match destination {
        _ if !missing => Ok(()),
        Destination::Splunk(_) => Err(StreamError::CredentialMissing("the collector's token")),
        _ => Err(StreamError::CredentialMissing("the token, password or header value")),
    }
}

fn url(text: &str, allowed: &Allowed) -> Result<(), StreamError> {
    if text.len() > ADDRESS_BYTES {
        return Err(address("this address is too long"));
    }
    let url = Url::parse(text).map_err(|_| address("this is no https:// address"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(address("the address begins with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(address("a password in an address is easily seen: give it as the credential"));
    }
    if url.fragment().is_some() {
        return Err(address("an address to send to has no # in it"));
    }
    refused(url.host_str().unwrap_or_default(), allowed)
}

/// An address written as such is refused at once; names are looked up when they are used.
fn refused(host: &str, allowed: &Allowed) -> Result<(), StreamError> {
    match host.trim_matches(['[', ']']).parse() {
        Ok(ip) if !allowed.admits(ip) => {
            Err(StreamError::Address(SendError::Refused(ip).to_string()))
        }
        _ => Ok(()),
    }
}

/// Headers that say how the request is to be read are not for choosing.
fn header_name(name: &str) -> Result<(), StreamError> {
    let taken = ["host", "content-length", "content-type", "transfer-encoding", "connection"];
    let known: Result<HeaderName, _> = name.parse();
    match known {
        Ok(name) if !taken.contains(&name.as_str()) => Ok(()),
        _ => Err(StreamError::Target("this is no name of a header that can be set".into())),
    }
}

fn line(text: &str) -> Result<(), StreamError> {
    let fits =
        (1..=limits::LINE_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    let unfit =
        || StreamError::Target("a text is empty, too long or has control characters".into());
    if fits { Ok(()) } else { Err(unfit()) }
}

fn address(why: &str) -> StreamError {
    StreamError::Address(why.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(target: Value, credential: Option<&str>) -> Result<(), StreamError> {
        let secrets = Secrets { credential: credential.map(Into::into), client_key: None };
        destination(&serde_json::from_value(target).unwrap(), &secrets, &Allowed::default())
    }

    #[test]
    fn a_destination_that_cannot_work_is_refused_before_it_is_stored() {
        let plain = |address: &str| {
            checked(json!({ "type": "syslog", "address": address, "transport": "tcp" }), None)
        };
        assert!(plain("siem.example.org:514").is_ok());
        for bad in ["siem", "127.0.0.1:514", "[::1]:514", "169.254.169.254:80"] {
            assert!(matches!(plain(bad), Err(StreamError::Address(_))), "{bad}");
        }
        let http = |url: &str| checked(json!({ "type": "http", "url": url }), None);
        assert!(http("http://siem.example.org/in?x=1").is_ok());
        for bad in [
            "ftp://siem/",
            "siem.example.org",
            "https://u:p@siem/",
            "https://siem/#x",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            assert!(matches!(http(bad), Err(StreamError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn a_credential_is_asked_for_where_one_is_needed_and_fits_into_a_header() {
        let splunk = json!({ "type": "splunk", "url": "http://s.example.org:8088" });
        assert!(matches!(checked(splunk.clone(), None), Err(StreamError::CredentialMissing(_))));
        assert!(matches!(checked(splunk.clone(), Some("a\r\nb: c")), Err(StreamError::Secret(_))));
        assert!(checked(splunk, Some("token")).is_ok());
        let header = |name: &str| {
            let way = json!({ "type": "header", "name": name });
            let target = json!({ "type": "http", "url": "http://x", "authentication": way });
            checked(target, Some("secret"))
        };
        assert!(header("X-Api-Key").is_ok());
        for bad in ["Host", "content-length", "a b", ""] {
            assert!(matches!(header(bad), Err(StreamError::Target(_))), "{bad}");
        }
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let tls = json!({ "ca": "hello" });
        let target = json!({ "type": "syslog", "address": "siem:6514", "tls": tls });
        assert!(matches!(checked(target, None), Err(StreamError::Tls(_))));
        let tls = json!({ "clientCertificate": "hello" });
        let target = json!({ "type": "syslog", "address": "siem:6514", "tls": tls });
        assert!(matches!(checked(target, None), Err(StreamError::Tls(_))));
    }
}
