//! A real installation in a directory of its own, for the tests of domains.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::app::App;
use crate::audit::past::PastVerification;
use crate::audit::read::{self, Opener};
use crate::audit::verify::Verification;
use crate::audit::view::EntryView;
use crate::authz::permission::{TenantCreate, TenantState};
use crate::authz::{Caller, Denied, Grant, Permission, Principal, Realm, RequestContext, Role};
use crate::config::Settings;
use crate::kernel::Runtime;
use crate::kernel::id::{ApiKeyId, InstallationId, KeyId};
use crate::tenants::{
    AuditEvents, Boot, NewTenant, StateChange, Tenant, TenantError, Tenants, change_state, create,
};

/// An installation that is gone when the test ends.
pub struct TestServer {
    pub tenants: Tenants,
    pub runtime: Runtime,
    settings: Settings,
    installation: InstallationId,
    directory: TempDir,
}

impl TestServer {
    pub fn start() -> Self {
        Self::start_with(Runtime::system())
    }

    pub fn start_with(runtime: Runtime) -> Self {
        Self::start_configured(runtime, |_| {})
    }

    pub fn start_configured(runtime: Runtime, configure: impl FnOnce(&mut Settings)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut settings = Settings::default();
        settings.store.data_dir = directory.path().join("data");
        configure(&mut settings);
        let boot = Boot::open(&settings, &runtime).unwrap();
        let (tenants, installation) = (boot.tenants, boot.installation);
        Self { tenants, runtime, settings, installation, directory }
    }

    /// What answers requests and runs jobs on this installation.
    pub fn app(&self) -> Arc<App> {
        let (tenants, installation) = (self.tenants.clone(), self.installation);
        let boot = Boot { tenants, installation, is_new: true, embedded_root_key: true };
        App::new(&boot, &self.settings, &self.runtime).unwrap()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn caller(&self, principal: Principal) -> Arc<Caller> {
        let request = RequestContext::local(self.runtime.id());
        Arc::new(Caller { principal, request })
    }

    /// Somebody with a shell on the machine.
    pub fn operator(&self) -> Arc<Caller> {
        self.caller(Principal::LocalOperator { uid: 0 })
    }

    /// An application with an API key of the tenant.
    pub fn application(&self, tenant: &Tenant, role: Role) -> Arc<Caller> {
        let id: ApiKeyId = self.runtime.id();
        self.caller(Principal::ApiKey {
            tenant: tenant.id,
            id,
            name: "test".into(),
            rights: role.into(),
        })
    }

    /// A tenant without members.
    pub async fn tenant(&self, slug: &str) -> Tenant {
        let grant = self
            .tenants
            .authorize_platform::<TenantCreate>(&self.operator(), "test")
            .await
            .unwrap();
        let new = NewTenant { slug: slug.parse().unwrap(), name: slug.to_owned() };
        create(&self.tenants, &grant, new, |_, _| Ok::<_, TenantError>(AuditEvents::none()))
            .await
            .unwrap()
    }

    pub async fn change_state(&self, tenant: &Tenant, change: StateChange) -> Tenant {
        let operator = self.operator();
        let grant =
            self.tenants.authorize_platform::<TenantState>(&operator, "test").await.unwrap();
        change_state(&self.tenants, &grant, tenant.slug.as_str(), change).await.unwrap()
    }

    /// A grant for an application with the owner's rights.
    pub async fn grant<P: Permission>(&self, tenant: &Tenant) -> Grant<P> {
        self.try_grant(tenant).await.unwrap()
    }

    pub async fn try_grant<P: Permission>(&self, tenant: &Tenant) -> Result<Grant<P>, Denied> {
        let caller = self.application(tenant, Role::Owner);
        Ok(self.tenants.authorize::<P>(&caller, tenant.slug.as_str(), "test").await?.0)
    }

    pub async fn destroy_subject(&self, tenant: &Tenant, key: KeyId) -> bool {
        self.tenants.destroy_subject(Realm::Tenant(tenant.id), key, "test").await.unwrap()
    }

    /// All entries of the tenant's log, oldest first.
    pub async fn entries(&self, tenant: &Tenant) -> Vec<EntryView> {
        self.entries_of(Realm::Tenant(tenant.id)).await
    }

    pub async fn entries_of(&self, realm: Realm) -> Vec<EntryView> {
        let entries = self.tenants.credentials(realm, |tx| {
            let mut opener = Opener::new(tx, tx.shared_keys())?;
            let seqs: Vec<u64> = (1..=read::size(tx)?).collect();
            Ok::<_, TenantError>(read::entries(tx, &mut opener, &seqs)?)
        });
        entries.await.unwrap()
    }

    pub async fn verify(&self, tenant: &Tenant) -> Verification {
        let realm = Realm::Tenant(tenant.id);
        let verified = self
            .tenants
            .credentials(realm, move |tx| Ok::<_, TenantError>(tx.verify_log(&|_, _| ())?));
        verified.await.unwrap()
    }

    pub async fn verify_past(&self, tenant: &Tenant) -> Vec<PastVerification> {
        let realm = Realm::Tenant(tenant.id);
        let verified =
            self.tenants.credentials(realm, |tx| Ok::<_, TenantError>(tx.verify_past_logs()?));
        verified.await.unwrap()
    }

    /// The files of the data directory, WALs included, in which these bytes stand.
    pub fn files_with(&self, needle: &[u8]) -> Vec<PathBuf> {
        let mut waiting = vec![self.data_dir()];
        let mut found = Vec::new();
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else if path.is_file() {
                    let bytes = std::fs::read(&path).unwrap();
                    if bytes.windows(needle.len()).any(|window| window == needle) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }
}
