//! Each answer is looked at before the next question; what is found here would otherwise be found by
//! a start that fails.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::answers::{Answers, RootKey};
use super::service::Service;
use crate::config::{Place, Settings};
use crate::http::tls;
use crate::ops::doctor::reach;
use crate::users;

/// What is wrong with an answer; nothing when it will do.
pub type Problems = Vec<String>;

/// Of what a server would refuse, the part that is about these settings.
fn refused(answers: &Answers, about: &[&str]) -> anyhow::Result<(Settings, Problems)> {
    let (settings, all) = answers.examine()?;
    let all = all.into_iter();
    let of = all.filter(|said| about.iter().any(|key| said.contains(key)));
    Ok((settings, of.collect()))
}

pub fn data_directory(answers: &Answers, service: &Service) -> anyhow::Result<Problems> {
    let path = &answers.data_dir;
    let shown = path.display();
    let (_, mut problems) = refused(answers, &["store.data_dir"])?;
    if !path.is_absolute() {
        problems.push(format!("{shown} is no absolute path"));
        return Ok(problems);
    }
    let Ok(about) = std::fs::metadata(path) else {
        if !path.parent().is_some_and(Path::is_dir) {
            problems.push(format!("the directory above {shown} is not there"));
        }
        return Ok(problems);
    };
    if !about.is_dir() {
        problems.push(format!("{shown} is no directory"));
    } else if path.join("root.json").exists() {
        problems.push(format!("{shown} is set up already; this is for a new installation"));
    } else if std::fs::read_dir(path).is_ok_and(|mut all| all.next().is_some()) {
        problems.push(format!("{shown} is not empty; give an empty directory or a new one"));
    } else if about.mode() & 0o077 != 0 {
        problems.push(format!("others get into {shown}: run chmod 700 {shown}"));
    }
    if service.is_stranger() {
        problems.push(format!(
            "{shown} belongs to user {}, not to the service: run chown -R strongroom: {shown}",
            about.uid()
        ));
    } else if !service.may_become(about.uid()) {
        problems.push(format!("{shown} belongs to user {}: run this as root", about.uid()));
    }
    Ok(problems)
}

pub fn root_key(answers: &Answers) -> anyhow::Result<Problems> {
    let (settings, mut problems) = refused(answers, &["root_key."])?;
    let source = settings.root_key.source();
    problems.extend(source.refuse_beside(&answers.data_dir).err().map(|said| said.to_string()));
    match &answers.root_key {
        RootKey::File { file } if !file.is_absolute() => {
            problems.push(format!("{} is no absolute path", file.display()));
        }
        RootKey::File { file } if !file.exists() => {
            if !file.parent().is_some_and(Path::is_dir) {
                problems.push(format!("the directory above {} is not there", file.display()));
            }
        }
        RootKey::File { .. } => {
            problems.extend(source.load().err().map(|said| said.to_string()));
        }
        RootKey::Passphrase { file: Some(_) } => {
            problems.extend(settings.file_problems().first().map(ToString::to_string));
        }
        RootKey::Passphrase { file: None } | RootKey::Credential => {}
    }
    Ok(problems)
}

pub fn server(answers: &Answers) -> anyhow::Result<Problems> {
    let (settings, mut problems) = refused(answers, &["server."])?;
    if !problems.is_empty() {
        return Ok(problems);
    }
    let listen = settings.server.listen;
    if let Err(error) = TcpListener::bind(listen) {
        problems.push(format!("{listen} cannot be listened on: {error}"));
    }
    if settings.server.tls_certificate.is_some() {
        let shown = tls::shown(&settings);
        problems.extend(shown.err().map(|said| said.to_string()));
    }
    Ok(problems)
}

pub fn administrator(answers: &Answers) -> Problems {
    match users::check_email(answers.administrator.email.trim()) {
        Ok(_) => Vec::new(),
        Err(_) => vec![format!("{:?} is no e-mail address", answers.administrator.email)],
    }
}

pub async fn backup(answers: &Answers, service: &Service) -> anyhow::Result<Problems> {
    let backup = &answers.backup;
    let (settings, mut problems) = refused(answers, &["backup."])?;
    if backup.recipients.is_empty() != backup.targets.is_empty() {
        problems.push("backups need both: who can read them, and a place".to_owned());
    }
    for target in &settings.backup.targets {
        let Place::Directory(path) = target.place() else { continue };
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() && service.may_write(&about) => {}
            Ok(about) if about.is_dir() => problems.push(format!(
                "the service cannot write to {}: make it user {}'s own",
                path.display(),
                service.uid
            )),
            _ => problems.push(format!("{} is no directory", path.display())),
        }
    }
    let unreached = reach(&settings).await.into_iter().filter_map(|one| {
        one.result.err().map(|why| format!("{} does not answer: {why}", one.name))
    });
    problems.extend(unreached);
    Ok(problems)
}
