//! Grants: proof that a caller may use one permission in one realm.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Caller, Permission, Principal};
use crate::kernel::ErrorKind;
use crate::kernel::id::TenantId;

/// Whose data: one tenant's, or the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Realm {
    Platform,
    Tenant(TenantId),
}

/// What a tenant takes at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    Active,
    /// Sign-in and recorded reads go on, every change is refused.
    Frozen,
    /// No sign-in, no keys.
    Suspended,
    /// Suspended for good; destroyed after its grace.
    Closed,
}

impl TenantState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Frozen, Self::Suspended, Self::Closed]
            .into_iter()
            .find(|state| state.name() == name)
    }

    /// Whether its people and applications get in at all.
    pub const fn admits(self) -> bool {
        matches!(self, Self::Active | Self::Frozen)
    }
}

/// The right to use permission `P` in a realm, with who uses it.
pub struct Grant<P> {
    caller: Arc<Caller>,
    realm: Realm,
    permission: PhantomData<fn() -> P>,
}

impl<P> Grant<P> {
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    pub fn realm(&self) -> Realm {
        self.realm
    }
}

impl<P> Clone for Grant<P> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), realm: self.realm, permission: PhantomData }
    }
}

/// What stands before the permission that a caller lacks.
pub const LACKS: &str = "this credential lacks the permission ";

/// Why a caller was refused. What they are told does not depend on whether a tenant exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("this credential does not open that tenant")]
    OtherRealm,
    #[error("{LACKS}{0}")]
    Missing(&'static str),
    #[error(
        "the tenant is frozen: nothing can be changed until a platform administrator unfreezes it"
    )]
    Frozen,
    #[error("the tenant is suspended; ask the platform's administrator")]
    Suspended,
}

impl Denied {
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::Frozen => ErrorKind::Frozen,
            _ => ErrorKind::Denied,
        }
    }

    /// Stable name, part of the outside contract.
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherRealm | Self::Missing(_) => "forbidden",
            Self::Frozen => "tenant-frozen",
            Self::Suspended => "tenant-suspended",
        }
    }
}

/// The only maker of grants.
///
/// # Errors
/// [`Denied`], to be recorded in the log of the credential's own realm.
pub fn authorize<P: Permission>(
    caller: &Arc<Caller>,
    realm: Realm,
    state: TenantState,
) -> Result<Grant<P>, Denied> {
    let outside = !matches!(caller.principal, Principal::ApiKey { .. } | Principal::User { .. });
    match (realm, caller.principal.tenant()) {
        (Realm::Platform, Some(_)) => return Err(Denied::OtherRealm),
        (Realm::Tenant(asked), Some(own)) if asked != own => return Err(Denied::OtherRealm),
        _ if P::FLAG.is_platform() != (realm == Realm::Platform) => return Err(Denied::OtherRealm),
        _ => {}
    }
    if !outside && !state.admits() {
        return Err(Denied::Suspended);
    }
    if !caller.principal.permissions().has(P::FLAG) {
        return Err(if outside && realm != Realm::Platform {
            Denied::OtherRealm
        } else {
            Denied::Missing(P::FLAG.name())
        });
    }
    let goes_on = P::FLAG.withdraws() || P::FLAG.preserves();
    if P::FLAG.writes() && !goes_on && state == TenantState::Frozen {
        return Err(Denied::Frozen);
    }
    Ok(Grant { caller: caller.clone(), realm, permission: PhantomData })
}
