//! `/api/v1/sessions/{tenant}`: who is signed in.

use serde::Deserialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{SessionRead, SessionRevoke};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::sessions::{self, SessionError, SessionPage, Sessions, Whose};

const ALL: &str = "/api/v1/sessions/{tenant}";
const WHOSE: (&str, &str) = ("user", "e-mail address or id of a member");

pub fn routes() -> Vec<Route> {
    let ended = Audit::Events(&[catalogue::SESSION_ENDED]);
    vec![
        Route::api(Method::Get, ALL, Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]), list)
            .says("Who is signed in, from where, newest first")
            .parameters(&[
                WHOSE,
                ("limit", "1 to 1000, 50 when absent"),
                ("cursor", "nextCursor of the page before"),
            ])
            .gives::<SessionPage>(200),
        Route::api(Method::Delete, ALL, ended, end_of)
            .says("End all sessions of a member; none is no error")
            .parameters(&[WHOSE])
            .gives_nothing(),
        Route::api(Method::Delete, "/api/v1/sessions/{tenant}/{id}", ended, end)
            .says("End a session, with all tokens that came from it")
            .gives_nothing(),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    user: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(call: Call<SessionRead>) -> Answer {
    let ListQuery { user, limit, cursor } = call.input.query()?;
    let whose = user.map_or(Whose::Everybodys, Whose::One);
    let (app, wanted) = (&call.app, Sessions { whose, limit, cursor });
    reply::ok(&sessions::list(&app.tenants, &call.grant, app.session_policy(), wanted).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndQuery {
    user: Option<String>,
}

async fn end_of(call: Call<SessionRevoke>) -> Answer {
    let EndQuery { user } = call.input.query()?;
    // Nobody ends everybody's because a name got lost on the way.
    let user = user.filter(|user| !user.trim().is_empty()).ok_or(SessionError::Whose)?;
    sessions::end_of(&call.app.tenants, &call.grant, &user).await?;
    reply::nothing()
}

async fn end(call: Call<SessionRevoke>) -> Answer {
    sessions::end(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    reply::nothing()
}
