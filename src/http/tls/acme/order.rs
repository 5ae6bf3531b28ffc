//! One order: names, challenges, a new key, the certificate (RFC 8555, 7.4).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use zeroize::Zeroizing;

use super::challenges::Answering;
use super::error::{clean, said};
use super::transport::Transport;
use super::{AcmeError, Challenges, account, files};
use crate::config::{AcmeChallenge, CertificateName, Settings};
use crate::http::tls::{Identity, Shown};
use crate::kernel::{Timestamp, limits};

/// The authority does not know our account any more: it was set up anew.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Of the token of a challenge, at the most.
const TOKEN_BYTES: usize = 256;
/// Names in a certificate that is taken: they are shown and put on record.
const MOST_NAMES: usize = 100;

const fn patience() -> RetryPolicy {
    RetryPolicy::new()
        .initial_delay(Duration::from_millis(250))
        .backoff(1.5)
        .timeout(limits::ACME_WAIT)
}

/// Has the certificate made and puts it into place.
pub async fn issue(
    settings: &Settings,
    challenges: &Arc<Challenges>,
    now: Timestamp,
) -> Result<Shown, AcmeError> {
    let directory = settings.acme.directory.as_ref().ok_or(AcmeError::NotSetUp)?.as_str();
    let names = settings.acme_names();
    files::drop_candidate(settings);
    let transport = Transport::new(settings, directory).await?;
    let mut order = begin(settings, directory, &transport, &names).await?;
    prove(&mut order, &names, settings.acme.challenge, challenges).await?;
    let key = Zeroizing::new(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?);
    let pem = finish(&mut order, &names, &key).await?;
    let secret = Zeroizing::new(key.serialize_pem());
    let mut whole = Zeroizing::new(String::with_capacity(secret.len() + pem.len() + 2));
    whole.push_str(&secret);
    whole.push('\n');
    whole.push_str(&pem);
    let placed = place(settings, &whole, &names, now);
    if placed.is_err() {
        files::drop_candidate(settings);
    }
    placed
}

async fn begin(
    settings: &Settings,
    directory: &str,
    transport: &Transport,
    names: &[CertificateName],
) -> Result<Order, AcmeError> {
    let identifiers: Vec<_> = names.iter().map(identifier).collect();
    let new = NewOrder::new(&identifiers);
    let account: Account = account::obtain(settings, directory, transport).await?;
    match account.new_order(&new).await {
        Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(NO_ACCOUNT) => {
            let account = account::create(settings, directory, transport).await?;
            Ok(account.new_order(&new).await?)
        }
        other => Ok(other?),
    }
}

fn identifier(name: &CertificateName) -> Identifier {
    match name.as_str().parse::<IpAddr>() {
        Ok(ip) => Identifier::Ip(ip),
        Err(_) => Identifier::Dns(name.as_str().to_owned()),
    }
}

fn text(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Dns(name) => name.clone(),
        Identifier::Ip(ip) => ip.to_string(),
        _ => String::new(),
    }
}

/// Shows the authority what it wants to see, until it has.
async fn prove(
    order: &mut Order,
    names: &[CertificateName],
    challenge: AcmeChallenge,
    challenges: &Arc<Challenges>,
) -> Result<(), AcmeError> {
    let kind = || match challenge {
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        AcmeChallenge::Http01 => ChallengeType::Http01,
    };
    // Shown until this ends, however it does.
    let mut shown: Vec<Answering> = Vec::new();
    let mut authorizations = order.authorizations();
    let mut looked_at = Vec::with_capacity(names.len());
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let name = text(authorization.identifier().identifier);
        if looked_at.contains(&name) || !names.iter().any(|one| one.as_str() == name) {
            let what = "it is about a name that was not asked for, or twice about one";
            return Err(AcmeError::Answer(what.to_owned()));
        }
        looked_at.push(name.clone());
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let offered = authorization.challenge(kind());
        let missing = || AcmeError::NoChallenge { name: name.clone(), challenge: challenge.name() };
        let mut offered = offered.ok_or_else(missing)?;
        if !is_token(&offered.token) {
            return Err(AcmeError::Answer("it has a token that is none".to_owned()));
        }
        let proof = offered.key_authorization();
        shown.push(match challenge {
            AcmeChallenge::TlsAlpn01 => challenges.show_certificate(&name, &proof)?,
            AcmeChallenge::Http01 => challenges.show_text(&offered.token, &proof),
        });
        match offered.set_ready().await {
            // It has looked already, and says so at once.
            Err(Error::Api(problem)) => return Err(unconfirmed(order, Some(said(&problem))).await),
            answer => answer?,
        }
    }
    match order.poll_ready(&patience()).await {
        Ok(OrderStatus::Ready) => Ok(()),
        Ok(_) => Err(unconfirmed(order, None).await),
        Err(Error::Api(problem)) => Err(unconfirmed(order, Some(said(&problem))).await),
        Err(error) => Err(error.into()),
    }
}

/// Of a challenge (RFC 8555, 8.1 and 8.3): characters of base64url, and not endless.
fn is_token(token: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=TOKEN_BYTES).contains(&token.len()) && token.bytes().all(fits)
}

/// Which name the authority did not believe, and why.
async fn unconfirmed(order: &mut Order, otherwise: Option<String>) -> AcmeError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { break };
        let name = clean(&text(state.identifier().identifier));
        if let Some(problem) = state.challenges.iter().find_map(|one| one.error.as_ref()) {
            return AcmeError::Unconfirmed { name, why: said(problem) };
        }
    }
    AcmeError::Refused(otherwise.unwrap_or_else(|| "it gave no reason".to_owned()))
}

async fn finish(
    order: &mut Order,
    names: &[CertificateName],
    key: &KeyPair,
) -> Result<String, AcmeError> {
    let names: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(key)?;
    order.finalize_csr(request.der()).await?;
    Ok(order.poll_certificate(&patience()).await?)
}

/// Puts key and certificate where they are taken into service, if they are of use.
fn place(
    settings: &Settings,
    pem: &str,
    names: &[CertificateName],
    now: Timestamp,
) -> Result<Shown, AcmeError> {
    let identity = files::put_candidate(settings, pem)?;
    refuse_useless(&identity, names, now).map_err(AcmeError::Useless)?;
    files::promote(settings)?;
    Ok(Shown::of(&identity))
}

fn refuse_useless(
    identity: &Identity,
    names: &[CertificateName],
    now: Timestamp,
) -> Result<(), String> {
    if identity.not_after <= now {
        return Err(format!("it ended at {}", identity.not_after.display()));
    }
    if identity.not_before > now.plus(limits::ACME_CLOCKS_APART) {
        return Err(format!("it begins at {} only", identity.not_before.display()));
    }
    if identity.names.len() > MOST_NAMES {
        return Err(format!("it is for {} names", identity.names.len()));
    }
    match missing(names, &identity.names) {
        Some(name) => Err(format!("it is not for {name}")),
        None => Ok(()),
    }
}

/// A name that was asked for and is not among those of a certificate.
pub(super) fn missing<'a>(names: &'a [CertificateName], has: &[String]) -> Option<&'a str> {
    let lacks = |name: &&str| !has.iter().any(|one| one.eq_ignore_ascii_case(name));
    names.iter().map(CertificateName::as_str).find(lacks)
}
