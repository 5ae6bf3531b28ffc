//! The one-time link behind which the first platform administrator is made.

use zeroize::Zeroizing;

use super::AuthnError;
use super::session::PLATFORM;
use crate::args;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::PlatformAdminManage;
use crate::crypto::token::Token;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut};
use crate::tenants::{Tenants, WriteTx};

/// Makes a link's token; older links stop working.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
) -> Result<Zeroizing<String>, AuthnError> {
    let runtime = tenants.runtime();
    let token = Token::generate(PLATFORM, runtime.random.as_ref());
    let (hash, now) = (token.hash(), runtime.now());
    let write = tenants.write(grant, move |tx| {
        tx.execute("DELETE FROM setup_links", &[])?;
        tx.execute(
            "INSERT INTO setup_links (token_hash, created, expires) VALUES ($1, $2, $3)",
            args![&hash, now, now.plus(limits::SETUP_LINK_LIFE)],
        )?;
        Ok::<_, AuthnError>(((), Event::new(catalogue::SETUP_LINK_CREATED).into()))
    });
    write.await?;
    Ok(token.reveal(""))
}

/// Whether a link can still be used.
pub async fn is_open(tenants: &Tenants, token: &str) -> Result<bool, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(false) };
    let (hash, now) = (token.hash(), tenants.runtime().now());
    tenants
        .credentials(crate::authz::Realm::Platform, move |tx| {
            let sql = "SELECT count(*) FROM setup_links
                       WHERE token_hash = $1 AND used IS NULL AND expires > $2";
            Ok(tx.count(sql, args![&hash, now])? == 1)
        })
        .await
}

/// Uses a link up, in the transaction of what it was for.
///
/// # Errors
/// [`AuthnError::SetupLink`] when it was used before or its time is over.
pub fn consume<P>(tx: &mut WriteTx<'_, P>, token: &str) -> Result<(), AuthnError> {
    let token = Token::parse(token, "").ok_or(AuthnError::SetupLink)?;
    let now = tx.runtime().now();
    let used = tx.execute(
        "UPDATE setup_links SET used = $1 WHERE token_hash = $2 AND used IS NULL AND expires > $3",
        args![now, &token.hash(), now],
    )?;
    (used == 1).then_some(()).ok_or(AuthnError::SetupLink)
}
