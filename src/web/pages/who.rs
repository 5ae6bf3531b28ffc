//! The names of those who asked for something, for who may see them.

use std::collections::HashMap;

use crate::admins;
use crate::api_keys;
use crate::authz::permission::{ApiKeyRead, PlatformAdminRead, UserRead};
use crate::authz::{Permission, Principal};
use crate::http::call::{Call, PlatformCall};
use crate::kernel::id::{AdminId, ApiKeyId, UserId};
use crate::users;
use crate::web::view::Someone;

#[derive(Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// Of a tenant: members and API keys. Who is erased or gone has no name any more.
    pub async fn of<'a, P: Permission>(
        call: &Call<P>,
        parties: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let (tenants, mut names) = (&call.app.tenants, Self::myself(call.principal()));
        let (users, keys) = (call.also::<UserRead>(), call.also::<ApiKeyRead>());
        for (kind, id) in parties {
            if names.0.contains_key(id) {
                continue;
            }
            let user = id.parse::<UserId>().ok().filter(|_| kind == "user");
            let key = id.parse::<ApiKeyId>().ok().filter(|_| kind == "api_key");
            let name = match (user.zip(users.as_ref()), key.zip(keys.as_ref())) {
                (Some((id, grant)), _) => {
                    users::find(tenants, grant, id).await.ok().and_then(|member| member.name)
                }
                (_, Some((id, grant))) => {
                    api_keys::find(tenants, grant, id).await.ok().map(|key| key.name)
                }
                _ => None,
            };
            names.0.extend(name.map(|name| (id.to_owned(), name)));
        }
        names
    }

    /// Of the platform: its administrators.
    pub async fn on_platform<P: Permission>(call: &PlatformCall<P>, id: &str) -> Self {
        let mut names = Self::myself(call.principal());
        let (grant, admin) = (call.also::<PlatformAdminRead>(), id.parse::<AdminId>());
        if let (Some(grant), Ok(admin)) = (grant, admin) {
            let found = admins::find(&call.app.tenants, &grant, admin).await.ok();
            let name = found.and_then(|admin| admin.name);
            names.0.extend(name.map(|name| (id.to_owned(), name)));
        }
        names
    }

    /// Who looks knows at least their own.
    fn myself(principal: &Principal) -> Self {
        let own = match principal {
            Principal::User { id, name, .. } => Some((id.to_string(), name.clone())),
            Principal::PlatformAdmin { id, name, .. } => Some((id.to_string(), name.clone())),
            _ => None,
        };
        Self(own.into_iter().collect())
    }

    pub fn is(&self, kind: &str, id: &str) -> Someone {
        let name = self.0.get(id).cloned();
        Someone { kind: kind.to_owned(), id: id.to_owned(), name }
    }
}
