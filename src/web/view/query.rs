//! Query strings of links, and cursor paging.

/// Links of a list in pages by cursor; an absent one is shown as not available, or not at all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Pager {
    /// Back to the first page; absent when this is it.
    pub newest: Option<String>,
    pub newer: Option<String>,
    pub older: Option<String>,
}

impl Pager {
    /// Whether everything fits on this one page.
    pub fn is_single(&self) -> bool {
        self.newest.is_none() && self.newer.is_none() && self.older.is_none()
    }
}

/// `path?name=value&…` without the empty ones.
pub fn href(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    let mut separator = '?';
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&encode(value));
        separator = '&';
    }
    url
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3): fit for a query value
/// and for one path segment.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_any_text_whole_and_leaves_out_what_is_empty() {
        let url = href("/a", &[("q", "actor:\"Zoë & co\""), ("from", ""), ("to", "x")]);
        assert_eq!(url, "/a?q=actor%3A%22Zo%C3%AB%20%26%20co%22&to=x");
    }
}
