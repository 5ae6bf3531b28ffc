//! Certificate and key from a PKCS#12 file (RFC 7292), as certificate authorities and Windows hand
//! them out, to the two PEM files that are served.

use std::io;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::x509::{X509, X509Ref};
use zeroize::Zeroizing;

use super::load;
use super::self_signed::replace;
use super::{Shown, Source, TlsError};

/// Larger than any chain of certificates.
pub const FILE_BYTES: u64 = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("this is no PKCS#12 file: expected what ends in .p12 or .pfx, not PEM")]
    NotPkcs12,
    #[error("the password is wrong, or the file is damaged")]
    Password,
    #[error(
        "the file is encrypted in a way that is not safe any more (RC2, as old Windows does): export \
         it again with AES-256, or convert it with `openssl pkcs12 -legacy`"
    )]
    Outdated,
    #[error("the file cannot be read: {0}")]
    Unreadable(ErrorStack),
    #[error("there is no {0} in the file: export the certificate together with its private key")]
    Missing(&'static str),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A certificate with what it needs to be served.
pub struct Imported {
    /// The certificate, then its intermediates, as PEM.
    certificate: Vec<u8>,
    /// PKCS#8 as PEM.
    key: Zeroizing<Vec<u8>>,
    pub intermediates: usize,
}

impl Imported {
    /// Opens a PKCS#12 file.
    ///
    /// # Errors
    /// [`ImportError`]: what is wrong with it, and what to do.
    pub fn open(der: &[u8], password: &str) -> Result<Self, ImportError> {
        let file = Pkcs12::from_der(der).map_err(|_| ImportError::NotPkcs12)?;
        let parsed = file.parse2(password).map_err(refused)?;
        let leaf = parsed.cert.ok_or(ImportError::Missing("certificate"))?;
        let key = parsed.pkey.ok_or(ImportError::Missing("private key"))?;
        let others: Vec<X509> = parsed.ca.into_iter().flatten().collect();
        let chain = intermediates(&leaf, others);
        let mut certificate = leaf.to_pem().map_err(ImportError::Unreadable)?;
        for one in &chain {
            certificate.extend(one.to_pem().map_err(ImportError::Unreadable)?);
        }
        let key = key.private_key_to_pem_pkcs8().map_err(ImportError::Unreadable)?;
        Ok(Self { certificate, key: Zeroizing::new(key), intermediates: chain.len() })
    }

    /// Writes both files, after a look at whether a server would take them. `key_mode` is the mode
    /// of the key's file; `own` gives a file that is still under another name its owner.
    ///
    /// # Errors
    /// A key that does not fit, files that cannot be written.
    pub fn install(
        &self,
        files: &[PathBuf; 2],
        key_mode: u32,
        own: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<Shown, ImportError> {
        let [certificate, key] = files;
        // After the whole name: both may differ in their extension alone.
        let checked = [certificate, key].map(|path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".import");
            PathBuf::from(name)
        });
        let written = replace(&checked[0], &self.certificate, 0o644)
            .and_then(|()| replace(&checked[1], &self.key, key_mode))
            .and_then(|()| load::pair(&checked[0], &checked[1], Source::Configured));
        let installed = written.and_then(|identity| {
            for (from, to) in checked.iter().zip(files).rev() {
                let write = |source| TlsError::Write { path: to.clone(), source };
                own(from).and_then(|()| std::fs::rename(from, to)).map_err(write)?;
            }
            Ok(Shown::of(&identity))
        });
        for path in &checked {
            // It is gone when all went well.
            let _ = std::fs::remove_file(path);
        }
        Ok(installed?)
    }
}

fn refused(errors: ErrorStack) -> ImportError {
    let says = |word: &str| {
        let mut reasons = errors.errors().iter().filter_map(|error| error.reason());
        reasons.any(|reason| reason.to_ascii_lowercase().contains(word))
    };
    if says("mac verify") || says("bad decrypt") {
        return ImportError::Password;
    }
    if says("unsupported") || says("unknown") {
        return ImportError::Outdated;
    }
    ImportError::Unreadable(errors)
}

/// From the certificate's issuer upwards, in the order in which they are served. The authority at the
/// top is left out: who trusts it has it.
fn intermediates(leaf: &X509, mut others: Vec<X509>) -> Vec<X509> {
    let is_top = |certificate: &X509Ref| is_issued_by(certificate, certificate);
    let mut chain: Vec<X509> = Vec::new();
    loop {
        let last = chain.last().unwrap_or(leaf);
        let next = others.iter().position(|other| is_issued_by(last, other) && !is_top(other));
        let Some(next) = next else { return chain };
        chain.push(others.swap_remove(next));
    }
}

