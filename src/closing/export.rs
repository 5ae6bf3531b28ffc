//! Everything of a closed tenant in one archive, for whoever leaves with it.
//!
//! A tar with `conversations/…jsonl`, `members.json`, `settings.json`, the audit log as a bundle that
//! proves itself (`audit/bundle.tar.…`, to be joined; those from before restores in `audit/past/`) and,
//! last, `manifest.json` with size and SHA-256 of each. Files are cut into parts, so that no more than one part is in memory.

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::ClosingError;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditExport, ConversationExport, SettingsRead, UserRead};
use crate::authz::{Grant, Permission, TenantState, authorize};
use crate::conversations::{self, ConversationError};
use crate::crypto::mac;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::settings;
use crate::tenants::{DoorError, Tenant, Tenants};
use crate::trail;
use crate::trail::export::{self, ExportFormat, ExportRequest, Reading};
use crate::users;

/// A part of a file, from which on a new one begins.
const PART: usize = 8 * 1024 * 1024;

/// A file of the archive.
#[derive(Clone, Debug, Serialize)]
struct Listed {
    path: String,
    bytes: u64,
    sha256: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    format: &'static str,
    tenant: String,
    slug: &'a str,
    name: &'a str,
    exported_at: Timestamp,
    conversations: u64,
    files: &'a [Listed],
    /// Empty, or what is missing in the archive.
    unreadable: &'a [Unreadable],
}

/// A log from before a restore that is not, or not to its end, in the archive.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    pub log_id: LogId,
    pub reason: String,
}

/// An archive on its way out.
pub struct Export {
    tenants: Tenants,
    grant: Grant<ConversationExport>,
    tenant: Tenant,
    stage: Stage,
    listed: Vec<Listed>,
    conversations: u64,
    /// Logs from before restores that are still to come, the earliest last.
    past: Vec<LogId>,
    unreadable: Vec<Unreadable>,
}

enum Stage {
    Conversations(conversations::At, u32),
    Rest,
    Audit(Box<Reading<AuditExport>>, Option<LogId>, u32),
    End,
    Over,
}

/// Begins to export a closed tenant; that it was is an entry in its log.
///
/// # Errors
/// [`ClosingError::NotClosed`]: who is not leaving has other ways.
pub async fn begin(
    tenants: &Tenants,
    grant: &Grant<ConversationExport>,
    tenant: &Tenant,
) -> Result<Export, ClosingError> {
    let now = tenants.tenant_by_id(tenant.id).map(|tenant| tenant.state);
    if now != Some(TenantState::Closed) {
        return Err(ClosingError::NotClosed);
    }
    let resource = Resource::new("tenant", tenant.id.to_string());
    let recorded = tenants.disclose(grant, move |_| {
        let mut event = Event::new(catalogue::TENANT_EXPORTED);
        event.resource = Some(resource);
        Ok::<_, ClosingError>(((), event))
    });
    recorded.await?;
    Ok(Export {
        tenants: tenants.clone(),
        grant: grant.clone(),
        tenant: tenant.clone(),
        stage: Stage::Conversations(conversations::At::default(), 1),
        listed: Vec::new(),
        conversations: 0,
        past: Vec::new(),
        unreadable: Vec::new(),
    })
}

