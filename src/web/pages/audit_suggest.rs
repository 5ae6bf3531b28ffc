//! What could be typed next into the search box, for the script that offers it.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use crate::audit::catalogue;
use crate::audit::query::{self, Kind};
use crate::authz::permission::{AuditRead, PlatformAuditRead};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::limits;
use crate::tenants::Tenants;
use crate::trail;
use crate::web::messages::Messages;

/// More than fit below the box help nobody.
const MOST: usize = 12;

pub fn routes() -> Vec<Route> {
    let events = Audit::Events(&[catalogue::AUDIT_VIEWED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/audit/suggest", events, tenant)
            .says("Complete a search of a tenant's audit log"),
        Route::platform(Method::Get, "/platform/audit/suggest", events, platform)
            .says("Complete a search of the platform's audit log"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    /// Where the cursor is, in UTF-16 units, as scripts count.
    at: usize,
}

#[derive(Serialize)]
struct Suggestions {
    /// What a suggestion takes the place of, in UTF-16 units.
    from: usize,
    to: usize,
    items: Vec<Suggestion>,
}

#[derive(Serialize, PartialEq, Eq, Debug)]
struct Suggestion {
    /// Goes into the search as it is.
    text: String,
    /// What it means; empty when it speaks for itself.
    meaning: String,
}

async fn tenant(call: Call<AuditRead>) -> Answer {
    suggest(&call.app.tenants, &call.grant, &call.input).await
}

async fn platform(call: PlatformCall<PlatformAuditRead>) -> Answer {
    suggest(&call.app.tenants, &call.grant, &call.input).await
}

async fn suggest<P: Permission>(tenants: &Tenants, grant: &Grant<P>, input: &Input) -> Answer {
    let asked: Asked = input.query()?;
    let q = &asked.q[..asked.q.floor_char_boundary(asked.q.len().min(limits::QUERY_BYTES))];
    let found = query::complete(q, byte(q, asked.at));
    let mut items: Vec<_> = found
        .candidates
        .iter()
        .map(|candidate| Suggestion {
            text: candidate.text.clone(),
            meaning: meaning(&candidate.text, candidate.meaning),
        })
        .collect();
    if let Kind::Value { field: Some(field), typed, .. } = &found.kind
        && items.len() < MOST
    {
        let values = trail::suggest(tenants, grant, *field, typed, MOST).await?;
        let known = values.into_iter().map(|value| query::quote(&value));
        let new: Vec<_> =
            known.filter(|text| items.iter().all(|item| item.text != *text)).collect();
        items.extend(new.into_iter().map(|text| Suggestion { meaning: meaning(&text, ""), text }));
    }
    items.truncate(MOST);
    let (from, to) = (units(q, found.replace.start), units(q, found.replace.end));
    let body = serde_json::to_string(&Suggestions { from, to, items })
        .map_err(|_| Failure::not_found())?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// A code's words, where the catalogue has some.
fn meaning(text: &str, otherwise: &str) -> String {
    let messages = Messages::english();
    let code = text.strip_prefix("action:").unwrap_or(text);
    let named =
        ["action-", "outcome-", "role-"].iter().find(|prefix| messages.has_label(prefix, code));
    named.map_or_else(|| otherwise.to_owned(), |prefix| messages.label(prefix, code))
}

/// The byte position of a UTF-16 one; the end when it is beyond.
fn byte(text: &str, at: usize) -> usize {
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units >= at {
            return byte;
        }
        units += character.len_utf16();
    }
    text.len()
}

fn units(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_as_scripts_count_them() {
        let text = "é😀x";
        for (at, expected) in [(0, 0), (1, 2), (3, 6), (4, 7), (99, 7)] {
            assert_eq!(byte(text, at), expected);
            assert_eq!(units(text, expected), at.min(4));
        }
    }

    #[test]
    fn an_event_type_is_explained_in_words() {
        assert_eq!(meaning("action:login.failed", "x"), meaning("login.failed", ""));
        assert_ne!(meaning("login.failed", ""), "");
        assert_eq!(meaning("ann", "who"), "who");
    }
}
