//! The browser console. `view` holds what pages are made of: typed page structs over the templates,
//! plain data that handlers fill. `messages` holds every string a person reads, `assets` the style
//! sheet, script and icon that the binary carries.

pub mod assets;
pub mod error;
mod frame;
pub mod messages;
mod pages;
mod respond;
#[cfg(test)]
mod templates;
pub mod view;

use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    let mut routes = pages::files::routes();
    routes.extend(pages::landing::routes());
    routes.extend(pages::sign_in::routes());
    routes.extend(pages::choose_password::routes());
    routes
}
