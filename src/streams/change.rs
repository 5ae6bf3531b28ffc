//! Changing, pausing and resuming a stream.

use secrecy::{ExposeSecret, SecretString};

use super::model::{ChangeStream, Manages, Secrets, StreamState};
use super::repo::{self, Settings, Stored};
use super::{Stream, StreamError, Streams, check, report};
use crate::audit::event::Change;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::kernel::id::StreamId;
use crate::tenants::AuditEvents;

/// Changes what is given. The stream goes on where it was.
///
/// # Errors
/// [`StreamError::SecretsElsewhere`] when it would take stored secrets to another host.
pub async fn change<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
    change: ChangeStream,
) -> Result<Stream, StreamError> {
    let before = streams.tenants().read(grant, move |tx| repo::find(tx, id)).await?;
    let (settings, secrets) = changed(&before, change)?;
    streams.check(&settings.destination, &secrets).await?;
    write(streams, grant, id, move |stream| {
        if stream.revision != before.revision {
            return Err(StreamError::Target(
                "somebody else changed the stream meanwhile: look at it and try again".into(),
            ));
        }
        let mut event = report::about(catalogue::STREAM_CHANGED, id);
        report::changes(&mut event, Some(&stream.settings), Some(&settings));
        note_secret(&mut event, "credential", &stream.secrets.credential, &secrets.credential);
        note_secret(&mut event, "clientKey", &stream.secrets.client_key, &secrets.client_key);
        stream.settings = settings.clone();
        stream.secrets = secrets.clone();
        Ok((!event.changes.is_empty()).then_some(event))
    })
    .await
}

/// Stops sending; nothing is lost, the cursor stays.
pub async fn pause<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
) -> Result<Stream, StreamError> {
    set_state(streams, grant, id, StreamState::Paused).await
}

/// Goes on where the stream was paused.
pub async fn resume<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
) -> Result<Stream, StreamError> {
    set_state(streams, grant, id, StreamState::Active).await
}

/// A stream that is in that state already is left as it is.
async fn set_state<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
    state: StreamState,
) -> Result<Stream, StreamError> {
    write(streams, grant, id, move |stream| {
        if stream.state == state {
            return Ok(None);
        }
        let mut event = report::about(catalogue::STREAM_CHANGED, id);
        let (old, new) = (Some(stream.state.name().into()), Some(state.name().into()));
        event.changes.insert("state".into(), Change { old, new });
        stream.state = state;
        Ok(Some(event))
    })
    .await
}

/// Changes a stream by `f`, which says in an event what it did.
async fn write<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
    f: impl Fn(&mut Stored) -> Result<Option<Event>, StreamError> + Send + 'static,
) -> Result<Stream, StreamError> {
    let _changing = streams.changing().await;
    streams.enlist(grant.realm()).await?;
    let written = streams.tenants().write(grant, move |tx| {
        let mut stored = repo::find(tx, id)?;
        let Some(event) = f(&mut stored)? else { return Ok((stored, AuditEvents::none())) };
        stored.changed = tx.runtime().now();
        repo::update(tx, &stored)?;
        Ok::<_, StreamError>((stored, event.into()))
    });
    let stored = written.await?.value;
    streams.look(grant.realm()).await;
    streams.view(grant, stored).await
}

fn changed(before: &Stored, change: ChangeStream) -> Result<(Settings, Secrets), StreamError> {
    let old = &before.settings;
    let name = change.name.map_or_else(|| Ok(old.name.clone()), |name| check::name(&name))?;
    let destination = change.destination.unwrap_or_else(|| old.destination.clone());
    let format = change.format.unwrap_or(old.format);
    let same_place = destination.place() == old.destination.place();
    let keep = |given: Option<SecretString>, stored: &Option<SecretString>, needed: bool| match (
        given, stored,
    ) {
        (Some(given), _) => Ok(Some(given)),
        (None, Some(stored)) if needed && same_place => Ok(Some(stored.clone())),
        (None, Some(_)) if needed => Err(StreamError::SecretsElsewhere),
        (None, _) => Ok(None),
    };
    let needs_key = destination.tls().client_certificate.is_some();
    let secrets = Secrets {
        credential: keep(
            change.secrets.credential,
            &before.secrets.credential,
            destination.needs_credential(),
        )?,
        client_key: keep(change.secrets.client_key, &before.secrets.client_key, needs_key)?,
    };
    Ok((Settings { name, destination, format }, secrets))
}

fn note_secret(
    event: &mut Event,
    field: &str,
    old: &Option<SecretString>,
    new: &Option<SecretString>,
) {
    let same = match (old, new) {
        (Some(old), Some(new)) => {
            crate::crypto::mac::same(old.expose_secret().as_bytes(), new.expose_secret().as_bytes())
        }
        (None, None) => true,
        _ => false,
    };
    if !same {
        report::secret(event, field, old.is_some(), new.is_some());
    }
}
