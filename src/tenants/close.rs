//! Taking a tenant away: its state and its place in the registry, its open files, its keys, its
//! directory. When and in which order is for `closing` to say.

use std::sync::PoisonError;

use super::{DoorError, ReadTx, Tenant, TenantError, Tenants, WriteTx, list};
use crate::args;
use crate::audit::Event;
use crate::authz::{Flag, Grant, Realm, TenantState, Writes};
use crate::kernel::id::{KeyId, TenantId};
use crate::store::{SqlMut, StoreError};

/// Another state for a tenant.
pub(crate) struct Turn<T> {
    pub to: TenantState,
    /// For both logs.
    pub event: Event,
    pub value: T,
}

impl Tenants {
    /// Changes a tenant's state together with what else `f` writes into the platform's file; once
    /// this returns, requests that were still waiting are refused by the new state.
    ///
    /// # Errors
    /// [`TenantError::NotFound`]; what `f` answers.
    pub(crate) async fn turn_tenant<P, T, E>(
        &self,
        grant: &Grant<P>,
        name: &str,
        f: impl Fn(&mut WriteTx<'_, P>, &Tenant) -> Result<Turn<T>, E> + Send + 'static,
    ) -> Result<T, E>
    where
        P: Writes,
        T: Send + 'static,
        E: From<DoorError> + From<TenantError> + Send + 'static,
    {
        let _changing = self.inner.changing.lock().await;
        let name = name.to_owned();
        let written = self.write(grant, move |tx| {
            let found = list::one(tx, &name).map_err(DoorError::from)?;
            let tenant = found.ok_or(TenantError::NotFound)?;
            let turn = f(tx, &tenant)?;
            let sql = "UPDATE tenants SET state = $1 WHERE id = $2";
            tx.execute(sql, args![turn.to.name(), tenant.id]).map_err(DoorError::from)?;
            let event = turn.event.clone();
            Ok::<_, E>(((tenant.id, turn), event.into()))
        });
        let (id, Turn { to, event, value }) = written.await?.value;
        self.inner.registry.set_state(id, to);
        self.inner.ground.standing.stir(Realm::Tenant(id));
        let realm = self.realm(Realm::Tenant(id)).await?;
        super::doors::append(&realm, Some(grant.caller().clone()), event).await?;
        Ok(value)
    }

    /// Takes a tenant out of the registry, together with what else `f` writes. Nobody can open its
    /// files from then on; it needs nobody's leave to be taken up again after a crash.
    ///
    /// # Errors
    /// What `f` answers.
    pub(crate) async fn unregister<P, E>(
        &self,
        grant: &Grant<P>,
        id: TenantId,
        f: impl Fn(&mut WriteTx<'_, P>) -> Result<Event, E> + Send + 'static,
    ) -> Result<(), E>
    where
        P: Writes,
        E: From<DoorError> + Send + 'static,
    {
        let written = self.write(grant, move |tx| {
            let event = f(tx)?;
            for sql in [
                "DELETE FROM stream_tenants WHERE tenant = $1",
                "DELETE FROM tenants WHERE id = $1",
            ] {
                tx.execute(sql, args![id]).map_err(DoorError::from)?;
            }
            Ok::<_, E>(((), event.into()))
        });
        written.await?;
        self.inner.registry.remove(id);
        self.inner.ground.standing.stir(Realm::Tenant(id));
        Ok(())
    }

    /// Closes the files of a tenant that is registered no more.
    pub(crate) async fn close_files(&self, id: TenantId) -> Result<(), DoorError> {
        let cell = {
            let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.remove(&id)
        };
        let inner = self.inner.clone();
        let closed = tokio::task::spawn_blocking(move || {
            if let Some(realm) = cell.and_then(|cell| cell.get().cloned()) {
                realm.database.close();
            }
            inner.closing.wait(id)
        });
        Ok(closed.await.map_err(|_| StoreError::Panicked)??)
    }

    /// Destroys the key that all keys of a tenant are wrapped under: in the ledger of erasures
    /// first, here and in a backup target, then in the platform's key store. What is gone already is
    /// no error.
    ///
    /// # Errors
    /// [`StoreError::LedgerNotCopied`] when no target takes the line: nothing is destroyed then.
    pub(crate) async fn destroy_tenant_root(
        &self,
        id: TenantId,
        cause: &str,
    ) -> Result<bool, DoorError> {
        self.destroys(Flag::TenantClose)?;
        let (inner, cause) = (self.inner.clone(), cause.to_owned());
        let destroyed = tokio::task::spawn_blocking(move || {
            let (platform, key) = (&inner.platform, root_of(id));
            if !platform.keys.holds_tenant_root(id)? {
                return Ok::<_, StoreError>(false);
            }
            inner.ground.erasures.record(platform.erasure(key, &cause))?;
            Ok(platform.keys.destroy_tenant_root(id)?)
        });
        Ok(destroyed.await.map_err(|_| StoreError::Panicked)??)
    }

    /// Removes a tenant's directory; durable when it returns.
    pub(crate) async fn remove_files(&self, id: TenantId) -> Result<(), DoorError> {
        let directory = self.inner.ground.tenant_directory(id);
        let removed =
            tokio::task::spawn_blocking(move || crate::store::files::remove_directory(&directory));
        Ok(removed.await.map_err(|_| StoreError::Panicked)??)
    }
}

/// Under which id a tenant's root key is kept.
pub fn root_of(id: TenantId) -> KeyId {
    KeyId::from_bytes(*id.bytes())
}

/// Whether a short name belongs to a tenant that is destroyed, and whose backups are not all gone.
pub(super) fn is_reserved(tx: &ReadTx<'_>, slug: &str) -> Result<bool, StoreError> {
    use crate::store::Sql;
    let sql = "SELECT count(*) FROM closings WHERE slug = $1
               AND (state = 'destroying' OR (state = 'destroyed' AND data_until > $2))";
    Ok(tx.count(sql, args![slug, tx.realm.runtime.now()])? > 0)
}
