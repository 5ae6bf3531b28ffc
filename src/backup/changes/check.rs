//! Whether what was archived continuously is all there and can be read, where it lies.

use std::io::Read;
use std::path::Path as FilePath;

use object_store::path::Path;
use tokio::runtime::Handle;

use super::locate::{Chain, Chains, follow};
use super::materialise::materialise;
use super::send::{self, Download, damaged};
use crate::audit::note::Verifier;
use crate::authz::Realm;
use crate::backup::{BackupError, Damage, Identities, Layout, Target};
use crate::kernel::Timestamp;

/// Reads every object of an owner's chains to its end, and looks whether each chain is without a gap;
/// with private keys it is applied up to its end too, which checks every hash. How many objects there
/// are. Blocks; to be called on a thread that may, inside the runtime.
///
/// # Errors
/// [`BackupError`] naming what is missing or damaged.
pub fn check(
    target: &Target,
    layout: Layout,
    realm: Realm,
    verifier: &Verifier,
    identities: Option<(&Identities, &FilePath)>,
) -> Result<u64, BackupError> {
    let handle = Handle::try_current().map_err(std::io::Error::other)?;
    let chains = handle.block_on(Chains::read(target, layout, realm, verifier))?;
    let mut objects = 0;
    for chain in &chains.0 {
        objects += one(target, layout, realm, chain, &handle)?;
    }
    if let Some((identities, scratch)) = identities {
        for chain in &chains.0 {
            let Some(end) = end(chain) else { continue };
            let path = scratch.join(format!("{}.db", chain.id));
            crate::store::files::remove_if_there(&path).map_err(crate::tenants::DoorError::from)?;
            let made = materialise(target, layout, realm, end, verifier, identities, &path);
            let _ = std::fs::remove_file(&path);
            made?;
        }
    }
    Ok(objects)
}

/// The last moment of a chain; nothing for one that no copy of the file begins.
fn end(chain: &Chain) -> Option<Timestamp> {
    let from = chain.bases.last()?.taken;
    Some(chain.head.as_ref().map_or(from, |head| head.time.max(from)))
}

fn one(
    target: &Target,
    layout: Layout,
    realm: Realm,
    chain: &Chain,
    handle: &Handle,
) -> Result<u64, BackupError> {
    let missing = |path: &Path| Err(damaged(target, path, Damage::Missing));
    let place = layout.chain(realm, chain.id);
    let there = handle.block_on(send::list(target, &place))?;
    // One that has just begun has no copy of the file yet, and nothing can be made of it.
    let Some(base) = chain.bases.first() else { return Ok(0) };
    for base in &chain.bases {
        let path = layout.base(realm, chain.id, base.number);
        let name = path.filename().unwrap_or_default();
        if !there.iter().any(|(known, _)| known == name) {
            return missing(&path);
        }
    }
    let (_, reached) = follow(&chain.segments, base.number);
    if let Some(head) = chain.head.as_ref().filter(|head| head.last > reached) {
        return missing(&layout.segment(realm, chain.id, reached + 1, head.last));
    }
    for (name, size) in &there {
        let path = place.clone().join(name.as_str());
        let mut object = Download::open(target, &path, handle)?;
        let (mut read, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            match object.read(&mut buffer)? {
                0 => break,
                n => read += n as u64,
            }
        }
        // What says how far it has come is written anew all the time.
        if read != *size && !name.ends_with(".note") {
            return Err(damaged(target, &path, Damage::Size));
        }
    }
    Ok(there.len() as u64)
}
