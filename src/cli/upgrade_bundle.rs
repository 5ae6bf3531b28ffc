//! `strongroom upgrade verify`, and what makes the file that it looks at.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use data_encoding::HEXLOWER;
use serde_json::json;
use zeroize::Zeroizing;

use super::audit::read_key;
use super::output::{Report, table};
use crate::audit::note::{Kind, Name, Signer};
use crate::crypto::signing::SigningKey;
use crate::kernel::Runtime;
use crate::ops::release::{KEY, Manifest, pack, ssh, verify};
use crate::tenants::Release;

#[derive(clap::Args)]
pub struct Verify {
    /// The release: strongroom-VERSION.upgrade
    file: PathBuf,
    /// Public key of whoever signs releases, in a file; needed where this build was given none
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Let a release be good that is older than this one
    #[arg(long)]
    older: bool,
}

#[derive(clap::Args)]
pub struct Pack {
    /// The private key that releases are signed with
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file that is made
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What goes in, in this order
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(clap::Args)]
pub struct Sign {
    /// The private key that releases are signed with
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What is signed; the signature is written beside it, as FILE.sig
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct Keygen {
    /// File for the private key; there must be none yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn check(arguments: &Verify) -> anyhow::Result<Report> {
    let key = match &arguments.key {
        Some(path) => read_key(path)?,
        None if KEY.trim().is_empty() => bail!(
            "this build knows no key that releases are signed with: name the file of one with \
             --key, from somebody you trust and by another way than the release came"
        ),
        None => KEY.parse().context("the key in this build cannot be read")?,
    };
    let path = &arguments.file;
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    match verify(BufReader::new(file), &key) {
        Ok(found) => Ok(signed(&found, key.name(), arguments.older)),
        Err(error) => Ok(Report {
            json: json!({ "ok": false, "error": error.to_string() }),
            text: format!("{}: {error}\nUse nothing of it.", path.display()),
            ok: false,
        }),
    }
}

/// Whoever has an old release has a signature for it, and for the holes in it.
fn signed(found: &Manifest, name: &Name, may_be_older: bool) -> Report {
    let own = Release::own();
    let schemas = [own.platform, own.tenant, own.keys];
    let is_older = older(&found.version, &own.version);
    let is_refused = is_older && !may_be_older;
    let [data_is_older, data_is_newer] = [
        found.schemas.iter().zip(schemas).any(|(theirs, ours)| *theirs > ours),
        found.schemas.iter().zip(schemas).any(|(theirs, ours)| *theirs < ours),
    ];
    let is_usable = !data_is_newer && !is_refused;
    let data = match (data_is_older, data_is_newer) {
        (_, true) => "older than the data that this release works on: it would refuse it",
        (true, false) => {
            "the data is brought up to date at its first start (strongroom upgrade check)"
        }
        (false, false) => "the data stays as it is",
    };
    let row = |member: &crate::ops::release::Member| {
        let hash = HEXLOWER.encode(&member.sha256);
        vec![member.name.clone(), member.bytes.to_string(), hash]
    };
    let rows: Vec<_> = found.members.iter().map(row).collect();
    let json = json!({
        "ok": is_usable,
        "signedBy": name.to_string(),
        "from": { "version": own.version, "build": crate::BUILD },
        "to": { "version": found.version, "build": found.build },
        "isOlder": is_older,
        "dataIsUpgraded": data_is_older,
        "dataIsRefused": data_is_newer,
        "files": found.members.iter().map(|member| json!({
            "name": member.name, "bytes": member.bytes, "sha256": HEXLOWER.encode(&member.sha256),
        })).collect::<Vec<_>>(),
    });
    let text = format!(
        "Signed by {name}, and whole.\nFrom {} ({}) to {} ({}): {data}.\n\n{}",
        own.version,
        crate::BUILD,
        found.version,
        found.build,
        table(&["FILE", "BYTES", "SHA-256"], &rows)
    );
    let warning = match (is_older, is_refused) {
        (false, _) => String::new(),
        (true, false) => {
            "\nIt is OLDER than this release: what was mended since is not in it.".into()
        }
        (true, true) => format!(
            "\nIt is OLDER than this release ({} is in use here): what was mended since is not in it. \
             Do not use it, unless you mean to go back; --older says so.",
            own.version
        ),
    };
    Report { json, text: text.trim_end().to_owned() + &warning, ok: is_usable }
}

/// By the order of Semantic Versioning, section 11. What cannot be compared counts as older.
fn older(theirs: &str, ours: &str) -> bool {
    match (precedence(theirs), precedence(ours)) {
        (Some(theirs), Some(ours)) => theirs < ours,
        (None, Some(_)) => true,
        (_, None) => theirs != ours,
    }
}

/// Numbers; then whether it is released; then its identifiers before that, numbers first.
type Precedence<'a> = ([u64; 3], bool, Vec<(bool, u64, &'a str)>);

