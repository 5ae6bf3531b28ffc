//! The browser console. `view` holds what pages are made of: typed page structs over the templates,
//! plain data that handlers fill. `messages` holds every string a person reads, `assets` the style
//! sheet, script and icon that the binary carries.

pub mod assets;
pub mod docs;
pub mod error;
mod frame;
pub mod messages;
mod nav;
mod pages;
mod problems;
mod respond;
#[cfg(test)]
mod templates;
pub mod view;

pub use pages::step_up;

pub use respond::renew as renew_cookie;

use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    pages::routes()
}
