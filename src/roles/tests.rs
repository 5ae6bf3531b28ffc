use proptest::prelude::*;

use super::*;
use crate::authz::permission::RoleManage;
use crate::authz::{Flag, Grant, Permissions, Principal, Realm, Rights, Role};
use crate::kernel::id::{ApiKeyId, TenantId};
use crate::tenants::{DoorError, Tenant};
use crate::testing::TestServer;

/// An application of the tenant with exactly these permissions.
fn somebody(tenant: TenantId, permissions: Permissions) -> Principal {
    let (id, rights) = (ApiKeyId::from_bytes([1; 16]), Rights::new("some", permissions));
    Principal::ApiKey { tenant, id, name: "test".into(), rights }
}

async fn grant(server: &TestServer, tenant: &Tenant, flags: &[Flag]) -> Grant<RoleManage> {
    let permissions = flags.iter().copied().chain([Flag::RoleManage]).collect();
    let caller = server.caller(somebody(tenant.id, permissions));
    server.tenants.authorize(&caller, tenant.slug.as_str(), "test").await.unwrap().0
}

fn new(code: &str, permissions: &[Flag]) -> NewRole {
    NewRole {
        code: code.to_owned(),
        name: "Claims".to_owned(),
        permissions: permissions.iter().map(|flag| flag.name().to_owned()).collect(),
        ..NewRole::default()
    }
}

/// What the role permits now, as a request would find it.
async fn permits(server: &TestServer, tenant: &Tenant, code: &'static str) -> Option<Permissions> {
    let look = server.tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        Ok::<_, DoorError>(resolve(tx, code).ok().map(|rights| rights.permissions()))
    });
    look.await.unwrap()
}

#[tokio::test]
async fn a_role_permits_what_it_says_and_what_everybody_may_do_about_themselves() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let owner = server.grant(&tenant).await;
    let role = create(&server.tenants, &owner, new("claims", &[Flag::MessageRead])).await.unwrap();
    let expected = Permissions::own_account().or([Flag::MessageRead].into_iter().collect());
    assert_eq!(role.set(), expected);
    assert_eq!(permits(&server, &tenant, "claims").await, Some(expected));
    let entry = server.entries(&tenant).await.pop().unwrap();
    assert_eq!(entry.action, "role.created");
}

#[tokio::test]
async fn nobody_defines_changes_or_deletes_a_role_with_a_right_that_they_lack() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let (tenants, owner) = (&server.tenants, server.grant(&tenant).await);
    let less = grant(&server, &tenant, &[Flag::MessageRead]).await;
    let above = [Flag::MessageRead, Flag::SecretRead];
    let refused = create(tenants, &less, new("above", &above)).await;
    assert!(matches!(refused, Err(RoleError::TooMuch)), "{refused:?}");
    let copy = NewRole { copy_of: Some("viewer".into()), ..new("copy-of-viewer", &[]) };
    assert!(matches!(create(tenants, &less, copy).await, Err(RoleError::TooMuch)));
    create(tenants, &less, new("within", &above[..1])).await.unwrap();
    create(tenants, &owner, new("above", &above)).await.unwrap();
    // Neither by putting something in, nor by making a role smaller that is above one's own.
    for (code, permissions) in [("within", vec![above[1]]), ("above", vec![])] {
        let permissions = permissions.iter().map(|flag| flag.name().to_owned()).collect();
        let changes = RoleChanges { permissions: Some(permissions), ..RoleChanges::default() };
        let refused = change(tenants, &less, code, changes).await;
        assert!(matches!(refused, Err(RoleError::TooMuch)), "{code}: {refused:?}");
    }
    assert!(matches!(delete(tenants, &less, "above").await, Err(RoleError::TooMuch)));
    delete(tenants, &less, "within").await.unwrap();
    assert_eq!(permits(&server, &tenant, "within").await, None);
}

#[tokio::test]
async fn a_built_in_role_is_not_changed_and_its_name_is_not_taken() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let (tenants, owner) = (&server.tenants, server.grant(&tenant).await);
    for role in Role::TENANT.into_iter().chain(Role::PLATFORM).chain([Role::System]) {
        let refused = create(tenants, &owner, new(role.name(), &[])).await;
        assert!(matches!(refused, Err(RoleError::Code)), "{role}");
    }
    let refused = change(tenants, &owner, "viewer", RoleChanges::default()).await;
    assert!(matches!(refused, Err(RoleError::BuiltIn)));
    assert!(matches!(delete(tenants, &owner, "owner").await, Err(RoleError::BuiltIn)));
    assert!(matches!(delete(tenants, &owner, "nobody").await, Err(RoleError::NotFound)));
    create(tenants, &owner, new("claims", &[])).await.unwrap();
    assert!(matches!(create(tenants, &owner, new("claims", &[])).await, Err(RoleError::Taken)));
}

#[tokio::test]
async fn no_role_of_a_tenant_reaches_what_its_owners_do_not() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let operator = server.operator();
    let operator = server.tenants.authorize::<RoleManage>(&operator, "acme", "test").await;
    let operator = operator.unwrap().0;
    for flag in Flag::ALL.iter().filter(|flag| !flag.roles().contains(&Role::Owner)) {
        let refused = create(&server.tenants, &operator, new("more", &[*flag])).await;
        assert!(matches!(refused, Err(RoleError::Permission(_))), "{}", flag.name());
    }
    assert_eq!(permits(&server, &tenant, "more").await, None);
}

fn any_permissions() -> impl Strategy<Value = Permissions> {
    let flags = proptest::collection::vec(proptest::sample::select(Flag::ALL), 0..40);
    flags.prop_map(|flags| flags.into_iter().collect())
}

proptest! {
    #[test]
    fn one_gives_exactly_the_rights_that_one_has(
        mine in any_permissions(), given in any_permissions()
    ) {
        let me = somebody(TenantId::from_bytes([2; 16]), mine);
        let own = Permissions::own_account();
        let lacks = given.iter().any(|flag| !mine.has(flag) && !own.has(flag));
        prop_assert_eq!(me.may_give(given), !lacks);
        prop_assert!(me.may_give(mine.and(given)));
    }

    #[test]
    fn a_code_is_either_refused_or_fit_for_an_address(code in "\\PC{0,50}|[a-z][a-z0-9-]{0,45}") {
        if check::code(&code).is_ok() {
            prop_assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(code.parse::<Role>().is_err());
        }
    }
}
