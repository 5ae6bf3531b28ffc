//! How a browser is sent to a provider.

/// What the browser gets.
pub enum SendAway {
    /// To this address, with the message in it.
    Redirect(String),
    /// By a form of these hidden fields (saml-bindings, 3.5).
    Post { url: String, fields: Vec<(String, String)> },
}
