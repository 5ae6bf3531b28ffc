//! What the benchmarks share: medians, the table, the ceilings.
//!
//! Every number is a median over rounds in which a measurement and its ceiling take turns, so that
//! what else the machine does meets both. Nothing is asserted: what counts are the ratios.

#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod corpus;
pub mod installation;
pub mod raw;
pub mod rows;
pub mod tools;

use std::time::{Duration, Instant};

/// Rounds; `STRONGROOM_BENCH_ROUNDS` asks for another number.
pub fn rounds() -> usize {
    let asked = std::env::var("STRONGROOM_BENCH_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(5).max(1)
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Runs a step until the time is over; `step` answers how many things it did. Things a second.
pub fn rate(time: Duration, mut step: impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < time {
        done += step();
    }
    done as f64 / start.elapsed().as_secs_f64()
}

/// The values of one measurement, and what they are held against, round by round.
#[derive(Default)]
pub struct Series {
    values: Vec<f64>,
    ceilings: Vec<f64>,
}

impl Series {
    pub fn push(&mut self, value: f64, ceiling: f64) {
        self.values.push(value);
        self.ceilings.push(ceiling);
    }
}

/// What a measurement should reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// Value over ceiling, at least.
    Ratio(f64),
    /// The value itself, under.
    Under(f64),
    None,
}

/// The table that is printed.
#[derive(Default)]
pub struct Report(Vec<[String; 7]>);

impl Report {
    /// A rate held against the ceiling of the same rounds.
    pub fn add(&mut self, name: &str, unit: &str, series: Series, against: &str, target: Target) {
        let pairs = series.values.iter().zip(&series.ceilings);
        let ratio = median(pairs.map(|(value, ceiling)| value / ceiling).collect());
        let (value, ceiling) = (median(series.values), median(series.ceilings));
        let (wanted, reached) = match target {
            Target::Ratio(least) => (format!("≥ {least}"), verdict(ratio >= least)),
            Target::Under(_) | Target::None => (String::new(), ""),
        };
        self.0.push([
            name.to_owned(),
            format!("{} {unit}", number(value)),
            number(ceiling),
            against.to_owned(),
            format!("{ratio:.2}"),
            wanted,
            reached.to_owned(),
        ]);
    }

    /// A value by itself.
    pub fn alone(&mut self, name: &str, unit: &str, values: Vec<f64>, target: Target) {
        let value = median(values);
        let (wanted, reached) = match target {
            Target::Under(most) => (format!("< {} {unit}", number(most)), verdict(value < most)),
            Target::Ratio(_) | Target::None => (String::new(), ""),
        };
        let text = format!("{} {unit}", number(value));
        let empty = String::new;
        self.0.push([name.to_owned(), text, empty(), empty(), empty(), wanted, reached.to_owned()]);
    }

    /// Milliseconds: median and 95th percentile, beside those of another way.
    pub fn latency(
        &mut self,
        name: &str,
        values: Vec<f64>,
        beside: Vec<f64>,
        median_under: f64,
        p95_under: f64,
    ) {
        let (middle, slow) = (median(values.clone()), percentile(values, 0.95));
        let reached = verdict(middle < median_under && slow < p95_under);
        let other = median(beside);
        let (other, ratio) = match other.is_nan() {
            true => (String::new(), String::new()),
            false => (format!("{} ms", number(other)), format!("{:.2}", middle / other)),
        };
        self.0.push([
            name.to_owned(),
            format!("{} ms, p95 {} ms", number(middle), number(slow)),
            other,
            String::new(),
            ratio,
            format!("< {} / {} ms", number(median_under), number(p95_under)),
            reached.to_owned(),
        ]);
    }

    pub fn print(&self, title: &str) {
        let head = ["what", "value", "ceiling", "ceiling is", "ratio", "target", "reached"];
        let head = head.map(str::to_owned);
        let lines: Vec<_> = std::iter::once(&head).chain(&self.0).collect();
        let width = |column: usize| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 7] = std::array::from_fn(width);
        println!("\n{title}\n");
        for line in lines {
            let cells: Vec<_> =
                line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
    }
}

fn verdict(reached: bool) -> &'static str {
    if reached { "yes" } else { "NO" }
}

/// With separators, and only as many digits as say something.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
