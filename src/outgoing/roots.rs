//! Authorities whose certificates are believed.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// # Errors
/// What is wrong with them, for the administrator who has pasted them.
pub fn pasted(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, pem)?;
    Ok(roots)
}

pub(super) fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), String> {
    for certificate in
        certificates(pem).map_err(|why| format!("the authority's certificate {why}"))?
    {
        roots
            .add(certificate)
            .map_err(|error| format!("the authority's certificate cannot be used: {error}"))?;
    }
    Ok(())
}

pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err("is not PEM: paste it with its BEGIN and END lines".to_owned()),
    }
}

/// The system's authorities, shared by all; looked for again while there are none. Blocks while they
/// are read, the first time.
pub fn system() -> Result<Arc<RootCertStore>, String> {
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
