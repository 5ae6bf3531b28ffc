//! What surrounds every page: header, navigation, flash message, footer; and the helpers that
//! templates call for words, assets and links.

use std::fmt::Display;

use super::form::FieldError;
use super::query;
use super::state::{Notice, TenantState, Tone};
use crate::web::assets;
use crate::web::messages::{Messages, Value};

/// Made by [`Chrome::public`], [`Chrome::tenant`] or [`Chrome::platform`], then filled by field.
#[derive(Clone)]
pub struct Chrome {
    pub messages: &'static Messages,
    /// Of the browser's window; the product's name is added. Already in the person's language.
    pub title: String,
    pub scope: Scope,
    pub nav: Vec<NavItem>,
    /// Pages of the current section, where it has several.
    pub tabs: Vec<Tab>,
    /// Who is signed in; the sign-out form is shown when somebody is.
    pub person: Option<PersonBadge>,
    /// The token that every form sends back.
    pub csrf: String,
    /// Said once, after something was done.
    pub flash: Option<Flash>,
    /// What everybody has to know while it lasts.
    pub banners: Vec<String>,
    /// State of the scope's audit log; absent for who may not know.
    pub chain: Option<ChainPill>,
    pub version: &'static str,
}

/// Whose console this is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    Public,
    Tenant { slug: String, name: String, state: TenantState },
    Platform,
}

/// Who is signed in. `role` is a role's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonBadge {
    pub name: String,
    pub role: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
}

/// The pill in the header: is the log whole, as last verified, and how long is it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChainPill {
    Verified { entries: u64 },
    NotVerified { entries: u64 },
    Broken { first_bad: Option<u64> },
}

/// A place in the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    Home,
    Conversations,
    Members,
    Keys,
    Audit,
    Privacy,
    Permissions,
    Account,
    Tenants,
    PlatformAudit,
    PlatformAdmins,
    Jobs,
    Backups,
    PlatformAccount,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NavItem {
    pub section: Section,
    pub href: String,
    pub current: bool,
}

/// A page of a section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tab {
    /// The message that names it.
    pub message: &'static str,
    pub href: String,
    pub current: bool,
}

impl Section {
    pub const TENANT: &[Self] = &[
        Self::Home,
        Self::Conversations,
        Self::Members,
        Self::Keys,
        Self::Audit,
        Self::Privacy,
        Self::Permissions,
    ];
    pub const PLATFORM: &[Self] =
        &[Self::Tenants, Self::PlatformAudit, Self::PlatformAdmins, Self::Jobs, Self::Backups];

    pub const fn message(&self) -> &'static str {
        match self {
            Self::Home => "nav-home",
            Self::Conversations => "nav-conversations",
            Self::Members => "nav-members",
            Self::Keys => "nav-keys",
            Self::Audit => "nav-audit",
            Self::Privacy => "nav-privacy",
            Self::Permissions => "nav-permissions",
            Self::Account | Self::PlatformAccount => "nav-account",
            Self::Tenants => "nav-tenants",
            Self::PlatformAudit => "nav-platform-audit",
            Self::PlatformAdmins => "nav-admins",
            Self::Jobs => "nav-jobs",
            Self::Backups => "nav-backups",
        }
    }

    pub const fn icon(&self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Conversations => "chat",
            Self::Members | Self::Account | Self::PlatformAdmins | Self::PlatformAccount => {
                "people"
            }
            Self::Keys => "key",
            Self::Audit | Self::PlatformAudit => "log",
            Self::Privacy => "lock",
            Self::Permissions => "matrix",
            Self::Tenants => "vault",
            Self::Jobs => "clock",
            Self::Backups => "lock",
        }
    }

    /// Below `/t/{slug}` or `/platform`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home | Self::Tenants => "/",
            Self::Conversations => "/conversations",
            Self::Members => "/members",
            Self::Keys => "/keys",
            Self::Audit => "/admin/audit",
            Self::Privacy => "/admin/privacy/retention",
            Self::Permissions => "/admin/permissions",
            Self::Account | Self::PlatformAccount => "/account",
            Self::PlatformAudit => "/audit",
            Self::PlatformAdmins => "/admins",
            Self::Jobs => "/jobs",
            Self::Backups => "/backups",
        }
    }
}

