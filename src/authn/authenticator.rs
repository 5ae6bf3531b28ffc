//! Codes of an authenticator app: TOTP (RFC 6238) with SHA-1, six digits and thirty seconds, which
//! is what every app speaks.

use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::AuthnError;
use super::person::Person;
use crate::args;
use crate::crypto::{CryptoError, Field};
use crate::kernel::{Runtime, Timestamp};
use crate::store::{SqlMut, Value};
use crate::tenants::{RealmTx, WriteTx};

/// As long as the hash's output (RFC 4226, 4: 160 bits are recommended).
const SECRET_BYTES: usize = 20;
/// Clocks may differ by one step to either side (RFC 6238, 5.2).
const SKEW: u16 = 1;
pub(super) const DIGITS: usize = 6;

/// What an app is told.
pub struct AppSecret {
    /// Base32 in groups of four, to type.
    pub text: Zeroizing<String>,
    /// The same as a link that apps read from a QR code.
    pub url: Zeroizing<String>,
}

pub(super) fn new_secret(runtime: &Runtime) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(runtime.bytes::<SECRET_BYTES>().to_vec())
}

/// What to show of a secret; `issuer` and `account` are how the app names the entry.
pub(super) fn show(secret: &[u8], issuer: &str, account: &str) -> Result<AppSecret, AuthnError> {
    // A colon parts the two in the link.
    let clean = |text: &str| text.replace(':', " ").trim().to_owned();
    let account = match clean(account) {
        account if account.is_empty() => "-".to_owned(),
        account => account,
    };
    let totp = builder(secret).with_issuer(Some(clean(issuer))).with_account_name(account);
    let url = totp.build().and_then(|totp| totp.to_url()).map_err(unusable)?;
    let encoded = Zeroizing::new(BASE32_NOPAD.encode(secret));
    Ok(AppSecret { text: in_groups(&encoded), url: Zeroizing::new(url) })
}

/// `ABCD EFGH …`
fn in_groups(text: &str) -> Zeroizing<String> {
    let mut grouped = Zeroizing::new(String::with_capacity(text.len() * 5 / 4));
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(letter);
    }
    grouped
}

/// The time step of a code, when it is right around now. Compares in constant time.
pub(super) fn step_of(
    secret: &[u8],
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>, AuthnError> {
    let totp = builder(secret).build().map_err(unusable)?;
    let step = totp.check(code, seconds(now));
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// The code of a secret as it is typed, at a time: for the demo, which shows it.
pub fn code(secret: &str, now: Timestamp) -> Option<String> {
    let bare: String = secret.chars().filter(|letter| !letter.is_whitespace()).collect();
    let secret = Zeroizing::new(BASE32_NOPAD.decode(bare.as_bytes()).ok()?);
    let totp: Totp = builder(&secret).build().ok()?;
    Some(totp.generate(seconds(now)).to_string())
}

fn builder(secret: &[u8]) -> Builder {
    Builder::new().with_secret(secret).with_skew(SKEW)
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros() / 1_000_000).unwrap_or(0)
}

fn unusable(_: totp_rs::TotpError) -> AuthnError {
    CryptoError::Unreadable.into()
}

/// The step of a right code that was not used before.
pub(super) fn unused_step(
    tx: &impl RealmTx,
    person: &Person,
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>, AuthnError> {
    let sql = "SELECT secret, last_step FROM authenticators WHERE person = $1";
    let read = |row: &crate::store::Row<'_>| Ok((row.get::<Vec<u8>>(0)?, row.get::<i64>(1)?));
    let Some((sealed, last)) = tx.query_one(sql, args![Value::Id(person.id)], read)? else {
        return Ok(None);
    };
    let secret = tx.open(Field::AuthenticatorSecret, &person.id, &sealed)?;
    Ok(step_of(&secret, code, now)?.filter(|step| *step > last))
}

/// Uses a code up.
pub(super) fn spend<P>(
    tx: &mut WriteTx<'_, P>,
    person: &Person,
    code: &str,
) -> Result<(), AuthnError> {
    let now = tx.runtime().now();
    let step = unused_step(tx, person, code, now)?.ok_or(AuthnError::WrongCode)?;
    let sql = "UPDATE authenticators SET last_step = $1 WHERE person = $2";
    tx.execute(sql, args![step, Value::Id(person.id)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B: the SHA-1 rows, of whose eight digits six are shown.
    #[test]
    fn codes_are_those_of_the_standard() {
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (time, expected) in vectors {
            let step = step_of(RFC_SECRET, expected, at(time)).unwrap();
            assert_eq!(step, Some(time / 30), "{time}");
            let typed = BASE32_NOPAD.encode(RFC_SECRET);
            assert_eq!(code(&typed, at(time)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_code_counts_one_step_early_or_late_and_no_more() {
        let of = |time| step_of(RFC_SECRET, "081804", at(time)).unwrap();
        let step = 1_111_111_109 / 30;
        for (time, found) in [
            (step * 30 - 31, None),
            (step * 30 - 30, Some(step)),
            (step * 30 + 59, Some(step)),
            (step * 30 + 60, None),
        ] {
            assert_eq!(of(time), found, "{time}");
        }
        for wrong in ["", "81804", "0818040", "+81804", "08180a", "٠٨١٨٠٤"] {
            assert_eq!(step_of(RFC_SECRET, wrong, at(step * 30)).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_cannot_change_what_the_app_reads() {
        let shown = show(RFC_SECRET, "Strongroom (A:B&secret=X)", "o:p@example.org").unwrap();
        assert_eq!(shown.url.matches("secret=").count(), 1, "{}", *shown.url);
        assert_eq!(shown.text.split(' ').count(), 8);
        assert!(shown.text.split(' ').all(|group| group.len() == 4));
    }
}
