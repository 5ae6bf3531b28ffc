//! Parts of forms: a field with its kept value and error, and the choices of a select.

use crate::crypto::password::Weakness;
use crate::web::messages::Messages;

/// A form control's value as the person typed it, and what is wrong with it. Passwords are never
/// put back: leave `value` empty.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Field {
    pub value: String,
    pub error: Option<FieldError>,
}

impl Field {
    pub fn value(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }

    pub fn wrong(value: impl Into<String>, error: FieldError) -> Self {
        Self { value: value.into(), error: Some(error) }
    }
}

/// What is wrong with a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldError {
    Required,
    TooLong {
        max: u32,
    },
    Email,
    PasswordTooShort {
        min: u32,
    },
    PasswordTooLong {
        max: u32,
    },
    PasswordCommon,
    /// Easily guessed.
    PasswordWeak(Weakness),
    PasswordsDiffer,
    PasswordWrong,
    /// Of an authenticator app, or a recovery code.
    CodeWrong,
    CodesTooMany,
    TryLater {
        seconds: u64,
    },
    /// A code or password that a change to one's own sign-in takes.
    ProofWrong,
    /// A password where a passkey has to be shown first.
    ProofPasskey,
    SlugFormat,
    SlugTaken,
    EmailTaken,
    PersonId,
    Choice,
    Time,
    /// A day that is no day, or has passed.
    Expiry,
    /// A number of days that is none, or not between these.
    Days {
        min: u32,
        max: u32,
    },
    /// Not the name that was to be typed.
    Confirmation,
    /// What a search says is wrong with it, at the character `at`, from 1.
    Query {
        at: u32,
        problem: String,
    },
    /// Words that the handler has taken from the catalogue.
    Other(String),
}

impl FieldError {
    pub fn text(&self, messages: &Messages) -> String {
        let number = |id, name, value: u32| messages.with(id, &[(name, value.into())]).into_owned();
        let plain = |id| messages.text(id).into_owned();
        match self {
            Self::Required => plain("error-required"),
            Self::TooLong { max } => number("error-too-long", "max", *max),
            Self::Email => plain("error-email"),
            Self::PasswordTooShort { min } => number("error-password-short", "min", *min),
            Self::PasswordTooLong { max } => number("error-password-long", "max", *max),
            Self::PasswordCommon => plain("error-password-common"),
            Self::PasswordWeak(weakness) => match weakness {
                Weakness::Personal => plain("error-password-personal"),
                Weakness::Keyboard => plain("error-password-keyboard"),
                Weakness::Repeats => plain("error-password-repeats"),
                Weakness::Sequence => plain("error-password-sequence"),
                Weakness::Date => plain("error-password-date"),
                Weakness::Words => plain("error-password-words"),
            },
            Self::PasswordsDiffer => plain("error-passwords-differ"),
            Self::PasswordWrong => plain("error-password-wrong"),
            Self::CodeWrong => plain("error-code-wrong"),
            Self::CodesTooMany => plain("error-codes-too-many"),
            Self::TryLater { seconds } => {
                let seconds = u32::try_from(*seconds).unwrap_or(u32::MAX);
                number("sign-in-throttled-text", "count", seconds)
            }
            Self::ProofWrong => plain("error-proof-wrong"),
            Self::ProofPasskey => plain("error-proof-passkey"),
            Self::SlugFormat => plain("error-slug-format"),
            Self::SlugTaken => plain("error-slug-taken"),
            Self::EmailTaken => plain("error-email-taken"),
            Self::PersonId => plain("error-person-id"),
            Self::Choice => plain("error-choice"),
            Self::Time => plain("error-time"),
            Self::Expiry => plain("error-expiry"),
            Self::Days { min, max } => {
                let arguments = [("min", (*min).into()), ("max", (*max).into())];
                messages.with("error-days", &arguments).into_owned()
            }
            Self::Confirmation => plain("error-confirmation"),
            Self::Query { at, problem } => {
                let arguments = [("at", (*at).into()), ("problem", problem.as_str().into())];
                messages.with("error-query", &arguments).into_owned()
            }
            Self::Other(text) => text.clone(),
        }
    }
}

/// One option of a select.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

impl Choice {
    /// Roles as options, in the given order.
    pub fn roles(messages: &Messages, roles: &[&str], selected: &str) -> Vec<Self> {
        roles
            .iter()
            .map(|role| Self {
                value: (*role).to_owned(),
                label: messages.label("role-", role),
                selected: *role == selected,
            })
            .collect()
    }
}
