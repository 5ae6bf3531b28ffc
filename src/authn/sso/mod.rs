//! Single sign-on: what SAML and OpenID Connect have in common. The protocols turn a provider's
//! answer into an [`Identity`] or a [`Refusal`], and write down what they looked at in a [`Trace`];
//! what becomes of it is for the room `sso`.

mod attributes;
mod identity;
mod refusal;
mod trace;
mod vouched;

pub use attributes::Attributes;
pub use identity::Identity;
pub use refusal::Refusal;
pub use trace::{Document, Outcome, Step, Trace};
pub use vouched::{ProviderSession, Vouched, known_as};
