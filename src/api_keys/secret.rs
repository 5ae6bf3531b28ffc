//! The secret of a key: made, shown once, kept as SHA-256.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::model::{ApiKey, ApiKeyError, NewKey};
use crate::crypto::token::{API_KEY_PREFIX, Token};
use crate::kernel::Random;
use crate::kernel::id::TenantId;

pub(super) struct Secret {
    token: Token,
    pub hash: [u8; 32],
    /// The last characters.
    pub hint: String,
}

/// What is kept of an answer for a repeated call: everything but the secret.
#[derive(Serialize, Deserialize)]
pub(super) struct Answered {
    pub key: ApiKey,
    /// Of the secret that was shown.
    pub hash: String,
}

impl Secret {
    pub fn generate(tenant: TenantId, random: &dyn Random) -> Self {
        let token = Token::generate(tenant, random);
        let revealed = token.reveal(API_KEY_PREFIX);
        let hint = revealed.get(revealed.len() - 4..).unwrap_or_default().to_owned();
        Self { hash: token.hash(), hint, token }
    }

    pub fn answer(hash: &[u8; 32], key: ApiKey) -> Answered {
        Answered { key, hash: HEXLOWER.encode(hash) }
    }

    /// # Errors
    /// [`ApiKeyError::ShownBefore`] when the answer is one to an earlier call, with another secret.
    pub fn show(self, answered: Answered) -> Result<NewKey, ApiKeyError> {
        let token: Zeroizing<String> = self.token.reveal(API_KEY_PREFIX);
        match answered.hash == HEXLOWER.encode(&self.hash) {
            true => Ok(NewKey { key: answered.key, token }),
            false => Err(ApiKeyError::ShownBefore),
        }
    }
}
