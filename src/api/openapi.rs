//! The OpenAPI 3.1 document, made from the table of routes.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use crate::http::route::{Access, Route, Surface};
use crate::http::table;

pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in table::routes() {
        if route.surface.is_for_applications() || route.surface == Surface::Operations {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.name().to_ascii_lowercase()] =
                operation(route, problem.as_value(), &mut generator);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Customers' conversations, encrypted tenant by tenant, and the proof of who touched them."
        },
        "security": [{ "apiKey": [] }, { "accessToken": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "apiKey": { "type": "http", "scheme": "bearer", "bearerFormat": "sr_…" },
                "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }
            }
        }
    })
}

fn operation(route: &Route, problem: &Value, generator: &mut SchemaGenerator) -> Value {
    let (status, answer) = route.answer;
    let mut good = json!({ "description": "Done" });
    if let Some(schema) = answer {
        good["content"] = json!({ "application/json": { "schema": schema(generator) } });
    }
    let bad = match route.surface {
        Surface::Scim => json!({
            "description": "Refused; `scimType` may say why (RFC 7644, 3.12)",
            "content": { "application/scim+json": { "schema": { "type": "object" } } }
        }),
        _ => json!({
            "description": "Refused; `type` says why",
            "content": { "application/problem+json": { "schema": problem } }
        }),
    };
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": { status.to_string(): good, "default": bad }
    });
    match route.access {
        Access::Permission(flag) => operation["x-permission"] = flag.name().into(),
        Access::Open(_) => operation["security"] = json!([]),
    }
    if route.sensitive {
        // For a person: a factor proven a short while ago.
        operation["x-step-up"] = true.into();
    }
    if let Some(schema) = route.request {
        let content = json!({ "application/json": { "schema": schema(generator) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let parts = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = parts.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let in_query = route.parameters.iter().map(|(name, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": { "type": "string" } })
    });
    in_path.chain(in_query).collect()
}

/// `get-api-v1-audit-tenant-events`: stable as long as the path is.
fn operation_id(route: &Route) -> String {
    let words: Vec<_> =
        route.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty()).collect();
    format!("{}-{}", route.method.name().to_ascii_lowercase(), words.join("-"))
}
