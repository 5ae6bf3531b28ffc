//! What this server says about itself: `ServiceProviderConfig`, `ResourceTypes`, `Schemas` (RFC 7643,
//! 5 to 7).

use serde_json::{Value, json};

use super::limits;

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

pub fn is_ours(uri: &str) -> bool {
    [USER, GROUP].iter().any(|own| own.eq_ignore_ascii_case(uri))
}

/// Whether a path begins with one of our schemas.
pub fn begins_with_ours(path: &str) -> bool {
    let begins = |own: &str| {
        path.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own))
            && path[own.len()..].starts_with(':')
    };
    begins(USER) || begins(GROUP)
}

pub fn config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": limits::PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "API key",
            "description": "An API key of the tenant with the scope scim.provision, sent as a bearer token",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/scim/v2/ServiceProviderConfig")
        }
    })
}

pub fn resource_types(base: &str) -> Vec<Value> {
    [
        ("User", "/Users", USER, "A member of the tenant"),
        ("Group", "/Groups", GROUP, "A group of members, which rules turn into a role"),
    ]
    .map(|(name, endpoint, schema, description)| {
        json!({
            "schemas": [TYPE],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "description": description,
            "schema": schema,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base}/scim/v2/ResourceTypes/{name}")
            }
        })
    })
    .into()
}

pub fn schemas(base: &str) -> Vec<Value> {
    let made = |id: &str, name: &str, description: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [SCHEMA],
            "id": id,
            "name": name,
            "description": description,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base}/scim/v2/Schemas/{id}") }
        })
    };
    vec![
        made(USER, "User", "A member of the tenant", user()),
        made(GROUP, "Group", "A group of members", group()),
    ]
}

/// One attribute with what most have in common.
fn attribute(name: &str, kind: &str, description: &str) -> Value {
    json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": description,
        "required": false,
        "caseExact": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none"
    })
}

fn with(mut attribute: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        attribute[*name] = value.clone();
    }
    attribute
}

fn user() -> Vec<Value> {
    let text = |name: &str, description: &str| attribute(name, "string", description);
    let name = [
        text("formatted", "The whole name"),
        text("familyName", "The family name"),
        text("givenName", "The given name"),
        text("middleName", "Further given names"),
        text("honorificPrefix", "What stands before the name"),
        text("honorificSuffix", "What stands after the name"),
    ];
    let email = [
        text("value", "The address"),
        text("display", "The address as it is shown"),
        text("type", "work, home or other"),
        attribute("primary", "boolean", "Whether it is the one to use"),
    ];
    let read_only: [(&str, Value); 2] =
        [("mutability", "readOnly".into()), ("multiValued", true.into())];
    let referred = [
        with(
            text("value", "The group's id"),
            &[("mutability", "readOnly".into()), ("caseExact", true.into())],
        ),
        with(
            attribute("$ref", "reference", "The group's address"),
            &[("mutability", "readOnly".into()), ("referenceTypes", json!(["Group"]))],
        ),
        with(text("display", "The group's name"), &read_only[..1]),
    ];
    let role = [with(text("value", "The role's code"), &read_only[..1])];
    vec![
        with(
            text("userName", "What the provider calls the person; unique in the tenant"),
            &[("required", true.into()), ("uniqueness", "server".into())],
        ),
        with(
            attribute("name", "complex", "The parts of the name"),
            &[("subAttributes", json!(name))],
        ),
        text("displayName", "The name that the console shows"),
        with(
            attribute(
                "emails",
                "complex",
                "Addresses; the primary one, else that of type work, else the first, is the member's",
            ),
            &[("multiValued", true.into()), ("subAttributes", json!(email))],
        ),
        attribute(
            "active",
            "boolean",
            "Whether the person may sign in; false ends sessions and tokens at once",
        ),
        with(
            attribute("groups", "complex", "The groups that the person is in"),
            &[read_only[0].clone(), read_only[1].clone(), ("subAttributes", json!(referred))],
        ),
        with(
            attribute("roles", "complex", "The role that rules have given"),
            &[read_only[0].clone(), read_only[1].clone(), ("subAttributes", json!(role))],
        ),
    ]
}

fn group() -> Vec<Value> {
    let text = |name: &str, description: &str| attribute(name, "string", description);
    let immutable = ("mutability", Value::from("immutable"));
    let member = [
        with(text("value", "The member's id"), &[immutable.clone(), ("caseExact", true.into())]),
        with(
            attribute("$ref", "reference", "The member's address"),
            &[immutable.clone(), ("referenceTypes", json!(["User"]))],
        ),
        with(text("type", "User"), &[immutable]),
    ];
    vec![
        with(
            text("displayName", "The name, by which rules know the group; unique in the tenant"),
            &[("required", true.into()), ("uniqueness", "server".into())],
        ),
        with(
            attribute("members", "complex", "The members"),
            &[("multiValued", true.into()), ("subAttributes", json!(member))],
        ),
    ]
}
