//! The tenants by short name and id, in memory; the platform's file is the truth.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::Tenant;
use crate::authz::TenantState;
use crate::kernel::id::TenantId;

#[derive(Default)]
pub struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    tenants: HashMap<TenantId, Tenant>,
    slugs: HashMap<String, TenantId>,
}

impl Registry {
    pub fn put(&self, tenant: Tenant) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.slugs.insert(tenant.slug.to_string(), tenant.id);
        inner.tenants.insert(tenant.id, tenant);
    }

    pub fn set_state(&self, id: TenantId, state: TenantState) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = inner.tenants.get_mut(&id) {
            tenant.state = state;
        }
    }

    pub fn remove(&self, id: TenantId) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.tenants.remove(&id);
        inner.slugs.retain(|_, tenant| *tenant != id);
    }

    pub fn by_id(&self, id: TenantId) -> Option<Tenant> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).tenants.get(&id).cloned()
    }

    /// By short name or id, as a path gives it.
    pub fn find(&self, name: &str) -> Option<Tenant> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let id = inner.slugs.get(name).copied().or_else(|| name.parse().ok())?;
        inner.tenants.get(&id).cloned()
    }

    pub fn state(&self, id: TenantId) -> Option<TenantState> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.tenants.get(&id).map(|tenant| tenant.state)
    }

    pub fn ids(&self) -> Vec<TenantId> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<_> = inner.tenants.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
