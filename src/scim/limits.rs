//! What bounds provisioning. The bounds of the grammar itself are the parser's: 64 levels, 1,024
//! terms.

/// Resources that one page has at the most (`filter.maxResults`).
pub const PAGE: usize = 200;
/// A filter that no index answers opens one resource after another: no more than these.
pub const SCAN: usize = 20_000;
/// … fetched in steps of these.
pub const SCAN_STEP: i64 = 500;
/// A filter, or a path in a change.
pub const FILTER_BYTES: usize = 2_048;
/// Members of groups that one list holds; it ends early instead of holding more.
pub const LISTED_MEMBERS: usize = 20_000;
/// Members of one group.
pub const GROUP_MEMBERS: usize = 50_000;
/// Groups of a tenant.
pub const GROUPS: u64 = 5_000;
/// Changes in one PATCH; some clients send one for each member.
pub const OPERATIONS: usize = 10_000;
/// Addresses of one person.
pub const EMAILS: usize = 20;
/// Rules, and domains, in the settings.
pub const RULES: usize = 200;
