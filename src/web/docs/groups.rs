//! In which order the pages are offered. A test wants each page to be in a group.

/// Pages for one purpose.
pub struct Group {
    /// The message that names it.
    pub message: &'static str,
    /// Below `/docs/`.
    pub pages: &'static [&'static str],
}

pub const GROUPS: &[Group] = &[
    Group { message: "docs-group-start", pages: &["install", "first-hour", "key-management"] },
    Group {
        message: "docs-group-using",
        pages: &["sign-in", "roles", "audit-explorer", "audit-search", "retention", "erasure"],
    },
    Group {
        message: "docs-group-operating",
        pages: &[
            "operations",
            "configuration",
            "tls",
            "doctor",
            "incident",
            "observability",
            "air-gap",
            "upgrade",
            "mail",
            "backup",
            "backup-targets",
            "continuous-archiving",
            "restore",
            "closing",
        ],
    },
    Group { message: "docs-group-auditing", pages: &["auditors", "audit-format", "audit-export"] },
    Group {
        message: "docs-group-integrating",
        pages: &["api", "single-sign-on", "openid-connect", "saml", "scim", "streams"],
    },
    Group { message: "docs-group-reference", pages: &["threat-model", "archive-format", "asvs"] },
    Group {
        message: "docs-group-runbooks",
        pages: &[
            "runbooks/leaked-api-key",
            "runbooks/stolen-laptop",
            "runbooks/tenant-under-attack",
            "runbooks/root-compromise",
            "runbooks/replace-keys",
            "runbooks/read-only",
            "runbooks/recovery-mode",
            "runbooks/frozen-tenant",
            "runbooks/legal-hold",
            "runbooks/last-administrator",
            "runbooks/damaged-disk",
            "runbooks/fire",
        ],
    },
];
