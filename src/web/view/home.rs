//! A tenant's home page.

use askama::Template;

use super::Chrome;
use super::audit_rows::AuditRow;
use super::identity_providers::SsoWarning;
use crate::kernel::Timestamp;

/// `GET /t/{slug}/`.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage {
    pub chrome: Chrome,
    /// The person's name, for the greeting.
    pub name: String,
    /// When somebody came in past single sign-on, for a week.
    pub emergency_used: Option<Timestamp>,
    /// What of single sign-on ends soon, for whoever may see its providers.
    pub ending: Vec<SsoWarning>,
    pub counters: Counters,
    /// The last entries, newest first; absent for who may not read the log.
    pub last_entries: Option<Vec<AuditRow>>,
    /// Shown while the tenant is empty; see [`first_steps`].
    pub first_steps: Vec<Step>,
}

/// What the cards count; an absent one is not shown.
#[derive(Clone, Copy, Default)]
pub struct Counters {
    pub open_conversations: Option<u64>,
    pub members: Option<u64>,
    pub active_keys: Option<u64>,
    pub log_entries: Option<u64>,
}

/// One step of the panel: what it does (a message id) and the command that does it.
pub struct Step {
    pub title: &'static str,
    pub command: String,
}

/// The way from an empty tenant to a stored conversation and a verified log, by `curl`.
/// `origin` is as the browser reached us, such as `https://strongroom.example:8443`.
pub fn first_steps(origin: &str, slug: &str) -> Vec<Step> {
    let api = format!("{origin}/api/v1/conversations/{slug}");
    let post = "  -H \"Authorization: Bearer $STRONGROOM_KEY\" -H 'Content-Type: application/json'";
    vec![
        Step { title: "step-key", command: "export STRONGROOM_KEY='sr_…'".to_owned() },
        Step {
            title: "step-conversation",
            command: format!(
                "export ID=$(curl -sk {api} \\\n{post} \\\n  \
                 -d '{{\"subject\":\"Where is my order?\",\"channel\":\"chat\"}}' \\\n  \
                 | sed 's/^{{\"id\":\"\\([^\"]*\\).*/\\1/')"
            ),
        },
        Step {
            title: "step-message",
            command: format!(
                "curl -sk {api}/$ID/messages \\\n{post} \\\n  \
                 -d '{{\"author\":{{\"type\":\"customer\"}},\"body\":\"It should be here by now.\"}}'"
            ),
        },
        Step {
            title: "step-verify",
            command: format!("strongroom --data-dir DIR audit verify --tenant {slug}"),
        },
    ]
}
