//! What a connection trusts and shows.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};

use super::TlsOptions;

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

fn pasted(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in
        certificates(pem).map_err(|why| format!("the authority's certificate {why}"))?
    {
        roots
            .add(certificate)
            .map_err(|error| format!("the authority's certificate cannot be used: {error}"))?;
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err("is not PEM: paste it with its BEGIN and END lines".to_owned()),
    }
}

/// The system's authorities, shared by all streams; looked for again while there are none.
fn system() -> Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system trusts no certificate authority: install the package \
                    ca-certificates, or give the receiver's authority"
            .to_owned());
    }
    Ok(ROOTS.get_or_init(|| Arc::new(roots)).clone())
}
