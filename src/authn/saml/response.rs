//! A provider's answer to "who is this?".

use super::{Context, Verified};
use crate::authn::sso::{Refusal, Trace};

/// Who somebody is, from the form field `SAMLResponse`.
pub fn response(
    encoded: &str,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Verified, Refusal> {
    let _ = (encoded, context);
    Err(trace.refused("decoded", Refusal::Malformed, None, None))
}
