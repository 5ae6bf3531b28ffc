//! `/security`: whom to tell of a weakness, and what to expect then.

use crate::http::call::OpenCall;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::web::messages::Messages;
use crate::web::respond;
use crate::web::view::chrome::Chrome;
use crate::web::view::public::SecurityPage;

const QUIET: Audit = Audit::Nothing("nobody's data is touched");
const WHY: &str = "whoever finds a weakness has no account";

pub fn routes() -> Vec<Route> {
    vec![
        Route::open(Method::Get, "/security", Surface::Console, WHY, QUIET, show)
            .says("Where to report a weakness, and what to expect then"),
    ]
}

async fn show(call: OpenCall) -> Answer {
    let server = &call.app.settings.server;
    respond::page(&SecurityPage {
        chrome: Chrome::public(Messages::english(), "security-title"),
        contact: server.security_contact.as_ref().map(|contact| contact.as_str().to_owned()),
        policy: server.security_policy.as_ref().map(|policy| policy.as_str().to_owned()),
    })
}
