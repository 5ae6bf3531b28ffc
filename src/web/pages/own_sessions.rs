//! One's own sessions and devices, a member's and a platform administrator's.

use super::sessions::row;
use super::with_notice;
use crate::app::App;
use crate::audit::catalogue;
use crate::authz::permission::{
    AccountRead, AccountWithdraw, PlatformAccountRead, PlatformAccountWithdraw,
};
use crate::authz::{Grant, Permission, Withdraws};
use crate::http::call::{Call, PLATFORM_COOKIE, PlatformCall, TENANT_COOKIE};
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::SessionId;
use crate::sessions::{self, Device};
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::sessions::{DeviceRow, OwnSessionsPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const TITLE: &str = "own-sessions";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("people see their own sessions and devices, nobody else's");
    let ended = Audit::Events(&[catalogue::SESSION_ENDED]);
    let forgotten = Audit::Events(&[catalogue::DEVICE_FORGOTTEN]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/account/sessions", quiet, show)
            .says("One's own sessions and devices"),
        Route::console(Method::Post, "/t/{tenant}/account/sessions/{id}/end", ended, end)
            .says("End one of one's own sessions"),
        Route::console(Method::Post, "/t/{tenant}/account/sessions/end-others", ended, end_others)
            .says("End all of one's own sessions but this one"),
        Route::console(Method::Post, "/t/{tenant}/account/devices/{id}/forget", forgotten, forget)
            .says("Forget a device that one has signed in on"),
        Route::platform(Method::Get, "/platform/account/sessions", quiet, platform_show)
            .says("A platform administrator's own sessions and devices"),
        Route::platform(Method::Post, "/platform/account/sessions/{id}/end", ended, platform_end)
            .says("End one of a platform administrator's own sessions"),
        Route::platform(
            Method::Post,
            "/platform/account/sessions/end-others",
            ended,
            platform_end_others,
        )
        .says("End all of a platform administrator's own sessions but this one"),
        Route::platform(
            Method::Post,
            "/platform/account/devices/{id}/forget",
            forgotten,
            platform_forget,
        )
        .says("Forget a device that a platform administrator has signed in on"),
    ]
}

async fn show(call: Call<AccountRead>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Account).await?;
    page(&call.app, &call.grant, chrome).await
}

async fn platform_show(call: PlatformCall<PlatformAccountRead>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAccount).await?;
    page(&call.app, &call.grant, chrome).await
}

async fn end(call: Call<AccountWithdraw>) -> Answer {
    let base = format!("/t/{}", call.tenant.slug);
    end_one(&call.app, &call.input, &call.grant, &base, TENANT_COOKIE).await
}

async fn platform_end(call: PlatformCall<PlatformAccountWithdraw>) -> Answer {
    end_one(&call.app, &call.input, &call.grant, "/platform", PLATFORM_COOKIE).await
}

async fn end_others(call: Call<AccountWithdraw>) -> Answer {
    end_all_others(&call.app, &call.grant, &format!("/t/{}", call.tenant.slug)).await
}

async fn platform_end_others(call: PlatformCall<PlatformAccountWithdraw>) -> Answer {
    end_all_others(&call.app, &call.grant, "/platform").await
}

async fn forget(call: Call<AccountWithdraw>) -> Answer {
    let base = format!("/t/{}", call.tenant.slug);
    forget_device(&call.app, &call.input, &call.grant, &base).await
}

async fn platform_forget(call: PlatformCall<PlatformAccountWithdraw>) -> Answer {
    forget_device(&call.app, &call.input, &call.grant, "/platform").await
}

async fn page<P: Permission>(app: &App, grant: &Grant<P>, chrome: Chrome) -> Answer {
    let found = sessions::own(&app.tenants, grant, app.session_policy()).await?;
    let devices = sessions::own_devices(&app.tenants, grant).await?;
    let rows: Vec<_> = found.into_iter().map(|session| row(&chrome, session)).collect();
    let devices = devices.into_iter().map(|found| device(&chrome, found)).collect();
    respond::page(&OwnSessionsPage { chrome, rows, devices })
}

fn device(chrome: &Chrome, device: Device) -> DeviceRow {
    let agent = device.user_agent.unwrap_or_default();
    DeviceRow {
        id: device.id.to_string(),
        is_this: device.current,
        name: super::sessions::program(chrome, &device.client, &agent),
        user_agent: agent,
        ip: device.ip.unwrap_or_default(),
        first_seen: device.first_seen,
        last_sign_in: device.last_sign_in,
    }
}

async fn end_one<P: Withdraws>(
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    base: &str,
    cookie: &'static str,
) -> Answer {
    let session: SessionId = input.id("id")?;
    sessions::end_own(&app.tenants, grant, session).await?;
    let mine = crate::authn::holder(&grant.caller().principal);
    if mine.is_some_and(|(_, current)| current == session) {
        let login = with_notice(&format!("{base}/login"), Notice::SessionEnded);
        return respond::signed_out(respond::see_other(&login), cookie);
    }
    Ok(respond::see_other(&with_notice(&here(base), Notice::SessionEnded)))
}

async fn end_all_others<P: Withdraws>(app: &App, grant: &Grant<P>, base: &str) -> Answer {
    sessions::end_others(&app.tenants, grant).await?;
    Ok(respond::see_other(&with_notice(&here(base), Notice::SessionsEnded)))
}

async fn forget_device<P: Withdraws>(
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    base: &str,
) -> Answer {
    sessions::forget(&app.tenants, grant, input.id("id")?).await?;
    Ok(respond::see_other(&with_notice(&here(base), Notice::DeviceForgotten)))
}

fn here(base: &str) -> String {
    format!("{base}/account/sessions")
}
