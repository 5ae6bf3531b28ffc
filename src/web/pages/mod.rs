//! Handlers of the console, one file a domain. Each fills a page struct of [`super::view`].

pub mod choose_password;
pub mod files;
pub mod landing;
pub mod sign_in;
