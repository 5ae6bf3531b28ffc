//! SAML metadata: the provider's is read, our own is written.

mod read;
#[cfg(test)]
mod read_tests;
mod write;
mod xml;

pub use read::{MetadataError, ReadMetadata, read, read_one};
pub use write::write;
