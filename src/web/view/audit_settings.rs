//! Settings of an audit log: how long it is kept, its search index, the end of its contents.

use askama::Template;

use super::{Chrome, Field, Someone};
use crate::kernel::Timestamp;

/// `GET …/admin/audit/settings` and `/platform/audit/settings`.
#[derive(Template)]
#[template(path = "audit/settings.html")]
pub struct AuditSettingsPage {
    pub chrome: Chrome,
    pub retention: RetentionFacts,
    /// For who may change it.
    pub form: Option<RetentionForm>,
    pub may_reindex: bool,
    /// For who may destroy what the log says.
    pub destroy: Option<DestroyForm>,
    /// The latest first.
    pub certificates: Vec<CertificateRow>,
}

pub struct RetentionFacts {
    pub days: u64,
    /// Entries up to this one were removed; 0 for none.
    pub removed_through: u64,
    pub oldest: Option<Timestamp>,
    /// Entries that the next run removes.
    pub due: u64,
    pub next_due: Option<Timestamp>,
}

impl RetentionFacts {
    /// `7`, `2.5`: years as people count them.
    pub fn years(&self) -> String {
        let tenths = (self.days * 40).div_euclid(1461);
        match tenths % 10 {
            0 => (tenths / 10).to_string(),
            rest => format!("{}.{rest}", tenths / 10),
        }
    }
}

/// Sends `days`, and `confirm` when it repeats what would be removed.
pub struct RetentionForm {
    pub days: Field,
    pub minimum: u64,
    /// Entries that the wanted setting removes in the next run: it is to be sent once more.
    pub removes: Option<u64>,
}

/// Sends `confirm`, the tenant's short name.
pub struct DestroyForm {
    pub slug: String,
    pub confirm: Field,
}

pub struct CertificateRow {
    pub href: String,
    pub finished: Timestamp,
    pub asked_by: Someone,
    pub keys: u64,
}

impl AuditSettingsPage {
    /// The page's own path; forms go below it.
    pub fn path(&self) -> String {
        format!("{}/settings", self.chrome.audit_href())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_read_as_people_count_them() {
        let years = |days| {
            let (oldest, next_due) = (None, None);
            RetentionFacts { days, removed_through: 0, oldest, due: 0, next_due }.years()
        };
        assert_eq!([years(731), years(2557), years(914)], ["2", "7", "2.5"]);
    }
}
