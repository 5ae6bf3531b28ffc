//! Recovery codes: each takes the place of a second factor once. Stored as SHA-256.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::AuthnError;
use super::person::Person;
use crate::args;
use crate::audit::{Event, catalogue};
use crate::crypto::mac;
use crate::kernel::Runtime;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, WriteTx};

/// How many somebody has.
const CODES: usize = 10;
/// 120 random bits: too many to guess, so a plain hash will do (ASVS 5.0, 6.5.2 asks for 112).
const CODE_BYTES: usize = 15;

/// New codes, to be shown once.
#[derive(Clone)]
pub struct RecoveryCodes(Vec<Zeroizing<[u8; CODE_BYTES]>>);

impl RecoveryCodes {
    pub(super) fn generate(runtime: &Runtime) -> Self {
        Self((0..CODES).map(|_| Zeroizing::new(runtime.bytes())).collect())
    }

    /// As people keep them: base32 in groups of four.
    pub fn texts(&self) -> Vec<Zeroizing<String>> {
        let text = |code: &Zeroizing<[u8; CODE_BYTES]>| {
            let encoded = Zeroizing::new(BASE32_NOPAD.encode(code.as_slice()));
            let mut text = Zeroizing::new(String::with_capacity(encoded.len() * 5 / 4));
            for (at, letter) in encoded.chars().enumerate() {
                if at > 0 && at % 4 == 0 {
                    text.push('-');
                }
                text.push(letter);
            }
            text
        };
        self.0.iter().map(text).collect()
    }

    /// Stores them in the place of older ones.
    pub(super) fn store<P>(
        &self,
        tx: &mut WriteTx<'_, P>,
        person: [u8; 16],
    ) -> Result<Event, AuthnError> {
        let (person, now) = (Value::Id(person), tx.runtime().now());
        tx.execute("DELETE FROM recovery_codes WHERE person = $1", args![person])?;
        for code in &self.0 {
            let sql = "INSERT INTO recovery_codes (person, code_hash, created) VALUES ($1, $2, $3)";
            tx.execute(sql, args![person, &mac::sha256(code.as_slice()), now])?;
        }
        let mut event = Event::new(catalogue::RECOVERY_CODES_CREATED);
        event.custom_fields.insert("count".into(), self.0.len().into());
        Ok(event)
    }
}

/// Whatever people put between the groups does not count.
fn hash(typed: &str) -> Option<[u8; 32]> {
    let bare = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase());
    let bare = Zeroizing::new(bare.take(2 * CODE_BYTES).collect::<String>());
    let code = Zeroizing::new(BASE32_NOPAD.decode(bare.as_bytes()).ok()?);
    (code.len() == CODE_BYTES).then(|| mac::sha256(&code))
}

/// Whether this is one of the person's codes, not used yet.
pub(super) fn is_unused(tx: &impl Sql, person: &Person, typed: &str) -> Result<bool, AuthnError> {
    let Some(hash) = hash(typed) else { return Ok(false) };
    let sql = "SELECT count(*) FROM recovery_codes
               WHERE person = $1 AND code_hash = $2 AND used IS NULL";
    Ok(tx.count(sql, args![Value::Id(person.id), &hash])? > 0)
}

/// How many are left.
pub(super) fn left(tx: &impl Sql, person: [u8; 16]) -> Result<u64, AuthnError> {
    let sql = "SELECT count(*) FROM recovery_codes WHERE person = $1 AND used IS NULL";
    Ok(tx.count(sql, args![Value::Id(person)])?)
}

/// Uses a code up.
pub(super) fn spend<P>(
    tx: &mut WriteTx<'_, P>,
    person: &Person,
    typed: &str,
) -> Result<AuditEvents, AuthnError> {
    let hash = hash(typed).ok_or(AuthnError::WrongCode)?;
    let now = tx.runtime().now();
    let sql = "UPDATE recovery_codes SET used = $1
               WHERE person = $2 AND code_hash = $3 AND used IS NULL";
    if tx.execute(sql, args![now, Value::Id(person.id), &hash])? == 0 {
        return Err(AuthnError::WrongCode);
    }
    let mut event = Event::new(catalogue::RECOVERY_CODE_USED);
    event.custom_fields.insert("left".into(), left(tx, person.id)?.into());
    Ok(event.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_was_copied() {
        let codes = RecoveryCodes::generate(&Runtime::system());
        let texts = codes.texts();
        assert_eq!(texts.len(), CODES);
        for (text, code) in texts.iter().zip(&codes.0) {
            assert_eq!(text.split('-').count(), 6, "{}", **text);
            let expected = Some(mac::sha256(code.as_slice()));
            for copy in [text.to_string(), text.to_lowercase(), text.replace('-', " ")] {
                assert_eq!(hash(&copy), expected);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_typed_makes_it_panic(text in ".*") {
            let _ = hash(&text);
        }
    }
}
