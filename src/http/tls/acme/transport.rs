//! Requests to the authority: over TLS, to the host of its directory alone, with bounds on time and
//! size.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use reqwest::{Body, Client, Url, redirect};
use rustls::ClientConfig;

use super::AcmeError;
use super::error::clean;
use crate::config::Settings;
use crate::kernel::limits;
use crate::outgoing::{self, AddressError, Allowed, Cause, Guarded, cause};

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("no connection to {to}: {why}")]
    Connect { to: String, why: String },
    #[error(
        "the TLS handshake failed: {0}; acme.ca names the authorities that its directory is \
         checked against"
    )]
    Tls(String),
    #[error("{0} took too long")]
    Slow(&'static str),
    #[error("it names an address on another host ({0}) than that of acme.directory")]
    Elsewhere(String),
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("its answer has status {0}: is acme.directory right?")]
    Status(u16),
    #[error("the connection broke: {0}")]
    Broken(String),
}

#[derive(Clone)]
pub struct Transport {
    client: Client,
    /// The configuration file names it; what the directory itself names is not believed to be
    /// anywhere else.
    host: String,
}

impl Transport {
    pub async fn new(settings: &Settings, directory: &str) -> Result<Self, AcmeError> {
        let ca = settings.acme.ca.clone();
        // Reading certificates is not for the threads that answer requests.
        let roots = tokio::task::spawn_blocking(move || match ca {
            None => outgoing::system(),
            Some(path) => {
                let named = |why: String| format!("acme.ca: {}: {why}", path.display());
                let pem =
                    std::fs::read_to_string(&path).map_err(|error| named(error.to_string()))?;
                outgoing::pasted(&pem).map(Into::into).map_err(named)
            }
        });
        let broke_off = |_| AcmeError::Setup("reading authorities broke off".to_owned());
        let roots = roots.await.map_err(broke_off)?.map_err(AcmeError::Setup)?;
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(super::super::TlsError::from)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Guarded(Allowed::Anything))
            .https_only(true)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(limits::FETCH_TIME)
            .timeout(limits::ACME_ANSWER)
            .build()
            .map_err(|error| TransportError::Broken(error.to_string()))?;
        Ok(Self { client, host: host(directory) })
    }

    async fn send(
        self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Result<BytesResponse, TransportError> {
        let request = reqwest::Request::try_from(request.map(Body::wrap)).map_err(broken)?;
        let to = request.url().host_str().unwrap_or_default();
        if to != self.host {
            return Err(TransportError::Elsewhere(clean(to)));
        }
        Allowed::Anything.check_literal(request.url())?;
        let mut answer = self.client.execute(request).await.map_err(broken)?;
        let is_json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            kind.to_str().is_ok_and(|kind| kind.to_ascii_lowercase().contains("json"))
        });
        if answer.status().as_u16() >= 300 && !is_json {
            return Err(TransportError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(broken)? {
            if body.len() + piece.len() > limits::ACME_ANSWER_BYTES {
                return Err(TransportError::TooLarge(limits::ACME_ANSWER_BYTES));
            }
            body.extend_from_slice(&piece);
        }
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = answer.status();
        parts.headers = answer.headers().clone();
        Ok(BytesResponse { parts, body: Box::new(Bytes::from(body)) })
    }
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let transport = self.clone();
        Box::pin(async move {
            let answer = transport.send(request).await;
            answer.map_err(|error| instant_acme::Error::Other(Box::new(error)))
        })
    }
}

fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
}

fn broken(error: reqwest::Error) -> TransportError {
    match cause(&error) {
        Cause::Address(error) => error.into(),
        Cause::Tls(why) => TransportError::Tls(why),
        Cause::Slow(what) => TransportError::Slow(what),
        Cause::Connect { to, why } => TransportError::Connect { to, why },
        Cause::Broken(why) => TransportError::Broken(why),
    }
}
