//! What the Amazon S3 API Reference (2006-03-01) calls GetBucketVersioning, ListObjectVersions and
//! DeleteObject with a version, which the trait of stores does not have; signed by `object_store`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use http::{Method, StatusCode};
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody, HttpResponse};
use object_store::path::Path;
use object_store::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::S3Place;

/// For one answer, all of it.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// A page of a thousand versions has a tenth of it.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Waits after an answer that says nothing but that the store is busy.
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Somebody may switch versioning on at any time.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
const SERVICE: &str = "s3";
/// What a signature is reckoned over: everything else but unreserved characters is escaped (RFC 3986).
const STRICT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A bucket, and where in it a target lies.
#[derive(Clone, Debug)]
pub struct Bucket(Arc<Inner>);

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
    pub key: String,
    pub version_id: String,
    pub is_latest: bool,
    pub last_modified: String,
}

/// An answer to ListObjectVersions.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Page {
    #[serde(rename = "Version")]
    pub versions: Vec<Version>,
    #[serde(rename = "DeleteMarker")]
    pub marks: Vec<Version>,
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
}

/// Where a page ended: a key, and one of its versions.
pub(super) type Marker = (String, Option<String>);

/// An answer to GetBucketVersioning; a bucket that never kept versions says nothing.
#[derive(Debug, Deserialize)]
struct Versioning {
    #[serde(rename = "Status")]
    status: Option<String>,
}

impl Bucket {
    pub fn new(
        place: &S3Place,
        client: HttpClient,
        mut url: Url,
        credentials: AwsCredentialProvider,
    ) -> Self {
        url.set_path(if place.path_style { &place.bucket } else { "" });
        // As the store itself names what lies below it.
        let prefix = Path::from(place.prefix.as_str());
        let slash = if prefix.as_ref().is_empty() { "" } else { "/" };
        Self(Arc::new(Inner {
            client,
            credentials,
            region: place.region.clone(),
            url,
            prefix: format!("{prefix}{slash}"),
            versioned: Mutex::new(None),
        }))
    }

    /// What a path of the target is called in the bucket.
    pub(super) fn key(&self, path: &Path) -> String {
        format!("{}{path}", self.0.prefix)
    }

