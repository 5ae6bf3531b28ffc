//! The page that asks for a factor before a sensitive act.

use askama::Template;

use super::Chrome;

/// Instead of what a form was sent for, or by itself before a sensitive page. The form sends
/// `step_up`, and what it was given to bring back.
#[derive(Template)]
#[template(path = "step_up.html")]
pub struct StepUpPage {
    pub chrome: Chrome,
    /// What is about to happen.
    pub before: Before,
    pub proof: ProofField,
    /// A passkey can be shown instead.
    pub passkey: bool,
    /// The identity provider can be asked instead.
    pub provider: Option<ConfirmBy>,
    pub wrong: bool,
    /// Where the form goes.
    pub action: String,
    /// The way out without doing it.
    pub cancel: String,
}

pub enum Before {
    /// A form: what it does, and itself, sealed.
    Form { act: &'static str, kept: String },
    /// A form that is too large to be kept.
    LargeForm { act: &'static str, confirm: String },
    /// A page; empty when somebody just came here.
    Page { next: String },
}

/// What is typed as proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProofField {
    Password,
    Code,
    /// Nothing: the person has neither.
    None,
}

/// The identity provider that signed the person in.
pub struct ConfirmBy {
    pub name: String,
    /// Goes there, and comes back to where one was, or for a form to a page that leads back to it.
    pub href: String,
    /// In another window: a form waits in this one.
    pub beside: bool,
}

/// After confirming at a provider, beside the window with the form.
#[derive(Template)]
#[template(path = "step_up_beside.html")]
pub struct StepUpBesidePage {
    pub chrome: Chrome,
}

/// After that, before a page. A download leaves this page standing.
#[derive(Template)]
#[template(path = "step_up_done.html")]
pub struct StepUpDonePage {
    pub chrome: Chrome,
    pub next: String,
}
