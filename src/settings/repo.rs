//! The table `settings`.

use crate::args;
use crate::authn::{SIGN_IN_SETTING, SignInPolicy};
use crate::kernel::Timestamp;
use crate::store::{SqlMut, StoreError};

pub fn set_sign_in(
    tx: &mut impl SqlMut,
    policy: &SignInPolicy,
    now: Timestamp,
) -> Result<(), StoreError> {
    let value = serde_json::to_string(policy)
        .map_err(|_| StoreError::Sql("a sign-in policy could not be written".into()))?;
    tx.execute(
        "INSERT INTO settings (name, value, changed) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
        args![SIGN_IN_SETTING, &value, now],
    )?;
    Ok(())
}
