//! `/api/v1/settings/{tenant}/single-sign-on`

use schemars::JsonSchema;
use serde::Deserialize;

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authz::permission::{SettingsRead, SignInManage};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::settings::{self, SettingsError, SingleSignOn, WantedSingleSignOn};

const PATH: &str = "/api/v1/settings/{tenant}/single-sign-on";

pub fn routes() -> Vec<Route> {
    let changed = Audit::Events(&[catalogue::SETTINGS_CHANGED, catalogue::APPROVAL_REQUESTED]);
    vec![
        Route::api(Method::Get, PATH, Audit::Nothing("settings, and counts"), show)
            .says("Whether people come by an identity provider alone")
            .gives::<SingleSignOn>(200),
        Route::api(Method::Put, PATH, changed, change)
            .says(
                "Let people in by an identity provider alone, or by passwords again; ends sessions",
            )
            .takes::<Wanted>()
            .gives::<SingleSignOn>(200)
            .sensitive(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// Passwords, links and passkeys let nobody in but the emergency account.
    single_sign_on_only: bool,
    /// The emergency account, by id or e-mail address: an owner with a password and a second factor.
    /// The one that there is when absent.
    break_glass: Option<String>,
    /// Asks a second person, where one has to approve it.
    reason: Option<String>,
}

async fn show(call: Call<SettingsRead>) -> Answer {
    reply::ok(&settings::single_sign_on(&call.app.tenants, &call.grant).await?)
}

async fn change(call: Call<SignInManage>) -> Answer {
    let Wanted { single_sign_on_only: only, break_glass, reason } = call.input.json()?;
    let wanted = WantedSingleSignOn { only, break_glass };
    match settings::change_single_sign_on(&call.app.tenants, &call.grant, wanted).await {
        Ok(changed) => reply::ok(&changed),
        Err(SettingsError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        Err(error) => Err(error.into()),
    }
}
