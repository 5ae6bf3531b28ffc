//! Taking away what is past its time, and what a stopped server has left.

use std::path::PathBuf;

use super::{ExportState, Exports, repo};
use crate::authz::Realm;
use crate::kernel::id::ExportId;
use crate::store::spool;
use crate::tenants::{DoorError, SystemWrite, Tenants};

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub expired: u64,
    pub interrupted: u64,
    pub files: u64,
}

/// Marks what has expired and what was interrupted, and deletes files that nobody can fetch. A
/// realm without files is left alone: it is not even opened.
pub async fn sweep(exports: &Exports, tenants: &Tenants, realm: Realm) -> Result<Swept, DoorError> {
    let directory = tenants.exports_directory(realm);
    // Before the rows: a file is made after its row.
    let files = tokio::task::spawn_blocking(move || list(directory)).await.unwrap_or_default();
    if files.is_empty() {
        return Ok(Swept::default());
    }
    let (now, mut swept) = (tenants.runtime().now(), Swept::default());
    let open = tenants.credentials(realm, |tx| Ok::<_, DoorError>(repo::open(tx)?)).await?;
    let mut alive = Vec::new();
    for (id, state, expires) in open {
        let ended = match state {
            ExportState::Ready if expires.is_some_and(|expires| expires <= now) => {
                swept.expired += 1;
                ExportState::Expired
            }
            state if state.is_active() && exports.progress(id).is_none() => {
                swept.interrupted += 1;
                ExportState::Interrupted
            }
            _ => {
                alive.push(id);
                continue;
            }
        };
        let write = tenants.system_write(realm, SystemWrite::ExportState, move |tx| {
            Ok(repo::end(tx, id, ended, None, now)?)
        });
        write.await?;
    }
    let dead: Vec<_> = files.into_iter().filter(|(id, _)| !alive.contains(id)).collect();
    swept.files = dead.len() as u64;
    let delete = move || dead.iter().for_each(|(_, path)| spool::remove(path));
    let _ = tokio::task::spawn_blocking(delete).await;
    Ok(swept)
}

fn list(directory: PathBuf) -> Vec<(ExportId, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let file = |path: PathBuf| {
        let id = path.file_name()?.to_str()?.strip_suffix(".db")?.parse().ok()?;
        Some((id, path))
    };
    entries.filter_map(|entry| file(entry.ok()?.path())).collect()
}
