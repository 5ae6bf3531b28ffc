//! Taking away somebody's second factors: a member's, an administrator's.

use super::{also, also_platform, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{PlatformAdminManage, PlatformAdminRead, UserFactorReset, UserRead};
use crate::http::call::{Call, PlatformCall};
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::{AdminId, UserId};
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};
use crate::{admins, users};

const MEMBER: &str = "/t/{tenant}/members/{id}/reset-mfa";
const ADMIN: &str = "/platform/admins/{id}/reset-mfa";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let reset = Audit::Events(&[catalogue::TWO_FACTOR_RESET]);
    const ASK: &str = "Ask before taking away somebody's second factors";
    const RESET: &str = "Take away somebody's second factors, end their sessions";
    vec![
        Route::console(Method::Get, MEMBER, opened, ask_member).says(ASK),
        Route::console(Method::Post, MEMBER, reset, reset_member).says(RESET).sensitive(),
        Route::platform(Method::Get, ADMIN, opened, ask_admin).says(ASK),
        Route::platform(Method::Post, ADMIN, reset, reset_admin).says(RESET).sensitive(),
    ]
}

async fn ask_member(call: Call<UserFactorReset>) -> Answer {
    let id: UserId = call.input.id("id")?;
    let grant = also::<_, UserRead>(&call)?;
    trail::record_admin_access(&call.app.tenants, &call.grant, "members").await?;
    let member = users::find(&call.app.tenants, &grant, id).await?;
    let here = format!("/t/{}/members/{id}", call.tenant.slug);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "nav-members", Section::Members).await?,
        act: ConfirmAct::ResetFactors,
        subject: member.name.unwrap_or_else(|| id.to_string()),
        action: format!("{here}/reset-mfa"),
        cancel: here,
    })
}

async fn reset_member(call: Call<UserFactorReset>) -> Answer {
    let id: UserId = call.input.id("id")?;
    users::reset_factors(&call.app.tenants, &call.grant, &id.to_string()).await?;
    let here = format!("/t/{}/members/{id}", call.tenant.slug);
    Ok(respond::see_other(&with_notice(&here, Notice::MemberFactorsReset)))
}

async fn ask_admin(call: PlatformCall<PlatformAdminManage>) -> Answer {
    let id: AdminId = call.input.id("id")?;
    let grant = also_platform::<_, PlatformAdminRead>(&call)?;
    trail::record_admin_access(&call.app.tenants, &grant, "admin").await?;
    let admin = admins::find(&call.app.tenants, &grant, id).await?;
    let here = format!("/platform/admins/{id}");
    respond::page(&ConfirmPage {
        chrome: frame::platform(&call, "nav-admins", Section::PlatformAdmins).await?,
        act: ConfirmAct::ResetFactors,
        subject: admin.name.unwrap_or_else(|| id.to_string()),
        action: format!("{here}/reset-mfa"),
        cancel: here,
    })
}

async fn reset_admin(call: PlatformCall<PlatformAdminManage>) -> Answer {
    let id: AdminId = call.input.id("id")?;
    admins::reset_factors(&call.app.tenants, &call.grant, &id.to_string()).await?;
    let here = format!("/platform/admins/{id}");
    Ok(respond::see_other(&with_notice(&here, Notice::MemberFactorsReset)))
}
