//! The platform's console: the list of tenants, and making one.

use secrecy::SecretString;
use serde::Deserialize;

use super::backup_state::BackupState;
use super::with_notice;
use crate::audit::catalogue;
use crate::authz::Role;
use crate::authz::permission::{
    PlatformBackupRead, PlatformSettingsRead, TenantCreate, TenantRead,
};
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::provision::{self, ProvisionError};
use crate::tenants::{self, NewTenant, Slug, Tenant, TenantError};
use crate::trail;
use crate::users::NewMember;
use crate::web::problems::{PASSWORD_MIN, PersonFields, missing_or_too_long};
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::platform::{NewTenantPage, TenantRow, TenantsPage};
use crate::web::view::query::{self, Pager};
use crate::web::view::state::{Notice, TenantState};
use crate::web::{frame, respond};

const NEW: &str = "/platform/tenants/new";
/// Tenants on one page.
const PAGE: usize = 100;

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::TENANT_CREATED]);
    vec![
        Route::platform(Method::Get, "/platform/", opened, list).says("The tenants"),
        Route::platform(Method::Get, NEW, opened, form).says("Form for a new tenant"),
        Route::platform(Method::Post, NEW, created, create)
            .says("Create a tenant with its first owner")
            .sensitive(),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// The last short name of the page before.
    cursor: String,
}

async fn list(call: PlatformCall<TenantRead>) -> Answer {
    let Asked { cursor } = call.input.query()?;
    trail::record_admin_access(&call.app.tenants, &call.grant, "tenants").await?;
    let all = tenants::list(&call.app.tenants, &call.grant).await?;
    let mut rest = all.iter().filter(|tenant| tenant.slug.as_str() > cursor.as_str());
    let rows: Vec<TenantRow> = rest.by_ref().take(PAGE).map(row).collect();
    let last = rows.last().map(|row| row.slug.clone()).filter(|_| rest.next().is_some());
    let pager = Pager {
        newest: (!cursor.is_empty()).then(|| "/platform/".to_owned()),
        newer: None,
        older: last.map(|slug| query::href("/platform/", &[("cursor", &slug)])),
    };
    let alarms = match call.also::<PlatformBackupRead>() {
        Some(grant) => BackupState::of(&call, &grant).await?.alarms(),
        None => Vec::new(),
    };
    let chrome = frame::platform(&call, "nav-tenants", Section::Tenants).await?;
    // The page that says more is for those who may see the settings.
    let may_see = call.also::<PlatformSettingsRead>().is_some();
    let certificate = may_see.then(|| super::configuration::alarm(&call.app)).flatten();
    respond::page(&TenantsPage { chrome, alarms, certificate, rows, pager })
}

fn row(tenant: &Tenant) -> TenantRow {
    TenantRow {
        name: tenant.name.clone(),
        slug: tenant.slug.to_string(),
        href: super::platform_tenant::path(tenant),
        state: state(tenant),
        created: tenant.created,
    }
}

pub fn state(tenant: &Tenant) -> TenantState {
    TenantState::from_code(tenant.state.name()).unwrap_or(TenantState::Closed)
}

async fn form(call: PlatformCall<TenantCreate>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "new-tenant").await?;
    let chrome = frame::platform(&call, "tenant-new", Section::Tenants).await?;
    respond::page(&page(chrome, TenantFields::default(), PersonFields::default()))
}

fn page(chrome: Chrome, tenant: TenantFields, owner: PersonFields) -> NewTenantPage {
    NewTenantPage {
        chrome,
        name: tenant.name,
        slug: tenant.slug,
        owner_name: owner.name,
        owner_email: owner.email,
        owner_password: owner.password,
        password_min: PASSWORD_MIN,
    }
}

/// The fields of a form that describe a tenant.
#[derive(Default)]
pub struct TenantFields {
    pub name: Field,
    pub slug: Field,
}

impl TenantFields {
    pub fn new(name: &str, slug: &str) -> Self {
        Self { name: Field::value(name.trim()), slug: Field::value(slug.trim()) }
    }

    /// The tenant that they describe; `None` after saying what is wrong.
    pub fn checked(&mut self, tenants: &tenants::Tenants) -> Option<NewTenant> {
        let (name, wanted) = (self.name.value.clone(), self.slug.value.clone());
        let long = name.len() > crate::kernel::limits::LINE_BYTES;
        if name.is_empty() || long || name.chars().any(char::is_control) {
            self.mark(&TenantError::Name);
        }
        let slug = wanted.parse::<Slug>();
        match &slug {
            Err(error) => _ = self.mark(error),
            Ok(slug) if tenants.tenant(slug.as_str()).is_some() => {
                self.mark(&TenantError::Taken);
            }
            Ok(_) => {}
        }
        let fine = self.name.error.is_none() && self.slug.error.is_none();
        slug.ok().filter(|_| fine).map(|slug| NewTenant { slug, name })
    }

    /// Says an error beside its field; `false` when it is not about one of these.
    pub fn mark(&mut self, error: &TenantError) -> bool {
        match error {
            TenantError::Name => self.name.error = Some(missing_or_too_long(&self.name.value)),
            TenantError::Slug if self.slug.value.is_empty() => {
                self.slug.error = Some(FieldError::Required);
            }
            TenantError::Slug => self.slug.error = Some(FieldError::SlugFormat),
            TenantError::Taken => self.slug.error = Some(FieldError::SlugTaken),
            _ => return false,
        }
        true
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    slug: String,
    owner_name: String,
    owner_email: String,
    owner_password: SecretString,
}

async fn create(call: PlatformCall<TenantCreate>) -> Answer {
    let form: Form = call.input.form()?;
    let mut fields = TenantFields::new(&form.name, &form.slug);
    let mut person = PersonFields::new(&form.owner_name, &form.owner_email);
    let Form { owner_name: name, owner_email: email, owner_password: password, .. } = form;
    let owner = NewMember { name, email, password, role: Role::Owner.into() };
    let new = fields.checked(&call.app.tenants);
    let problems = owner.problems(&form.name).iter().filter(|problem| person.mark(problem)).count();
    let app = &call.app;
    let refused = match new.filter(|_| problems == 0) {
        None => None,
        Some(new) => {
            let made =
                provision::tenant_with_owner(&app.tenants, &app.hasher, &call.grant, new, owner);
            match made.await {
                Ok(tenant) => {
                    let path = super::platform_tenant::path(&tenant);
                    let target = with_notice(&path, Notice::TenantCreated);
                    return Ok(respond::see_other(&target));
                }
                Err(error) => Some(error),
            }
        }
    };
    let is_said = match &refused {
        None => true,
        Some(ProvisionError::Tenant(error)) => fields.mark(error),
        Some(ProvisionError::Owner(error)) => person.mark(error),
        Some(ProvisionError::Door(_)) => false,
    };
    if let Some(error) = refused.filter(|_| !is_said) {
        return Err(error.into());
    }
    let chrome = frame::platform(&call, "tenant-new", Section::Tenants).await?;
    respond::refused(&page(chrome, fields, person))
}
