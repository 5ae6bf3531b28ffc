//! Splunk's HTTP Event Collector, and JSON posted to any address. An answer of the 2xx class
//! confirms a batch.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::{Batch, Circumstances, SendError};
use crate::kernel::limits;
use crate::outgoing::{Allowed, Cause, Guarded, cause};
use crate::streams::model::Secrets;
use crate::streams::{Authentication, Body, Destination};

const COLLECTOR: &str = "/services/collector/event";

pub struct Http {
    client: Client,
    allowed: Allowed,
    url: Url,
    content_type: &'static str,
    credential: Option<(HeaderName, HeaderValue)>,
    is_splunk: bool,
    delivered: Option<u64>,
}

impl Http {
    pub fn new(
        destination: &Destination,
        secrets: &Secrets,
        tls: rustls::ClientConfig,
        circumstances: &Circumstances,
    ) -> Result<Self, SendError> {
        let allowed = circumstances.allowed.clone();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Guarded(allowed.clone()))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(limits::STREAM_CONNECT_TIME)
            .timeout(limits::STREAM_SEND_TIME)
            .pool_idle_timeout(limits::STREAM_IDLE)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| SendError::Setup(error.to_string()))?;
        Ok(Self {
            client,
            allowed,
            url: url(destination)?,
            content_type: content_type(destination),
            credential: credential(destination, secrets.credential.as_ref())?,
            is_splunk: matches!(destination, Destination::Splunk(_)),
            delivered: None,
        })
    }

    pub async fn send(&mut self, batch: Batch) -> Result<(), SendError> {
        self.allowed.check_literal(&self.url)?;
        let mut request =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, self.content_type);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        let answer = request.body(batch.body).send().await.map_err(|error| explain(&error))?;
        if answer.status().is_success() {
            // Read to its end, if that is near, so that the connection can be used again.
            read(answer).await;
            self.delivered = Some(batch.last);
            return Ok(());
        }
        Err(self.refusal(answer).await)
    }

    pub fn delivered(&mut self) -> Option<u64> {
        self.delivered.take()
    }

    pub fn describe(&self) -> String {
        let (scheme, host) = (self.url.scheme(), self.url.host_str().unwrap_or_default());
        format!("taken by {host} over {scheme}")
    }

    async fn refusal(&self, answer: Response) -> SendError {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let said = match self.is_splunk {
            true => splunk_says(&read(answer).await),
            // What other servers say is none of our business: it could be an inner system's page.
            false => None,
        };
        SendError::Status { status, said, retry_after: retry_after.map(Duration::from_secs) }
    }
}

fn url(destination: &Destination) -> Result<Url, SendError> {
    let (text, is_splunk) = match destination {
        Destination::Splunk(target) => (target.url.as_str(), true),
        Destination::Http(target) => (target.url.as_str(), false),
        Destination::Syslog(_) => return Err(SendError::Setup("this is no URL".to_owned())),
    };
    let mut url = Url::parse(text).map_err(|error| SendError::Setup(error.to_string()))?;
    if is_splunk && url.path() == "/" {
        url.set_path(COLLECTOR);
    }
    Ok(url)
}

fn content_type(destination: &Destination) -> &'static str {
    match destination {
        Destination::Http(target) if target.body == Body::Ndjson => "application/x-ndjson",
        _ => "application/json",
    }
}

fn credential(
    destination: &Destination,
    secret: Option<&SecretString>,
) -> Result<Option<(HeaderName, HeaderValue)>, SendError> {
    if !destination.needs_credential() {
        return Ok(None);
    }
    let missing = || SendError::Setup("the credential is missing".to_owned());
    let secret = secret.ok_or_else(missing)?.expose_secret();
    let (name, value) = match destination {
        Destination::Http(target) => match &target.authentication {
            Authentication::None => return Ok(None),
            Authentication::Bearer => (AUTHORIZATION, format!("Bearer {secret}")),
            Authentication::Basic { user } => {
                let pair = data_encoding::BASE64.encode(format!("{user}:{secret}").as_bytes());
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            Authentication::Header { name } => {
                let unfit = |_| SendError::Setup("the header's name is none".to_owned());
                (name.parse().map_err(unfit)?, secret.to_owned())
            }
        },
        _ => (AUTHORIZATION, format!("Splunk {secret}")),
    };
    let value = zeroize::Zeroizing::new(value);
    let unfit = |_| SendError::Setup("the credential cannot stand in a header".to_owned());
    let mut value = HeaderValue::from_str(&value).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The beginning of an answer; a longer one is left unread, which ends its connection.
async fn read(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > limits::STREAM_ANSWER_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body
}

/// The collector's `text`, such as "Invalid token": from an answer of its shape alone.
fn splunk_says(body: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    answer.get("code")?.as_u64()?;
    let text = answer.get("text")?.as_str()?;
    Some(text.chars().filter(|letter| !letter.is_control()).take(100).collect())
}

fn explain(error: &reqwest::Error) -> SendError {
    match cause(error) {
        Cause::Address(error) => error.into(),
        Cause::Tls(why) => SendError::Tls(why),
        Cause::Slow(what) => SendError::Slow(what),
        Cause::Connect { to, why } => SendError::Connect { to, why },
        Cause::Broken(why) => SendError::Broken(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_collectors_own_words_is_repeated() {
        assert_eq!(splunk_says(br#"{"text":"Invalid token","code":4}"#).unwrap(), "Invalid token");
        assert_eq!(splunk_says(br#"{"text":"an inner system's page"}"#), None);
        assert_eq!(splunk_says(b"<html>secret</html>"), None);
    }

    #[test]
    fn the_collectors_path_is_added_only_where_there_is_none() {
        let url = |text: &str| {
            let target = serde_json::json!({ "type": "splunk", "url": text });
            url(&serde_json::from_value(target).unwrap()).unwrap().to_string()
        };
        assert_eq!(url("https://s:8088"), "https://s:8088/services/collector/event");
        assert_eq!(url("https://s/custom"), "https://s/custom");
    }
}
