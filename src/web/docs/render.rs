//! A page from Markdown to HTML.

use std::collections::BTreeMap;

use pulldown_cmark::{Alignment, Event, Options, Parser, Tag, TagEnd, html};

use super::links;

/// A page, ready to be sent.
pub struct Rendered {
    pub title: String,
    pub html: String,
    /// Its text, heading by heading.
    pub parts: Vec<Part>,
}

/// A heading and what follows it, up to the next.
pub struct Part {
    pub heading: String,
    /// Of the heading, as in `#anchor`.
    pub anchor: String,
    /// 1 is the page's title.
    pub level: u8,
    pub text: String,
}

/// `path` is the page's own. HTML in the text is shown, not obeyed; what the policy of pages would
/// refuse (styles of columns) is left out.
pub fn render(path: &str, text: &str) -> Rendered {
    let events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let mut page = Page {
        path,
        out: Vec::new(),
        parts: Vec::new(),
        open: Vec::new(),
        anchors: Anchors::default(),
        in_heading: false,
    };
    for (at, event) in events.iter().enumerate() {
        page.take(event, &events[at + 1..]);
    }
    let mut html = String::new();
    html::push_html(&mut html, page.out.into_iter());
    // A corner of a table is no heading of anything.
    let html = html.replace("<th></th>", "<td></td>");
    let title = page.parts.first().map(|part| part.heading.clone()).unwrap_or_default();
    Rendered { title, html, parts: page.parts }
}

struct Page<'a> {
    path: &'a str,
    out: Vec<Event<'a>>,
    parts: Vec<Part>,
    /// Of the links that are open, whether each leads somewhere.
    open: Vec<bool>,
    anchors: Anchors,
    /// A heading is not part of the text below it.
    in_heading: bool,
}

impl<'a> Page<'a> {
    fn take(&mut self, event: &Event<'a>, rest: &[Event<'a>]) {
        match event {
            Event::Start(tag) => self.start(tag, rest),
            Event::End(tag) => self.end(*tag),
            Event::Html(text) | Event::InlineHtml(text) => {
                self.out.push(Event::Text(text.clone()));
            }
            Event::Text(text) | Event::Code(text) => {
                self.read(text);
                self.out.push(event.clone());
            }
            other => {
                self.read(" ");
                self.out.push(other.clone());
            }
        }
    }

    fn start(&mut self, tag: &Tag<'a>, rest: &[Event<'a>]) {
        let tag = match tag.clone() {
            Tag::Heading { level, .. } => {
                self.in_heading = true;
                let heading = words(rest);
                let anchor = self.anchors.of(&heading);
                let id = Some(anchor.clone().into());
                let text = String::new();
                self.parts.push(Part { heading, anchor, level: level as u8, text });
                Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() }
            }
            Tag::Link { link_type, dest_url, title, id } => {
                let address = links::address(self.path, &dest_url);
                self.open.push(address.is_some());
                let Some(address) = address else { return };
                Tag::Link { link_type, dest_url: address.into(), title, id }
            }
            Tag::Image { link_type, dest_url, title, id } => {
                let dest_url = links::address(self.path, &dest_url).unwrap_or_default().into();
                Tag::Image { link_type, dest_url, title, id }
            }
            // What is wider than the page is moved by itself, by keyboard too.
            Tag::CodeBlock(_) => return self.ours("<pre tabindex=\"0\"><code>"),
            Tag::Table(columns) => {
                self.ours("<div class=\"doc-table\" tabindex=\"0\">");
                Tag::Table(vec![Alignment::None; columns.len()])
            }
            other => other,
        };
        self.out.push(Event::Start(tag));
    }

    fn end(&mut self, tag: TagEnd) {
        self.in_heading &= !matches!(tag, TagEnd::Heading(_));
        match tag {
            TagEnd::Link if self.open.pop() == Some(false) => return,
            TagEnd::CodeBlock => self.ours("</code></pre>\n"),
            TagEnd::Table => {
                self.out.push(Event::End(tag));
                self.ours("</div>\n");
            }
            _ => self.out.push(Event::End(tag)),
        }
        let is_inside_a_word = matches!(tag, TagEnd::Link | TagEnd::Emphasis | TagEnd::Strong);
        if !is_inside_a_word {
            self.read(" ");
        }
    }

    fn ours(&mut self, markup: &'static str) {
        self.out.push(Event::Html(markup.into()));
    }

    /// Adds to the text of the part that is being read.
    fn read(&mut self, text: &str) {
        if let Some(part) = self.parts.last_mut().filter(|_| !self.in_heading) {
            part.text.push_str(text);
        }
    }
}

/// The words up to the end of a heading.
fn words(events: &[Event<'_>]) -> String {
    let inside = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    text.collect()
}

/// Anchors as forges make them of headings, so that a link works in both places.
#[derive(Default)]
struct Anchors(BTreeMap<String, usize>);

impl Anchors {
    fn of(&mut self, heading: &str) -> String {
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        let anchor = kept.collect::<String>().to_lowercase();
        let before = self.0.entry(anchor.clone()).or_default();
        *before += 1;
        match *before {
            1 => anchor,
            again => format!("{anchor}-{}", again - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_that_links_name() {
        let page = render("a", "# `doctor`: what's wrong?\n\n## Again\n\n## Again\n");
        let anchors: Vec<_> = page.parts.iter().map(|part| part.anchor.as_str()).collect();
        assert_eq!(anchors, ["doctor-whats-wrong", "again", "again-1"]);
        assert!(page.html.contains("<h2 id=\"again-1\">"), "{}", page.html);
        assert_eq!(page.title, "doctor: what's wrong?");
    }

    #[test]
    fn html_in_a_page_is_text() {
        let page = render("a", "# A\n\n<script>alert(1)</script>\n\nOne <img src=x> two.\n");
        assert!(!page.html.contains("<script") && !page.html.contains("<img"), "{}", page.html);
    }

    #[test]
    fn a_table_has_no_style_of_its_own() {
        let page = render("a", "| | n |\n|:-|-:|\n| a | 1 |\n");
        assert!(!page.html.contains("style"), "{}", page.html);
        assert!(!page.html.contains("<th></th>"), "{}", page.html);
    }

    #[test]
    fn a_link_to_nowhere_is_text() {
        let page = render("a", "See [the licence](../LICENSE) and [b](b.md).\n");
        assert!(!page.html.contains("LICENSE"), "{}", page.html);
        assert!(page.html.contains("the licence and <a href=\"/docs/b\">b</a>"), "{}", page.html);
    }
}
