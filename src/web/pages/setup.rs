//! The first-run wizard behind the one-time link.

use std::sync::Arc;

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::platform::TenantFields;
use crate::admins::{self, AdminError};
use crate::audit::catalogue;
use crate::authn::{self, LinkFor};
use crate::authz::permission::{PlatformAdminManage, TenantCreate};
use crate::authz::{Caller, Principal, Role};
use crate::http::call::OpenCall;
use crate::http::failure::Failure;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::kernel::ErrorKind;
use crate::provision;
use crate::tenants::{NewTenant, Tenant};
use crate::users::NewMember;
use crate::web::problems::{PASSWORD_MIN, PersonFields};
use crate::web::view::chrome::Chrome;
use crate::web::view::form::FieldError;
use crate::web::view::setup::{SetupDonePage, SetupLinkPage, SetupLinkProblem, SetupPage};
use crate::web::{frame, respond};

const PATH: &str = "/setup";
const WHY: &str = "the one-time link is the credential";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("a form; nobody's data is touched");
    let done = Audit::Events(&[
        catalogue::SETUP_COMPLETED,
        catalogue::PLATFORM_ADMIN_CREATED,
        catalogue::TENANT_CREATED,
        catalogue::USER_CREATED,
    ]);
    vec![
        Route::open(Method::Get, PATH, Surface::Console, WHY, quiet, form)
            .says("Set-up form behind the one-time link"),
        Route::open(Method::Post, PATH, Surface::Console, WHY, done, set_up)
            .says("Make the first administrator and the first tenant")
            .rate(RateClass::SignIn),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    token: String,
}

async fn form(call: OpenCall) -> Answer {
    let Link { token } = call.input.query()?;
    if !is_open(&call, &token).await? {
        return closed(&call).await;
    }
    let make = |chrome| SetupPage::new(chrome, token, PASSWORD_MIN);
    frame::open_page(&call, "setup-title", make, respond::page)
}

async fn is_open(call: &OpenCall, token: &str) -> Result<bool, Failure> {
    let link = authn::look_at_link(&call.app.tenants, token).await?;
    Ok(link == Some(LinkFor::Setup))
}

/// The link does not work: used, too old, or never one of ours.
async fn closed(call: &OpenCall) -> Answer {
    let problem = match admins::any(&call.app.tenants).await? {
        true => SetupLinkProblem::Used,
        false => SetupLinkProblem::Expired,
    };
    let make = |chrome| SetupLinkPage { chrome, problem };
    frame::open_page(call, problem.title(), make, |page| respond::page_with(StatusCode::GONE, page))
}

#[derive(Deserialize)]
struct Form {
    token: String,
    admin_name: String,
    admin_email: String,
    admin_password: SecretString,
    admin_password_again: SecretString,
    tenant_name: String,
    tenant_slug: String,
    owner_name: String,
    owner_email: String,
    owner_password: SecretString,
}

/// The form's fields, with what is wrong with them.
struct Fields {
    admin: PersonFields,
    again: Option<FieldError>,
    tenant: TenantFields,
    owner: PersonFields,
}

impl Fields {
    fn page(self, chrome: Chrome, token: String) -> SetupPage {
        let mut page = SetupPage::new(chrome, token, PASSWORD_MIN);
        (page.admin_name, page.admin_email) = (self.admin.name, self.admin.email);
        (page.admin_password, page.admin_password_again.error) = (self.admin.password, self.again);
        (page.tenant_name, page.tenant_slug) = (self.tenant.name, self.tenant.slug);
        (page.owner_name, page.owner_email) = (self.owner.name, self.owner.email);
        page.owner_password = self.owner.password;
        page
    }
}

async fn set_up(call: OpenCall) -> Answer {
    let form: Form = call.input.form()?;
    let app = &call.app;
    let token = form.token.clone();
    if !is_open(&call, &token).await? {
        return closed(&call).await;
    }
    let (mut fields, wanted) = check(&call, form);
    let Some((admin, new, owner)) = wanted else { return refuse(&call, fields, token) };
    let caller =
        Arc::new(Caller { principal: Principal::SetupLink, request: call.input.context.clone() });
    let route = call.input.route.label();
    let manage = app.tenants.authorize_platform::<PlatformAdminManage>(&caller, route).await?;
    let create = app.tenants.authorize_platform::<TenantCreate>(&caller, route).await?;
    let link = Some(token.clone());
    match admins::create(&app.tenants, &app.hasher, &manage, admin, link).await {
        Ok(_) => {}
        Err(AdminError::User(error)) if fields.admin.mark(&error) => {
            return refuse(&call, fields, token);
        }
        Err(AdminError::Link(_)) => return closed(&call).await,
        Err(error) => return Err(error.into()),
    }
    let owner_email = owner.email.trim().to_owned();
    let made = provision::tenant_with_owner(&app.tenants, &app.hasher, &create, new, owner).await;
    match made {
        Ok(tenant) => done(&call, tenant, owner_email),
        Err(error) => {
            tracing::error!(%error, "set-up made the administrator but not the organisation");
            Err(half_done(&Failure::from(error)))
        }
    }
}

/// Checks everything before the link is used up, and says all that is wrong at once.
fn check(call: &OpenCall, form: Form) -> (Fields, Option<(NewMember, NewTenant, NewMember)>) {
    let mut fields = Fields {
        admin: PersonFields::new(&form.admin_name, &form.admin_email),
        again: None,
        tenant: TenantFields::new(&form.tenant_name, &form.tenant_slug),
        owner: PersonFields::new(&form.owner_name, &form.owner_email),
    };
    let is_same = form.admin_password.expose_secret() == form.admin_password_again.expose_secret();
    let admin = NewMember {
        name: form.admin_name,
        email: form.admin_email,
        password: form.admin_password,
        role: Role::PlatformAdmin.into(),
    };
    let owner = NewMember {
        name: form.owner_name,
        email: form.owner_email,
        password: form.owner_password,
        role: Role::Owner.into(),
    };
    if !is_same {
        fields.again = Some(FieldError::PasswordsDiffer);
    }
    let admins = admin.problems("").iter().filter(|problem| fields.admin.mark(problem)).count();
    let owners = owner
        .problems(&form.tenant_name)
        .iter()
        .filter(|problem| fields.owner.mark(problem))
        .count();
    let new = fields.tenant.checked(&call.app.tenants);
    let fine = is_same && admins + owners == 0;
    (fields, new.filter(|_| fine).map(|new| (admin, new, owner)))
}

fn refuse(call: &OpenCall, fields: Fields, token: String) -> Answer {
    frame::open_page(call, "setup-title", |chrome| fields.page(chrome, token), respond::refused)
}

fn done(call: &OpenCall, tenant: Tenant, owner_email: String) -> Answer {
    let make = |chrome| SetupDonePage {
        chrome,
        tenant_name: tenant.name,
        tenant_slug: tenant.slug.to_string(),
        owner_email,
        root_key_file: call.app.embedded_root_key.as_ref().map(|path| path.display().to_string()),
    };
    frame::open_page(call, "setup-done-title", make, respond::page)
}

/// The administrator is there, so nobody is stuck: says where to go on.
fn half_done(cause: &Failure) -> Failure {
    let detail = format!(
        "The administrator was made and the link is used up, but the organisation was not made: \
         {}. Sign in to the platform as that administrator and create the organisation there.",
        cause.detail
    );
    Failure::new(ErrorKind::Conflict, "setup-half-done", detail)
}
