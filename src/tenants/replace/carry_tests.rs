//! Who may get in, what is held and who was erased does not go back in time: not with a restore, and
//! not with its undo.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::json;

use super::tests::House;
use crate::api_keys::{self, ApiKey, ChangeApiKey, NewApiKey};
use crate::args;
use crate::authn::Hasher;
use crate::authz::permission::*;
use crate::authz::{Grant, Permission, Realm};
use crate::kernel::id::{ApiKeyId, UserId};
use crate::privacy::{self, Wanted, Who};
use crate::retention::holds;
use crate::store::{Sql, SqlMut, Staged, migrate};
use crate::tenants::DoorError;
use crate::trail::searches::{self, NewSearch};
use crate::users::{self, NewMember};

const EMAIL: &str = "wilhelmina@quackenbush.example";

impl House {
    /// On the machine itself: an application could not make keys without one of its own.
    async fn operator<P: Permission>(&self) -> Grant<P> {
        let (tenants, caller) = (&self.server.tenants, self.server.operator());
        tenants.authorize::<P>(&caller, self.tenant.slug.as_str(), "test").await.unwrap().0
    }

    async fn key(&self, name: &str) -> ApiKeyId {
        let grant = self.operator::<ApiKeyCreate>().await;
        let new = NewApiKey::with_role(name, "admin");
        api_keys::create(&self.server.tenants, &grant, new).await.unwrap().key.id
    }

    async fn look(&self, id: ApiKeyId) -> ApiKey {
        let grant = self.server.grant::<ApiKeyRead>(&self.tenant).await;
        api_keys::find(&self.server.tenants, &grant, id).await.unwrap()
    }

    async fn revoke(&self, id: ApiKeyId) {
        let grant = self.server.grant::<ApiKeyRevoke>(&self.tenant).await;
        api_keys::revoke(&self.server.tenants, &grant, id).await.unwrap();
    }

    /// A new secret, and only from one network from now on.
    async fn narrow(&self, id: ApiKeyId) {
        let (tenants, grant) = (&self.server.tenants, self.operator::<ApiKeyUpdate>().await);
        api_keys::rotate(tenants, &grant, id, Duration::ZERO, None).await.unwrap();
        let networks = Some(vec!["192.0.2.0/24".to_owned()]);
        let change = ChangeApiKey { networks, ..ChangeApiKey::default() };
        api_keys::change(tenants, &grant, id, change).await.unwrap();
    }

    async fn member(&self, email: &str, role: &str) -> UserId {
        let grant = self.server.grant::<UserCreate>(&self.tenant).await;
        let new = NewMember {
            name: "Wilhelmina".into(),
            email: email.into(),
            password: "harbour lantern orchid 7".to_owned().into(),
            role: role.into(),
        };
        let hasher = Hasher::new(&self.server.runtime).with_cost(4);
        users::create(&self.server.tenants, &hasher, &grant, new).await.unwrap().id
    }

    async fn erase(&self, who: Who) {
        let grant = self.server.grant::<SubjectErase>(&self.tenant).await;
        let (confirm, reason) = ("erase".to_owned(), "asked for it".to_owned());
        let wanted = Wanted { who, confirm, reason, request: None };
        let tenants = &self.server.tenants;
        privacy::erase(tenants, &grant, &self.tenant, wanted, None, None).await.unwrap();
    }

    async fn search(&self, words: &str) {
        let grant = self.server.grant::<AuditSearchSave>(&self.tenant).await;
        let new: NewSearch = serde_json::from_value(json!({ "name": words, "q": words })).unwrap();
        searches::save(&self.server.tenants, &grant, new, None).await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> u64 {
        let realm = Realm::Tenant(self.tenant.id);
        let read = self
            .server
            .tenants
            .credentials(realm, move |tx| Ok::<_, DoorError>(tx.count(sql, &[])?));
        read.await.unwrap()
    }

    /// Nothing outside of the sealed data leads to who was erased.
    async fn assert_erased(&self) {
        for sql in [
            "SELECT count(*) FROM data_subjects WHERE reference_hash <> id",
            "SELECT count(*) FROM data_subjects WHERE email_hash IS NOT NULL",
            "SELECT count(*) FROM conversations WHERE tags <> '[]'",
            "SELECT count(*) FROM users WHERE role = 'viewer'",
            "SELECT count(*) FROM saved_searches",
        ] {
            assert_eq!(self.count(sql).await, 0, "{sql}");
        }
    }

    async fn tag_all(&self) {
        self.change("UPDATE conversations SET tags = '[\"wilhelmina\"]'").await;
    }

    /// Behind everybody's back.
    async fn change(&self, sql: &str) {
        let tenants = &self.server.tenants;
        let keys = tenants.keys_for_restore(self.tenant.id).await.unwrap();
        let closed = tenants.close_for_restore(self.tenant.id).await.unwrap();
        let key = keys.file_key().unwrap();
        let mut file = Staged::open(&self.file(), key, migrate::TENANT).unwrap();
        file.change(|tx| tx.execute(sql, args![])).unwrap();
        file.finish().unwrap();
        drop(closed);
    }
}

#[tokio::test]
async fn a_key_that_was_rotated_and_narrowed_and_a_members_address_stay_as_they_are() {
    let house = House::open().await;
    let (key, other) = (house.key("application").await, house.key("leaked").await);
    house.member("a@example.org", "owner").await;
    house.member("b@example.org", "viewer").await;
    house.change("UPDATE users SET email_hash = x'00' WHERE role = 'owner'").await;
    house.change("UPDATE users SET email_hash = x'01' WHERE role = 'viewer'").await;
    house.back_up().await;
    house.narrow(key).await;
    house.revoke(other).await;
    // They exchange their addresses.
    for (from, to) in [("00", "02"), ("01", "00"), ("02", "01")] {
        let sql = "UPDATE users SET email_hash = x'TO' WHERE email_hash = x'FROM'";
        house.change(&sql.replace("TO", to).replace("FROM", from)).await;
    }
    let before = house.look(key).await;
    house.restore().await;
    let after = house.look(key).await;
    assert_eq!((&after.hint, after.rotated_at), (&before.hint, before.rotated_at));
    assert_eq!(after.networks, ["192.0.2.0/24"]);
    assert!(house.look(other).await.revoked_at.is_some());
    let sql = "SELECT count(*) FROM users WHERE (role, email_hash) IN
               (VALUES ('owner', x'01'), ('viewer', x'00'))";
    assert_eq!(house.count(sql).await, 2);
}

#[tokio::test]
async fn who_was_erased_since_the_backup_leaves_nothing_in_clear_behind() {
    for readable in [true, false] {
        let house = House::open().await;
        house.write(&house.tenant, "wilhelmina").await;
        house.tag_all().await;
        house.member("owner@example.org", "owner").await;
        let member = house.member(EMAIL, "viewer").await;
        house.search("wilhelmina").await;
        house.back_up().await;
        house.erase(Who::Reference("wilhelmina".into())).await;
        house.erase(Who::Member(member)).await;
        house.assert_erased().await;
        if !readable {
            let closed = house.server.tenants.close_for_restore(house.tenant.id).await.unwrap();
            std::fs::write(house.file(), vec![7; 20_000]).unwrap();
            drop(closed);
        }
        let (restore, swapped) = house.restore().await;
        assert_eq!(swapped.could_read, readable);
        house.assert_erased().await;
        let kept = house.server.data_dir().join("restored").join(restore.to_string());
        let names = std::fs::read_dir(kept.join("before")).unwrap();
        for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            assert!(name.starts_with("tenant.db"), "{name} has names in it");
        }
        house.write(&house.tenant, "wilhelmina").await;
    }
}

