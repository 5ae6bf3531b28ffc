//! What domains refuse, as words beside a form's field.

use serde_json::Value;

use super::view::form::{Field, FieldError};
use crate::crypto::password::PasswordError;
use crate::kernel::limits;
use crate::users::UserError;

/// The fields of a form that describe a person.
#[derive(Default)]
pub struct PersonFields {
    pub name: Field,
    pub email: Field,
    /// Never put back.
    pub password: Field,
}

impl PersonFields {
    pub fn new(name: &str, email: &str) -> Self {
        Self { name: Field::value(name), email: Field::value(email), password: Field::default() }
    }

    /// Says an error beside its field; `false` when it is not about one of these.
    pub fn mark(&mut self, error: &UserError) -> bool {
        let field = match error {
            UserError::Name => &mut self.name,
            UserError::Email | UserError::Taken => &mut self.email,
            UserError::Password(_) => &mut self.password,
            _ => return false,
        };
        field.error = Some(match error {
            UserError::Name => missing_or_too_long(&field.value),
            UserError::Taken => FieldError::EmailTaken,
            UserError::Password(error) => password(*error),
            _ if field.value.trim().is_empty() => FieldError::Required,
            _ => FieldError::Email,
        });
        true
    }
}

pub fn missing_or_too_long(value: &str) -> FieldError {
    match value.trim() {
        "" => FieldError::Required,
        _ => FieldError::TooLong { max: number(limits::LINE_BYTES) },
    }
}

/// What is wrong with a new password.
pub fn password(error: PasswordError) -> FieldError {
    match error {
        PasswordError::TooShort => {
            FieldError::PasswordTooShort { min: number(limits::PASSWORD_CHARS_MIN) }
        }
        PasswordError::TooLong => {
            FieldError::PasswordTooLong { max: number(limits::PASSWORD_BYTES_MAX) }
        }
        PasswordError::Common => FieldError::PasswordCommon,
        PasswordError::Weak(weakness) => FieldError::PasswordWeak(weakness),
    }
}

fn number(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// Fewest characters of a password, as pages say it.
pub const PASSWORD_MIN: u64 = limits::PASSWORD_CHARS_MIN as u64;

/// A domain's words about a field.
pub fn sentence(problem: &str) -> FieldError {
    FieldError::Other(as_sentence(problem))
}

/// For a page: a domain's errors begin in lower case and have no full stop.
pub fn as_sentence(problem: &str) -> String {
    let mut letters = problem.trim_end_matches('.').chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// A value as people read it: texts without quotes, anything else as JSON.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_said_to_be_needed_and_not_to_be_wrong() {
        let mut person = PersonFields::new(" ", "");
        assert!(person.mark(&UserError::Name) && person.mark(&UserError::Email));
        assert_eq!(person.name.error, Some(FieldError::Required));
        assert_eq!(person.email.error, Some(FieldError::Required));
        assert!(!person.mark(&UserError::LastOwner));
    }
}
