//! `/api/v1/users/{tenant}/{id}/second-factor`: for members who have lost theirs.

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::UserFactorReset;
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::UserId;
use crate::users::{self, Member};

pub fn routes() -> Vec<Route> {
    let path = "/api/v1/users/{tenant}/{id}/second-factor";
    let reset = Audit::Events(&[catalogue::TWO_FACTOR_RESET]);
    vec![
        Route::api(Method::Delete, path, reset, reset_factors)
            .says("Take away a member's app, passkeys and recovery codes; their sessions end")
            .gives::<Member>(200)
            .sensitive(),
    ]
}

async fn reset_factors(call: Call<UserFactorReset>) -> Answer {
    let id = call.input.id::<UserId>("id")?.to_string();
    reply::ok(&users::reset_factors(&call.app.tenants, &call.grant, &id).await?)
}
