//! What a bucket with versioning keeps behind what it lists. Deleting an object there only hides it:
//! what is to be gone has to be deleted version by version, or what was erased would stay readable to
//! who has a private key of the backups.
//!
//! GetBucketVersioning, ListObjectVersions and DeleteObject of the Amazon S3 API Reference (2006-03-01),
//! signed by `object_store`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody, HttpResponse};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, Result};
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::TargetError;
use crate::config::S3Place;
use crate::kernel::Timestamp;

/// For one answer, all of it.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// A page of a thousand versions has a tenth of it.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Somebody may switch versioning on at any time.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// Deletions under way.
const AT_ONCE: usize = 8;
const SERVICE: &str = "s3";

/// A bucket, and where in it a target lies.
#[derive(Clone, Debug)]
pub(super) struct Bucket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: HttpClient,
    credentials: AwsCredentialProvider,
    region: String,
    url: Url,
    /// Ends with a slash unless it is empty.
    prefix: String,
    versioned: Mutex<Option<(Instant, bool)>>,
}

/// One version of an object, or the mark that it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: String,
}

/// An answer to ListObjectVersions.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    #[serde(rename = "Version")]
    versions: Vec<Version>,
    #[serde(rename = "DeleteMarker")]
    marks: Vec<Version>,
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
}

/// An answer to GetBucketVersioning; a bucket that never kept versions says nothing.
#[derive(Debug, Deserialize)]
struct Versioning {
    #[serde(rename = "Status")]
    status: Option<String>,
}

/// What a version is that nothing lists any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It stays.
    Not,
    /// It goes if the bucket lets it.
    Clutter,
    /// It has to go.
    Overdue,
}

/// What became of versions that nothing lists any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub removed: u64,
    /// Overdue ones that the bucket keeps: a lock, or a credential without the right to delete
    /// versions.
    pub refused: u64,
}

impl Bucket {
    pub fn new(
        place: &S3Place,
        client: HttpClient,
        mut url: Url,
        credentials: AwsCredentialProvider,
    ) -> Self {
        url.set_path(if place.path_style { &place.bucket } else { "" });
        let slash = if place.prefix.is_empty() { "" } else { "/" };
        Self(Arc::new(Inner {
            client,
            credentials,
            region: place.region.clone(),
            url,
            prefix: format!("{}{slash}", place.prefix),
            versioned: Mutex::new(None),
        }))
    }

    /// Deletes an object with everything that the bucket keeps of it, the newest last: while something
    /// is left, it is still listed.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] when the bucket keeps some of it.
    pub async fn delete(&self, store: &dyn ObjectStore, path: &Path) -> Result<()> {
        match self.is_versioned().await? {
            Some(true) => self.delete_versions(path).await,
            Some(false) => store.delete(path).await,
            // It does not say. What deleting leaves does.
            None if self.hide(path).await? => {
                self.remember(true);
                self.delete_versions(path).await
            }
            None => Ok(()),
        }
    }

