//! When it happened: bars that are links, drawn by the server.

use super::Chrome;
use super::audit_search::Search;
use crate::kernel::Timestamp;

/// Width of a bar with the gap after it, in units of the drawing.
const PITCH: u64 = 12;
const GAP: u64 = 2;
/// Height of the drawing.
pub const HEIGHT: u64 = 72;
/// What happened at all can be seen and hit.
const LOWEST: u64 = 3;

pub struct Timeline {
    pub width: u64,
    pub bars: Vec<Bar>,
    /// The highest bar's count.
    pub most: u64,
    /// Beginning, middle and end, below the bars.
    pub labels: Vec<String>,
}

pub struct Bar {
    pub x: u64,
    pub y: u64,
    pub height: u64,
    pub count: u64,
    /// From and until, for people.
    pub span: String,
    /// The search in this bar's time alone; none where nothing happened.
    pub href: Option<String>,
}

impl Timeline {
    /// From buckets of equal kind, oldest first: from, to, count. None without two of them: there
    /// would be nothing to narrow.
    pub fn new(
        buckets: &[(Timestamp, Timestamp, u64)],
        search: &Search,
        path: &str,
    ) -> Option<Self> {
        let most = buckets.iter().map(|(.., count)| *count).max().filter(|most| *most > 0)?;
        if buckets.len() < 2 {
            return None;
        }
        let bar = |(at, (from, to, count)): (u64, &(Timestamp, Timestamp, u64))| {
            let height = match count {
                0 => 0,
                count => (count * HEIGHT / most).max(LOWEST),
            };
            let narrowed = || search.between(control(*from), control(*to)).link(path);
            Bar {
                x: at * PITCH,
                y: HEIGHT - height,
                height,
                count: *count,
                span: span(*from, *to),
                href: (*count > 0).then(narrowed),
            }
        };
        let middle = buckets[buckets.len() / 2].0;
        let ends = (buckets[0].0, buckets[buckets.len() - 1].1);
        Some(Self {
            width: buckets.len() as u64 * PITCH,
            bars: (0..).zip(buckets).map(bar).collect(),
            most,
            labels: labels([ends.0, middle, ends.1]),
        })
    }

    pub fn bar_width(&self) -> u64 {
        PITCH - GAP
    }

    pub fn height(&self) -> u64 {
        HEIGHT
    }

    pub fn view_box(&self) -> String {
        format!("0 0 {} {HEIGHT}", self.width)
    }
}

impl Bar {
    /// What the bar says when it is read out or pointed at.
    pub fn label(&self, chrome: &Chrome) -> String {
        let arguments = [("count", self.count.into()), ("span", self.span.as_str().into())];
        chrome.messages.with("timeline-bar", &arguments).into_owned()
    }
}

/// As `<input type="datetime-local">` has it.
pub fn control(time: Timestamp) -> String {
    time.display().replace(' ', "T")
}

fn minutes(time: Timestamp) -> String {
    let text = time.display();
    text.strip_suffix(":00").unwrap_or(&text).to_owned()
}

/// Days alone, where all are days.
fn labels(times: [Timestamp; 3]) -> Vec<String> {
    let texts = times.map(minutes);
    match texts.iter().all(|text| text.ends_with(" 00:00")) {
        true => texts.iter().map(|text| text.trim_end_matches(" 00:00").to_owned()).collect(),
        false => texts.to_vec(),
    }
}

/// `2026-11-22 05:00 – 06:00`; a day alone when it is one.
fn span(from: Timestamp, to: Timestamp) -> String {
    let (from, to) = (minutes(from), minutes(to));
    match (from.strip_suffix(" 00:00"), to.strip_suffix(" 00:00")) {
        (Some(from), Some(to)) => format!("{from} – {to}"),
        _ => match (from.split_once(' '), to.split_once(' ')) {
            (Some((day, _)), Some((same, time))) if day == same => format!("{from} – {time}"),
            _ => format!("{from} – {to}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_bar_leads_to_its_own_time_and_an_empty_one_nowhere() {
        let hours =
            [at("2026-11-22T05:00:00Z"), at("2026-11-22T06:00:00Z"), at("2026-11-22T07:00:00Z")];
        let buckets = [(hours[0], hours[1], 200), (hours[1], hours[2], 0)];
        let search = Search { q: "actor:ann".into(), range: "24h".into(), ..Search::default() };
        let timeline = Timeline::new(&buckets, &search, "/a").unwrap();
        let href = "/a?q=actor%3Aann&from=2026-11-22T05%3A00%3A00&to=2026-11-22T06%3A00%3A00";
        assert_eq!(timeline.bars[0].href.as_deref(), Some(href));
        assert_eq!((timeline.bars[0].height, timeline.bars[1].height), (HEIGHT, 0));
        assert_eq!(timeline.bars[1].href, None);
        assert_eq!(timeline.bars[0].span, "2026-11-22 05:00 – 06:00");
    }

    #[test]
    fn what_happened_once_among_millions_is_still_seen() {
        let (a, b, c) =
            (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        let timeline =
            Timeline::new(&[(a, b, 5_000_000), (b, c, 1)], &Search::default(), "/a").unwrap();
        assert_eq!(timeline.bars[1].height, LOWEST);
        assert_eq!(timeline.bars[0].span, "2026-01-01 – 2026-02-01");
        assert!(Timeline::new(&[(a, b, 9)], &Search::default(), "/a").is_none());
    }
}
