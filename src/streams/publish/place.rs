//! A place that checkpoints are published to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::directory;
use crate::config;
use crate::kernel::id::LogId;
use crate::kernel::{Clock, Timestamp, limits};
use crate::outgoing::Allowed;
use crate::streams::model::Secrets;
use crate::streams::senders::{Batch, Circumstances, SendError, Sender};
use crate::streams::{
    Authentication, Body, Destination, HttpTarget, SyslogTarget, TlsOptions, Transport,
};

/// How long a syslog connection has to stay whole after a checkpoint.
const SETTLE: Duration = Duration::from_secs(2);

/// A signed checkpoint on its way out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    #[serde(rename = "logId")]
    pub log: LogId,
    pub origin: String,
    pub size: u64,
    pub root: String,
    /// The C2SP signed note, line feeds included.
    pub note: String,
}

pub enum Place {
    Directory(PathBuf),
    Receiver { destination: Destination, secrets: Secrets, ca: Option<PathBuf> },
}

impl Place {
    pub fn all(settings: &config::Checkpoints) -> Vec<Self> {
        let ca = || settings.publish_ca.clone();
        let tls = TlsOptions::default;
        let directory = settings.publish_directory.clone().map(Self::Directory);
        let syslog = settings.publish_syslog.as_ref().map(|url| {
            let transport = if url.tls { Transport::Tls } else { Transport::Tcp };
            let target =
                SyslogTarget { address: url.address.clone(), transport, facility: 13, tls: tls() };
            let destination = Destination::Syslog(target);
            Self::Receiver { destination, secrets: Secrets::default(), ca: ca() }
        });
        let http = settings.publish_http.as_ref().map(|url| {
            let header = settings.publish_http_header.as_ref();
            let authentication = match header {
                Some(header) => Authentication::Header { name: header.name.clone() },
                None => Authentication::None,
            };
            let (url, body) = (url.as_str().to_owned(), Body::Array);
            let target = HttpTarget { url, body, authentication, tls: tls() };
            let credential = header.map(|header| header.value.clone());
            let secrets = Secrets { credential, client_key: None };
            Self::Receiver { destination: Destination::Http(target), secrets, ca: ca() }
        });
        [directory, syslog, http].into_iter().flatten().collect()
    }

    /// As pages, metrics and the platform's file name it.
    pub fn name(&self) -> String {
        match self {
            Self::Directory(path) => path.display().to_string(),
            Self::Receiver { destination, .. } => destination.place(),
        }
    }

    pub async fn send(
        &self,
        some: &[&Checkpoint],
        clock: &Arc<dyn Clock>,
    ) -> Result<(), SendError> {
        match self {
            Self::Directory(path) => {
                let (path, some) = (path.clone(), owned(some));
                let written = tokio::task::spawn_blocking(move || {
                    some.iter().try_for_each(|one| directory::write(&path, one))
                });
                let broke_off = |_| SendError::Setup("writing broke off".to_owned());
                written.await.map_err(broke_off)?.map_err(SendError::Setup)
            }
            Self::Receiver { destination, secrets, ca } => {
                let destination = with_authority(destination, ca.as_ref())?;
                let circumstances = Circumstances {
                    allowed: Allowed::Anything,
                    settle: SETTLE,
                    clock: clock.clone(),
                };
                let sender = Sender::open(&destination, secrets, &circumstances).await?;
                deliver(sender, body(&destination, some)?, some.len() as u64).await
            }
        }
    }
}

fn owned(some: &[&Checkpoint]) -> Vec<Checkpoint> {
    some.iter().map(|one| (*one).clone()).collect()
}

fn with_authority(
    destination: &Destination,
    ca: Option<&PathBuf>,
) -> Result<Destination, SendError> {
    let mut destination = destination.clone();
    let Some(path) = ca else { return Ok(destination) };
    let unread = |error| SendError::Setup(format!("{}: {error}", path.display()));
    let pem = std::fs::read_to_string(path).map_err(unread)?;
    match &mut destination {
        Destination::Syslog(target) => target.tls.ca = Some(pem),
        Destination::Splunk(target) => target.tls.ca = Some(pem),
        Destination::Http(target) => target.tls.ca = Some(pem),
    }
    Ok(destination)
}

fn body(destination: &Destination, some: &[&Checkpoint]) -> Result<Vec<u8>, SendError> {
    let unfit = |error: serde_json::Error| SendError::Setup(error.to_string());
    if !matches!(destination, Destination::Syslog(_)) {
        return serde_json::to_vec(some).map_err(unfit);
    }
    let host = config::host_name().unwrap_or_default();
    let host = if host.is_empty() { "-" } else { host.as_str() };
    let mut body = Vec::new();
    for checkpoint in some {
        // Facility 13 (log audit), severity 5 (notice); RFC 5424 allows no time to be given.
        let json = serde_json::to_string(checkpoint).map_err(unfit)?;
        let message = format!("<109>1 - {host} strongroom - checkpoint - {json}");
        body.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
    }
    Ok(body)
}

/// Sends, and waits until it is confirmed or has settled.
async fn deliver(mut sender: Sender, body: Vec<u8>, count: u64) -> Result<(), SendError> {
    let batch = Batch { body, last: count, count, oldest: Timestamp::from_micros(0) };
    sender.send(batch).await?;
    let settled = async {
        while sender.delivered()?.is_none() {
            let pause = sender.look_again().unwrap_or_default();
            tokio::select! {
                error = sender.broken() => return Err(error),
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    };
    let settled = tokio::time::timeout(limits::STREAM_SEND_TIME, settled).await;
    settled.unwrap_or(Err(SendError::Slow("the receiver")))
}
