//! An application keeps conversations, and every access is in the log.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;

const CONVERSATIONS: &str = "/api/v1/conversations/acme";

pub async fn start_conversation(api: &Client) -> String {
    let body = json!({
        "subject": "Refund for order 42",
        "channel": "chat",
        "dataSubject": { "id": "customer-7", "name": "Ada Byron", "email": "ada@example.org" },
        "tags": ["refund", "vip"],
        "customFields": { "order": 42 },
    });
    let made = api.post(CONVERSATIONS, &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

pub fn message(text: &str) -> Value {
    json!({ "author": { "type": "customer", "id": "customer-7", "name": "Ada Byron" }, "body": text })
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_conversation_is_kept_from_its_first_message_to_its_deletion() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let id = start_conversation(&api).await;
    let place = format!("{CONVERSATIONS}/{id}");
    let messages = format!("{place}/messages");

    let one = api.post(&messages, &message("Where is my refund?")).await.expect(201);
    assert_eq!(one["items"][0]["seq"], 1);
    let many: Vec<_> = (2..=501).map(|n| message(&format!("message {n}"))).collect();
    let many = api.post(&messages, &json!(many)).await.expect(201);
    assert_eq!(many["items"].as_array().unwrap().len(), 500);
    assert_eq!(many["items"][499]["seq"], 501);

    let read = api.list(&messages).await;
    assert_eq!(read.len(), 501);
    assert_eq!(read[0]["body"], "Where is my refund?");
    assert_eq!(read[0]["author"]["name"], "Ada Byron");
    assert_eq!(read[500]["body"], "message 501");
    assert_eq!(read[500]["id"], many["items"][499]["id"]);

    let about = api.get(&place).await.expect(200);
    assert_eq!(about["subject"], "Refund for order 42");
    assert_eq!(about["dataSubject"]["email"], "ada@example.org");
    assert_eq!(about["tags"], json!(["refund", "vip"]));
    assert_eq!(about["customFields"], json!({ "order": 42 }));
    assert_eq!(about["state"], "open");

    assert_eq!(api.post_empty(&format!("{place}/close")).await.status, 200);
    let refused = api.post(&messages, &message("one more")).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let closed = api.list(&format!("{CONVERSATIONS}?state=closed")).await;
    assert_eq!(closed.len(), 1);
    assert_eq!(api.post_empty(&format!("{place}/reopen")).await.status, 200);
    api.post(&messages, &message("one more")).await.expect(201);
    assert_eq!(api.delete(&place).await.status, 204);
    assert_eq!(api.get(&place).await.status, 404);
    assert!(api.list(CONVERSATIONS).await.is_empty());
}

#[tokio::test]
async fn every_access_to_a_conversation_is_in_the_log() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let id = start_conversation(&api).await;
    let place = format!("{CONVERSATIONS}/{id}");
    let texts: Vec<_> = (0..7).map(|n| message(&format!("message {n}"))).collect();
    api.post(&format!("{place}/messages"), &json!(texts)).await.expect(201);
    api.get(&place).await.expect(200);
    api.get(&format!("{place}/messages")).await.expect(200);
    api.post_empty(&format!("{place}/close")).await.expect(200);
    api.post_empty(&format!("{place}/reopen")).await.expect(200);
    api.delete(&place).await;

    let entries = api.entries("acme").await;
    let expected = [
        "tenant.created",
        "api_key.created",
        "conversation.created",
        "message.appended",
        "conversation.access",
        "message.access",
        "conversation.closed",
        "conversation.reopened",
        "conversation.deleted",
    ];
    let found = actions(&entries);
    let mut rest = found.iter();
    for action in expected {
        assert!(rest.any(|found| *found == action), "{action} is missing, or too late: {found:?}");
    }
    let read = entries.iter().find(|entry| entry["action"] == "message.access").unwrap();
    assert_eq!(read["customFields"]["messageCount"], 7, "{read}");
    assert_eq!(read["resource"], json!({ "type": "conversation", "id": id }), "{read}");
    assert_eq!(read["actor"]["type"], "api_key", "{read}");
    assert_eq!(read["ip"], "127.0.0.1", "{read}");
    assert_eq!(read["outcome"], "success", "{read}");
    assert!(read["requestId"].is_string(), "{read}");
    let said: String = entries.iter().map(Value::to_string).collect();
    assert!(!said.contains("message 3"), "the log repeats what was said in a message");
}

#[tokio::test]
async fn nothing_that_was_said_lies_readable_on_the_disk() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let id = start_conversation(&api).await;
    let messages = format!("{CONVERSATIONS}/{id}/messages");
    api.post(&messages, &message("the unmistakable words of a customer")).await.expect(201);
    let event = json!({ "action": "invoice.exported", "customFields": { "note": "unmistakable" } });
    api.post("/api/v1/audit/acme/events", &event).await.expect(201);
    api.list(&messages).await;
    api.get("/api/v1/audit/acme/events?q=action:invoice.exported").await.expect(200);

    let mut files = 0;
    let mut open = vec![app.data().to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if entry.file_type().unwrap().is_file() {
                let bytes = std::fs::read(entry.path()).unwrap();
                for plain in ["unmistakable", "Ada Byron", "ada@example.org", "Refund for order"] {
                    let found = bytes.windows(plain.len()).any(|it| it == plain.as_bytes());
                    assert!(!found, "{plain:?} is readable in {}", entry.path().display());
                }
                files += 1;
            }
        }
    }
    assert!(files > 4, "only {files} files were looked at");
}
