//! The code for tokens, and a token for what the provider knows of its person.

use openidconnect::http::{Response, StatusCode};
use openidconnect::{
    AuthorizationCode, HttpRequest, HttpResponse, OAuth2TokenResponse, PkceCodeVerifier,
    RequestTokenError, TokenResponse,
};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::known::unreachable;
use crate::authn::oidc::{
    self, CODE, Claims, Client, Description, Keys, OidcSettings, TOKENS_DOCUMENT, USERINFO, text,
};
use crate::authn::sso::{Refusal, Trace};
use crate::kernel::limits;
use crate::outgoing::{FetchError, Fetched, Fetcher};

/// What a code was exchanged for. The access token is used once, and kept nowhere.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub access_token: Option<SecretString>,
    pub id_token: String,
}

pub(super) async fn exchange(
    fetcher: &Fetcher,
    client: &Client,
    code: &str,
    verifier: &str,
    trace: &mut Trace,
) -> Result<Tokens, Refusal> {
    let heard = std::sync::Mutex::new(None);
    let ask = |request: HttpRequest| {
        let heard = &heard;
        async move {
            let answer = send(fetcher, request).await?;
            if let Ok(mut heard) = heard.lock() {
                *heard = Some(oidc::tokens(answer.body()));
            }
            Ok::<_, FetchError>(answer)
        }
    };
    let request = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|_| Refusal::DiscoveryWrong)?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    let answer = request.request_async(&ask).await;
    if let Some(heard) = heard.into_inner().ok().flatten() {
        trace.document(TOKENS_DOCUMENT, heard);
    }
    let refused = |trace: &mut Trace, found: String| {
        trace.refused(CODE, Refusal::CodeRefused, Some(oidc::said(&found)), None)
    };
    let tokens = match answer {
        Ok(tokens) => tokens.id_token().map(|id_token| Tokens {
            access_token: Some(tokens.access_token().secret().clone().into()),
            id_token: id_token.to_string(),
        }),
        // What the library makes nothing of may be an ID token of an unusual form: it is looked at
        // step by step.
        Err(RequestTokenError::Parse(_, body)) => serde_json::from_slice(&body).ok(),
        Err(RequestTokenError::Request(error)) => return Err(unreachable(CODE, &error, trace)),
        Err(RequestTokenError::ServerResponse(said)) => {
            return Err(refused(trace, said.to_string()));
        }
        Err(RequestTokenError::Other(said)) => return Err(refused(trace, said)),
    };
    let Some(tokens) = tokens else {
        let expected = Some("id_token".to_owned());
        return Err(trace.refused(CODE, Refusal::TokenWrong, None, expected));
    };
    trace.passed(CODE, "id_token");
    Ok(tokens)
}

async fn send(fetcher: &Fetcher, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let (parts, body) = request.into_parts();
    let (url, limit) = (parts.uri.to_string(), limits::SSO_MESSAGE_BYTES);
    let answer = fetcher.send(parts.method, &url, parts.headers, body, limit).await?;
    let Fetched { status, content_type, body } = answer;
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).map_err(|_| FetchError::Status(status))?;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(response)
}

/// What the userinfo endpoint says about whoever the ID token is about.
pub(super) async fn ask_userinfo(
    fetcher: &Fetcher,
    description: &Description,
    keys: &Keys,
    settings: &OidcSettings,
    (tokens, claims): (&Tokens, &Claims),
    trace: &mut Trace,
) -> Result<Claims, Refusal> {
    let missing = |what: &str, trace: &mut Trace| {
        trace.refused(USERINFO, Refusal::UserinfoWrong, None, Some(what.to_owned()))
    };
    let Some(address) = description.userinfo_endpoint() else {
        return Err(missing("userinfo_endpoint", trace));
    };
    let bearer = tokens
        .access_token
        .as_ref()
        .and_then(|token| HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok());
    let Some(mut bearer) = bearer else { return Err(missing("access_token", trace)) };
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, application/jwt"));
    let (limit, nothing) = (limits::SSO_MESSAGE_BYTES, Vec::new());
    let answer = fetcher.send(Method::GET, address, headers, nothing, limit).await;
    let answer = answer.map_err(|error| unreachable(USERINFO, &error, trace))?;
    if answer.status != 200 {
        let found = Some(answer.status.to_string());
        let expected = Some("200".to_owned());
        return Err(trace.refused(USERINFO, Refusal::UserinfoWrong, found, expected));
    }
    let content_type = answer.content_type.as_ref().and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let subject = text(claims, "sub").unwrap_or_default();
    oidc::userinfo(content_type, &answer.body, keys, settings, subject, trace)
}
