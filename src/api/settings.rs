//! `/api/v1/settings/{tenant}/…`

use schemars::JsonSchema;
use serde::Deserialize;

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authn::SignInPolicy;
use crate::authz::permission::{SettingsRead, SignInManage};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::settings::{self, SettingsError, SignInSettings};

const SIGN_IN: &str = "/api/v1/settings/{tenant}/sign-in";

pub fn routes() -> Vec<Route> {
    let changed = Audit::Events(&[catalogue::SETTINGS_CHANGED]);
    vec![
        Route::api(Method::Get, SIGN_IN, Audit::Nothing("settings, and a count"), show)
            .says("How people of the tenant have to sign in")
            .gives::<SignInSettings>(200),
        Route::api(Method::Put, SIGN_IN, changed, change)
            .says("Change how people of the tenant have to sign in, as a whole")
            .takes::<Wanted>()
            .gives::<SignInSettings>(200)
            .sensitive(),
    ]
}

/// Every setting; none is left as it is by being left out.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    second_factor_for_all: bool,
    /// 5 to 1440; the installation's when null.
    idle_minutes: Option<u32>,
    /// 1 to 720; the installation's when null.
    absolute_hours: Option<u32>,
    /// 1 to 1440.
    access_token_minutes: u32,
    magic_links: bool,
    passkeys_alone: bool,
    registration: bool,
    registration_domains: Vec<String>,
    four_eyes: bool,
    /// Asks a second person, where turning four eyes off takes one.
    reason: Option<String>,
}

impl Wanted {
    fn policy(self) -> SignInPolicy {
        SignInPolicy {
            second_factor_for_all: self.second_factor_for_all,
            idle_minutes: self.idle_minutes,
            absolute_hours: self.absolute_hours,
            access_token_minutes: self.access_token_minutes,
            magic_links: self.magic_links,
            passkeys_alone: self.passkeys_alone,
            registration: self.registration,
            registration_domains: self.registration_domains,
            four_eyes: self.four_eyes,
            ..SignInPolicy::default()
        }
    }
}

async fn show(call: Call<SettingsRead>) -> Answer {
    reply::ok(&settings::sign_in(&call.app.tenants, &call.grant).await?)
}

async fn change(call: Call<SignInManage>) -> Answer {
    let mut wanted: Wanted = call.input.json()?;
    let reason = wanted.reason.take();
    match settings::change_sign_in(&call.app.tenants, &call.grant, wanted.policy()).await {
        Ok(changed) => reply::ok(&changed),
        Err(SettingsError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        Err(error) => Err(error.into()),
    }
}