    /// The other way round.
    pub(super) fn path<'a>(&self, version: &'a Version) -> Option<&'a str> {
        version.key.strip_prefix(&self.0.prefix)
    }

    /// Whether it keeps versions, or once kept some; nothing when it does not say.
    pub(super) async fn is_versioned(&self) -> Result<Option<bool>> {
        let known = *self.0.versioned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = known.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Ok(Some(known));
        }
        let url = self.with_query(&[("versioning", "")]);
        let (status, text) = self.ask(Method::GET, url, "versioning").await?;
        match status.as_u16() {
            200 => {
                let is_versioned = parsed::<Versioning>(&text)?.status.is_some();
                let mut known = self.0.versioned.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((Instant::now(), is_versioned));
                Ok(Some(is_versioned))
            }
            // The credential may not ask, or the store does not know the question.
            400 | 403 | 405 | 501 => Ok(None),
            _ => Err(failed(status, &text, "versioning")),
        }
    }

    /// Whether an object, or the mark in its place, is a version among others.
    pub(super) async fn is_a_version(&self, path: &Path) -> Result<bool> {
        let response = self.send(Method::HEAD, self.object(&self.key(path))).await?;
        let said = |name| response.headers().get(name).map(http::HeaderValue::as_bytes);
        let version = said("x-amz-version-id").is_some_and(|id| !id.is_empty() && id != b"null");
        Ok(version || said("x-amz-delete-marker") == Some(b"true"))
    }

    /// Versions whose keys begin so; nothing when the store does not know of versions.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] when the credential may not see them.
    pub(super) async fn page(&self, prefix: &str, from: Option<&Marker>) -> Result<Option<Page>> {
        let mut query = vec![("versions", ""), ("prefix", prefix)];
        if let Some((key, version)) = from {
            query.push(("key-marker", key));
            query.extend(version.as_deref().map(|version| ("version-id-marker", version)));
        }
        let (status, text) = self.ask(Method::GET, self.with_query(&query), prefix).await?;
        match status.as_u16() {
            200 => {}
            400 | 405 | 501 => return Ok(None),
            _ => return Err(failed(status, &text, prefix)),
        }
        // One that does not know the question answers another.
        if !text.contains("<ListVersionsResult") {
            return Ok(None);
        }
        let page = parsed::<Page>(&text)?;
        // One that goes round in circles has no end.
        let circles = |next: &Marker| from.is_some_and(|from| next.0 < from.0 || next == from);
        if page.is_truncated && page.next().as_ref().is_none_or(circles) {
            return Err(generic("its list of versions has no end".into()));
        }
        let is_asked =
            |version: &Version| version.key.starts_with(prefix) && !version.version_id.is_empty();
        let Page { versions, marks, .. } = &page;
        match versions.iter().chain(marks).all(is_asked) {
            true => Ok(Some(page)),
            false => Err(generic("its list of versions is not what was asked for".into())),
        }
    }

    /// # Errors
    /// [`Error::PermissionDenied`] when the bucket keeps it.
    pub(super) async fn delete_version(&self, version: &Version) -> Result<()> {
        let mut url = self.object(&version.key);
        url.query_pairs_mut().append_pair("versionId", &version.version_id);
        let (status, text) = self.ask(Method::DELETE, url, &version.key).await?;
        match status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            // MinIO's way to say that it is locked.
            StatusCode::BAD_REQUEST if said(&text) == "InvalidRequest" => {
                Err(failed(StatusCode::FORBIDDEN, &text, &version.key))
            }
            status => Err(failed(status, &text, &version.key)),
        }
    }

    fn object(&self, key: &str) -> Url {
        let mut url = self.0.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", utf8_percent_encode(key, STRICT)));
        url
    }

    fn with_query(&self, query: &[(&str, &str)]) -> Url {
        let mut url = self.0.url.clone();
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// The status and text of an answer; asked again when the store is busy.
    async fn ask(&self, method: Method, url: Url, path: &str) -> Result<(StatusCode, String)> {
        for wait in AGAIN {
            match self.ask_once(method.clone(), url.clone(), path).await {
                Ok((status, _)) if status.is_server_error() && status != NOT_IMPLEMENTED => {}
                Ok((StatusCode::TOO_MANY_REQUESTS, _)) | Err(_) => {}
                answered => return answered,
            }
            tokio::time::sleep(wait).await;
        }
        self.ask_once(method, url, path).await
    }

    async fn ask_once(&self, method: Method, url: Url, path: &str) -> Result<(StatusCode, String)> {
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

const NOT_IMPLEMENTED: StatusCode = StatusCode::NOT_IMPLEMENTED;

impl Page {
    pub fn next(&self) -> Option<Marker> {
        let key = self.next_key_marker.clone().filter(|_| self.is_truncated)?;
        Some((key, self.next_version_id_marker.clone().filter(|version| !version.is_empty())))
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    quick_xml::de::from_str(text).map_err(|error| generic(error.into()))
}

/// What an error is called, of all that a store says with it.
fn said(text: &str) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "Code", default)]
        code: String,
    }
    let code = quick_xml::de::from_str::<Said>(text).map(|said| said.code).unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

fn failed(status: StatusCode, text: &str, path: &str) -> Error {
    let source = format!("it answers {status} {}", said(text)).trim_end().to_owned().into();
    match status {
        StatusCode::FORBIDDEN => Error::PermissionDenied { path: path.to_owned(), source },
        StatusCode::UNAUTHORIZED => Error::Unauthenticated { path: path.to_owned(), source },
        _ => generic(source),
    }
}

pub(super) fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic { store: "S3", source }
}
