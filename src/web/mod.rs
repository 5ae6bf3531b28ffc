//! The browser console. `view` holds what pages are made of: typed page structs over the templates,
//! plain data that handlers fill. `messages` holds every string a person reads, `assets` the style
//! sheet, script and icon that the binary carries.

pub mod assets;
pub mod messages;
#[cfg(test)]
mod templates;
pub mod view;
