//! Pages that any domain uses: errors and confirmations.

use askama::Template;

use super::Chrome;

/// Any refusal or failure.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub chrome: Chrome,
    /// The HTTP status code.
    pub status: u16,
    pub kind: ErrorPageKind,
    /// What exactly was refused, in the person's language, where that helps.
    pub detail: Option<String>,
    pub request_id: String,
    pub ways: Vec<WayBack>,
}

/// The reasons a page can give, each with a title and what to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorPageKind {
    BadRequest,
    /// A form that did not come from this browser's session, or from an expired one.
    StaleForm,
    Forbidden,
    NotFound,
    /// An entry of the log whose retention ended.
    Removed,
    Conflict,
    TooLarge,
    TooManyRequests,
    Frozen,
    Unavailable,
    Internal,
}

impl ErrorPageKind {
    pub const fn title(&self) -> &'static str {
        match self {
            Self::BadRequest => "problem-bad-request-title",
            Self::StaleForm => "problem-stale-form-title",
            Self::Forbidden => "problem-forbidden-title",
            Self::NotFound => "problem-not-found-title",
            Self::Removed => "problem-removed-title",
            Self::Conflict => "problem-conflict-title",
            Self::TooLarge => "problem-too-large-title",
            Self::TooManyRequests => "problem-too-many-title",
            Self::Frozen => "problem-frozen-title",
            Self::Unavailable => "problem-unavailable-title",
            Self::Internal => "problem-internal-title",
        }
    }

    pub const fn advice(&self) -> &'static str {
        match self {
            Self::BadRequest => "problem-bad-request-advice",
            Self::StaleForm => "problem-stale-form-advice",
            Self::Forbidden => "problem-forbidden-advice",
            Self::NotFound => "problem-not-found-advice",
            Self::Removed => "problem-removed-advice",
            Self::Conflict => "problem-conflict-advice",
            Self::TooLarge => "problem-too-large-advice",
            Self::TooManyRequests => "problem-too-many-advice",
            Self::Frozen => "problem-frozen-advice",
            Self::Unavailable => "problem-unavailable-advice",
            Self::Internal => "problem-internal-advice",
        }
    }
}

/// A link out of an error page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WayBack {
    Home,
    TenantHome {
        slug: String,
    },
    TenantSignIn {
        slug: String,
    },
    PlatformHome,
    PlatformSignIn,
    /// The page the form stood on.
    Form {
        href: String,
    },
}

impl WayBack {
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Home => "way-home",
            Self::TenantHome { .. } => "way-tenant-home",
            Self::TenantSignIn { .. } => "way-sign-in",
            Self::PlatformHome => "way-platform-home",
            Self::PlatformSignIn => "way-platform-sign-in",
            Self::Form { .. } => "way-form",
        }
    }

    pub fn href(&self) -> String {
        match self {
            Self::Home => "/".to_owned(),
            Self::TenantHome { slug } => format!("/t/{slug}/"),
            Self::TenantSignIn { slug } => format!("/t/{slug}/login"),
            Self::PlatformHome => "/platform/".to_owned(),
            Self::PlatformSignIn => "/platform/login".to_owned(),
            Self::Form { href } => href.clone(),
        }
    }
}

/// Asks before something that cannot be undone by the next click.
#[derive(Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    pub chrome: Chrome,
    pub act: ConfirmAct,
    /// What it is done to: a conversation's subject, a key's name.
    pub subject: String,
    /// Where the form goes, by POST.
    pub action: String,
    /// The way out without doing it.
    pub cancel: String,
}

/// What is about to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfirmAct {
    DeleteConversation,
    RevokeKey,
    RemovePasskey,
    RemoveWitness,
    DisableMember,
    EndSessions,
    DeleteRole,
    DisableAdmin,
    ResetAdmin,
    ResetFactors,
    FreezeTenant,
    UnfreezeTenant,
    SuspendTenant,
    ResumeTenant,
    DeleteStream,
    KeepRestore,
    UndoRestore,
    DeleteDue,
}

