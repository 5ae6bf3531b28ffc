//! Inviting people, and the invitations that are open.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, role_choices, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{UserInvite, UserRead};
use crate::authz::{Permission, Role};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::LinkId;
use crate::roles;
use crate::settings;
use crate::trail;
use crate::users::{self, Invitation, NewInvitation, UserError};
use crate::web::messages::Messages;
use crate::web::problems::{PersonFields, sentence};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::invitations::{InvitationForm, InvitationRow, InvitationsPage, NewLink};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/members/invitations";
const WITHDRAW: &str = "/t/{tenant}/members/invitations/{id}/withdraw";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let invited = Audit::Events(&[catalogue::USER_INVITED, catalogue::ADMIN_PANEL_ACCESS]);
    let withdrawn = Audit::Events(&[catalogue::INVITATION_WITHDRAWN]);
    vec![
        Route::console(Method::Get, PATH, opened, list).says("The invitations that are open"),
        Route::console(Method::Post, PATH, invited, invite).says("Invite somebody").sensitive(),
        Route::console(Method::Post, WITHDRAW, withdrawn, withdraw).says("Withdraw an invitation"),
    ]
}

async fn list(call: Call<UserRead>) -> Answer {
    show(&call, None, None).await
}

async fn show<P: Permission>(
    call: &Call<P>,
    refused: Option<(PersonFields, Field)>,
    link: Option<NewLink>,
) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, UserRead>(call)?);
    trail::record_admin_access(tenants, &grant, "invitations").await?;
    let own = roles::names(tenants, &grant).await?;
    let open = users::invitations(tenants, &grant).await?;
    let rows = open.into_iter().map(|invitation| row(invitation, &own)).collect();
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let by_provider_only = settings::single_sign_on(tenants, &grant).await?.single_sign_on_only;
    let may_invite = call.also::<UserInvite>().is_some();
    let form = match may_invite && !by_provider_only {
        true => {
            let usual = || (PersonFields::default(), Field::value(Role::Operator.name()));
            let (PersonFields { name, email, .. }, role) = refused.unwrap_or_else(usual);
            let roles = role_choices(call, &role.value).await?;
            Some(InvitationForm { name, email, role, roles })
        }
        false => None,
    };
    let chrome = frame::tenant(call, "invitations-title", Section::Members).await?;
    let mails = call.app.mailer.is_configured();
    let page = InvitationsPage { chrome, rows, form, may_invite, by_provider_only, link, mails };
    respond::page_with(status, &page)
}

fn row(invitation: Invitation, own: &[(String, String)]) -> InvitationRow {
    let named = own.iter().find(|(code, _)| *code == invitation.role);
    let role = match named {
        Some((_, name)) => name.clone(),
        None => Messages::english().label("role-", &invitation.role),
    };
    InvitationRow {
        id: invitation.id.to_string(),
        name: invitation.name,
        email: invitation.email,
        role,
        invited: invitation.invited_at,
        expires: invitation.expires_at,
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    email: String,
    role: String,
}

async fn invite(call: Call<UserInvite>) -> Answer {
    let Form { name, email, role } = call.input.form()?;
    let mut person = PersonFields::new(&name, &email);
    let new = NewInvitation { email: email.clone(), name: Some(name), role: role.clone() };
    let app = &call.app;
    match users::invite(&app.tenants, &app.mailer, &call.grant, &call.tenant, new).await {
        Ok(done) if done.is_mailed => {
            let here = format!("/t/{}/members/invitations", call.tenant.slug);
            Ok(respond::see_other(&with_notice(&here, Notice::Invited)))
        }
        Ok(done) => {
            let url = format!("{}{}", app.base_url(), done.link.as_str());
            show(&call, None, Some(NewLink { email, url })).await
        }
        Err(UserError::TooMuch | UserError::Role(_)) => {
            show(&call, Some((person, Field::wrong(role, FieldError::Choice))), None).await
        }
        Err(error @ UserError::SecondPerson) => {
            let role = Field::wrong(role, sentence(&error.to_string()));
            show(&call, Some((person, role)), None).await
        }
        Err(error @ UserError::Invitations) => {
            person.email.error = Some(sentence(&error.to_string()));
            show(&call, Some((person, Field::value(role))), None).await
        }
        Err(error) if person.mark(&error) => {
            show(&call, Some((person, Field::value(role))), None).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn withdraw(call: Call<UserInvite>) -> Answer {
    let id: LinkId = call.input.id("id")?;
    users::withdraw_invitation(&call.app.tenants, &call.grant, id).await?;
    let here = format!("/t/{}/members/invitations", call.tenant.slug);
    Ok(respond::see_other(&with_notice(&here, Notice::InvitationWithdrawn)))
}
