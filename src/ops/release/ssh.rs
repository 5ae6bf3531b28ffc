//! A signature that `ssh-keygen`, which is on every machine, checks: for the first installation, where
//! no Strongroom is there yet to do it. The format is OpenSSH's PROTOCOL.sshsig.

use russh::keys::HashAlg;
use russh::keys::ssh_key::public::{Ed25519PublicKey, KeyData};
use russh::keys::ssh_key::{Algorithm, Error, LineEnding, PublicKey, Signature, SshSig};

use crate::audit::note::Signer;

/// What the signature is for: that of a file, as `ssh-keygen -Y sign -n file` makes it. A release's
/// note begins with other words, so that neither passes for the other.
const NAMESPACE: &str = "file";

/// The signature over a file's content, as text.
///
/// # Errors
/// None that is known of: the library's, when it cannot write what it was given.
pub fn sign(content: &[u8], signer: &Signer) -> Result<String, Error> {
    let hash = HashAlg::Sha512;
    let signed = SshSig::signed_data(NAMESPACE, hash, content)?;
    let signature = Signature::new(Algorithm::Ed25519, signer.key().sign(&signed).to_vec())?;
    SshSig::new(public(signer), NAMESPACE, hash, signature)?.to_pem(LineEnding::LF)
}

/// A line of an `allowed_signers` file (ssh-keygen(1)): whose signatures are believed, and for what.
///
/// # Errors
/// As [`sign`].
pub fn allowed(signer: &Signer) -> Result<String, Error> {
    let key = PublicKey::new(public(signer), "").to_openssh()?;
    Ok(format!("{} namespaces=\"{NAMESPACE}\" {}\n", signer.name(), key.trim_end()))
}

fn public(signer: &Signer) -> KeyData {
    KeyData::Ed25519(Ed25519PublicKey(*signer.key().verifying_key().bytes()))
}
