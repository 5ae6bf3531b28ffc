//! Requests to identity providers: over TLS, to addresses that may be asked, with bounds on time and
//! size. Redirects are not followed: what an administrator has entered is what is asked.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Url, redirect};
use rustls::{ClientConfig, RootCertStore};

use super::{AddressError, Allowed, Cause, Guarded, cause, roots};
use crate::kernel::limits;

/// Why nothing was fetched. The texts are for administrators; they hold nothing that was sent, and
/// nothing that the other side said but its status.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    #[error("this is no https:// address")]
    Address,
    #[error("{0}")]
    Authorities(String),
    #[error(
        "{0} is not an address that may be asked; the machine's administrator can allow it with sso.allowed_addresses"
    )]
    Refused(IpAddr),
    #[error("the name {0} is not known")]
    Unknown(String),
    #[error("recovery mode connects to nothing")]
    CutOff,
    #[error("no connection to {to}: {why}")]
    Connect { to: String, why: String },
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("{0} took too long")]
    Slow(&'static str),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the answer has status {0}")]
    Status(u16),
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// An answer, whatever its status.
pub struct Fetched {
    pub status: u16,
    pub content_type: Option<HeaderValue>,
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    allowed: Allowed,
}

impl Fetcher {
    /// Believes the system's authorities, and those in `authorities` (PEM).
    ///
    /// # Errors
    /// [`FetchError::Authorities`] when the PEM is none, or nobody is believed.
    pub async fn new(allowed: Allowed, authorities: Option<&str>) -> Result<Self, FetchError> {
        let pem = authorities.map(str::to_owned);
        // Reading certificates is not for the threads that answer requests.
        let tls = tokio::task::spawn_blocking(move || tls(pem.as_deref())).await;
        let tls = tls.unwrap_or_else(|_| Err("the TLS set-up broke off".to_owned()));
        let client = Client::builder()
            .tls_backend_preconfigured(tls.map_err(FetchError::Authorities)?)
            .dns_resolver(Guarded(allowed.clone()))
            .https_only(true)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(limits::FETCH_TIME)
            .timeout(limits::FETCH_TIME)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| FetchError::Broken(error.to_string()))?;
        Ok(Self { client, allowed })
    }

    /// The body of an answer of the 2xx class.
    pub async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
        let answer = self.send(Method::GET, url, HeaderMap::new(), Vec::new(), limit).await?;
        match answer.status {
            200..=299 => Ok(answer.body),
            status => Err(FetchError::Status(status)),
        }
    }

    /// `fields`, as a form.
    pub async fn post_form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
        limit: usize,
    ) -> Result<Fetched, FetchError> {
        let body = serde_urlencoded::to_string(fields);
        let body = body.map_err(|error| FetchError::Broken(error.to_string()))?;
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.send(Method::POST, url, headers, body.into_bytes(), limit).await
    }

    /// Any request. An answer whose body is longer than `limit` bytes is an error.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Fetched, FetchError> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "https");
        let url = url.ok_or(FetchError::Address)?;
        self.allowed.check_literal(&url)?;
        let request = self.client.request(method, url).headers(headers).body(body);
        let mut answer = request.send().await?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(CONTENT_TYPE).cloned();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if body.len() + piece.len() > limit {
                return Err(FetchError::TooLarge(limit));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Fetched { status, content_type, body })
    }
}

fn tls(authorities: Option<&str>) -> Result<ClientConfig, String> {
    let roots = match authorities {
        None => roots::system()?,
        Some(pem) => {
            // A system without any authority is no obstacle where one is given.
            let mut all = roots::system()
                .map_or_else(|_| RootCertStore::empty(), |system| system.as_ref().clone());
            roots::add(&mut all, pem)?;
            Arc::new(all)
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl From<AddressError> for FetchError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Unknown(name) => Self::Unknown(name),
            AddressError::Refused(ip) => Self::Refused(ip),
            AddressError::CutOff => Self::CutOff,
        }
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        match cause(&error) {
            Cause::Address(error) => error.into(),
            Cause::Tls(why) => Self::Tls(why),
            Cause::Slow(what) => Self::Slow(what),
            Cause::Connect { to, why } => Self::Connect { to, why },
            Cause::Broken(why) => Self::Broken(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_asked_without_tls_or_on_this_machine() {
        let fetcher = Fetcher::new(Allowed::default(), Some(&authority())).await.unwrap();
        for plain in ["http://idp.example.org/", "file:///etc/passwd", "idp.example.org", ""] {
            assert!(matches!(fetcher.get(plain, 10).await, Err(FetchError::Address)), "{plain}");
        }
        for inner in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://169.254.169.254",
        ] {
            assert!(matches!(fetcher.get(inner, 10).await, Err(FetchError::Refused(_))), "{inner}");
        }
    }

    #[tokio::test]
    async fn an_authority_that_is_none_is_named_before_anything_is_asked() {
        let made = Fetcher::new(Allowed::default(), Some("hello")).await;
        assert!(matches!(made, Err(FetchError::Authorities(_))));
    }

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.self_signed(&key).unwrap().pem()
    }
}