#[tokio::test]
async fn undoing_brings_nothing_back_that_was_taken_away_in_between() {
    let house = House::open().await;
    let (kept, stolen) = (house.key("kept").await, house.key("stolen").await);
    house.write(&house.tenant, "wilhelmina").await;
    house.tag_all().await;
    house.member("owner@example.org", "owner").await;
    let member = house.member(EMAIL, "viewer").await;
    house.back_up().await;
    let (late, invited) =
        (house.key("late").await, house.member("late@example.org", "auditor").await);
    let (restore, _) = house.restore().await;

    house.narrow(kept).await;
    house.revoke(stolen).await;
    house.erase(Who::Reference("wilhelmina".into())).await;
    house.erase(Who::Member(member)).await;
    let grant = house.server.grant::<HoldManage>(&house.tenant).await;
    let new = serde_json::from_value(json!({ "scope": "tenant", "reason": "a case" })).unwrap();
    holds::set(&house.server.tenants, &grant, new, None).await.unwrap();

    let tenants = &house.server.tenants;
    let undone = tenants.undo_restore(restore, house.tenant.id).await.unwrap();
    assert!(undone.could_read && undone.broken.is_none());
    assert_eq!(house.look(kept).await.networks, ["192.0.2.0/24"]);
    assert!(house.look(stolen).await.revoked_at.is_some());
    assert_eq!(house.count("SELECT count(*) FROM legal_holds WHERE lifted IS NULL").await, 1);
    house.assert_erased().await;
    // Nobody took these away: the restore left them behind.
    assert!(house.look(late).await.revoked_at.is_none());
    let grant = house.server.grant::<UserRead>(&house.tenant).await;
    let found = users::find(tenants, &grant, invited).await.unwrap();
    assert_eq!(found.state, users::MemberState::Active);
    assert!(house.server.verify(&house.tenant).await.ok);
}

#[tokio::test]
async fn a_log_that_went_on_after_a_restore_is_not_taken_back_by_its_undo() {
    let house = House::open().await;
    house.write(&house.tenant, "early").await;
    house.back_up().await;
    let (restore, swapped) = house.restore().await;
    assert!(swapped.past.is_none());
    house.write(&house.tenant, "in between").await;
    let before = house.server.verify(&house.tenant).await;
    let undone = house.server.tenants.undo_restore(restore, house.tenant.id).await.unwrap();
    let between = undone.between.unwrap();
    assert_eq!((between.id, between.size), (before.log_id, before.size));
    let after = house.server.verify(&house.tenant).await;
    assert!(after.ok && after.log_id != before.log_id, "{after:?}");
    assert!(house.server.verify_past(&house.tenant).await.iter().all(|past| past.ok));
}

#[tokio::test]
async fn a_log_in_between_that_does_not_verify_is_kept_as_it_is() {
    let house = House::open().await;
    house.write(&house.tenant, "early").await;
    house.back_up().await;
    let late = house.write(&house.tenant, "late").await;
    let (restore, _) = house.restore().await;
    house.write(&house.tenant, "in between").await;
    house.change("UPDATE audit_entries SET hash = zeroblob(32) WHERE seq = 2").await;
    let undone = house.server.tenants.undo_restore(restore, house.tenant.id).await.unwrap();
    assert_eq!(house.find(late).await.unwrap(), "late");
    let broken = undone.broken.unwrap();
    assert!(undone.between.is_none() && broken.known >= 2, "{broken:?}");
    let file = house.file().with_file_name("logs").join(&broken.file);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
    assert!(house.server.verify(&house.tenant).await.ok);
}
