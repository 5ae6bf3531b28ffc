//! By what it can be narrowed: the most frequent values of a few fields, with how often they occur.

use super::Chrome;
use super::audit_search::Search;
use super::state::Outcome;

pub struct FacetView {
    /// The field's name in the language of searches.
    pub field: &'static str,
    pub values: Vec<FacetValue>,
    /// Whether there are more values than these.
    pub more: bool,
}

pub struct FacetValue {
    pub value: String,
    pub count: u64,
    /// Of the most frequent one's count, in percent.
    pub share: u64,
    /// The search with this value alone; none when it asks for it already.
    pub only: Option<String>,
    /// The search without this value; none when it leaves it out already.
    pub without: Option<String>,
}

impl FacetView {
    pub fn new(
        field: &'static str,
        values: Vec<(String, u64)>,
        more: bool,
        search: &Search,
        path: &str,
    ) -> Self {
        let most = values.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let value = |(value, count): (String, u64)| {
            let link = |negated| {
                let changed = search.and(field, &value, negated);
                (changed.q != search.q.trim()).then(|| changed.link(path))
            };
            let (only, without) = (link(false), link(true));
            FacetValue { share: count * 100 / most, count, only, without, value }
        };
        Self { field, values: values.into_iter().map(value).collect(), more }
    }

    /// The message that names the field.
    pub fn message(&self) -> &'static str {
        match self.field {
            "action" => "facet-action",
            "actor" => "facet-actor",
            "outcome" => "facet-outcome",
            "type" => "facet-type",
            "role" => "facet-role",
            "ip" => "facet-ip",
            _ => "facet-other",
        }
    }

    /// A value as people read it.
    pub fn label(&self, chrome: &Chrome, value: &FacetValue) -> String {
        let code = value.value.as_str();
        match self.field {
            "action" => chrome.label("action-", code),
            "outcome" => Outcome::from_code(code)
                .map_or_else(|| code.to_owned(), |is| chrome.t(is.message())),
            "type" => chrome.label("resource-", code),
            "role" => chrome.label("role-", code),
            _ => code.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_asked_for_already_is_not_offered_again() {
        let search = Search { q: "outcome:denied -actor:bob".into(), ..Search::default() };
        let outcome = FacetView::new("outcome", vec![("denied".into(), 7)], false, &search, "/a");
        assert_eq!(outcome.values[0].only, None);
        let without = "/a?q=outcome%3Adenied%20-actor%3Abob%20-outcome%3Adenied";
        assert_eq!(outcome.values[0].without.as_deref(), Some(without));
        let actors = vec![("Ann \"A\" Lee".into(), 9), ("bob".into(), 3)];
        let actor = FacetView::new("actor", actors, true, &search, "/a");
        assert_eq!(actor.values[1].without, None);
        assert_eq!(actor.values[1].share, 33);
        assert!(
            actor.values[0]
                .only
                .as_deref()
                .unwrap()
                .ends_with("actor%3A%22Ann%20%5C%22A%5C%22%20Lee%22")
        );
    }
}
