//! S3-compatible stores, by a client of our own making: the configured endpoint and nothing else is
//! ever connected to. No redirect, no proxy, no question to an instance's metadata service.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::client::{HttpClient, HttpConnector};
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use reqwest::Url;
use rustls::{ClientConfig, RootCertStore};

use super::s3_bucket::Bucket;
use crate::config::{S3Place, read_secret};
use crate::outgoing;

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Without a byte of an answer; a part of an upload is on its way that long at the most.
const SILENCE: Duration = Duration::from_secs(120);
const RETRIES: usize = 3;
const RETRY_TIME: Duration = Duration::from_secs(60);

/// The store, and what its bucket keeps beyond it. Makes no connection yet. Blocks while certificates
/// are read.
pub(super) fn open(place: &S3Place) -> Result<(Arc<dyn ObjectStore>, Bucket), String> {
    let secret = read_secret(&place.secret_key_file)?;
    let (url, client) = (endpoint(place)?, HttpClient::new(client(place)?));
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_region(&place.region)
        .with_access_key_id(&place.access_key_id)
        .with_secret_access_key(secret.trim())
        .with_virtual_hosted_style_request(!place.path_style)
        .with_endpoint(url.as_str().trim_end_matches('/'))
        .with_allow_http(url.scheme() == "http")
        .with_disable_tagging(true)
        // A bucket that locks objects takes nothing without.
        .with_checksum_algorithm(Checksum::SHA256)
        // One by one: a store that locks objects says of each whether it may go.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIME,
            ..RetryConfig::default()
        })
        .with_http_connector(Connector(client.clone()));
    let store = builder.build().map_err(|error| error.to_string())?;
    let bucket = Bucket::new(place, client, url, store.credentials().clone());
    let store: Arc<dyn ObjectStore> = match place.prefix.as_str() {
        "" => Arc::new(store),
        prefix => Arc::new(PrefixStore::new(store, prefix)),
    };
    Ok((store, bucket))
}

/// With the bucket in the host's name unless it is in the path; Amazon's own when none is given.
fn endpoint(place: &S3Place) -> Result<Url, String> {
    let own = || format!("https://s3.{}.amazonaws.com", place.region);
    let mut url = match &place.endpoint {
        Some(url) => url.clone(),
        None => Url::parse(&own()).map_err(|_| format!("there is no region {}", place.region))?,
    };
    if !place.path_style {
        let host = format!("{}.{}", place.bucket, url.host_str().unwrap_or_default());
        url.set_host(Some(&host)).map_err(|_| format!("{host} is no name of a host"))?;
    }
    Ok(url)
}

fn client(place: &S3Place) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(place)?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT_TIME)
        .read_timeout(SILENCE)
        .build()
        .map_err(|error| error.to_string())
}

fn tls(place: &S3Place) -> Result<ClientConfig, String> {
    let plain = place.endpoint.as_ref().is_some_and(|url| url.scheme() == "http");
    let roots = match &place.ca {
        Some(path) => {
            let pem = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Arc::new(outgoing::pasted(&pem).map_err(|why| format!("{}: {why}", path.display()))?)
        }
        // Without TLS nobody is believed.
        None if plain => Arc::new(RootCertStore::empty()),
        None => outgoing::system()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[derive(Debug)]
struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}