fn is_issued_by(certificate: &X509Ref, issuer: &X509Ref) -> bool {
    let same = certificate.issuer_name().try_cmp(issuer.subject_name());
    same.is_ok_and(std::cmp::Ordering::is_eq)
}

#[cfg(test)]
mod tests {
    use openssl::pkey::PKey;
    use openssl::stack::Stack;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    struct Made {
        leaf: String,
        key: String,
        others: Vec<String>,
    }

    fn named(name: &str, is_ca: bool) -> CertificateParams {
        let mut params = CertificateParams::new(vec!["vault.example.org".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
        params
    }

    /// A leaf under two intermediates under a top, handed out in no order.
    fn made() -> Made {
        let keys: Vec<_> = (0..4).map(|_| KeyPair::generate().unwrap()).collect();
        let top = named("top", true).self_signed(&keys[0]).unwrap();
        let issuer = Issuer::new(named("top", true), &keys[0]);
        let upper = named("upper", true).signed_by(&keys[1], &issuer).unwrap();
        let issuer = Issuer::new(named("upper", true), &keys[1]);
        let lower = named("lower", true).signed_by(&keys[2], &issuer).unwrap();
        let issuer = Issuer::new(named("lower", true), &keys[2]);
        let leaf = named("leaf", false).signed_by(&keys[3], &issuer).unwrap();
        Made {
            leaf: leaf.pem(),
            key: keys[3].serialize_pem(),
            others: vec![top.pem(), upper.pem(), lower.pem()],
        }
    }

    fn pkcs12(made: &Made, password: &str) -> Vec<u8> {
        let x509 = |pem: &String| X509::from_pem(pem.as_bytes()).unwrap();
        let mut others = Stack::new().unwrap();
        made.others.iter().for_each(|pem| others.push(x509(pem)).unwrap());
        let key = PKey::private_key_from_pem(made.key.as_bytes()).unwrap();
        let mut builder = Pkcs12::builder();
        builder.name("vault").pkey(&key).cert(&x509(&made.leaf)).ca(others);
        builder.build2(password).unwrap().to_der().unwrap()
    }

    #[test]
    fn the_chain_is_served_from_the_certificate_upwards_without_the_top() {
        let made = made();
        let imported = Imported::open(&pkcs12(&made, "horse"), "horse").unwrap();
        assert_eq!(imported.intermediates, 2);
        let x509 = |pem: &str| X509::from_pem(pem.as_bytes()).unwrap().to_der().unwrap();
        let chain = X509::stack_from_pem(&imported.certificate).unwrap();
        let chain: Vec<_> = chain.iter().map(|one| one.to_der().unwrap()).collect();
        assert_eq!(chain, [x509(&made.leaf), x509(&made.others[2]), x509(&made.others[1])]);
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let made = made();
        let der = pkcs12(&made, "horse");
        let said = |der: &[u8], password: &str| match Imported::open(der, password) {
            Ok(_) => panic!("it was taken"),
            Err(error) => error.to_string(),
        };
        assert!(said(&der, "battery").contains("password is wrong"));
        assert!(said(made.leaf.as_bytes(), "horse").contains("no PKCS#12"));
        assert!(!said(&der[..der.len() / 2], "horse").is_empty());
        let files = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        std::fs::write(&files[0], "before").unwrap();
        let imported = Imported::open(&der, "horse").unwrap();
        let refused = imported.install(&files, 0o600, |_| Err(io::Error::other("no such owner")));
        assert!(refused.is_err());
        assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), "before");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left over");
    }

    proptest::proptest! {
        #[test]
        fn bytes_of_anybody_are_refused_and_nothing_else_happens(
            at in 0_usize..600, byte: u8, rest in proptest::collection::vec(proptest::num::u8::ANY, 0..64)
        ) {
            proptest::prop_assert!(Imported::open(&rest, "horse").is_err());
            // A damaged file is refused, unless what was damaged is of no account.
            static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let mut der = WHOLE.get_or_init(|| pkcs12(&made(), "horse")).clone();
            der[at] = byte;
            let _ = Imported::open(&der, "horse");
        }
    }

    #[test]
    fn both_files_are_in_place_and_the_key_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let files = ["vault.pem", "vault.key"].map(|name| dir.path().join(name));
        let imported = Imported::open(&pkcs12(&made(), ""), "").unwrap();
        let shown = imported.install(&files, 0o600, |_| Ok(())).unwrap();
        assert_eq!(shown.names, ["vault.example.org"]);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&files[0]), mode(&files[1])), (0o644, 0o600));
        assert!(load::pair(&files[0], &files[1], Source::Configured).is_ok());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
