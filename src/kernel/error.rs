//! What kind of failure an error is. Domains name the kind; only the edges know status codes.

/// The kinds of failure that a caller can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is not acceptable; the caller can mend it.
    Invalid,
    /// More than is taken at a time; the caller can send less.
    TooLarge,
    /// Well-formed, but it contradicts what is stored.
    Conflict,
    NotFound,
    /// Known caller, missing right; unknown and foreign things are answered alike.
    Denied,
    /// No valid credential.
    Unauthenticated,
    /// Too much, too fast.
    Throttled,
    /// The tenant takes no changes just now.
    Frozen,
    /// Try again later: queue full, disk full, clock in doubt.
    Unavailable,
    /// A defect or damage; details go to the log, never to the caller.
    Internal,
}

/// An error that a caller gets to see.
pub trait Fault: std::error::Error {
    fn kind(&self) -> ErrorKind;

    /// Stable name, part of the outside contract (`type` in problem details).
    fn code(&self) -> &'static str;

    /// Where in the input it is, when the input is at fault.
    fn field(&self) -> Option<&'static str> {
        None
    }

    /// Seconds after which the same may be tried again, when it is that alone.
    fn retry_after(&self) -> Option<u64> {
        None
    }
}
