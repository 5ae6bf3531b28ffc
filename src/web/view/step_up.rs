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
pub enum ProofField {
    Password,
    Code,
}

/// After that, before a page. A download leaves this page standing.
#[derive(Template)]
#[template(path = "step_up_done.html")]
pub struct StepUpDonePage {
    pub chrome: Chrome,
    pub next: String,
}
