//! Certificate and key from a PKCS#12 file (RFC 7292), as certificate authorities and Windows hand
//! them out, to the two PEM files that are served.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::x509::{X509, X509Ref};
use zeroize::Zeroizing;

use super::{Shown, Source, TlsError, exchange, load};

/// Larger than any chain of certificates.
pub const FILE_BYTES: u64 = 1024 * 1024;
/// A file says itself how often its password is hashed, and may say two thousand million times.
const OPEN_TIME: Duration = Duration::from_secs(30);

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
    #[error(
        "the file asks for more work than 30 seconds before it opens: nobody makes one like that to be \
         used; export it again"
    )]
    Work,
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
        let parsed = parse(file, password, OPEN_TIME)?;
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

    /// Puts both files into place, after a look at whether a server would take them. `key_mode` is
    /// the mode of the key's file; `own` gives a file that is still under another name its owner.
    /// Whatever fails, the pair that was there before is there again, or lies beside.
    ///
    /// # Errors
    /// A key that does not fit, files that cannot be written.
    pub fn install(
        &self,
        files: &[PathBuf; 2],
        key_mode: u32,
        own: impl Fn(&File) -> io::Result<()>,
    ) -> Result<Shown, ImportError> {
        let [certificate, key] = files;
        exchange::mend(certificate, key)?;
        let new = files.each_ref().map(|path| exchange::beside(path, ".import"));
        let written = exchange::write_new(&new[0], &self.certificate, 0o644, &own)
            .and_then(|()| exchange::write_new(&new[1], &self.key, key_mode, &own))
            .and_then(|()| load::pair(&new[0], &new[1], Source::Configured));
        let installed =
            written.and_then(|identity| exchange::put(&new, files).map(|()| Shown::of(&identity)));
        for path in &new {
            // It is gone when all went well.
            let _ = std::fs::remove_file(path);
        }
        Ok(installed?)
    }
}

/// What takes longer is left to a thread that ends with the process.
fn parse(file: Pkcs12, password: &str, most: Duration) -> Result<ParsedPkcs12_2, ImportError> {
    let (send, receive) = mpsc::sync_channel(1);
    let password = Zeroizing::new(password.to_owned());
    std::thread::spawn(move || {
        let _ = send.send(file.parse2(&password).map_err(refused));
    });
    receive.recv_timeout(most).map_err(|_| ImportError::Work)?
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
    use std::path::Path;

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

    #[test]
    fn a_file_that_asks_for_hours_of_work_is_refused() {
        let made = made();
        let mut builder = Pkcs12::builder();
        builder.mac_iter(0x0001_0000);
        let key = PKey::private_key_from_pem(made.key.as_bytes()).unwrap();
        let certificate = X509::from_pem(made.leaf.as_bytes()).unwrap();
        let file = builder.pkey(&key).cert(&certificate).build2("horse").unwrap();
        let mut der = file.to_der().unwrap();
        // The number stands at the end.
        let at = der.len() - 3;
        assert_eq!(der[at..], [1, 0, 0]);
        der[at..].copy_from_slice(&[0x7f, 0xff, 0xff]);
        let file = Pkcs12::from_der(&der).unwrap();
        let refused = parse(file, "horse", Duration::from_millis(1)).err().expect("it was opened");
        assert!(refused.to_string().contains("more work"), "{refused}");
    }

    /// A pair as PEM in files, of the certificate's name.
    fn pair_in(dir: &Path) -> [PathBuf; 2] {
        let files = ["cert.pem", "key.pem"].map(|name| dir.join(name));
        let imported = Imported::open(&pkcs12(&made(), ""), "").unwrap();
        imported.install(&files, 0o600, |_| Ok(())).unwrap();
        files
    }

    fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        let mut found: Vec<_> = entries
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_certificate_that_cannot_be_put_into_place_leaves_the_pair_from_before() {
        let dir = tempfile::tempdir().unwrap();
        let [_, key] = pair_in(dir.path());
        // A directory is in the way of the certificate: that fails after the key.
        let blocked = dir.path().join("blocked");
        std::fs::create_dir_all(blocked.join("full")).unwrap();
        let before = contents(dir.path());
        let imported = Imported::open(&pkcs12(&made(), ""), "").unwrap();
        let refused = imported.install(&[blocked.clone(), key], 0o600, |_| Ok(()));
        assert!(matches!(refused, Err(ImportError::Tls(TlsError::Write { .. }))));
        assert_eq!(contents(dir.path()), before);
        // Where there was no key before, none is left.
        let other = dir.path().join("other.pem");
        assert!(imported.install(&[blocked, other], 0o600, |_| Ok(())).is_err());
        assert_eq!(contents(dir.path()), before);
    }

    #[test]
    fn an_import_that_was_killed_between_the_files_is_mended_by_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let files = pair_in(dir.path());
        let [certificate, key] = &files;
        let old = std::fs::read(key).unwrap();
        std::fs::hard_link(key, dir.path().join("key.pem.before")).unwrap();
        let imported = Imported::open(&pkcs12(&made(), ""), "").unwrap();
        std::fs::write(dir.path().join("new"), &*imported.key).unwrap();
        std::fs::rename(dir.path().join("new"), key).unwrap();
        assert!(load::pair(certificate, key, Source::Configured).is_err());
        let refused = imported.install(&files, 0o600, |_| Err(io::Error::other("no such owner")));
        assert!(refused.is_err());
        assert_eq!(std::fs::read(key).unwrap(), old, "the pair that was served");
        assert!(load::pair(certificate, key, Source::Configured).is_ok());
        imported.install(&files, 0o600, |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(key).unwrap(), *imported.key);
        assert_eq!(contents(dir.path()).len(), 2, "no key is left over");
    }

    #[test]
    fn an_owner_is_given_to_the_file_that_was_made_whatever_lies_under_its_name_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        let other = dir.path().join("other");
        std::fs::write(&other, "of root").unwrap();
        let imported = Imported::open(&pkcs12(&made(), ""), "").unwrap();
        let own = |file: &File| {
            use std::os::unix::fs::MetadataExt;
            let name = dir.path().join("key.pem.import");
            if name.exists() {
                std::fs::remove_file(&name)?;
                std::os::unix::fs::symlink(&other, &name)?;
                let [given, linked] = [file.metadata()?, std::fs::metadata(&name)?];
                assert_ne!(given.ino(), linked.ino());
            }
            Ok(())
        };
        assert!(imported.install(&files, 0o600, own).is_err(), "that is not the key");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "of root");
        assert!(!files[0].exists() && !files[1].exists());
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
