//! Where one can go from here. What there is comes from the route table: a page that does not exist,
//! or that the person may not open, has no link.

use super::view::chrome::{Chrome, Section, Tab};
use crate::authz::Principal;
use crate::http::input::Input;
use crate::http::route::{Access, Method};
use crate::http::table;

/// Pages of a section, below `/t/{tenant}` or `/platform`, and the messages that name them.
const fn pages(section: Section) -> &'static [(&'static str, &'static str)] {
    match section {
        Section::Audit => &[
            ("/admin/audit", "tab-entries"),
            ("/admin/audit/verify", "tab-verify"),
            ("/admin/audit/exports", "tab-exports"),
            ("/admin/audit/witnesses", "tab-witnesses"),
            ("/admin/audit/streams", "tab-streams"),
            ("/admin/audit/settings", "tab-settings"),
        ],
        Section::PlatformAudit => &[
            ("/audit", "tab-entries"),
            ("/audit/verify", "tab-verify"),
            ("/audit/exports", "tab-exports"),
            ("/audit/witnesses", "tab-witnesses"),
            ("/audit/streams", "tab-streams"),
            ("/audit/settings", "tab-settings"),
        ],
        Section::Members => &[
            ("/members", "tab-members"),
            ("/members/invitations", "tab-invitations"),
            ("/admin/sessions", "tab-sessions"),
            ("/admin/access", "tab-access"),
        ],
        Section::Privacy => &[
            ("/admin/privacy/retention", "tab-retention"),
            ("/admin/privacy/holds", "tab-holds"),
            ("/admin/privacy/erasures", "tab-erasures"),
        ],
        Section::Permissions => &[
            ("/admin/permissions", "tab-permissions"),
            ("/admin/roles", "tab-roles"),
            ("/admin/sign-in", "tab-sign-in"),
            ("/admin/sso", "tab-sso"),
            ("/admin/scim", "tab-scim"),
            ("/admin/approvals", "tab-approvals"),
        ],
        Section::Account | Section::PlatformAccount => &[
            ("/account", "tab-account"),
            ("/account/second-factor", "tab-second-factor"),
            ("/account/passkeys", "tab-passkeys"),
            ("/account/sessions", "tab-sessions"),
        ],
        Section::Jobs => &[
            ("/jobs", "tab-jobs"),
            ("/doctor", "tab-doctor"),
            ("/performance", "tab-performance"),
            ("/incident", "tab-incident"),
            ("/about", "tab-about"),
        ],
        Section::PlatformAdmins => &[
            ("/admins", "tab-admins"),
            ("/permissions", "tab-permissions"),
            ("/sessions", "tab-sessions"),
            ("/settings", "tab-platform-settings"),
            ("/configuration", "tab-configuration"),
        ],
        _ => &[],
    }
}

/// Those of these sections that the person may open; `base` as the routes spell it.
pub fn sections(base: &str, all: &[Section], who: &Principal) -> Vec<Section> {
    let may = |section: &&Section| may_open(&format!("{base}{}", section.path()), who);
    all.iter().filter(may).copied().collect()
}

/// The pages of the section that one is in; none when there is no other.
pub fn tabs(
    base: &str,
    chrome: &Chrome,
    current: Section,
    who: &Principal,
    input: &Input,
) -> Vec<Tab> {
    let may = |page: &&(&str, &str)| may_open(&format!("{base}{}", page.0), who);
    let pages: Vec<_> = pages(current).iter().filter(may).collect();
    if pages.len() < 2 {
        return Vec::new();
    }
    let path = input.route.path.strip_prefix(base).unwrap_or_default();
    let below = |page: &str| path == page || path.strip_prefix(page).is_some_and(is_below);
    let here =
        pages.iter().map(|(page, _)| *page).filter(|page| below(page)).max_by_key(|p| p.len());
    let tab = |(page, message): &(&'static str, &'static str)| {
        let href = format!("{}{page}", chrome.base());
        Tab { message, href, current: here == Some(page) }
    };
    pages.into_iter().map(tab).collect()
}

fn is_below(rest: &str) -> bool {
    rest.starts_with('/')
}

fn may_open(path: &str, who: &Principal) -> bool {
    let mut routes = table::routes().iter();
    let route = routes.find(|route| route.method == Method::Get && route.path == path);
    route.is_some_and(|route| match route.access {
        Access::Permission(flag) => who.permissions().has(flag),
        Access::Open(_) => true,
    })
}
