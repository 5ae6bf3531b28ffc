use std::sync::Arc;

use data_encoding::HEXLOWER;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;

use super::super::{Kind, Layout, Manifest, Target, Targets};
use super::*;
use crate::args;
use crate::authz::Principal;
use crate::kernel::id::BackupId;
use crate::store::{Sql, SqlMut};
use crate::testing::TestServer;

fn memory(name: &str) -> Target {
    Target::new(name.to_owned(), Arc::new(InMemory::new()))
}

struct House {
    server: TestServer,
    layout: Layout,
    targets: Targets,
    copier: Copier,
}

impl House {
    fn new(targets: Vec<Target>) -> Self {
        let server = TestServer::start();
        let layout = Layout::new(server.app().installation);
        let targets = Targets(targets);
        let copier =
            Copier::new(&targets, layout, server.tenants.notary().signer().clone()).unwrap();
        Self { server, layout, targets, copier }
    }

    async fn sync(&self) -> Synced {
        let caller = self.server.caller(Principal::System { job: "backup.sync" });
        let tenants = &self.server.tenants;
        let grant = tenants.authorize_platform(&caller, "test").await.unwrap();
        let (targets, copier) = (&self.targets, &self.copier);
        let (layout, go_on) = (self.layout, &|| Ok(()));
        Sync { tenants, grant: &grant, targets, layout, copier, go_on }.run().await.unwrap()
    }

    /// An archive that the first target has.
    async fn archive(&self, content: &[u8]) -> Manifest {
        let (id, taken): (BackupId, _) = (self.server.runtime.id(), self.server.runtime.now());
        let path = self.layout.archive(Kind::Data, Realm::Platform, taken, id);
        let manifest = Manifest {
            id,
            installation: self.server.app().installation,
            taken,
            path: path.to_string(),
            bytes: content.len() as u64,
            sha256: HEXLOWER.encode(&crate::crypto::mac::sha256(content)),
            ..crate::backup::manifest::example()
        };
        let note = manifest.sign(self.server.tenants.notary().signer()).unwrap();
        let first = &self.targets.0[0];
        first.store.put(&path, content.to_vec().into()).await.unwrap();
        first.store.put(&Layout::manifest(&path), note.clone().into()).await.unwrap();
        let (name, row) = (first.name.clone(), manifest.clone());
        let write = self.server.tenants.system_write(
            Realm::Platform,
            SystemWrite::BackupCatalogue,
            move |tx| {
                let sql = "INSERT INTO backups (id, kind, taken, path, bytes, manifest)
                           VALUES ($1, 'data', $2, $3, $4, $5)";
                let bytes = row.bytes.cast_signed();
                tx.execute(sql, args![row.id, row.taken, row.path.as_str(), bytes, note.as_str()])?;
                let sql = "INSERT INTO backup_placements (backup, target, state, since)
                           VALUES ($1, $2, 'stored', $3)";
                tx.execute(sql, args![row.id, name.as_str(), row.taken])?;
                Ok(())
            },
        );
        write.await.unwrap();
        manifest
    }

    async fn state_in(&self, manifest: &Manifest, target: &str) -> String {
        let (id, target) = (manifest.id, target.to_owned());
        let read = self.server.tenants.credentials(Realm::Platform, move |tx| {
            let sql = "SELECT state FROM backup_placements WHERE backup = $1 AND target = $2";
            let state = tx.query_one(sql, args![id, target.as_str()], |row| row.get(0))?;
            Ok::<_, DoorError>(state.unwrap_or_default())
        });
        read.await.unwrap()
    }
}

#[tokio::test]
async fn a_new_target_gets_everything_that_is_kept_and_the_ledger() {
    let house = House::new(vec![memory("a"), memory("b")]);
    let content: Vec<u8> = (0..17 * 1024 * 1024_u32).map(|n| (n / 7) as u8).collect();
    let (large, small) = (house.archive(&content).await, house.archive(b"small").await);
    let tenant = house.server.tenant("acme").await;
    let key = house.server.tenants.new_subject(Realm::Tenant(tenant.id)).await.unwrap();
    assert!(house.server.destroy_subject(&tenant, key).await);
    assert_eq!(house.sync().await, Synced { archives: 2, failing: 0 });
    assert_eq!(house.sync().await, Synced { archives: 0, failing: 0 });
    let b = &house.targets.0[1];
    for (manifest, content) in [(&large, content.as_slice()), (&small, b"small")] {
        let path = Path::from(manifest.path.as_str());
        let copied = b.store.get(&path).await.unwrap().bytes().await.unwrap();
        assert!(copied == content);
        assert!(b.store.head(&Layout::manifest(&path)).await.is_ok());
        assert_eq!(house.state_in(manifest, "b").await, "stored");
    }
    let fetched = crate::backup::ledger::fetch(
        &house.targets,
        house.layout,
        &house.server.tenants.notary().verifier(),
    )
    .await
    .unwrap();
    assert_eq!(fetched.head(), house.server.tenants.ledger().head());
    assert_eq!(fetched.erasures[0].key, key);
}

#[tokio::test]
async fn what_is_not_what_its_manifest_says_is_not_copied() {
    let house = House::new(vec![memory("a"), memory("b")]);
    let manifests = [house.archive(b"right").await, house.archive(b"right too").await];
    let path = Path::from(manifests[0].path.as_str());
    house.targets.0[0].store.put(&path, "wrong".into()).await.unwrap();
    assert_eq!(house.sync().await, Synced { archives: 1, failing: 1 });
    let copied = house.targets.0[1].store.head(&path).await;
    assert!(matches!(copied, Err(object_store::Error::NotFound { .. })), "{copied:?}");
    assert_eq!(house.state_in(&manifests[0], "a").await, "damaged");
    assert_eq!(house.state_in(&manifests[0], "b").await, "missing");
    assert_eq!(house.state_in(&manifests[1], "b").await, "stored");
}

#[tokio::test]
async fn a_damaged_copy_is_replaced_by_one_that_is_whole() {
    let house = House::new(vec![memory("a"), memory("b")]);
    let manifest = house.archive(b"content").await;
    house.sync().await;
    let (path, a) = (Path::from(manifest.path.as_str()), &house.targets.0[0]);
    a.store.put(&path, "damaged".into()).await.unwrap();
    let id = manifest.id;
    let mark = house.server.tenants.system_write(
        Realm::Platform,
        SystemWrite::BackupCatalogue,
        move |tx| Ok(repo::mark(tx, id, "a", "damaged", crate::kernel::Timestamp::from_micros(0))?),
    );
    mark.await.unwrap();
    assert_eq!(house.sync().await, Synced { archives: 1, failing: 0 });
    assert_eq!(a.store.get(&path).await.unwrap().bytes().await.unwrap(), "content");
    assert_eq!(house.state_in(&manifest, "a").await, "stored");
}

#[tokio::test]
async fn a_target_that_is_gone_keeps_no_other_from_being_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let gone = Target::open(&format!("file://{}/b", directory.path().display()).parse().unwrap());
    let gone = gone.unwrap();
    let house = House::new(vec![memory("a"), gone, memory("c")]);
    let path = directory.path().join("b");
    std::fs::write(&path, "").unwrap();
    let manifest = house.archive(b"content").await;
    assert_eq!(house.sync().await, Synced { archives: 1, failing: 1 });
    assert_eq!(house.state_in(&manifest, "c").await, "stored");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(house.sync().await, Synced { archives: 1, failing: 0 });
}
