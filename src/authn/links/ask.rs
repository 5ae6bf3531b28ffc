//! Asking for a link by mail. Whether somebody has the address must not show, in the answer or in
//! its time: an unknown address gets a link and a mail too, and the link says that nobody has it.

use super::repo::{self, NewLink};
use super::{About, Purpose};
use crate::audit::event::{Actor, Outcome};
use crate::audit::{Event, catalogue};
use crate::authn::person::Person;
use crate::authn::{AuthnError, SignInPolicy, session};
use crate::authz::{Realm, RequestContext};
use crate::crypto::{mac, token::Token};
use crate::kernel::limits;
use crate::mail::{self, Letter, Recipient};
use crate::tenants::{AuditEvents, DoorError, Tenants, WriteTx};

/// What a link by mail can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskFor {
    SignIn,
    NewPassword,
}

pub struct Ask {
    pub what: AskFor,
    pub email: String,
    /// The cookie of the browser that asks: a link to sign in with works there alone.
    pub browser: String,
    pub request: RequestContext,
}

/// How people may come to a session here, or to an account, beside a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub link: bool,
    pub reset: bool,
    pub register: bool,
    /// None of these, nor a password, lets in anybody but the emergency account.
    pub provider_only: bool,
}

impl Way {
    /// What the policy allows, where mail can be sent.
    pub fn of(policy: &SignInPolicy, mails: bool) -> Self {
        Self {
            link: mails && policy.magic_links,
            reset: mails,
            register: mails && policy.admits_newcomers() && !policy.registration_domains.is_empty(),
            provider_only: policy.single_sign_on_only,
        }
    }

    pub const fn any(&self) -> bool {
        self.link || self.reset || self.register
    }

    /// As it is in a realm now.
    pub async fn now(tenants: &Tenants, realm: Realm, mails: bool) -> Result<Self, DoorError> {
        let read = tenants.credentials(realm, move |tx| {
            Ok::<_, DoorError>(Self::of(&SignInPolicy::read(tx)?, mails))
        });
        read.await
    }
}

/// Sends a link to the address, known or not; `base` is `/platform` or `/t/{slug}`. More than
/// [`limits::LINKS_PER_ADDRESS`] in an hour are not sent, which nobody is told either.
///
/// # Errors
/// A failing store alone.
pub async fn ask_for_link(
    tenants: &Tenants,
    realm: Realm,
    base: &str,
    ask: Ask,
) -> Result<(), AuthnError> {
    let base = base.to_owned();
    let browser = mac::sha256(ask.browser.as_bytes());
    let token = Token::generate(session::owner(realm), tenants.runtime().random.as_ref());
    let write = tenants.change_credentials(realm, None, move |tx| {
        let policy = SignInPolicy::read(tx)?;
        let offered = ask.what != AskFor::SignIn || policy.magic_links;
        if !offered || !may_have_another(tx, &ask.email)? {
            return Ok(((), AuditEvents::none()));
        }
        let person = Person::by_email(tx, realm, &ask.email)?.filter(|person| person.active);
        // Whoever comes by their provider alone has nothing here that a link could open, and nobody
        // learns by asking who the emergency account is.
        let person = person.filter(|person| policy.admits_without_provider(realm, person.id));
        send(tx, &base, &ask, &token, browser, person.as_ref())?;
        Ok(((), asked(&ask, person.as_ref()).into()))
    });
    write.await.map(|_| ())
}

/// Whether one more mail goes to an address that strangers can name: not too many in an hour to
/// one, nor to all of them together.
pub(crate) fn may_have_another<P>(tx: &WriteTx<'_, P>, address: &str) -> Result<bool, AuthnError> {
    let since = tx.runtime().now().minus(limits::LINKS_PER_ADDRESS_TIME);
    let few = repo::asked_for(tx, address, since)? < limits::LINKS_PER_ADDRESS;
    Ok(few && mail::has_room_for_strangers(tx)?)
}

fn send<P>(
    tx: &mut WriteTx<'_, P>,
    base: &str,
    ask: &Ask,
    token: &Token,
    browser: [u8; 32],
    person: Option<&Person>,
) -> Result<(), AuthnError> {
    let address = person.map_or(ask.email.trim(), |person| &person.email);
    let purpose = match ask.what {
        AskFor::SignIn => Purpose::SignIn,
        AskFor::NewPassword => Purpose::Reset,
    };
    let link = purpose.link(base, token);
    let letter = match ask.what {
        AskFor::SignIn => Letter::SignIn { link },
        AskFor::NewPassword => Letter::PasswordReset { link },
    };
    let browser = (ask.what == AskFor::SignIn).then_some(browser);
    let about = person.map(About::from);
    let to =
        Recipient { address: address.to_owned(), subject: person.map(|person| person.subject) };
    repo::insert(
        tx,
        token,
        &NewLink { purpose, about, address: Some(address), details: None, browser, made_by: None },
    )?;
    Ok(mail::queue(tx, &to, &letter)?)
}

fn asked(ask: &Ask, person: Option<&Person>) -> Event {
    let mut event = Event::new(match ask.what {
        AskFor::SignIn => catalogue::SIGN_IN_LINK_REQUESTED,
        AskFor::NewPassword => catalogue::PASSWORD_RESET_REQUESTED,
    });
    from_stranger(&mut event, &ask.request);
    match person {
        Some(person) => event.actor = Some(person.actor()),
        None => {
            event.outcome = Outcome::Failure;
            event.custom_fields.insert("email".into(), ask.email.trim().into());
        }
    }
    event
}

/// Where a request came from, of somebody who is not signed in.
pub(crate) fn from_stranger(event: &mut Event, request: &RequestContext) {
    event.ip = request.ip.map(|ip| ip.to_canonical());
    event.user_agent.clone_from(&request.user_agent);
    event.request_id = Some(request.id.to_string());
}

impl Person {
    /// As the log names them when they are not signed in.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new("user", uuid::Uuid::from_bytes(self.id).to_string())
    }
}
