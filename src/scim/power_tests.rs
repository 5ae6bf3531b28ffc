//! What a key of provisioning does not change, in a real installation.

use serde_json::{Value, json};

use super::{GroupRule, ScimError, ScimSettings, change_settings, create_user, delete_user};
use super::{create_group, patch_user, replace_user};
use crate::authn::{Hasher, SignInPolicy};
use crate::authz::permission::{ScimProvision, SignInManage, SsoManage, UserCreate, UserRead};
use crate::authz::{Flag, Principal, Rights};
use crate::kernel::id::UserId;
use crate::settings;
use crate::tenants::Tenant;
use crate::testing::TestServer;
use crate::users::{self, NewMember};

fn rules() -> ScimSettings {
    let rule = GroupRule { group: "Admins".into(), role: "admin".into() };
    ScimSettings {
        rules: vec![rule],
        default_role: Some("viewer".into()),
        domains: vec!["example.org".into()],
    }
}

struct House {
    server: TestServer,
    tenant: Tenant,
}

impl House {
    async fn new() -> Self {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        let house = Self { server, tenant };
        let grant = house.server.grant::<SsoManage>(&house.tenant).await;
        change_settings(&house.server.tenants, &grant, rules()).await.unwrap();
        house
    }

    async fn four_eyes(&self) {
        let grant = self.server.grant::<SignInManage>(&self.tenant).await;
        let policy = SignInPolicy { four_eyes: true, ..Default::default() };
        settings::change_sign_in(&self.server.tenants, &grant, policy).await.unwrap();
    }

    async fn member(&self, email: &str, role: &str) -> UserId {
        let grant = self.server.grant::<UserCreate>(&self.tenant).await;
        let password = "correct horse battery staple".into();
        let new =
            NewMember { name: "Kim".into(), email: email.into(), password, role: role.into() };
        let hasher = Hasher::new(&self.server.runtime).with_cost(4);
        users::create(&self.server.tenants, &hasher, &grant, new).await.unwrap().id
    }

    async fn take(&self, name: &str) -> Result<UserId, ScimError> {
        let grant = self.server.grant::<ScimProvision>(&self.tenant).await;
        let given = json!({ "userName": format!("{name}@example.org"), "displayName": name });
        let made = create_user(&self.server.tenants, &grant, "https://x", &given).await?;
        Ok(made.value["id"].as_str().unwrap().parse().unwrap())
    }

    async fn set(&self, id: UserId, path: &str, value: Value) -> Result<(), ScimError> {
        let grant = self.server.grant::<ScimProvision>(&self.tenant).await;
        let operation = json!({ "op": "replace", "path": path, "value": value });
        let body = json!({ "Operations": [operation] });
        let base = "https://x";
        patch_user(&self.server.tenants, &grant, base, id, None, &body).await.map(|_| ())
    }

    async fn email(&self, id: UserId) -> String {
        let grant = self.server.grant::<UserRead>(&self.tenant).await;
        let all = users::list(&self.server.tenants, &grant).await.unwrap();
        all.into_iter().find(|member| member.id == id).unwrap().email.unwrap()
    }
}

#[tokio::test]
async fn with_four_eyes_nobody_who_approves_gets_another_address_or_is_taken_over() {
    let house = House::new().await;
    for name in ["one", "two"] {
        house.member(&format!("{name}@example.net"), "owner").await;
    }
    house.member("ada@example.org", "admin").await;
    house.member("vic@example.org", "viewer").await;
    let kept = house.take("kim").await.unwrap();
    let tenants = &house.server.tenants;
    let grant = house.server.grant::<ScimProvision>(&house.tenant).await;
    let member = json!([{ "value": kept.to_string() }]);
    let group = json!({ "displayName": "Admins", "members": member });
    create_group(tenants, &grant, "https://x", &group).await.unwrap();
    // Without four eyes it is as the rules say.
    house.member("eve@example.org", "admin").await;
    house.take("eve").await.unwrap();
    house.four_eyes().await;

    let refused = house.take("ada").await;
    assert!(matches!(refused, Err(ScimError::Taken(_))), "{refused:?}");
    let vic = house.take("vic").await.unwrap();
    house.set(vic, "userName", json!("vic2@example.org")).await.unwrap();
    assert_eq!(house.email(vic).await, "vic2@example.org");

    let refused = house.set(kept, "userName", json!("mine@example.org")).await;
    assert!(matches!(refused, Err(ScimError::OutOfReach(_))), "{refused:?}");
    let other =
        json!({ "userName": "kim@example.org", "emails": [{ "value": "mine@example.org" }] });
    let refused = replace_user(tenants, &grant, "https://x", kept, None, &other).await;
    assert!(matches!(refused, Err(ScimError::OutOfReach(_))));
    assert_eq!(house.email(kept).await, "kim@example.org");
    // Their name follows, they leave, and come back by a person alone.
    house.set(kept, "displayName", json!("Kim Roe")).await.unwrap();
    delete_user(tenants, &grant, "https://x", kept, None).await.unwrap();
    assert!(matches!(house.take("kim").await, Err(ScimError::Taken(_))));
}

#[tokio::test]
async fn only_all_of_an_owners_rights_say_who_is_provisioned() {
    let house = House::new().await;
    let rights = [Flag::SsoManage, Flag::SsoRead, Flag::ConversationRead];
    let principal = Principal::ApiKey {
        tenant: house.tenant.id,
        id: house.server.runtime.id(),
        name: "limited".into(),
        rights: Rights::new("scoped", rights.into_iter().collect()),
    };
    let caller = house.server.caller(principal);
    let tenants = &house.server.tenants;
    let grant = tenants.authorize::<SsoManage>(&caller, "acme", "test").await.unwrap().0;
    let wanted = ScimSettings { domains: vec!["evil.example".into()], ..Default::default() };
    let refused = change_settings(tenants, &grant, wanted).await;
    assert!(matches!(refused, Err(ScimError::NotAnOwner)), "{refused:?}");
}
