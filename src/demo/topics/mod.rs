//! What customers write about. `{ref}`, `{amount}`, `{date}`, `{city}`, `{n}`, `{first}`, `{last}`
//! and `{agent}` are filled in.

mod energy;
mod travel;

pub use energy::ENERGY;
pub use travel::TRAVEL;

use super::language::Language;

pub struct Topic {
    pub language: Language,
    pub tags: &'static [&'static str],
    pub subjects: &'static [&'static str],
    /// What the customer begins with.
    pub openings: &'static [&'static str],
    /// Customer and agent in turn, the agent first.
    pub turns: &'static [&'static str],
}
