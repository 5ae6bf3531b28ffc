//! Answers that are files, sent piece by piece: however large, memory holds one piece.

use std::future::Future;

use actix_web::HttpResponse;
use actix_web::web::Bytes;

use super::failure::Failure;
use super::headers::put;
use super::route::Answer;
use crate::app::App;
use crate::authz::Realm;
use crate::kernel::{ErrorKind, Fault, Timestamp};
use crate::tenants::Turn;
use crate::trail::export::{Download, ExportError, Exporting, Reading};

/// Something that is sent in pieces; none after the last.
pub trait Source: 'static {
    type Error: Fault + 'static;

    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>>;
}

/// Room for a file on its way, which a slow client holds for long: to be taken before anything is
/// read or recorded.
///
/// # Errors
/// When there is none, of this log or at all.
pub fn room(app: &App, realm: Realm) -> Result<Turn, Failure> {
    app.downloads.try_take(realm).ok_or_else(|| {
        let detail = "too many files are on their way: wait for one of them, then try again";
        Failure::new(ErrorKind::Unavailable, "busy", detail)
    })
}

/// A file for the browser to store. What goes wrong before the first piece is an answer of its
/// own; later the connection is broken off, so that nobody takes a part for the whole.
pub async fn send(room: Turn, name: &str, content_type: &str, mut source: impl Source) -> Answer {
    let first = full(&mut source).await.map_err(Failure::from)?;
    let state = (first, source, room);
    let pieces = futures_util::stream::try_unfold(state, |(piece, mut source, room)| async move {
        let Some(piece) = piece else { return Ok(None) };
        match full(&mut source).await {
            Ok(next) => Ok(Some((Bytes::from(piece), (next, source, room)))),
            Err(error) => {
                tracing::warn!(%error, "a download was broken off");
                Err(std::io::Error::other("broken off"))
            }
        }
    });
    let mut answer = HttpResponse::Ok().content_type(content_type).streaming(pieces);
    let disposition = format!("attachment; filename=\"{name}\"");
    put(answer.headers_mut(), "content-disposition", &disposition);
    Ok(answer)
}

/// A small file that is there already.
pub fn text(name: &str, content_type: &str, body: String) -> HttpResponse {
    let mut answer = HttpResponse::Ok().content_type(content_type).body(body);
    let disposition = format!("attachment; filename=\"{name}\"");
    put(answer.headers_mut(), "content-disposition", &disposition);
    answer
}

/// The next piece with something in it: an empty one would end a chunked body (RFC 9112, 7.1).
async fn full<S: Source>(source: &mut S) -> Result<Option<Vec<u8>>, S::Error> {
    loop {
        match source.next().await? {
            Some(piece) if piece.is_empty() => {}
            other => return Ok(other),
        }
    }
}

/// `audit-acme-20261122-051500.jsonl`; `of` is a short name.
pub fn file_name(of: &str, time: Timestamp, extension: &str) -> String {
    let time = time.display().replace(['-', ':'], "").replace(' ', "-");
    format!("audit-{of}-{time}.{extension}")
}

impl<P: Exporting> Source for Reading<P> {
    type Error = ExportError;

    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, ExportError>> {
        Reading::next(self)
    }
}

impl<P: Exporting> Source for Download<P> {
    type Error = ExportError;

    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, ExportError>> {
        Download::next(self)
    }
}
