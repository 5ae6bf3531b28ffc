//! Second factors: shown at sign-in, set up, replaced, turned off.

use askama::Template;
use qrcode::{Color, EcLevel, QrCode};

use super::passkeys::PasskeyPlace;
use super::{Chrome, Field};
use crate::kernel::Timestamp;

/// `GET|POST …/login/second-factor`; the form sends `code`.
#[derive(Template)]
#[template(path = "sign_in/second_factor.html")]
pub struct SecondFactorPage {
    pub chrome: Chrome,
    /// `/t/{slug}/login` or `/platform/login`.
    pub sign_in: String,
    pub name: String,
    pub has_authenticator: bool,
    pub has_passkey: bool,
    pub place: PasskeyPlace,
    /// What the device answered was not accepted.
    pub passkey_refused: bool,
    pub code: Field,
}

/// `GET|POST …/login/enrol`; the form sends `code`.
#[derive(Template)]
#[template(path = "sign_in/enrol.html")]
pub struct EnrolPage {
    pub chrome: Chrome,
    pub sign_in: String,
    pub app: AppView,
    pub code: Field,
}

/// `GET|POST …/account/second-factor/set-up`; the form sends `proof` and `code`.
#[derive(Template)]
#[template(path = "account/set_up.html")]
pub struct SetUpPage {
    pub chrome: Chrome,
    pub app: AppView,
    /// The proof is a code of the app so far, not the password.
    pub replaces: bool,
    pub proof: Field,
    pub code: Field,
}

/// What an app needs to know.
pub struct AppView {
    pub qr: Qr,
    /// Base32 in groups of four.
    pub secret: String,
    /// Opens an app on the same device.
    pub url: String,
}

/// A QR code (ISO/IEC 18004) as the path of an SVG: part of the page, so that the secret in it is
/// at no address of its own.
pub struct Qr {
    /// Modules a side, with the quiet zone.
    pub side: usize,
    pub path: String,
}

impl Qr {
    /// Light modules around the code (ISO/IEC 18004, 5.3.8).
    const QUIET: usize = 4;

    /// None for a text that is too long for any code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (at % width + Self::QUIET, at / width + Self::QUIET);
                path += &format!("M{x} {y}h1v1h-1z");
            }
        }
        Some(Self { side: width + 2 * Self::QUIET, path })
    }
}

/// New recovery codes, shown once.
#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
pub struct RecoveryCodesPage {
    pub chrome: Chrome,
    pub codes: Vec<String>,
    /// Where they are posted to come back as a file.
    pub download: String,
    /// Where the person wanted to go.
    pub go_on: String,
}

/// `GET …/account/second-factor`
#[derive(Template)]
#[template(path = "account/second_factor.html")]
pub struct OwnFactorsPage {
    pub chrome: Chrome,
    pub authenticator: Option<Timestamp>,
    pub has_passkey: bool,
    /// Whether the person has a password that lets them in.
    pub has_password: bool,
    pub recovery_codes_left: u64,
    pub may_turn_off: bool,
    pub obligatory: bool,
    /// `POST …/recovery-codes` and `POST …/turn-off` send `proof`.
    pub new_codes: Field,
    pub turn_off: Field,
}

impl OwnFactorsPage {
    pub fn path(&self) -> String {
        format!("{}/account/second-factor", self.chrome.base())
    }

    /// Message id for who has no app.
    pub fn without_app(&self) -> &'static str {
        match (self.has_password, self.has_passkey) {
            (true, false) => "own-app-none",
            (true, true) => "own-app-none-passkey",
            (false, false) => "own-app-none-provider",
            (false, true) => "own-app-none-passkey-provider",
        }
    }

    /// Too few recovery codes to be without worry.
    pub fn few_left(&self) -> bool {
        self.recovery_codes_left <= 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_as_large_as_it_says_and_has_its_finder_pattern() {
        let qr = Qr::of("otpauth://totp/Strongroom:a?secret=GEZDGNBVGY3TQOJQ").unwrap();
        assert!(qr.side >= 21 + 8, "{}", qr.side);
        for x in 4..11 {
            assert!(qr.path.contains(&format!("M{x} 4h1")), "{x}");
        }
        assert!(!qr.path.contains("M11 4h1"), "a light line parts the pattern from the rest");
    }
}
