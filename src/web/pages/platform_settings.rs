//! `/platform/settings`: what the configuration says about mail, and whether it works.

use actix_web::http::StatusCode;
use serde::Deserialize;

use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{PlatformSettingsManage, PlatformSettingsRead};
use crate::http::call::PlatformCall;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::users;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::platform_settings::{MailCard, PlatformSettingsPage};
use crate::web::{frame, respond};
use crate::{mail, trail};

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let tested = Audit::Events(&[catalogue::MAIL_TESTED]);
    vec![
        Route::platform(Method::Get, "/platform/settings", opened, show)
            .says("The platform's settings"),
        Route::platform(Method::Post, "/platform/settings/mail/test", tested, test)
            .says("Send a test mail")
            .rate(RateClass::Mail),
    ]
}

async fn show(call: PlatformCall<PlatformSettingsRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "settings").await?;
    page(&call, Field::default(), None).await
}

async fn page<P: Permission>(
    call: &PlatformCall<P>,
    email: Field,
    tested: Option<String>,
) -> Answer {
    let wrong = email.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (mailer, state) = (&call.app.mailer, call.app.mailer.state());
    let settings = mailer.settings();
    let test = call.also::<PlatformSettingsManage>().map(|_| email);
    let mail = settings.smtp_host.as_ref().map(|host| MailCard {
        server: format!("{}:{}", host.as_str(), settings.port()),
        tls: settings.smtp_tls.name(),
        username: settings.smtp_username.clone(),
        from: settings.from.as_ref().map(|from| from.mailbox().to_string()).unwrap_or_default(),
        waiting: state.waiting,
        sent: state.sent,
        last_sent: state.last_sent,
        last_error: state.last_error,
        test,
        tested,
    });
    let chrome = frame::platform(call, "platform-settings-title", Section::PlatformAdmins).await?;
    respond::page_with(status, &PlatformSettingsPage { chrome, mail })
}

#[derive(Deserialize)]
struct Form {
    email: String,
}

async fn test(call: PlatformCall<PlatformSettingsManage>) -> Answer {
    let Form { email } = call.input.form()?;
    if users::check_email(email.trim()).is_err() {
        return page(&call, Field::wrong(email, FieldError::Email), None).await;
    }
    let (app, to) = (&call.app, email.trim());
    let sent = mail::send_test(&app.tenants, &app.mailer, &call.grant, to, app.base_url()).await?;
    match sent {
        Ok(()) => page(&call, Field::default(), Some(to.to_owned())).await,
        Err(error) => {
            let why = sentence(&error.to_string());
            page(&call, Field::wrong(email, why), None).await
        }
    }
}
