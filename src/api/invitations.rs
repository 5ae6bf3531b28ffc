//! Invitations: `/api/v1/users/{tenant}/invitations`.

use schemars::JsonSchema;
use serde::Serialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{UserInvite, UserRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::LinkId;
use crate::users::{self, Invitation, NewInvitation};

const ALL: &str = "/api/v1/users/{tenant}/invitations";
const ONE: &str = "/api/v1/users/{tenant}/invitations/{id}";

pub fn routes() -> Vec<Route> {
    let nothing = Audit::Nothing("a list of people who have not come yet, as the members are");
    let invited = Audit::Events(&[catalogue::USER_INVITED]);
    let withdrawn = Audit::Events(&[catalogue::INVITATION_WITHDRAWN]);
    vec![
        Route::api(Method::Get, ALL, nothing, list)
            .says("List the invitations that are open")
            .gives::<Invitations>(200),
        Route::api(Method::Post, ALL, invited, invite)
            .says("Invite somebody to become a member")
            .sensitive()
            .takes::<NewInvitation>()
            .gives::<Invited>(201),
        Route::api(Method::Delete, ONE, withdrawn, withdraw)
            .says("Withdraw an invitation")
            .gives_nothing(),
    ]
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Invitations {
    /// Oldest first, all on one page.
    items: Vec<Invitation>,
    /// Always null.
    next_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Invited {
    #[serde(flatten)]
    invitation: Invitation,
    /// Whether it goes out by mail.
    mailed: bool,
    /// The link to hand over where no mail can be sent; given this once.
    url: Option<String>,
}

async fn list(call: Call<UserRead>) -> Answer {
    let items = users::invitations(&call.app.tenants, &call.grant).await?;
    reply::ok(&Invitations { items, next_cursor: None })
}

async fn invite(call: Call<UserInvite>) -> Answer {
    let (app, new) = (&call.app, call.input.json()?);
    let done = users::invite(&app.tenants, &app.mailer, &call.grant, &call.tenant, new).await?;
    let url = (!done.is_mailed).then(|| format!("{}{}", app.base_url(), done.link.as_str()));
    reply::created(&Invited { invitation: done.invitation, mailed: done.is_mailed, url })
}

async fn withdraw(call: Call<UserInvite>) -> Answer {
    let id: LinkId = call.input.id("id")?;
    users::withdraw_invitation(&call.app.tenants, &call.grant, id).await?;
    reply::nothing()
}
