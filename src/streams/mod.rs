//! Streams of audit logs to other systems (a SIEM): syslog over TCP or TLS, Splunk's HTTP Event
//! Collector, JSON over HTTP.
//!
//! The log itself is the spool: a stream is a cursor in it, nothing is copied aside. A *pump*
//! (`pump`) reads entries above its cursor, hands them to a sender (`senders`) and moves the cursor
//! when they are delivered, so that every entry arrives at least once; a receiver tells repeated
//! ones by log id and number. The *supervisor* (`supervisor`) runs one pump for each active stream
//! and knows which tenants have any; a tenant's files are open only while there is something to
//! read.

mod backoff;
mod change;
mod check;
mod create;
mod delete;
mod destination;
mod error;
mod format;
mod gap;
mod handle;
mod list;
mod live;
mod metrics;
mod model;
mod publish;
mod pump;
mod reader;
mod repo;
mod report;
mod senders;
mod supervisor;
#[cfg(test)]
mod tests;
mod tls;
mod try_out;

pub use change::{change, pause, resume};
pub use create::create;
pub use delete::delete;
pub use destination::{
    Authentication, Body, Destination, HttpTarget, SplunkTarget, SyslogTarget, TlsOptions,
    Transport,
};
pub use error::StreamError;
pub use format::Format;
pub use handle::Streams;
pub use list::{find, list};
pub use model::{
    Begin, ChangeStream, Delivery, DeliveryState, Manages, NewStream, Secrets, SecretsSet, Sees,
    Stream, StreamState, TryOut,
};
pub use publish::{PlaceState, Publisher};
pub use try_out::try_out;
