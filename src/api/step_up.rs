//! `/api/v1/auth/{tenant}/step-up`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::audit::catalogue;
use crate::authn::{Again, AuthnError, SecondFactor};
use crate::authz::permission::AccountRead;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::http::step_up::{self, NotProven};
use crate::kernel::{ErrorKind, Timestamp};

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(
            Method::Post,
            "/api/v1/auth/{tenant}/step-up",
            Audit::Events(&[catalogue::SESSION_CONFIRMED]),
            prove,
        )
        .says("Prove a factor once more, before a route that asks for a fresh one (x-step-up)")
        .takes::<Proven>()
        .gives::<Until>(200),
    ]
}

/// One of them: a second factor for a person who has one, else the password.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proven {
    /// Of the authenticator app.
    code: Option<String>,
    recovery_code: Option<String>,
    password: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Until {
    /// Until then sensitive routes do not ask again.
    proven_until: Timestamp,
}

async fn prove(call: Call<AccountRead>) -> Answer {
    let again = match call.input.json()? {
        Proven { code: Some(text), recovery_code: None, password: None } => {
            Again::Second(SecondFactor::Code(text.into()))
        }
        Proven { code: None, recovery_code: Some(text), password: None } => {
            Again::Second(SecondFactor::Recovery(text.into()))
        }
        Proven { code: None, recovery_code: None, password: Some(text) } => {
            Again::Password(text.into())
        }
        _ => {
            let detail = "send one of \"code\", \"recoveryCode\" and \"password\"";
            return Err(Failure::new(ErrorKind::Invalid, "body-invalid", detail));
        }
    };
    match step_up::prove(&call.app, call.grant.caller(), again).await {
        Ok(confirmed) => {
            let proven_until = step_up::fresh_until(&call.app, confirmed.at);
            reply::ok(&Until { proven_until })
        }
        Err(NotProven::Wrong) => Err(AuthnError::NotConfirmed.into()),
        Err(NotProven::Failed(failure)) => Err(failure),
    }
}
