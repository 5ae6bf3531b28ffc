//! What is asked of a new password: length, and that it cannot be guessed (NIST SP 800-63B-4, 3.1.1;
//! OWASP ASVS 5.0, 6.2). No rules about kinds of characters, and none of them is forbidden.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;
use zxcvbn::feedback::Warning;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::{Entropy, Score, zxcvbn};

use super::common::is_common;
use super::normalized;
use crate::kernel::limits;

/// What somebody who guesses a person's password tries first: their name and address, the name of
/// the organisation, ours.
#[derive(Clone, Debug, Default)]
pub struct Context {
    words: Vec<String>,
}

impl Context {
    /// Names and addresses, whole and in their parts.
    pub fn of(texts: &[&str]) -> Self {
        let mut words = vec!["strongroom".to_owned()];
        for text in texts {
            let text = text.trim().to_lowercase();
            let parts = text.split(|c: char| !c.is_alphanumeric());
            words.extend(parts.filter(|part| part.chars().count() > 2).map(str::to_owned));
            let joined: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            words.extend([joined, text]);
        }
        words.retain(|word| word.chars().count() > 2);
        // The longest first: a word goes before its parts.
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        words.truncate(limits::PASSWORD_CONTEXT_WORDS);
        Self { words }
    }

    /// Whether a password is what is known with little beside it. `zxcvbn` takes each further part
    /// for a new idea, even where all of them are known.
    fn leaves_too_little_of(&self, password: &str) -> bool {
        let password = Zeroizing::new(password.to_lowercase());
        let mut rest = password.clone();
        for word in &self.words {
            rest = Zeroizing::new(rest.replace(word, ""));
        }
        rest.len() < password.len() && rest.chars().count() < limits::PASSWORD_CHARS_UNKNOWN
    }
}

/// Takes about a millisecond; only the beginning of a long password is rated.
///
/// # Errors
/// Says what a person can do about a password that is too short, too long or easily guessed.
pub fn check(password: &SecretString, context: &Context) -> Result<(), PasswordError> {
    if password.expose_secret().len() > limits::PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let password = normalized(password);
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if is_common(&password) {
        return Err(PasswordError::Common);
    }
    if context.leaves_too_little_of(&password) {
        return Err(PasswordError::Weak(Weakness::Personal));
    }
    let words: Vec<&str> = context.words.iter().map(String::as_str).collect();
    let rated = zxcvbn(&password, &words);
    if rated.score() >= Score::Three {
        Ok(())
    } else {
        Err(PasswordError::Weak(weakness(&rated, &words)))
    }
}

fn weakness(rated: &Entropy, words: &[&str]) -> Weakness {
    let personal = rated.sequence().iter().any(|part| match &part.pattern {
        MatchPattern::Dictionary(word) => words.contains(&word.matched_word.as_str()),
        _ => false,
    });
    if personal {
        return Weakness::Personal;
    }
    match rated.feedback().and_then(|feedback| feedback.warning()) {
        Some(
            Warning::StraightRowsOfKeysAreEasyToGuess
            | Warning::ShortKeyboardPatternsAreEasyToGuess,
        ) => Weakness::Keyboard,
        Some(
            Warning::RepeatsLikeAaaAreEasyToGuess
            | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        ) => Weakness::Repeats,
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => Weakness::Sequence,
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => {
            Weakness::Date
        }
        _ => Weakness::Words,
    }
}

/// Why a password is easily guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is made of what is known about the person.
    Personal,
    Keyboard,
    Repeats,
    Sequence,
    Date,
    /// A word or two with little beside them.
    Words,
}

impl Weakness {
    const fn why(self) -> &'static str {
        match self {
            Self::Personal => "it is made of your name, your address or your organisation's name",
            Self::Keyboard => "it follows the rows of the keyboard",
            Self::Repeats => "it repeats itself",
            Self::Sequence => "it counts up or down",
            Self::Date => "it is made of a date or a year",
            Self::Words => "it is a common word or two",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error(
        "a password has at least {} characters; a few random words are easiest to remember",
        limits::PASSWORD_CHARS_MIN
    )]
    TooShort,
    #[error("a password has at most {} bytes", limits::PASSWORD_BYTES_MAX)]
    TooLong,
    #[error("this password is on lists of common or breached passwords: choose another")]
    Common,
    #[error("this password is easily guessed, for {}: take four random words instead", .0.why())]
    Weak(Weakness),
}

impl PasswordError {
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password-too-short",
            Self::TooLong => "password-too-long",
            Self::Common => "password-common",
            Self::Weak(_) => "password-weak",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(password: &str) -> Result<(), PasswordError> {
        let ada = Context::of(&["Ada Lovelace", "ada.lovelace@analytical.example", "Acme GmbH"]);
        check(&SecretString::from(password), &ada)
    }

    #[test]
    fn a_few_random_words_are_taken_in_any_script() {
        for password in [
            "harbour lantern orchid 7",
            "schaukelstuhl regenwurm 44 teich",
            "правильно лошадь батарея скоба",
            "正しい馬の電池とホチキスの針です",
            "🦊🍋🚲🌋🎻🧊🪁🦉🥨🏰🧭🪶",
            "kT9#vLq2!xWz",
        ] {
            assert_eq!(rate(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn what_is_easily_guessed_is_refused_with_the_reason() {
        use Weakness::*;
        for (password, reason) in [
            ("adalovelace1815", Personal),
            ("ada.lovelace1815", Personal),
            ("acme-strongroom-1", Personal),
            ("Strongroom2026!", Personal),
            ("AcmeAcmeAcme1", Personal),
            ("lovelaceada99", Personal),
            ("zxcvbnm,./asdf", Keyboard),
            ("qpqpqpqpqpqpqpqpqpqp", Repeats),
            ("klmnopqrstuvwx", Sequence),
            ("Administrator1", Words),
        ] {
            assert_eq!(rate(password), Err(PasswordError::Weak(reason)), "{password}");
        }
        assert_eq!(rate("1q2w3e4r5t6y"), Err(PasswordError::Common));
        assert_eq!(rate("kT9#vLq2!xW"), Err(PasswordError::TooShort));
    }

    #[test]
    fn the_longest_password_is_rated_in_a_moment_and_a_longer_one_is_refused() {
        let longest: String =
            "pA5$w0rd-".chars().cycle().take(limits::PASSWORD_BYTES_MAX).collect();
        assert!(!matches!(rate(&longest), Err(PasswordError::TooLong)));
        assert_eq!(rate(&(longest + "x")), Err(PasswordError::TooLong));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_text_is_too_much_for_the_check(password in "\\PC{0,60}", name in "\\PC{0,40}") {
            let _ = check(&SecretString::from(password), &Context::of(&[&name]));
        }
    }
}
