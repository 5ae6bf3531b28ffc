//! Settings of a tenant that its owners change, kept in its own file.

mod change;
mod error;
mod repo;
mod sign_in;
mod single_sign_on;

pub use error::SettingsError;
pub use sign_in::{
    SignInSettings, change_sign_in, four_eyes_off, four_eyes_off_by_operator, is_domain, sign_in,
};
pub use single_sign_on::{
    Candidate, Lack, SingleSignOn, WantedSingleSignOn, candidates, change_single_sign_on,
    change_single_sign_on_approved, single_sign_on, single_sign_on_by_operator,
};
