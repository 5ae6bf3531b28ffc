//! The HTTP servers' outer shell: TLS and the redirect to it.

pub mod redirect;
pub mod tls;