impl Export {
    /// The next bytes of the archive; nothing after its end.
    ///
    /// # Errors
    /// Whatever stands against reading; there is no whole archive then.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClosingError> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Conversations(at, part) => {
                let (text, next) = self.conversations(at).await?;
                self.stage = match next {
                    Some(next) => Stage::Conversations(next, part + 1),
                    None => Stage::Rest,
                };
                Ok(Some(self.file(&format!("conversations/{part:05}.jsonl"), &text)))
            }
            Stage::Rest => {
                let bytes = self.rest().await?;
                let past = trail::past_logs(&self.tenants, &self.own::<AuditExport>()?).await;
                self.past = past
                    .map_err(unread)?
                    .into_iter()
                    .filter(|past| past.removed.is_none())
                    .map(|past| past.log_id)
                    .collect();
                self.stage = Stage::Audit(Box::new(self.audit(None).await?), None, 1);
                Ok(Some(bytes))
            }
            Stage::Audit(reading, log, part) => Ok(Some(self.log(reading, log, part).await?)),
            Stage::End => {
                let mut bytes = self.manifest()?;
                // The end of a tar: two empty blocks.
                bytes.extend_from_slice(&[0; 1024]);
                Ok(Some(bytes))
            }
            Stage::Over => Ok(None),
        }
    }

    /// Conversations written so far.
    pub fn done(&self) -> u64 {
        self.conversations
    }

    /// Logs that could not be read, so far.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// One part's worth of conversations, each line a stretch of one.
    async fn conversations(
        &mut self,
        at: conversations::At,
    ) -> Result<(Vec<u8>, Option<conversations::At>), ClosingError> {
        let read = self.tenants.read(&self.grant, move |tx| {
            let (mut text, mut at, mut count) = (Vec::new(), Some(at), 0);
            while let Some(from) = at.filter(|_| text.len() < PART) {
                at = None;
                if let Some((stretch, next)) = conversations::next_stretch(tx, from)? {
                    count += u64::from(!next.is_within());
                    serde_json::to_writer(&mut text, &stretch).unwrap_or_default();
                    text.push(b'\n');
                    at = Some(next);
                }
            }
            Ok::<_, ConversationError>((text, at, count))
        });
        let (text, at, count) = read.await.map_err(|error| match error {
            ConversationError::Door(error) => ClosingError::Door(error),
            error => unread(error),
        })?;
        self.conversations += count;
        Ok((text, at))
    }

    async fn rest(&mut self) -> Result<Vec<u8>, ClosingError> {
        let members = users::list(&self.tenants, &self.own::<UserRead>()?).await.map_err(unread)?;
        let grant = self.own::<SettingsRead>()?;
        let sign_in = settings::sign_in(&self.tenants, &grant).await.map_err(unread)?;
        let members = serde_json::to_vec_pretty(&members).unwrap_or_default();
        let settings = serde_json::json!({ "signIn": sign_in.policy });
        let settings = serde_json::to_vec_pretty(&settings).unwrap_or_default();
        let mut bytes = self.file("members.json", &members);
        bytes.extend(self.file("settings.json", &settings));
        Ok(bytes)
    }

    /// The next part of a log. One from before a restore that cannot be read (any more) holds up
    /// nobody who leaves: the manifest says so.
    async fn log(
        &mut self,
        mut reading: Box<Reading<AuditExport>>,
        log: Option<LogId>,
        part: u32,
    ) -> Result<Vec<u8>, ClosingError> {
        let (mut bytes, mut is_over) = (Vec::new(), false);
        while bytes.len() < PART && !is_over {
            match (reading.next().await, log) {
                (Ok(Some(more)), _) => bytes.extend_from_slice(&more),
                (Ok(None), _) => is_over = true,
                (Err(error), None) => return Err(unread(error)),
                (Err(error), Some(log)) => {
                    self.is_unreadable(log, error.to_string());
                    is_over = true;
                }
            }
        }
        self.stage = match is_over {
            true => self.next_past_log().await,
            false => Stage::Audit(reading, log, part + 1),
        };
        let path = match log {
            None => format!("audit/bundle.tar.{part:05}"),
            Some(past) => format!("audit/past/{past}.tar.{part:05}"),
        };
        Ok(self.file(&path, &bytes))
    }

    async fn next_past_log(&mut self) -> Stage {
        while let Some(log) = self.past.pop() {
            match self.audit(Some(log)).await {
                Ok(reading) => return Stage::Audit(Box::new(reading), Some(log), 1),
                Err(ClosingError::Export(reason)) => self.is_unreadable(log, reason),
                Err(error) => self.is_unreadable(log, error.to_string()),
            }
        }
        Stage::End
    }

    fn is_unreadable(&mut self, log_id: LogId, reason: String) {
        tracing::error!(log = %log_id, reason, "a log from before a restore cannot be exported");
        self.unreadable.push(Unreadable { log_id, reason });
    }

    /// The log in use, or one from before a restore.
    async fn audit(&self, log: Option<LogId>) -> Result<Reading<AuditExport>, ClosingError> {
        let format = ExportFormat::Bundle;
        let request = ExportRequest { format, q: String::new(), from: None, to: None, log };
        export::export(&self.tenants, &self.own()?, request).await.map_err(unread)
    }

    fn manifest(&mut self) -> Result<Vec<u8>, ClosingError> {
        let manifest = Manifest {
            format: "strongroom tenant export v1",
            tenant: self.tenant.id.to_string(),
            slug: self.tenant.slug.as_str(),
            name: &self.tenant.name,
            exported_at: self.tenants.runtime().now(),
            conversations: self.conversations,
            files: &self.listed,
            unreadable: &self.unreadable,
        };
        let json = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        Ok(self.file("manifest.json", &json))
    }

    /// Another thing that the same operator may read.
    fn own<P: Permission>(&self) -> Result<Grant<P>, ClosingError> {
        let (caller, realm) = (self.grant.caller(), self.grant.realm());
        authorize::<P>(caller, realm, TenantState::Closed)
            .map_err(|denied| DoorError::from(denied).into())
    }

    /// A file as it stands in a tar.
    fn file(&mut self, path: &str, content: &[u8]) -> Vec<u8> {
        let (bytes, sha256) = (content.len() as u64, HEXLOWER.encode(&mac::sha256(content)));
        self.listed.push(Listed { path: path.to_owned(), bytes, sha256 });
        let mut header = tar::Header::new_ustar();
        // Paths of ours are short.
        let _ = header.set_path(path);
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.tenants.runtime().now().as_micros().unsigned_abs() / 1_000_000);
        header.set_cksum();
        let mut file = header.as_bytes().to_vec();
        file.extend_from_slice(content);
        file.resize(file.len().next_multiple_of(512), 0);
        file
    }
}

fn unread(error: impl std::fmt::Display) -> ClosingError {
    ClosingError::Export(error.to_string())
}
