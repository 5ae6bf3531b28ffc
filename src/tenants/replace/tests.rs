//! What a swap promises, on a real installation.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::stage::Stage;
use super::*;
use crate::args;
use crate::audit::pruning;
use crate::authz::permission::*;
use crate::conversations::{self, ConversationError};
use crate::kernel::id::ConversationId;
use crate::kernel::{ErrorKind, Fault};
use crate::store::{SqlMut, Staged, migrate};
use crate::tenants::Tenant;
use crate::testing::TestServer;

pub(super) struct House {
    pub server: TestServer,
    pub tenant: Tenant,
    pub other: Tenant,
    pub backup: std::path::PathBuf,
}

impl TestServer {
    /// A tenant's file as it is, to be restored.
    pub async fn copy_tenant(&self, tenant: &Tenant, to: &Path) {
        let closed = self.tenants.close_for_restore(tenant.id).await.unwrap();
        let directory = self.data_dir().join("tenants").join(tenant.id.to_string());
        std::fs::copy(directory.join("tenant.db"), to).unwrap();
        drop(closed);
    }
}

impl House {
    pub async fn open() -> Self {
        let server = TestServer::start();
        let (tenant, other) = (server.tenant("acme").await, server.tenant("globex").await);
        let backup = server.data_dir().join("..").join("backup.db");
        Self { server, tenant, other, backup }
    }

    pub async fn write(&self, tenant: &Tenant, subject: &str) -> ConversationId {
        let grant = self.server.grant::<ConversationCreate>(tenant).await;
        let new = serde_json::from_value(json!({
            "subject": subject, "channel": "email", "dataSubject": { "id": subject },
        }));
        let tenants = &self.server.tenants;
        conversations::create(tenants, &grant, new.unwrap(), None).await.unwrap().value.id
    }

    pub async fn find(&self, id: ConversationId) -> Result<String, ConversationError> {
        let grant = self.server.grant::<ConversationRead>(&self.tenant).await;
        let found = conversations::find(&self.server.tenants, &grant, id).await?;
        Ok(found.value.subject.unwrap_or_default())
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.server.data_dir().join("tenants").join(self.tenant.id.to_string()).join("tenant.db")
    }

    /// A copy of the file as it is, and what its log has.
    pub async fn back_up(&self) {
        self.server.copy_tenant(&self.tenant, &self.backup).await;
    }

    pub async fn stage(&self) -> Stage {
        let restore = self.server.runtime.id();
        let stage = self.server.tenants.stage(restore, self.tenant.id).await.unwrap();
        std::fs::copy(&self.backup, stage.database()).unwrap();
        stage
    }

    pub async fn restore(&self) -> (RestoreId, Swapped) {
        let stage = self.stage().await;
        stage.check(&BTreeMap::new()).unwrap();
        (stage.restore, stage.put().await.unwrap())
    }
}

#[tokio::test]
async fn a_restored_tenant_is_as_it_was_and_its_old_log_is_kept_whole() {
    let house = House::open().await;
    let early = house.write(&house.tenant, "early").await;
    house.back_up().await;
    let late = house.write(&house.tenant, "late").await;
    let before = house.server.verify(&house.tenant).await;
    let (restore, swapped) = house.restore().await;
    assert_eq!(house.find(early).await.unwrap(), "early");
    assert!(matches!(house.find(late).await, Err(ConversationError::NotFound)));
    let past = swapped.past.unwrap();
    assert_eq!((past.id, past.size), (before.log_id, before.size));
    assert_eq!(past.root, before.root);
    let after = house.server.verify(&house.tenant).await;
    assert!(after.ok && after.log_id != before.log_id, "{after:?}");
    let old = house.server.verify_past(&house.tenant).await;
    assert!(old[0].ok && old[0].lost == 0 && old[0].size == before.size, "{old:?}");
    let entries = house.server.entries(&house.tenant).await;
    let first = &entries[0];
    assert_eq!(first.action, "log.opened");
    let says = serde_json::to_value(first).unwrap().to_string();
    for word in [before.log_id.to_string(), before.root.to_string(), restore.to_string()] {
        assert!(says.contains(&word), "{says}");
    }
    assert!(!entries.iter().any(|entry| entry.action == "checkpoint.contradicted"));
    house.write(&house.other, "goes on").await;
}

