//! Why an HTTP request got no answer, out of what the client's errors are wrapped in.

use reqwest::Url;

use super::AddressError;

#[derive(Clone, Debug)]
pub enum Cause {
    Address(AddressError),
    Tls(String),
    /// What took too long.
    Slow(&'static str),
    Connect {
        to: String,
        why: String,
    },
    Broken(String),
}

pub fn cause(error: &reqwest::Error) -> Cause {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut last = String::new();
    while let Some(inner) = cause {
        if let Some(ours) = inner.downcast_ref::<AddressError>() {
            return Cause::Address(ours.clone());
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Cause::Tls(tls.to_string());
        }
        last = inner.to_string();
        cause = match inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    match error {
        error if error.is_timeout() && error.is_connect() => Cause::Slow("connecting"),
        error if error.is_timeout() => Cause::Slow("the answer"),
        error if error.is_connect() => {
            let to = error.url().and_then(Url::host_str).unwrap_or("the receiver").to_owned();
            Cause::Connect { to, why: last }
        }
        _ => Cause::Broken(last),
    }
}