impl ConfirmAct {
    /// The question; it has the argument `subject`.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::DeleteConversation => "confirm-delete-conversation-title",
            Self::RevokeKey => "confirm-revoke-key-title",
            Self::RemovePasskey => "confirm-remove-passkey-title",
            Self::RemoveWitness => "confirm-remove-witness-title",
            Self::DisableMember => "confirm-disable-member-title",
            Self::EndSessions => "confirm-end-sessions-title",
            Self::DeleteRole => "confirm-delete-role-title",
            Self::DisableAdmin => "confirm-disable-admin-title",
            Self::ResetAdmin => "confirm-reset-admin-title",
            Self::ResetFactors => "confirm-reset-factors-title",
            Self::FreezeTenant => "confirm-freeze-title",
            Self::UnfreezeTenant => "confirm-unfreeze-title",
            Self::SuspendTenant => "confirm-suspend-title",
            Self::ResumeTenant => "confirm-resume-title",
            Self::DeleteStream => "confirm-delete-stream-title",
            Self::KeepRestore => "confirm-keep-restore-title",
            Self::UndoRestore => "confirm-undo-restore-title",
            Self::DeleteDue => "confirm-delete-due-title",
        }
    }

    /// What will happen.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::DeleteConversation => "confirm-delete-conversation-text",
            Self::RevokeKey => "confirm-revoke-key-text",
            Self::RemovePasskey => "confirm-remove-passkey-text",
            Self::RemoveWitness => "confirm-remove-witness-text",
            Self::DisableMember => "confirm-disable-member-text",
            Self::EndSessions => "confirm-end-sessions-text",
            Self::DeleteRole => "confirm-delete-role-text",
            Self::DisableAdmin => "confirm-disable-admin-text",
            Self::ResetAdmin => "confirm-reset-admin-text",
            Self::ResetFactors => "confirm-reset-factors-text",
            Self::FreezeTenant => "confirm-freeze-text",
            Self::UnfreezeTenant => "confirm-unfreeze-text",
            Self::SuspendTenant => "confirm-suspend-text",
            Self::ResumeTenant => "confirm-resume-text",
            Self::DeleteStream => "confirm-delete-stream-text",
            Self::KeepRestore => "confirm-keep-restore-text",
            Self::UndoRestore => "confirm-undo-restore-text",
            Self::DeleteDue => "confirm-delete-due-text",
        }
    }

    /// The button.
    pub const fn button(&self) -> &'static str {
        match self {
            Self::DeleteConversation => "confirm-delete-conversation-button",
            Self::RevokeKey => "confirm-revoke-key-button",
            Self::RemovePasskey => "confirm-remove-passkey-button",
            Self::RemoveWitness => "confirm-remove-witness-button",
            Self::DisableMember => "confirm-disable-member-button",
            Self::EndSessions => "confirm-end-sessions-button",
            Self::DeleteRole => "confirm-delete-role-button",
            Self::DisableAdmin => "confirm-disable-admin-button",
            Self::ResetAdmin => "confirm-reset-admin-button",
            Self::ResetFactors => "confirm-reset-factors-button",
            Self::FreezeTenant => "confirm-freeze-button",
            Self::UnfreezeTenant => "confirm-unfreeze-button",
            Self::SuspendTenant => "confirm-suspend-button",
            Self::ResumeTenant => "confirm-resume-button",
            Self::DeleteStream => "confirm-delete-stream-button",
            Self::KeepRestore => "confirm-keep-restore-button",
            Self::UndoRestore => "confirm-undo-restore-button",
            Self::DeleteDue => "confirm-delete-due-button",
        }
    }

    /// Whether the button looks dangerous.
    pub const fn takes_away(&self) -> bool {
        !matches!(self, Self::UnfreezeTenant | Self::ResumeTenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::messages::Messages;

    #[test]
    fn what_people_wrote_is_shown_as_text_and_never_as_markup() {
        let page = ConfirmPage {
            chrome: Chrome::public(Messages::english(), "confirm-audited"),
            act: ConfirmAct::RevokeKey,
            subject: "<script>alert(1)</script>".to_owned(),
            action: "/t/acme/keys/1/revoke".to_owned(),
            cancel: "/t/acme/keys".to_owned(),
        };
        let html = page.render().expect("page");
        assert!(html.contains("&#60;script&#62;alert(1)"));
        assert!(!html.contains("<script>"));
    }
}
