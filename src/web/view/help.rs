//! Which page of the documentation explains a page of the console.

use super::chrome::{Chrome, Section};

/// The start of the documentation.
const CONTENTS: &str = "/docs";

/// By the message that names the page's tab.
const OF_TABS: [(&str, &str); 18] = [
    ("tab-verify", "/docs/auditors"),
    ("tab-exports", "/docs/audit-export"),
    ("tab-witnesses", "/docs/operations#an-auditor-without-network"),
    ("tab-streams", "/docs/streams"),
    ("tab-settings", "/docs/operations#retention-of-the-audit-log"),
    ("tab-sessions", "/docs/sign-in#sessions-and-devices"),
    ("tab-access", "/docs/incident#taking-everything-away"),
    ("tab-incident", "/docs/incident"),
    ("tab-retention", "/docs/retention"),
    ("tab-holds", "/docs/retention#legal-holds"),
    ("tab-erasures", "/docs/erasure"),
    ("tab-sign-in", "/docs/sign-in#settings-of-an-organisation"),
    ("tab-sso", "/docs/single-sign-on"),
    ("tab-scim", "/docs/scim"),
    ("tab-approvals", "/docs/sign-in#four-eyes"),
    ("tab-second-factor", "/docs/sign-in#the-second-factor"),
    ("tab-passkeys", "/docs/sign-in#passkeys"),
    ("tab-performance", "/docs/observability#the-page"),
];

/// Everywhere that help leads to, for the test that it is there.
#[cfg(test)]
pub const EVERY: [&str; 27] = {
    let mut all = [CONTENTS; 27];
    let mut at = 0;
    while at < OF_TABS.len() {
        all[at] = OF_TABS[at].1;
        at += 1;
    }
    let sections = [
        Section::Home,
        Section::Conversations,
        Section::Members,
        Section::Keys,
        Section::Audit,
        Section::Permissions,
        Section::Tenants,
        Section::Jobs,
        Section::Backups,
    ];
    let mut section = 0;
    while section < sections.len() {
        all[at] = of_section(sections[section]);
        at += 1;
        section += 1;
    }
    all
};

const fn of_section(section: Section) -> &'static str {
    match section {
        Section::Conversations => "/docs/api#conversations",
        Section::Members | Section::Permissions | Section::PlatformAdmins => "/docs/roles",
        Section::Keys => "/docs/api#api-keys",
        Section::Audit | Section::PlatformAudit => "/docs/audit-explorer",
        Section::Privacy => "/docs/retention",
        Section::Account | Section::PlatformAccount => "/docs/sign-in",
        Section::Tenants => "/docs/operations#freezing-and-suspending",
        Section::Jobs => "/docs/operations#what-runs-by-itself",
        Section::Backups => "/docs/backup",
        Section::Home => CONTENTS,
    }
}

impl Chrome {
    /// What explains this page, or where the documentation begins.
    pub fn help_href(&self) -> &'static str {
        let tab = self.tabs.iter().find(|tab| tab.current).map(|tab| tab.message);
        if let Some((_, href)) = OF_TABS.iter().find(|(message, _)| Some(*message) == tab) {
            return href;
        }
        let section = self.nav.iter().find(|item| item.current).map(|item| item.section);
        section.map_or(CONTENTS, of_section)
    }
}
