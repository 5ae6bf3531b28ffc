//! Why there is no certificate.

use super::super::TlsError;
use super::transport::TransportError;
use crate::tenants::DoorError;

/// Characters of what an authority says that are passed on.
const SAID: usize = 300;

/// The texts are for whoever runs the server; they hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    #[error("no certificate authority is set up: set acme.directory")]
    NotSetUp,
    #[error("a certificate is being asked for just now: look again in a minute")]
    Busy,
    #[error("{0}")]
    Setup(String),
    #[error("the certificate authority cannot be asked: {0}")]
    Transport(#[from] TransportError),
    #[error("the certificate authority refused: {0}")]
    Refused(String),
    #[error("the certificate authority's answer is not understood: {0}")]
    Answer(String),
    #[error(
        "the certificate authority does not look at {name} by {challenge}: set acme.challenge to \
         what it offers"
    )]
    NoChallenge { name: String, challenge: &'static str },
    #[error("the certificate authority could not see that {name} is this server: {why}")]
    Unconfirmed { name: String, why: String },
    #[error("the certificate authority did not finish in time")]
    Slow,
    #[error("the last try was broken off: the server was stopped or killed meanwhile")]
    BrokenOff,
    #[error("the certificate that the authority gave is of no use: {0}")]
    Useless(String),
    #[error("the key of a certificate cannot be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error(transparent)]
    File(#[from] TlsError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AcmeError);

impl From<crate::authz::Denied> for AcmeError {
    fn from(denied: crate::authz::Denied) -> Self {
        Self::Door(denied.into())
    }
}

impl From<instant_acme::Error> for AcmeError {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused(said(&problem)),
            instant_acme::Error::Timeout(_) => Self::Slow,
            instant_acme::Error::Other(inner) => match inner.downcast::<TransportError>() {
                Ok(error) => Self::Transport(*error),
                Err(other) => Self::Answer(clean(&other.to_string())),
            },
            other => Self::Answer(clean(&other.to_string())),
        }
    }
}

/// An authority's own words.
pub(super) fn said(problem: &instant_acme::Problem) -> String {
    clean(problem.to_string().trim_start_matches("API error: "))
}

/// One line of bounded length, whatever the other side says.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect()
}
