//! What happened in sign-ins that were tried out, and in those that were refused: for administrators,
//! who see why somebody does not get in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SsoError;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::sso::{Identity, Refusal, Trace};
use crate::authz::Grant;
use crate::authz::permission::SsoRead;
use crate::crypto::Field;
use crate::kernel::id::{ProviderId, SsoTestId};
use crate::kernel::{Timestamp, limits};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, Tenants, WriteTx};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// An administrator tried it out.
    Test,
    /// Somebody wanted to sign in and was refused.
    SignIn,
}

impl ReportKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::SignIn => "sign-in",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    pub id: SsoTestId,
    pub provider: ProviderId,
    pub kind: ReportKind,
    pub passed: bool,
    pub created_at: Timestamp,
}

/// A sign-in step by step, and what arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    #[serde(flatten)]
    pub summary: ReportSummary,
    #[serde(flatten)]
    pub content: Content,
}

/// What is sealed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    pub trace: Trace,
    /// What the provider has signed; nothing where that could not be checked.
    pub arrived: Option<Arrived>,
}

/// What the provider says about somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Arrived {
    pub subject: String,
    pub attributes: BTreeMap<String, Vec<String>>,
    /// How the person has proven who they are.
    pub contexts: Vec<String>,
    pub authenticated_at: Option<Timestamp>,
    /// When the provider wants the session to end.
    pub session_ends_at: Option<Timestamp>,
}

impl Content {
    pub(super) fn of(trace: Trace, result: &Result<Identity, Refusal>) -> Self {
        let arrived = result.as_ref().ok().map(|identity| Arrived {
            subject: identity.subject.clone(),
            attributes: identity.attributes.clone(),
            contexts: identity.contexts.clone(),
            authenticated_at: identity.authenticated,
            session_ends_at: identity.session.ends,
        });
        Self { trace, arrived }
    }

    fn text(&self) -> Vec<u8> {
        // Before it is written: what is far too much is not written even once.
        if self.letters() <= limits::SSO_REPORT_BYTES {
            let text = serde_json::to_vec(self).unwrap_or_default();
            if text.len() <= limits::SSO_REPORT_BYTES {
                return text;
            }
        }
        // The checks say enough about a message of that size.
        let trace = Trace { documents: Vec::new(), ..self.trace.clone() };
        let short = Self { trace, arrived: None };
        serde_json::to_vec(&short).unwrap_or_default()
    }

    /// Of what came from elsewhere; written down it is longer.
    fn letters(&self) -> usize {
        let documents: usize = self.trace.documents.iter().map(|one| one.text.len()).sum();
        let arrived = self.arrived.iter().map(|arrived| {
            let named = arrived.attributes.iter().map(|(name, values)| {
                name.len() + values.iter().map(|value| value.len() + 3).sum::<usize>()
            });
            let contexts = arrived.contexts.iter().map(String::len);
            arrived.subject.len() + named.chain(contexts).sum::<usize>()
        });
        documents + arrived.sum::<usize>()
    }
}

/// Keeps a report, in the place of the oldest of its kind.
pub(super) fn keep<P>(
    tx: &mut WriteTx<'_, P>,
    provider: ProviderId,
    kind: ReportKind,
    content: &Content,
) -> Result<SsoTestId, DoorError> {
    let (id, now) = (tx.runtime().id::<SsoTestId>(), tx.runtime().now());
    let passed = content.trace.refusal.is_none();
    let sealed = tx.seal(Field::SsoTestReport, id.bytes(), None, &content.text())?;
    tx.execute(
        "INSERT INTO sso_tests (id, provider, kind, passed, report, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![id, provider, kind.name(), i64::from(passed), &sealed, now],
    )?;
    tx.execute(
        "DELETE FROM sso_tests WHERE provider = $1 AND kind = $2 AND id NOT IN
             (SELECT id FROM sso_tests WHERE provider = $3 AND kind = $4
              ORDER BY created DESC, id DESC LIMIT $5)",
        args![provider, kind.name(), provider, kind.name(), limits::SSO_REPORTS.cast_signed()],
    )?;
    Ok(id)
}

/// Forgets what is too old.
pub(super) fn expire(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    let before = now.minus(limits::SSO_REPORT_LIFE);
    tx.execute("DELETE FROM sso_tests WHERE created <= $1", args![before]).map(|_| ())
}

const COLUMNS: &str = "SELECT id, provider, kind, passed, created, report FROM sso_tests";

fn read(row: &Row<'_>) -> Result<(ReportSummary, Vec<u8>), StoreError> {
    let is_test = row.get::<String>(2)? == ReportKind::Test.name();
    let summary = ReportSummary {
        id: row.get(0)?,
        provider: row.get(1)?,
        kind: if is_test { ReportKind::Test } else { ReportKind::SignIn },
        passed: row.get(3)?,
        created_at: row.get(4)?,
    };
    Ok((summary, row.get(5)?))
}

/// The last ones of a provider, the newest first.
pub async fn reports(
    tenants: &Tenants,
    grant: &Grant<SsoRead>,
    provider: ProviderId,
) -> Result<Vec<ReportSummary>, SsoError> {
    let look = tenants.read(grant, move |tx| {
        let sql = format!("{COLUMNS} WHERE provider = $1 ORDER BY created DESC, id DESC");
        Ok::<_, SsoError>(tx.query(&sql, args![provider], read)?)
    });
    Ok(look.await?.into_iter().map(|(summary, _)| summary).collect())
}

/// One of them. It says much about a person, so that it was looked at is an entry.
pub async fn report(
    tenants: &Tenants,
    grant: &Grant<SsoRead>,
    provider: ProviderId,
    id: SsoTestId,
) -> Result<Report, SsoError> {
    let look = tenants.disclose(grant, move |tx| {
        let sql = format!("{COLUMNS} WHERE id = $1 AND provider = $2");
        let found = tx.query_one(&sql, args![id, provider], read)?;
        let (summary, sealed) = found.ok_or(SsoError::NoReport)?;
        let text = tx.open(Field::SsoTestReport, id.bytes(), &sealed)?;
        let content = serde_json::from_slice(&text).map_err(|_| SsoError::NoReport)?;
        let mut event = Event::new(catalogue::ADMIN_PANEL_ACCESS);
        event.resource = Some(Resource::new("sso_report", id.to_string()));
        event.custom_fields.insert("provider".into(), provider.to_string().into());
        Ok::<_, SsoError>((Report { summary, content }, event))
    });
    Ok(look.await?.value)
}
