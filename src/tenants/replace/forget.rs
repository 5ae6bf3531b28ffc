//! What a restored file still has of persons who were erased since, beside what is sealed under their
//! destroyed keys: blind indexes, tags, accounts. It is taken out before anybody is served.

use super::Whole;
use crate::args;
use crate::authz::Realm;
use crate::crypto::TenantKeys;
use crate::kernel::id::{KeyId, TenantId, UserId};
use crate::store::erasures::{Erasure, OF_A_PERSON};
use crate::store::{Sql, SqlMut, Staged, StoreError, Value, migrate};

impl Whole {
    /// Of a tenant whose file was brought from a backup, by the ledger alone.
    ///
    /// # Errors
    /// What the disk answers: the tenant must not be served then.
    pub fn forget_again(
        &self,
        tenant: TenantId,
        keys: &TenantKeys,
        ledger: &[Erasure],
    ) -> Result<(), StoreError> {
        let path = self.database(Realm::Tenant(tenant));
        let mut staged = Staged::open(&path, keys.file_key()?, migrate::TENANT)?;
        erased(&mut staged, tenant, keys, ledger)?;
        staged.finish()
    }
}

/// Takes out whoever the ledger says is erased.
pub(super) fn erased(
    staged: &mut Staged,
    tenant: TenantId,
    keys: &TenantKeys,
    ledger: &[Erasure],
) -> Result<(), StoreError> {
    let owner = tenant.to_string();
    let mut gone = Vec::new();
    for line in ledger.iter().filter(|line| line.owner == owner) {
        // A line is written first: a destruction that was refused after it is none.
        if !keys.holds_subject(line.key)? {
            gone.push((line.key, line.cause == OF_A_PERSON));
        }
    }
    staged.change(|tx| {
        let of_people = tables_of_people(tx)?;
        let mut searches_stay = true;
        for (key, person) in gone {
            // The same reference is somebody new from now on.
            let sql =
                "UPDATE data_subjects SET reference_hash = id, email_hash = NULL WHERE id = $1";
            tx.execute(sql, args![key])?;
            let sql = "UPDATE conversations SET tags = '[]' WHERE data_subject = $1";
            tx.execute(sql, args![key])?;
            if person {
                remove_member(tx, key, &of_people)?;
                let sql = "SELECT count(*) FROM erasures WHERE subject = $1";
                searches_stay &= tx.count(sql, args![key])? > 0;
            }
        }
        if !searches_stay {
            // Sealed under the tenant's key; nobody can say any more which of them name the person.
            tx.execute("DELETE FROM saved_searches", &[])?;
        }
        Ok(())
    })
}

/// Tables with a column that names a member, and the column.
fn tables_of_people(tx: &impl Sql) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
               WHERE m.type = 'table' AND c.name IN ('person', 'user')";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn remove_member(
    tx: &mut impl SqlMut,
    key: KeyId,
    of_people: &[(String, String)],
) -> Result<(), StoreError> {
    let sql = "SELECT id, email_hash FROM users WHERE subject = $1";
    let found =
        tx.query_one(sql, args![key], |row| Ok((row.get::<UserId>(0)?, row.get::<Vec<u8>>(1)?)))?;
    let Some((id, hash)) = found else { return Ok(()) };
    for (table, column) in of_people {
        let sql = format!("DELETE FROM {table} WHERE {column} = $1");
        tx.execute(&sql, args![Value::Id(*id.bytes())])?;
    }
    for (table, column) in [("sign_in_failures", "account"), ("links", "address_hash")] {
        tx.execute(&format!("DELETE FROM {table} WHERE {column} = $1"), args![&hash])?;
    }
    // None of what a provider said says of whom.
    tx.execute("DELETE FROM sso_tests", &[])?;
    tx.execute("DELETE FROM users WHERE id = $1", args![id]).map(|_| ())
}
