//! What happened in an attempt to sign in at a provider, step by step, for the administrator who
//! has to make it work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Failed,
    /// Not a check: something that is good to know.
    Noted,
}

/// One thing that was looked at. The console's words for it are `sso-check-` and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub check: String,
    pub outcome: Outcome,
    /// As it was.
    pub found: Option<String>,
    /// As it should be.
    pub expected: Option<String>,
}

/// A message as it came, decoded, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The console's words for it are `sso-document-` and this.
    pub title: String,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub steps: Vec<Step>,
    pub documents: Vec<Document>,
    /// Why it ended, if it was refused.
    pub refusal: Option<Refusal>,
}

impl Trace {
    pub fn passed(&mut self, check: &str, found: impl Into<String>) {
        self.step(check, Outcome::Passed, Some(found.into()), None);
    }

    pub fn noted(&mut self, check: &str, found: impl Into<String>) {
        self.step(check, Outcome::Noted, Some(found.into()), None);
    }

    /// Writes down why it ends here, and gives that back.
    pub fn refused(
        &mut self,
        check: &str,
        why: Refusal,
        found: Option<String>,
        expected: Option<String>,
    ) -> Refusal {
        self.step(check, Outcome::Failed, found, expected);
        self.refusal = Some(why);
        why
    }

    /// The caller has masked what is secret in it.
    pub fn document(&mut self, title: &str, text: impl Into<String>) {
        self.documents.push(Document { title: title.to_owned(), text: text.into() });
    }

    fn step(
        &mut self,
        check: &str,
        outcome: Outcome,
        found: Option<String>,
        expected: Option<String>,
    ) {
        self.steps.push(Step { check: check.to_owned(), outcome, found, expected });
    }
}
