//! Who asks: nobody, an application with a key, a person in a browser.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Certificate, Method, RequestBuilder, Url, redirect};
use serde_json::Value;

use crate::totp::{self, kept};

/// Asks the API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// An answer that has been read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Client {
    pub fn new(url: &str, data: &Path, token: Option<String>) -> Self {
        Self { http: http(data, Arc::default()), url: url.to_owned(), token }
    }

    /// The same server, asked by somebody else.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().into_bytes()).await
    }

    /// Posts a body as it is, called JSON.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Answer {
        let request = self.request(Method::POST, path);
        Answer::to(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// Posts without a body.
    pub async fn post_empty(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::POST, path)).await
    }

    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        Answer::to(request.header(CONTENT_TYPE, "application/json").body(body.to_string())).await
    }

    /// Every item of a list, page by page. Waits while a search's index is behind the log.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await.expect(200);
            if items.is_empty() && !page["indexedThrough"].is_null() {
                continue;
            }
            let found = page["items"].as_array().unwrap_or_else(|| panic!("no items: {page}"));
            items.extend(found.iter().cloned());
            match page["nextCursor"].as_str() {
                Some(cursor) => next = format!("{path}{joint}cursor={}", escape(cursor)),
                None => return items,
            }
        }
    }

    /// Every entry of the tenant's log, oldest first.
    pub async fn entries(&self, tenant: &str) -> Vec<Value> {
        let mut entries = self.list(&format!("/api/v1/audit/{tenant}/events?limit=1000")).await;
        entries.sort_by_key(|entry| entry["seq"].as_u64());
        entries
    }
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Self { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        match self.body.as_str() {
            "" => Value::Null,
            body => serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")),
        }
    }

    /// The problem details (RFC 9457) of an answer that must have this status and kind of problem.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        let found = problem["type"].as_str().unwrap_or_default();
        assert_eq!(found.rsplit([':', '/', '#']).next(), Some(kind), "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A browser without script: cookies, forms, no redirect followed by itself.
pub struct Session {
    http: reqwest::Client,
    url: String,
    jar: Arc<Jar>,
    data: PathBuf,
}

impl Session {
    pub fn new(url: &str, data: &Path) -> Self {
        let jar = Arc::default();
        Self { http: http(data, Arc::clone(&jar)), url: url.to_owned(), jar, data: data.to_owned() }
    }

    /// The same browser, after somebody told it to trust the certificate that is there now.
    pub fn again(self, data: &Path) -> Self {
        Self { http: http(data, Arc::clone(&self.jar)), ..self }
    }

    /// Name and value of each cookie that it holds.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let Some(header) = self.jar.cookies(&self.url.parse().unwrap()) else { return Vec::new() };
        let cookies = header.to_str().unwrap().split("; ");
        let pairs = cookies.filter_map(|cookie| cookie.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.http.get(format!("{}{path}", self.url))).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url));
        let add =
            |request: RequestBuilder, (name, value): &(&str, &str)| request.header(*name, *value);
        Answer::to(headers.iter().fold(request, add)).await
    }

    /// Fills in the form of a page, with the token against forgery that the page holds.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = csrf(&self.get(page).await.body);
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post(action, &fields).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[]).await
    }

    /// With more headers, each as often as it is named.
    pub async fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url));
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let form = "application/x-www-form-urlencoded";
        Answer::to(request.header(CONTENT_TYPE, form).body(encode(fields))).await
    }

    /// Sends a form of a page and reads its answer bit by bit.
    pub async fn send(
        &self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Response {
        let csrf = csrf(&self.get(page).await.body);
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        let request = self.http.post(format!("{}{action}", self.url));
        let form = "application/x-www-form-urlencoded";
        request.header(CONTENT_TYPE, form).body(encode(&fields)).send().await.unwrap()
    }

    /// Signs in, which must succeed; answers with where one is led. Sets up a second factor when led
    /// there and keeps its recovery codes for later sign-ins of the same person.
    pub async fn sign_in(&self, page: &str, email: &str, password: &str) -> String {
        let fields = [("email", email), ("password", password)];
        let answer = self.submit(page, page, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let led = answer.header(LOCATION.as_str()).to_owned();
        match led.rsplit('/').next() {
            Some("enrol") => self.enrol(&led, page, email).await,
            Some("second-factor") => {
                let code = kept::take(&self.data, page, email);
                let answer = self.submit(&led, &led, &[("code", &code)]).await;
                assert_eq!(answer.status, 303, "{}", answer.body);
                answer.header(LOCATION.as_str()).to_owned()
            }
            _ => led,
        }
    }

    async fn enrol(&self, led: &str, page: &str, email: &str) -> String {
        let shown = self.get(led).await.body;
        let code = totp::code(&totp::secret(&shown));
        let answer = self.submit(led, led, &[("code", &code)]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        kept::keep(&self.data, page, email, totp::recovery_codes(&answer.body));
        page.strip_suffix("login").unwrap().to_owned()
    }
}

/// The hidden token in a form.
pub fn csrf(page: &str) -> String {
    let after = page.split_once("name=\"csrf\"").unwrap_or_else(|| panic!("no form: {page}")).1;
    after.split_once("value=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

pub fn escape(text: &str) -> String {
    encode(&[("", text)])[1..].to_owned()
}

fn encode(fields: &[(&str, &str)]) -> String {
    Url::parse_with_params("http://form", fields).unwrap().query().unwrap_or_default().to_owned()
}

/// Trusts the certificate that the server made for itself, and no other.
fn http(data: &Path, jar: Arc<Jar>) -> reqwest::Client {
    cryptography();
    let certificate = std::fs::read(data.join("tls").join("cert.pem")).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([Certificate::from_pem(&certificate).unwrap()])
        .cookie_provider(jar)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Clients for HTTPS and for HTTP want to know whose cryptography they use.
pub fn cryptography() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}
