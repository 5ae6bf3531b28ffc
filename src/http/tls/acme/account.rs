//! Our account with the authority: a key, which only this server has.

use instant_acme::{Account, AccountCredentials, ExternalAccountKey, NewAccount};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::transport::Transport;
use super::{AcmeError, files};
use crate::config::Settings;

const FILE: &str = "account.json";

#[derive(Serialize, Deserialize)]
struct Stored {
    directory: String,
    /// The external account that it is bound to.
    binding: Option<String>,
    credentials: AccountCredentials,
}

/// The account that is kept, when it is one with this authority; else a new one.
pub async fn obtain(
    settings: &Settings,
    directory: &str,
    transport: &Transport,
) -> Result<Account, AcmeError> {
    match read(settings) {
        Some(stored)
            if stored.directory == directory && is_bound(&stored, &settings.acme.eab_key_id) =>
        {
            let builder = Account::builder_with_http(Box::new(transport.clone()));
            Ok(builder.from_credentials(stored.credentials).await?)
        }
        _ => create(settings, directory, transport).await,
    }
}

/// The key that an account was bound with may be taken out of the configuration.
fn is_bound(stored: &Stored, wanted: &Option<String>) -> bool {
    wanted.is_none() || stored.binding == *wanted
}

/// A new account, which takes the place of the one that is kept.
pub async fn create(
    settings: &Settings,
    directory: &str,
    transport: &Transport,
) -> Result<Account, AcmeError> {
    let contact = settings.acme.contact.as_ref();
    let contact = contact.map(|contact| format!("mailto:{}", contact.mailbox().email));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let binding = settings.acme.binding().map_err(AcmeError::Setup)?;
    let key = binding.map(|known| ExternalAccountKey::new(known.key_id, &known.key));
    let builder = Account::builder_with_http(Box::new(transport.clone()));
    let (account, credentials) = builder.create(&new, directory.to_owned(), key.as_ref()).await?;
    let binding = settings.acme.eab_key_id.clone();
    let stored = Stored { directory: directory.to_owned(), binding, credentials };
    let json = serde_json::to_vec(&stored).map(Zeroizing::new);
    let json = json.map_err(|error| AcmeError::Setup(error.to_string()))?;
    files::put(settings, FILE, &json)?;
    Ok(account)
}

/// One that cannot be read is no loss: another is made.
fn read(settings: &Settings) -> Option<Stored> {
    let json = Zeroizing::new(std::fs::read(files::path(settings, FILE)).ok()?);
    serde_json::from_slice(&json).ok()
}