impl Scope {
    /// The path that every link of this scope begins with: empty, `/t/{slug}` or `/platform`.
    pub fn base(&self) -> String {
        match self {
            Self::Public => String::new(),
            Self::Tenant { slug, .. } => format!("/t/{}", query::encode(slug)),
            Self::Platform => "/platform".to_owned(),
        }
    }
}

impl Chrome {
    /// A page before anybody has signed in. `title` is a message id, here and below.
    pub fn public(messages: &'static Messages, title: &str) -> Self {
        Self {
            messages,
            title: messages.text(title).into_owned(),
            scope: Scope::Public,
            nav: Vec::new(),
            tabs: Vec::new(),
            person: None,
            csrf: String::new(),
            flash: None,
            banners: Vec::new(),
            chain: None,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// A page of a tenant's console. `scope` is a [`Scope::Tenant`]; `sections` what the person
    /// may open.
    pub fn tenant(
        messages: &'static Messages,
        title: &str,
        scope: Scope,
        sections: &[Section],
        current: Section,
    ) -> Self {
        let base = scope.base();
        let nav = sections
            .iter()
            .map(|section| NavItem {
                section: *section,
                href: format!("{base}{}", section.path()),
                current: *section == current,
            })
            .collect();
        Self { scope, nav, ..Self::public(messages, title) }
    }

    /// A page of the platform's console.
    pub fn platform(
        messages: &'static Messages,
        title: &str,
        sections: &[Section],
        current: Section,
    ) -> Self {
        Self::tenant(messages, title, Scope::Platform, sections, current)
    }

    /// Shows a notice once.
    pub fn notice(&mut self, notice: Notice) {
        let text = self.messages.text(notice.message()).into_owned();
        self.flash = Some(Flash { tone: notice.tone(), text });
    }
}

/// A count behind any number of references: templates pass those.
pub trait Count {
    fn count(&self) -> u64;
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> u64 {
        (**self).count()
    }
}

/// What templates call. Names are short because they stand in every line.
impl Chrome {
    /// The words of a message.
    pub fn t(&self, id: &str) -> String {
        self.messages.text(id).into_owned()
    }

    /// A message with the number `count`.
    pub fn n(&self, id: &str, count: impl Count) -> String {
        self.messages.with(id, &[("count", count.count().into())]).into_owned()
    }

    /// A message with one text argument.
    pub fn w(&self, id: &str, name: &'static str, value: impl Display) -> String {
        self.messages.with(id, &[(name, Value::from(value.to_string()))]).into_owned()
    }

    /// The label of a code, such as a role or an action.
    pub fn label(&self, prefix: &str, code: impl AsRef<str>) -> String {
        self.messages.label(prefix, code.as_ref())
    }

    /// Whether a code has words of its own.
    pub fn has_label(&self, prefix: &str, code: impl AsRef<str>) -> bool {
        self.messages.has_label(prefix, code.as_ref())
    }

    pub fn error(&self, error: &FieldError) -> String {
        error.text(self.messages)
    }

    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    pub fn base(&self) -> String {
        self.scope.base()
    }

    pub fn lang(&self) -> &'static str {
        self.messages.lang()
    }

    /// The person's own page.
    pub fn account_href(&self) -> Option<String> {
        (self.scope != Scope::Public).then(|| format!("{}/account", self.base()))
    }

    pub fn audit_href(&self) -> String {
        match self.scope {
            Scope::Platform => "/platform/audit".to_owned(),
            _ => format!("{}/admin/audit", self.base()),
        }
    }

    pub fn exports_href(&self) -> String {
        format!("{}/exports", self.audit_href())
    }
}