#[tokio::test]
async fn nothing_of_a_log_is_lost_so_it_goes_on() {
    let house = House::open().await;
    house.write(&house.tenant, "early").await;
    house.back_up().await;
    let before = house.server.verify(&house.tenant).await;
    let (_, swapped) = house.restore().await;
    assert!(swapped.past.is_none());
    let after = house.server.verify(&house.tenant).await;
    assert_eq!((after.log_id, after.size), (before.log_id, before.size));
}

#[tokio::test]
async fn undoing_brings_the_state_before_back_and_keeps_the_log_in_between() {
    let house = House::open().await;
    let early = house.write(&house.tenant, "early").await;
    house.back_up().await;
    let late = house.write(&house.tenant, "late").await;
    let before = house.server.verify(&house.tenant).await;
    let (restore, _) = house.restore().await;
    assert_eq!(house.server.tenants.kept_restores().unwrap(), [restore]);
    let between = house.write(&house.tenant, "in between").await;
    let undone = house.server.tenants.undo_restore(restore, house.tenant.id).await.unwrap();
    assert_eq!(house.find(late).await.unwrap(), "late");
    assert_eq!(house.find(early).await.unwrap(), "early");
    assert!(matches!(house.find(between).await, Err(ConversationError::NotFound)));
    let after = house.server.verify(&house.tenant).await;
    assert!(after.ok && after.log_id == before.log_id, "{after:?}");
    assert!(undone.between.is_some_and(|log| log.id != before.log_id && log.size >= 2));
    assert!(house.server.tenants.kept_restores().unwrap().is_empty());
    let again = house.server.tenants.undo_restore(restore, house.tenant.id).await;
    assert!(again.is_err());
}

#[tokio::test]
async fn what_was_erased_since_the_backup_stays_erased() {
    let house = House::open().await;
    let id = house.write(&house.tenant, "somebody's").await;
    house.back_up().await;
    let realm = Realm::Tenant(house.tenant.id);
    let key = house.server.tenants.credentials(realm, move |tx| {
        use crate::store::Sql;
        let sql = "SELECT subject FROM conversations";
        let sealed = tx.query_one(sql, &[], |row| row.get::<Vec<u8>>(0))?.unwrap();
        Ok::<_, ConversationError>(crate::crypto::envelope::key_id(&sealed)?)
    });
    assert!(house.server.destroy_subject(&house.tenant, key.await.unwrap()).await);
    house.restore().await;
    assert_eq!(house.find(id).await.unwrap(), "", "the row is there, nobody can read it");
}

#[tokio::test]
async fn a_tenant_that_is_being_exchanged_says_come_again_and_others_do_not_notice() {
    let house = House::open().await;
    let id = house.write(&house.tenant, "early").await;
    let closed = house.server.tenants.close_for_restore(house.tenant.id).await.unwrap();
    let refused = house.find(id).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "restoring"));
    assert!(house.server.tenants.close_for_restore(house.tenant.id).await.is_err());
    house.write(&house.other, "goes on").await;
    drop(closed);
    assert_eq!(house.find(id).await.unwrap(), "early");
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_refused_and_leaves_nothing() {
    let house = House::open().await;
    house.write(&house.tenant, "early").await;
    house.back_up().await;
    let whole = std::fs::read(&house.backup).unwrap();
    for at in [10, 9_000, whole.len() / 2, whole.len() - 100] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&house.backup, &changed).unwrap();
        let stage = house.stage().await;
        assert!(stage.check(&BTreeMap::new()).is_err(), "{at}");
        let directory = stage.directory().to_owned();
        drop(stage);
        assert!(!directory.exists());
    }
}

