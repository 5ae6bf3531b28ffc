//! Settings of a tenant that its owners change, kept in its own file.

mod error;
mod repo;
mod sign_in;

pub use error::SettingsError;
pub use sign_in::{
    SignInSettings, change_sign_in, four_eyes_off, four_eyes_off_by_operator, is_domain, sign_in,
};
