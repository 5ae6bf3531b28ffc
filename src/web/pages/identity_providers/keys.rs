//! The key pairs with which this tenant signs for, and reads from, SAML providers.

use super::{base, opened, rows, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::SsoKeyId;
use crate::kernel::limits;
use crate::sso::keys::{self, KeyState, SsoKey};
use crate::web::view::chrome::Section;
use crate::web::view::identity_providers::{SsoKeyRow, SsoKeysPage};
use crate::web::view::state::{Notice, SsoKeyState};
use crate::web::{frame, respond};

const KEYS: &str = "/t/{tenant}/admin/sso/keys";
const USE: &str = "/t/{tenant}/admin/sso/keys/{key}/use";
const REMOVE: &str = "/t/{tenant}/admin/sso/keys/{key}/remove";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[catalogue::SSO_KEY_CHANGED]);
    vec![
        Route::console(Method::Get, KEYS, opened, list)
            .says("Our keys for single sign-on, and how to change them"),
        Route::console(Method::Post, KEYS, changed, make)
            .says("Make the next key for single sign-on")
            .sensitive(),
        Route::console(Method::Post, USE, changed, put_to_use)
            .says("Put the next key for single sign-on to use")
            .sensitive(),
        Route::console(Method::Post, REMOVE, changed, remove)
            .says("Remove a key for single sign-on that is not in use")
            .sensitive(),
    ]
}

async fn list(call: Call<SsoRead>) -> Answer {
    opened(&call).await?;
    let keys = keys::list(&call.app.tenants, &call.grant).await?;
    let soon = call.app.runtime.now().plus(limits::SSO_ENDS_SOON);
    let current = keys.iter().find(|key| key.state == KeyState::Current);
    let ending = current.map(|key| key.expires_at).filter(|ends| *ends <= soon);
    respond::page(&SsoKeysPage {
        chrome: frame::tenant(&call, "sso-keys-title", Section::Permissions).await?,
        keys: keys.into_iter().map(row).collect(),
        ending,
        may_manage: call.also::<SsoManage>().is_some(),
    })
}

fn row(key: SsoKey) -> SsoKeyRow {
    SsoKeyRow {
        id: key.id.to_string(),
        state: match key.state {
            KeyState::Next => SsoKeyState::Next,
            KeyState::Current => SsoKeyState::Current,
            KeyState::Former => SsoKeyState::Former,
        },
        fingerprint: rows::grouped(&key.fingerprint),
        pem: key.certificate,
        made: key.created_at,
        ends: key.expires_at,
    }
}

fn after(call: &Call<SsoManage>, notice: Notice) -> Answer {
    Ok(respond::see_other(&with_notice(&format!("{}/keys", base(call)), notice)))
}

async fn make(call: Call<SsoManage>) -> Answer {
    let app = &call.app;
    keys::make_next(&app.tenants, &call.grant, app.base_url(), &call.tenant).await?;
    after(&call, Notice::SsoKeyMade)
}

async fn put_to_use(call: Call<SsoManage>) -> Answer {
    let id: SsoKeyId = call.input.id("key")?;
    keys::put_to_use(&call.app.tenants, &call.grant, id).await?;
    after(&call, Notice::SsoKeyUsed)
}

async fn remove(call: Call<SsoManage>) -> Answer {
    let id: SsoKeyId = call.input.id("key")?;
    keys::remove(&call.app.tenants, &call.grant, id).await?;
    after(&call, Notice::SsoKeyRemoved)
}
