//! One entry of a log.

use super::audit_changes::{changes, shown};
use super::audit_rows;
use crate::audit::catalogue;
use crate::audit::view::EntryView;
use crate::authz::permission::{AuditRead, PlatformAuditRead};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::tenants::Tenants;
use crate::trail::{self, Entry};
use crate::web::messages::Value;
use crate::web::view::audit_entry::{AuditEntryPage, Leaf, Proof};
use crate::web::view::audit_rows::AuditRow;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::{frame, respond};

/// To be declared after all pages below the explorer: the number takes any name.
pub fn routes() -> Vec<Route> {
    let one = Audit::Events(&[catalogue::AUDIT_VIEWED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/audit/{seq}", one, tenant)
            .says("One entry of a tenant's audit log"),
        Route::platform(Method::Get, "/platform/audit/{seq}", one, platform)
            .says("One entry of the platform's audit log"),
    ]
}

async fn tenant(call: Call<AuditRead>) -> Answer {
    let found = Found::read(&call.app.tenants, &call.grant, &call.input).await?;
    let chrome = frame::tenant(&call, "nav-audit", Section::Audit).await?;
    respond::page(&page(chrome, found))
}

async fn platform(call: PlatformCall<PlatformAuditRead>) -> Answer {
    let found = Found::read(&call.app.tenants, &call.grant, &call.input).await?;
    let chrome = frame::platform(&call, "nav-platform-audit", Section::PlatformAudit).await?;
    respond::page(&page(chrome, found))
}

struct Found {
    entry: Entry,
    proof: Option<Proof>,
    /// Entries in the log.
    size: u64,
}

impl Found {
    async fn read<P: Permission>(
        tenants: &Tenants,
        grant: &Grant<P>,
        input: &Input,
    ) -> Result<Self, Failure> {
        let seq = input.id("seq")?;
        let entry = trail::entry(tenants, grant, seq).await?.value;
        let size = trail::overview(tenants, grant).await?.size;
        Ok(Self { entry, proof: proof(tenants, grant, seq).await, size })
    }
}

/// A page without its proof is better than none: a damaged tree shows in the verification.
async fn proof<P: Permission>(tenants: &Tenants, grant: &Grant<P>, seq: u64) -> Option<Proof> {
    // What a witness signed proves more than the log's own latest checkpoint.
    let size = trail::witnessed_size(tenants, grant, seq).await.unwrap_or_default();
    let proof = trail::inclusion_proof(tenants, grant, seq, size).await;
    let proof =
        proof.inspect_err(|error| tracing::warn!(%error, seq, "no inclusion proof")).ok()?;
    let size = proof.size;
    let below = size.checked_add(1);
    let (latest, _) = trail::checkpoints(tenants, grant, below, Some(1)).await.ok()?;
    let signed = latest.into_iter().find(|found| (found.size, found.root) == (size, proof.root));
    let witness = |witness: trail::WitnessView| (witness.name, witness.time);
    Some(Proof {
        size,
        root: proof.root.to_string(),
        path: proof.hashes.iter().map(ToString::to_string).collect(),
        signed: signed.as_ref().map(|signed| signed.time),
        witnesses: signed.into_iter().flat_map(|signed| signed.witnesses).map(witness).collect(),
    })
}

fn page(mut chrome: Chrome, found: Found) -> AuditEntryPage {
    let Found { entry: Entry { event, leaf }, proof, size } = found;
    let number = chrome.n("entry-number", event.seq);
    chrome.title = format!("{number} · {}", chrome.title);
    let row = audit_rows::row(&event);
    AuditEntryPage {
        sentence: sentence(&chrome, &event, &row),
        chrome,
        entry: row,
        user_agent: event.user_agent.clone(),
        request_id: event.request_id.clone(),
        actor_role: event.actor.as_ref().and_then(|actor| actor.role.clone()),
        reporter: event.reported_by.as_ref().map(|by| (by.name.clone(), by.id.clone())),
        occurred: event.occurred_at,
        changes: changes(event.changes.iter()),
        custom_fields: event
            .custom_fields
            .iter()
            .map(|(name, value)| (name.clone(), shown(value)))
            .collect(),
        json: serde_json::to_string_pretty(&event).unwrap_or_default(),
        leaf: Leaf {
            log_id: leaf.log_id.to_string(),
            time_micros: leaf.time_micros,
            payload_hash: leaf.payload_hash.to_string(),
            prev_hash: leaf.prev_hash.to_string(),
            hash: leaf.hash.to_string(),
        },
        proof,
        previous: event.seq.checked_sub(1).filter(|seq| *seq > 0),
        next: Some(event.seq + 1).filter(|seq| *seq <= size),
    }
}

/// What happened, in one sentence.
fn sentence(chrome: &Chrome, event: &EntryView, row: &AuditRow) -> String {
    let actor = &row.actor;
    let kind = chrome.label("actor-", &actor.kind);
    let who = match (&actor.name, &actor.id) {
        _ if actor.erased => chrome.t("person-erased"),
        (Some(name), _) => name.clone(),
        (None, Some(id)) => format!("{kind} {id}"),
        (None, None) => kind,
    };
    let resource = row.resource.as_ref().map_or_else(String::new, |resource| {
        let kind = chrome.label("resource-", &resource.kind);
        resource.id.as_ref().map_or(kind.clone(), |id| format!("{kind} {id}"))
    });
    let given = |text: &str| Value::from(if text.is_empty() { "no" } else { "yes" });
    let ip = row.ip.clone().unwrap_or_default();
    let arguments = [
        ("hasResource", given(&resource)),
        ("hasAddress", given(&ip)),
        ("action", chrome.label("action-", &event.action).into()),
        ("actor", who.into()),
        ("resource", resource.into()),
        ("address", ip.into()),
        ("time", event.time.display().into()),
        ("outcome", row.outcome.code().into()),
    ];
    chrome.messages.with("entry-sentence", &arguments).into_owned()
}
