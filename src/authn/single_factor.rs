//! Those who have only one factor, for when everybody needs two.

use super::admission::Factor;
use super::person::tables;
use crate::authz::Realm;
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::WriteTx;

/// Active people without a second factor.
pub fn count_without_second(tx: &impl Sql, realm: Realm) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM {} WHERE state = 'active'
         AND id NOT IN (SELECT person FROM authenticators WHERE confirmed IS NOT NULL)
         AND id NOT IN (SELECT person FROM passkeys)",
        tables(realm).0
    );
    tx.count(&sql, &[])
}

/// Ends the sessions that were begun with one factor alone; answers with how many there were.
pub fn end_single_factor<P>(tx: &mut WriteTx<'_, P>, realm: Realm) -> Result<usize, StoreError> {
    let second = Factor::ALL.into_iter().filter(|factor| factor.is_second());
    let without: Vec<String> = second
        .map(|factor| format!("' ' || factors || ' ' NOT LIKE '% {} %'", factor.name()))
        .collect();
    let sql = format!("DELETE FROM {} WHERE {}", tables(realm).1, without.join(" AND "));
    tx.execute(&sql, &[])
}
