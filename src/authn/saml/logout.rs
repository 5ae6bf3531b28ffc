//! Providers that sign somebody out, and their answers when we do.

use super::{Carried, Context, LogoutRequest, LogoutResponse};
use crate::authn::sso::{Refusal, Trace};

/// A logout that the provider began. Its signature is never optional.
pub fn logout_request(
    message: Carried<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<LogoutRequest, Refusal> {
    let _ = (message, context);
    Err(trace.refused("decoded", Refusal::Malformed, None, None))
}

/// The provider's answer to a logout of ours; `context.asked` is the ID of that.
pub fn logout_response(
    message: Carried<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<LogoutResponse, Refusal> {
    let _ = (message, context);
    Err(trace.refused("decoded", Refusal::Malformed, None, None))
}

/// Who says to have sent a message, to find the provider whose keys are then held against it. Nothing
/// of the message has been checked: use it for that alone.
pub fn unverified_issuer(message: Carried<'_>) -> Result<String, Refusal> {
    let _ = message;
    Err(Refusal::Malformed)
}
