//! Metrics of backups.

use std::time::Duration;

use super::run::Made;

pub fn made(made: &[Made], took: Duration) {
    for one in made {
        let kind = one.manifest.kind.name();
        let taken = one.manifest.taken.as_micros() as f64 / 1e6;
        metrics::gauge!("strongroom_backup_last_success_timestamp_seconds", "kind" => kind)
            .set(taken);
        metrics::counter!("strongroom_backup_bytes_total", "kind" => kind)
            .increment(one.manifest.bytes);
    }
    metrics::histogram!("strongroom_backup_duration_seconds").record(took.as_secs_f64());
}

pub fn target(name: &str, took_it: bool) {
    metrics::gauge!("strongroom_backup_target_up", "target" => name.to_owned())
        .set(u8::from(took_it));
}
