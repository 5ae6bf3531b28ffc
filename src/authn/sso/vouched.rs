//! A provider's side of a session.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args;
use crate::authn::AuthnError;
use crate::authn::person::Person;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, SessionId};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, SystemWrite, WriteTx};

/// What it takes to tell a provider that a session is over, and to understand it when it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderSession {
    /// SAML's SessionIndex, OpenID Connect's `sid`.
    pub index: Option<String>,
    /// When the provider wants it to end: SessionNotOnOrAfter.
    pub ends: Option<Timestamp>,
    /// SAML: the NameID, which a logout repeats; the subject may be an attribute instead.
    pub name: Option<String>,
    /// SAML: Format, NameQualifier and SPNameQualifier of the NameID, which a logout repeats.
    pub name_format: Option<String>,
    pub name_qualifier: Option<String>,
    pub sp_name_qualifier: Option<String>,
    /// OpenID Connect: the ID token, as a hint for the logout.
    pub id_token: Option<String>,
}

impl ProviderSession {
    /// SAML: what the person is called, if the NameID says it.
    pub fn known_as(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        Some(known_as(name, self.name_format.as_deref()))
    }
}

/// What a NameID calls a person. The same name in another format is somebody else: where people choose
/// a name of their own, one can be another's address. The format stands last and has no blank in it, so
/// that no name passes for another one with its format.
pub fn known_as(name: &str, format: Option<&str>) -> String {
    format!("{name} ({})", format.unwrap_or(UNSPECIFIED))
}

/// What a NameID without a format has (saml-core 2.2.2).
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Somebody for whom a provider vouches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vouched {
    pub provider: ProviderId,
    /// What the provider always calls the person ([`Identity::subject`](super::Identity)).
    pub subject: String,
    pub session: ProviderSession,
}

impl Vouched {
    /// How subjects are found: the same name at two providers is two people.
    pub fn subject_hash(
        tx: &impl RealmTx,
        provider: ProviderId,
        subject: &str,
    ) -> Result<[u8; 32], DoorError> {
        Ok(tx.lookup_hash("sso-subject", &exactly(provider, subject))?)
    }

    /// How sessions are found by what the provider calls them.
    pub fn index_hash(
        tx: &impl RealmTx,
        provider: ProviderId,
        index: &str,
    ) -> Result<[u8; 32], DoorError> {
        Ok(tx.lookup_hash("sso-session", &exactly(provider, index))?)
    }

    /// For a sign-in that waits for one more factor.
    pub(in crate::authn) fn seal(
        &self,
        tx: &mut WriteTx<'_, SystemWrite>,
        person: &Person,
    ) -> Result<Vec<u8>, AuthnError> {
        let text = self.text()?;
        let sealed = tx.seal(Field::SignInProvider, &person.id, Some(person.subject), &text)?;
        Ok(sealed)
    }

    pub(in crate::authn) fn open(
        tx: &impl RealmTx,
        person: &Person,
        sealed: &[u8],
    ) -> Result<Option<Self>, AuthnError> {
        let text = tx.open_text(Field::SignInProvider, &person.id, sealed)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps it with the session that has begun.
    pub(in crate::authn) fn remember(
        &self,
        tx: &mut WriteTx<'_, SystemWrite>,
        session: SessionId,
        person: &Person,
    ) -> Result<(), AuthnError> {
        let subject = Self::subject_hash(tx, self.provider, &self.subject)?;
        let index = self.session.index.as_deref();
        let index = index.map(|index| Self::index_hash(tx, self.provider, index)).transpose()?;
        let text = self.text()?;
        let details = tx.seal(Field::SsoSession, session.bytes(), Some(person.subject), &text)?;
        let index = index.as_ref().map(<[u8; 32]>::as_slice);
        tx.execute(
            "INSERT INTO sso_sessions (session, provider, subject_hash, index_hash, details, ends)
             VALUES ($1, $2, $3, $4, $5, $6)",
            args![session, self.provider, &subject, index, &details, self.session.ends],
        )?;
        Ok(())
    }

    /// Of a session; nothing for one that began otherwise.
    pub fn of(tx: &impl RealmTx, session: SessionId) -> Result<Option<Self>, DoorError> {
        let sql = "SELECT details FROM sso_sessions WHERE session = $1";
        let found = tx.query_one(sql, args![session], |row| row.get::<Vec<u8>>(0))?;
        let Some(sealed) = found else { return Ok(None) };
        let text = tx.open_text(Field::SsoSession, session.bytes(), &sealed)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Whether the provider, or its settings here, have let the session end.
    pub(in crate::authn) fn is_over(
        tx: &impl Sql,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, AuthnError> {
        let sql = "SELECT count(*) FROM sso_sessions WHERE session = $1 AND ends <= $2";
        Ok(tx.count(sql, args![session, now])? > 0)
    }

    fn text(&self) -> Result<Vec<u8>, AuthnError> {
        let text = serde_json::to_vec(self);
        text.map_err(|error| StoreError::Sql(error.to_string().into()).into())
    }
}

/// Blind indexes take capitals for small letters, as addresses want it; to a provider "Kim" and "kim"
/// are two people.
fn exactly(provider: ProviderId, name: &str) -> String {
    format!("{provider}\n{}", HEXLOWER.encode(&Sha256::digest(name.as_bytes())))
}
