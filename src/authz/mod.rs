//! Permissions, roles and grants: who may do what.
//!
//! A [`Grant`] is the only key to tenant data and can be made only by [`authorize`]:
//!
//! ```compile_fail
//! use std::{marker::PhantomData, sync::Arc};
//! use strongroom::authz::{Caller, Grant, Realm, permission::ConversationRead};
//! # fn forge(somebody: Arc<Caller>) {
//! // A grant cannot be put together by hand: its fields are private.
//! let forged: Grant<ConversationRead> = Grant { caller: somebody, realm: Realm::Platform, permission: PhantomData };
//! # }
//! ```
//!
//! ```compile_fail
//! use strongroom::authz::{Grant, permission::{ConversationRead, ConversationDelete}};
//! // A grant for one permission is not a grant for another.
//! fn widen(grant: Grant<ConversationRead>) -> Grant<ConversationDelete> { grant }
//! ```

mod grant;
pub mod permission;
mod principal;
mod role;

pub use grant::{Denied, Grant, LACKS, Realm, TenantState, authorize};
pub use permission::{Flag, Permission, Withdraws, Writes};
pub use principal::{Actor, Browser, Caller, Principal, RequestContext};
pub use role::{Permissions, Rights, Role, UnknownRole};
