//! Times as people write them, in UTC: a moment, or a day, month or year as a whole.

use std::time::Duration;

use chrono::{Days, Months, NaiveDate, NaiveDateTime};

use super::ast::Condition;
use crate::kernel::Timestamp;

/// The first and the last moment that RFC 3339 can write.
const FIRST: Timestamp = Timestamp::from_micros(-62_167_219_200_000_000);
const LAST: Timestamp = Timestamp::from_micros(253_402_300_799_999_999);

const WRONG: &str = "write a day (2026-11-22), a time (2026-11-22T05:06:07Z), how long ago (-7d, \
    -2h, -90m), now, today or yesterday";

/// From `start` on and before `end`; a moment has no length.
struct Span {
    start: Timestamp,
    end: Timestamp,
}

/// The beginning of what is written.
pub(super) fn start(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    span(text, now).map(|span| span.start).ok_or_else(|| WRONG.to_owned())
}

/// `A..B`, `A..`, `..B`, or one day, month or year. A day on the right is in it as a whole, a
/// moment is not.
pub(super) fn range(text: &str, now: Timestamp) -> Result<Condition, String> {
    let one = |text: &str| span(text, now).ok_or_else(|| WRONG.to_owned());
    let (from, to) = match text.split_once("..").map(|(from, to)| (from.trim(), to.trim())) {
        None => {
            let span = one(text)?;
            if span.start == span.end {
                return Err("write from when to when, for example -7d..now, or a day".to_owned());
            }
            (Some(span.start), Some(span.end))
        }
        Some(("", "")) => return Err(WRONG.to_owned()),
        Some((from, "")) => (Some(one(from)?.start), None),
        Some(("", to)) => (None, Some(one(to)?.end)),
        Some((from, to)) => {
            let (from, to) = (one(from)?, one(to)?);
            if from.start > to.start {
                return Err("this range ends before it begins; write the earlier time first".into());
            }
            (Some(from.start), Some(to.end))
        }
    };
    Ok(Condition::Time { from, to })
}

fn span(text: &str, now: Timestamp) -> Option<Span> {
    let point = |time: Timestamp| Some(Span { start: time, end: time });
    let today = || Some(date_time(now)?.date());
    let found = match text.to_ascii_lowercase().as_str() {
        "now" => point(now),
        "today" => day(today()?),
        "yesterday" => day(today()?.checked_sub_days(Days::new(1))?),
        lower => match lower.strip_prefix('-') {
            Some(ago) => point(now.minus(duration(ago)?)),
            None => moment(text).and_then(point).or_else(|| calendar(text)),
        },
    }?;
    let inside = |time: Timestamp| time.clamp(FIRST, LAST);
    Some(Span { start: inside(found.start), end: inside(found.end) })
}

/// `7d`: a number and a unit.
fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    Some(Duration::from_secs(number.saturating_mul(unit)))
}

/// With any offset, or in UTC without one; the console writes a blank for the `T`.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.replacen(' ', "T", 1);
    Timestamp::parse(&text).or_else(|| {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
            .map(timestamp)
    })
}

/// A day, a month (`2026-11`) or a year.
fn calendar(text: &str) -> Option<Span> {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<_> = text.split('-').collect();
    let (year, month) = (*parts.first()?, parts.get(1).copied().unwrap_or("01"));
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    match parts.as_slice() {
        [_] => between(first, first.checked_add_months(Months::new(12))?),
        [_, _] => between(first, first.checked_add_months(Months::new(1))?),
        [_, _, day_of_month] if digits(day_of_month, 2) => day(text.parse().ok()?),
        _ => None,
    }
}

fn day(date: NaiveDate) -> Option<Span> {
    between(date, date.succ_opt()?)
}

fn between(from: NaiveDate, to: NaiveDate) -> Option<Span> {
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(timestamp);
    Some(Span { start: midnight(from)?, end: midnight(to)? })
}

fn timestamp(time: NaiveDateTime) -> Timestamp {
    Timestamp::from_micros(time.and_utc().timestamp_micros())
}

fn date_time(time: Timestamp) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(time.as_micros()).map(|time| time.naive_utc())
}
