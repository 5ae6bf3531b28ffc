//! Tenants, and the few typed doors to their data.
//!
//! [`Tenants::read`], [`Tenants::disclose`] and [`Tenants::write`] are the only ways in, each with
//! a [`Grant`](crate::authz::Grant). Writing under a permission to read does not compile:
//!
//! ```compile_fail
//! use strongroom::authz::{Grant, permission::ConversationRead};
//! use strongroom::tenants::{AuditEvents, DoorError, Tenants};
//! async fn sneak(tenants: &Tenants, grant: &Grant<ConversationRead>) -> Result<(), DoorError> {
//!     tenants.write(grant, |_| Ok(((), AuditEvents::none()))).await?;
//!     Ok(())
//! }
//! ```
//!
//! Nor does opening a tenant's file past the doors:
//!
//! ```compile_fail
//! fn sneak(tenants: &strongroom::tenants::Tenants) {
//!     let _ = tenants.realm(strongroom::authz::Realm::Platform);
//! }
//! ```
//!
//! With a permission to write, it does:
//!
//! ```
//! use strongroom::authz::{Grant, permission::ConversationDelete};
//! use strongroom::tenants::{AuditEvents, DoorError, Tenants};
//! async fn write(tenants: &Tenants, grant: &Grant<ConversationDelete>) -> Result<(), DoorError> {
//!     tenants.write(grant, |_| Ok::<_, DoorError>(((), AuditEvents::none()))).await?;
//!     Ok(())
//! }
//! ```

mod boot;
mod changes;
#[cfg(test)]
mod checkpoint_tests;
mod checkpoints;
mod close;
mod copies;
mod create;
#[cfg(test)]
mod credential_tests;
mod denials;
#[cfg(test)]
mod door_tests;
mod doors;
mod error;
mod events;
mod growth;
mod idempotency;
mod idle;
mod ledger;
mod list;
mod load;
mod looks;
mod model;
mod outboxes;
mod outside;
mod past;
mod read_only;
mod realm;
mod registry;
mod rehearsal;
mod release;
pub(crate) mod replace;
mod root_key;
mod root_keys;
mod shred;
mod standing;
mod state;
mod system;
mod token_keys;
mod turns;
mod tx;

pub use boot::{Boot, BootError};
pub(crate) use close::Turn as TenantTurn;
pub use close::root_of;
pub use copies::Original;
pub use create::{NewTenant, create};
pub use doors::{Disclosed, Tenants, Written};
pub use error::DoorError;
pub use events::AuditEvents;
pub use idempotency::IdempotencyKey;
pub use ledger::LedgerLine;
pub use list::{find, list};
pub use load::Load;
pub use model::{Slug, Tenant, TenantError};
pub use read_only::{NewReadOnly, ReadOnly, ReadOnlyError, set_read_only};
pub use rehearsal::{Rehearsal, Rehearsed, rehearse};
pub use release::{Record as ReleaseRecord, Release};
pub use replace::{Lost, Uncompared, WayBack, roll_back};
pub use root_key::{EMBEDDED as EMBEDDED_ROOT_KEY, new_passphrase};
pub use root_keys::{RootKeyError, RootKeyInfo};
pub use state::{StateChange, change_state};
pub use system::SystemWrite;
pub use turns::{Turn, Turns};
pub use tx::{ReadTx, RealmTx, WriteTx};
