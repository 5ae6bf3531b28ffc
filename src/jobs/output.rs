//! What a job says while it runs.

use std::sync::{Mutex, PoisonError};

use crate::kernel::{Timestamp, limits};

#[derive(Default)]
pub struct Output(Mutex<String>);

const MORE: &str = "More was said than is kept.\n";

impl Output {
    /// One line with its time.
    pub fn add(&self, time: Timestamp, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if text.ends_with(MORE) {
            return;
        }
        let line = line.replace(char::is_control, " ");
        let line = format!("{time} {line}\n");
        if text.len() + line.len() + MORE.len() > limits::JOB_OUTPUT_BYTES {
            text.push_str(MORE);
        } else {
            text.push_str(&line);
        }
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_says_is_bounded_and_a_line_is_a_line() {
        let output = Output::default();
        output.add(Timestamp::from_micros(0), "one\ntwo");
        assert_eq!(output.text().lines().count(), 1);
        for _ in 0..100_000 {
            output.add(Timestamp::from_micros(0), "something of some length");
        }
        let text = output.text();
        assert!(text.len() <= limits::JOB_OUTPUT_BYTES && text.ends_with(MORE));
    }
}
