//! Bearer tokens: made once, stored as SHA-256.
//!
//! A token carries the tenant that it belongs to, so that no path decides which file is opened.
//! Text form: prefix, then lower-case base32 (RFC 4648, no padding) of tenant id (16) ‖ secret
//! (32) ‖ CRC-32 of both (4, so that secret scanners can tell a real one from noise).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::mac;
use crate::kernel::Random;
use crate::kernel::id::TenantId;

pub const API_KEY_PREFIX: &str = "sr_";

#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Token {
    #[zeroize(skip)]
    tenant: TenantId,
    secret: [u8; 32],
}

impl Token {
    pub fn generate(tenant: TenantId, random: &dyn Random) -> Self {
        let mut token = Self { tenant, secret: [0; 32] };
        random.fill(&mut token.secret);
        token
    }

    pub fn parse(text: &str, prefix: &str) -> Option<Self> {
        let text = Zeroizing::new(text.strip_prefix(prefix)?.to_ascii_uppercase());
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(text.as_bytes()).ok()?);
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body).to_be_bytes() != *checksum {
            return None;
        }
        let (tenant, secret) = body.split_first_chunk::<16>()?;
        Some(Self { tenant: TenantId::from_bytes(*tenant), secret: secret.try_into().ok()? })
    }

    pub fn reveal(&self, prefix: &str) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([self.tenant.bytes().as_slice(), &self.secret].concat());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_be_bytes());
        let encoded = Zeroizing::new(BASE32_NOPAD.encode(&bytes));
        Zeroizing::new(format!("{prefix}{}", encoded.to_ascii_lowercase()))
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What is stored and looked up.
    pub fn hash(&self) -> [u8; 32] {
        mac::sha256(&[self.tenant.bytes().as_slice(), &self.secret].concat())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    #[test]
    fn a_token_reads_back_and_a_mistyped_one_does_not() {
        let token = Token::generate(TenantId::from_bytes([5; 16]), &SystemRandom);
        let text = token.reveal(API_KEY_PREFIX);
        let back = Token::parse(&text, API_KEY_PREFIX).unwrap();
        assert_eq!((back.tenant(), back.hash()), (token.tenant(), token.hash()));
        let mistyped = text.replace('a', "b").replace("sr_b", "sr_a");
        assert!(mistyped == *text || Token::parse(&mistyped, API_KEY_PREFIX).is_none());
        assert!(Token::parse("sr_", API_KEY_PREFIX).is_none());
    }
    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_or_passes_for_a_token(text in "(sr_)?[a-z2-7]{0,90}|.*") {
            proptest::prop_assert!(Token::parse(&text, API_KEY_PREFIX).is_none());
        }
    }
}