    async fn delete_versions(&self, path: &Path) -> Result<()> {
        let key = format!("{}{path}", self.0.prefix);
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let page = self.page(&key, from.as_ref()).await?;
            from = page.next();
            // Versions come in the order of their keys, and the key itself is the first of them.
            let is_past = page.all().any(|version| version.key != key);
            all.extend(page.all().filter(|version| version.key == key).cloned());
            if is_past || from.is_none() {
                break;
            }
        }
        let (latest, older): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.is_latest);
        self.delete_all(older).try_collect::<()>().await?;
        self.delete_all(latest).try_collect::<()>().await
    }

    /// Deletes what was replaced or hidden and is past its time, by path and time of making.
    pub async fn sweep(
        &self,
        below: &Path,
        stale: impl Fn(&str, Timestamp) -> Stale + Send + Sync,
    ) -> Result<Swept> {
        let mut swept = Swept::default();
        let known = self.is_versioned().await?;
        if known == Some(false) {
            return Ok(swept);
        }
        let (place, mut from) = (format!("{}{below}/", self.0.prefix), None);
        let stale = |version: &Version| {
            let path = version.key.strip_prefix(&self.0.prefix);
            let made = Timestamp::parse(&version.last_modified);
            path.zip(made).map_or(Stale::Not, |(path, made)| stale(path, made))
        };
        loop {
            let page = match self.page(&place, from.as_ref()).await {
                // It says nothing of versions at all. Deleting finds out whether there are some.
                Err(_) if known.is_none() => return Ok(swept),
                page => page?,
            };
            from = page.next();
            let replaced = page.versions.iter().filter(|version| !version.is_latest);
            let hidden: Vec<_> = replaced.chain(&page.marks).collect();
            for (what, refused) in [(Stale::Overdue, 1), (Stale::Clutter, 0)] {
                let these = hidden.iter().filter(|version| stale(version) == what);
                let mut ended = self.delete_all(these.copied().cloned().collect());
                while let Some(deleted) = ended.next().await {
                    match deleted {
                        Ok(()) => swept.removed += 1,
                        Err(Error::PermissionDenied { .. }) => swept.refused += refused,
                        Err(error) => return Err(error),
                    }
                }
            }
            if from.is_none() {
                return Ok(swept);
            }
        }
    }

    /// Whether it keeps versions, or once kept some; nothing when it does not say.
    async fn is_versioned(&self) -> Result<Option<bool>> {
        let known = *self.0.versioned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = known.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Ok(Some(known));
        }
        let url = self.with_query(&[("versioning", "")]);
        let (status, text) = self.ask(Method::GET, url, "versioning").await?;
        match status.as_u16() {
            200 => {
                let is_versioned = parsed::<Versioning>(&text)?.status.is_some();
                self.remember(is_versioned);
                Ok(Some(is_versioned))
            }
            // The credential may not ask, or the store does not know the question.
            400 | 403 | 405 | 501 => Ok(None),
            _ => Err(failed(status, &text, "versioning")),
        }
    }

    fn remember(&self, is_versioned: bool) {
        let mut known = self.0.versioned.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), is_versioned));
    }

    /// Versions whose keys begin so.
    async fn page(&self, prefix: &str, from: Option<&(String, String)>) -> Result<Page> {
        let mut query = vec![("versions", ""), ("prefix", prefix)];
        if let Some((key, version)) = from {
            query.push(("key-marker", key));
            query.push(("version-id-marker", version));
        }
        let (status, text) = self.ask(Method::GET, self.with_query(&query), prefix).await?;
        if status != StatusCode::OK {
            return Err(failed(status, &text, prefix));
        }
        let page = parsed::<Page>(&text)?;
        // One that goes round in circles has no end.
        match page.next() {
            Some(next) if from.is_some_and(|from| next.0 < from.0 || next == *from) => {
                Err(generic("its list of versions has no end".into()))
            }
            _ => Ok(page),
        }
    }

    /// Several at once; answers as they end.
    fn delete_all(&self, versions: Vec<Version>) -> impl Stream<Item = Result<()>> + Unpin + use<> {
        let bucket = self.clone();
        let deleted = stream::iter(versions).map(move |version| {
            let bucket = bucket.clone();
            async move { bucket.delete_version(&version).await }
        });
        Box::pin(deleted.buffer_unordered(AT_ONCE))
    }

    async fn delete_version(&self, version: &Version) -> Result<()> {
        let mut url = self.object(&version.key);
        url.query_pairs_mut().append_pair("versionId", &version.version_id);
        let (status, text) = self.ask(Method::DELETE, url, &version.key).await?;
        match status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(failed(status, &text, &version.key)),
        }
    }

    /// Deletes an object as anybody would, and says whether that has only hidden it.
    async fn hide(&self, path: &Path) -> Result<bool> {
        let key = format!("{}{path}", self.0.prefix);
        let response = self.send(Method::DELETE, self.object(&key)).await?;
        let status = response.status();
        let marked = response.headers().get("x-amz-delete-marker");
        let marked = marked.is_some_and(|value| value.as_bytes() == b"true");
        match status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(marked),
            status => Err(failed(status, "", &key)),
        }
    }

    fn object(&self, key: &str) -> Url {
        let mut url = self.0.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(key.split('/'));
        }
        url
    }

    fn with_query(&self, query: &[(&str, &str)]) -> Url {
        let mut url = self.0.url.clone();
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// The status and text of an answer.
    async fn ask(&self, method: Method, url: Url, path: &str) -> Result<(StatusCode, String)> {
        let asked = async {
            let response = self.send(method, url).await?;
            let (status, mut pieces) = (response.status(), response.into_body().bytes_stream());
            let mut all = Vec::new();
            while let Some(piece) = pieces.next().await {
                all.extend_from_slice(&piece.map_err(|error| generic(error.into()))?);
                if all.len() > ANSWER_BYTES {
                    return Err(generic("its answer has no end".into()));
                }
            }
            let text = String::from_utf8(all).map_err(|error| generic(error.into()))?;
            Ok((status, text))
        };
        let late = |_| generic(format!("no answer in time about {path}").into());
        tokio::time::timeout(ANSWER_TIME, asked).await.map_err(late)?
    }

    async fn send(&self, method: Method, url: Url) -> Result<HttpResponse> {
        let credential = self.0.credentials.get_credential().await?;
        let mut request: HttpRequest = http::Request::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() =
            url.as_str().parse().map_err(|error: http::uri::InvalidUri| generic(error.into()))?;
        AwsAuthorizer::new(&credential, SERVICE, &self.0.region)
            .try_authorize(&mut request, None)?;
        self.0.client.execute(request).await.map_err(|error| generic(error.into()))
    }
}

impl Page {
    fn all(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().chain(&self.marks)
    }

    fn next(&self) -> Option<(String, String)> {
        let key = self.next_key_marker.clone().filter(|_| self.is_truncated)?;
        Some((key, self.next_version_id_marker.clone().unwrap_or_default()))
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    quick_xml::de::from_str(text).map_err(|error| generic(error.into()))
}

/// What an error is called, of all that a store says with it.
fn failed(status: StatusCode, text: &str, path: &str) -> Error {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "Code", default)]
        code: String,
    }
    let code = quick_xml::de::from_str::<Said>(text).map(|said| said.code).unwrap_or_default();
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let source = format!("it answers {status} {code}").trim_end().to_owned().into();
    match status {
        StatusCode::FORBIDDEN => Error::PermissionDenied { path: path.to_owned(), source },
        StatusCode::UNAUTHORIZED => Error::Unauthenticated { path: path.to_owned(), source },
        _ => generic(source),
    }
}

fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic { store: "S3", source }
}

impl super::Target {
    /// Deletes what a store keeps of objects that were replaced or deleted below `prefix`, and that
    /// is stale by its path and time of making. Most keep nothing.
    ///
    /// # Errors
    /// [`TargetError::Store`]
    pub async fn sweep(
        &self,
        prefix: &Path,
        stale: impl Fn(&str, Timestamp) -> Stale + Send + Sync,
    ) -> Result<Swept, TargetError> {
        match &self.own {
            super::Own::Bucket(bucket) => {
                bucket.sweep(prefix, stale).await.map_err(|error| self.failed(error))
            }
            _ => Ok(Swept::default()),
        }
    }
}
