//! What a connection trusts and shows.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use super::TlsOptions;
use crate::outgoing::{certificates, pasted, system};

/// TLS 1.2 and 1.3, the receiver's name checked. Blocks while the system's authorities are read,
/// the first time.
///
/// # Errors
/// What is wrong with a certificate or key, and what to do; no secret in it.
pub fn client_config(
    options: &TlsOptions,
    client_key: Option<&SecretString>,
) -> Result<ClientConfig, String> {
    let roots = match &options.ca {
        Some(pem) => Arc::new(pasted(pem)?),
        None => system()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    match (&options.client_certificate, client_key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(pem), Some(key)) => {
            let chain = certificates(pem).map_err(|why| format!("the client certificate {why}"))?;
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| "the client key is no unencrypted private key in PEM".to_owned())?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("the client certificate and its key do not fit: {error}"))
        }
        _ => Err("a client certificate needs its key, and the key its certificate".to_owned()),
    }
}