#[tokio::test]
async fn a_file_whose_log_lacks_entries_is_refused_wherever_they_were() {
    let house = House::open().await;
    for n in 0..10 {
        house.write(&house.tenant, &n.to_string()).await;
    }
    house.back_up().await;
    let expected = BTreeMap::from([(pruning::ENTRIES.to_owned(), 0)]);
    let whole = house.stage().await.check(&expected).unwrap();
    let size = whole.log.size;
    assert_eq!(whole.rows[pruning::ENTRIES], size);
    for missing in 1..=size {
        let stage = house.stage().await;
        let mut file =
            Staged::open(&stage.database(), &stage.file_key().unwrap(), migrate::TENANT).unwrap();
        let sql = "DELETE FROM audit_entries WHERE seq = $1";
        file.change(|tx| tx.execute(sql, args![missing.cast_signed()]).map(|_| ())).unwrap();
        file.finish().unwrap();
        match stage.check(&expected) {
            Err(error) => {
                let told = format!("entry {missing}: the entry is missing");
                assert!(error.to_string().contains(&told), "{missing}: {error}");
            }
            // What was cut off at the end is in neither number that a manifest has.
            Ok(cut) => assert!(
                missing == size && cut.log.size < size && cut.rows[pruning::ENTRIES] < size,
                "{missing}: {cut:?}"
            ),
        }
    }
}

#[tokio::test]
async fn a_line_of_the_ledger_that_names_another_kind_of_key_destroys_nothing() {
    let house = House::open().await;
    let id = house.write(&house.tenant, "early").await;
    let original = house.server.tenants.realm(Realm::Tenant(house.tenant.id)).await.unwrap();
    let file = original.keys.file_key_id().unwrap();
    assert!(!original.keys.destroy_subject(file).unwrap());
    assert_eq!(original.keys.file_key_id().unwrap(), file);
    assert_eq!(house.find(id).await.unwrap(), "early");
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_and_says_so() {
    let house = House::open().await;
    let id = house.write(&house.tenant, "early").await;
    house.back_up().await;
    let stage = house.stage().await;
    let key = stage.file_key().unwrap();
    let mut newer = Staged::open(&stage.database(), &key, migrate::TENANT).unwrap();
    newer.change(|tx| tx.execute("PRAGMA user_version = 9999", &[]).map(|_| ())).unwrap();
    newer.finish().unwrap();
    let refused = stage.check(&BTreeMap::new()).unwrap_err().to_string();
    assert!(refused.contains("newer release"), "{refused}");
    drop(stage);
    assert_eq!(house.find(id).await.unwrap(), "early");
}

#[tokio::test]
async fn a_restored_file_that_does_not_open_at_once_is_in_its_place_and_the_way_back_is_kept() {
    let house = House::open().await;
    let early = house.write(&house.tenant, "early").await;
    house.back_up().await;
    let late = house.write(&house.tenant, "late").await;
    let stage = house.stage().await;
    stage.check(&BTreeMap::new()).unwrap();
    let keys = house.file().with_file_name("keys.db");
    let away = keys.with_extension("away");
    std::fs::rename(&keys, &away).unwrap();
    let restore = stage.restore;
    let swapped = stage.put().await.unwrap();
    assert!(swapped.unopened.is_some(), "{swapped:?}");
    assert_eq!(house.server.tenants.kept_restores().unwrap(), [restore]);
    assert!(house.server.tenants.realm(Realm::Tenant(house.tenant.id)).await.is_err());
    std::fs::rename(&away, &keys).unwrap();
    assert_eq!(house.find(early).await.unwrap(), "early");
    house.server.tenants.undo_restore(restore, house.tenant.id).await.unwrap();
    assert_eq!(house.find(late).await.unwrap(), "late");
}