fn precedence(version: &str) -> Option<Precedence<'_>> {
    let version = version.split('+').next()?;
    let (numbers, before) = match version.split_once('-') {
        Some((numbers, before)) => (numbers, Some(before)),
        None => (version, None),
    };
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse());
    let parts = numbers.split('.').map(|part| number(part)?.ok());
    let numbers = parts.collect::<Option<Vec<u64>>>()?.try_into().ok()?;
    let identifier = |part| match number(part) {
        Some(Ok(number)) => (false, number, ""),
        _ => (true, 0, part),
    };
    let identifiers = before.map(|before| before.split('.').map(identifier).collect());
    Some((numbers, before.is_none(), identifiers.unwrap_or_default()))
}

pub fn make(arguments: &Pack) -> anyhow::Result<Report> {
    let signer = signer(&arguments.key)?;
    let own = Release::own();
    let manifest = Manifest {
        version: own.version.clone(),
        build: crate::BUILD.into(),
        schemas: [own.platform, own.tenant, own.keys],
        members: Vec::new(),
    };
    let path = &arguments.out;
    let out = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let made = pack(manifest, &arguments.files, &signer, BufWriter::new(out))?;
    let public = signer.verifier(Kind::Ed25519).to_string();
    let json = json!({ "file": path, "version": made.version, "publicKey": public });
    Ok(Report::done(json, format!("{}, signed with {public}", path.display())))
}

/// Signs one file for whoever has nothing but `ssh-keygen`.
pub fn sign(arguments: &Sign) -> anyhow::Result<Report> {
    let signer = signer(&arguments.key)?;
    let path = &arguments.file;
    let content = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let signature = ssh::sign(&content, &signer)?;
    let mut beside = path.clone().into_os_string();
    beside.push(".sig");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, signature)
        .with_context(|| format!("cannot write {}", beside.display()))?;
    let allowed = ssh::allowed(&signer)?;
    let json = json!({ "signature": beside, "allowedSigners": allowed });
    Ok(Report::done(json, allowed.trim_end().to_owned()))
}

fn signer(path: &Path) -> anyhow::Result<Signer> {
    let text = Zeroizing::new(
        std::fs::read_to_string(path)
            .with_context(|| format!("the key {} is not read", path.display()))?,
    );
    let (signer, kind) = Signer::parse_private(&text)?;
    if kind != Kind::Ed25519 {
        bail!("{} is the key of a witness, not of releases", path.display());
    }
    Ok(signer)
}

pub fn keygen(arguments: &Keygen) -> anyhow::Result<Report> {
    let key = SigningKey::generate(Runtime::system().random.as_ref())?;
    let signer = Signer::new("strongroom-release".parse()?, key);
    let text = Zeroizing::new(format!("{}\n", *signer.to_private_text(Kind::Ed25519)));
    write_new(&arguments.out, text.as_bytes())?;
    let public = signer.verifier(Kind::Ed25519).to_string();
    Ok(Report::done(json!({ "publicKey": public, "file": arguments.out }), public))
}

fn write_new(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let unwritable =
        || format!("{} cannot be written; an existing file is not replaced", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).with_context(unwritable)?;
    file.write_all(text).and_then(|()| file.sync_all()).with_context(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semantic_versioning_says() {
        let ordered = [
            "0.9.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
        ];
        for (at, one) in ordered.iter().enumerate() {
            for (other_at, other) in ordered.iter().enumerate() {
                assert_eq!(older(one, other), at < other_at, "{one} and {other}");
            }
        }
        assert!(!older("1.0.0+2", "1.0.0+1"), "a build has no order");
        for odd in ["", "1.0", "1.0.0.0", "1..0", "v1.0.0", "1.0.x", "99999999999999999999.0.0"] {
            assert!(older(odd, "1.0.0"), "{odd}");
        }
    }
}
