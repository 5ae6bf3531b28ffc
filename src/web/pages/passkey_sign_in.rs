//! Signing in with a passkey: alone, or as the second factor.

use actix_web::http::StatusCode;

use super::passkeys::{asked, binding, party};
use super::second_factor::{self, Place, under_way};
use super::sign_in::{self, admitted};
use crate::audit::catalogue;
use crate::authn::AuthnError;
use crate::authn::passkey::{self, Answer as Answered, Attempt, PasskeyError};
use crate::authz::Realm;
use crate::http::call::{OpenCall, TICKET_COOKIE};
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::web::respond;
use crate::web::view::public::SignInProblem;

const WHY: &str = "signing in is how one becomes known";
const WHY_TICKET: &str = "the ticket of the sign-in under way is the credential";

pub fn routes() -> Vec<Route> {
    let question = Audit::Nothing("a question to a device; what its answer leads to is recorded");
    let alone = Audit::Events(&[
        catalogue::LOGIN_SUCCEEDED,
        catalogue::SESSION_CREATED,
        catalogue::LOGIN_FAILED,
    ]);
    let second = Audit::Events(&[
        catalogue::LOGIN_SUCCEEDED,
        catalogue::SESSION_CREATED,
        catalogue::TWO_FACTOR_FAILED,
    ]);
    let pages = [
        (
            "/t/{tenant}/login/passkey/options",
            "/t/{tenant}/login/passkey",
            "/t/{tenant}/login/second-factor/passkey/options",
            "/t/{tenant}/login/second-factor/passkey",
            Surface::Console,
        ),
        (
            "/platform/login/passkey/options",
            "/platform/login/passkey",
            "/platform/login/second-factor/passkey/options",
            "/platform/login/second-factor/passkey",
            Surface::Platform,
        ),
    ];
    let (post, rate) = (Method::Post, RateClass::SecondFactor);
    let both = pages.into_iter().flat_map(|(ask, take, ask_second, take_second, surface)| {
        [
            Route::open(post, ask, surface, WHY, question, ask_anybody)
                .says("What to ask a device to sign in with a passkey")
                .rate(RateClass::SignIn),
            Route::open(post, take, surface, WHY, alone, sign_in)
                .says("Sign in with a passkey alone")
                .rate(RateClass::SignIn),
            Route::open(post, ask_second, surface, WHY_TICKET, question, ask_holder)
                .says("What to ask a device for the second factor of a sign-in")
                .rate(rate),
            Route::open(post, take_second, surface, WHY_TICKET, second, take_answer)
                .says("Go on with a sign-in by a passkey")
                .rate(rate),
        ]
    });
    both.collect()
}

async fn ask_anybody(call: OpenCall) -> Answer {
    let (party, binding) = (party(&call.app)?, binding(&call.input));
    // Nobody of an organisation that there is not is asked in the platform's name, so that both
    // look and last alike.
    let realm = Place::of(&call).map_or(Realm::Platform, |place| place.realm);
    asked(&passkey::ask_anybody(&call.app.tenants, realm, &party, &binding).await?)
}

async fn sign_in(call: OpenCall) -> Answer {
    let (party, binding) = (party(&call.app)?, binding(&call.input));
    let answer: Answered = call.input.form()?;
    let (tenants, request) = (&call.app.tenants, call.input.context.clone());
    let refused = |problem, status| sign_in::show(&call, String::new(), Some(problem), status);
    let Some(place) = Place::of(&call) else {
        passkey::turn_away(tenants, &binding, &answer).await?;
        tenants.record_bad_credential(&request, call.input.route.label()).await;
        return refused(SignInProblem::PasskeyRefused, StatusCode::UNAUTHORIZED).await;
    };
    let (party, binding, answer) = (&party, &binding, &answer);
    let attempt = Attempt { realm: place.realm, party, binding, answer, request };
    match passkey::sign_in(tenants, attempt).await {
        Ok(admission) => admitted(admission, &place.base, place.cookie),
        // Where passkeys let nobody in, a right one is as good as a wrong one.
        Err(PasskeyError::Refused(_) | PasskeyError::Authn(AuthnError::SingleSignOn)) => {
            refused(SignInProblem::PasskeyRefused, StatusCode::UNAUTHORIZED).await
        }
        Err(PasskeyError::Authn(AuthnError::PasskeyNotAlone)) => {
            refused(SignInProblem::PasskeyNotAlone, StatusCode::UNAUTHORIZED).await
        }
        Err(PasskeyError::Authn(AuthnError::Suspended)) => {
            refused(SignInProblem::Unavailable, StatusCode::FORBIDDEN).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask_holder(call: OpenCall) -> Answer {
    let (party, binding) = (party(&call.app)?, binding(&call.input));
    let at = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    let (tenants, realm) = (&call.app.tenants, at.place.realm);
    asked(&passkey::ask_second(tenants, realm, &party, &binding, &at.secret).await?)
}

async fn take_answer(call: OpenCall) -> Answer {
    let (party, binding) = (party(&call.app)?, binding(&call.input));
    let answer: Answered = call.input.form()?;
    let at = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    let (realm, request) = (at.place.realm, call.input.context.clone());
    let (party, binding, answer) = (&party, &binding, &answer);
    let attempt = Attempt { realm, party, binding, answer, request };
    match passkey::second_factor(&call.app.tenants, attempt, &at.secret).await {
        Ok(admission) => {
            let answer = admitted(admission, &at.place.base, at.place.cookie)?;
            respond::without_cookie(answer, TICKET_COOKIE)
        }
        Err(PasskeyError::Refused(_)) => second_factor::passkey_refused(&call, &at),
        Err(PasskeyError::Authn(AuthnError::Ticket)) => second_factor::ended(&at.place),
        Err(error) => Err(error.into()),
    }
}
