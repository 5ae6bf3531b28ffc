//! Backups and continuous archiving when the server is killed at any step of writing to a target.

use std::time::Duration;

use serde_json::Value;

use crate::restore::{House, status, write};
use crate::restore_faults::{Strike, stride};
use crate::restore_to_a_second::archived;

/// More than a run has.
const MOST: usize = 80;

fn nothing_is_damaged(house: &House, when: &str) {
    let said = house.app.try_cli(&["backup", "verify", "--identity", house.identity()], "");
    let found: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    for part in ["archives", "changes"] {
        for one in found[part].as_array().into_iter().flatten() {
            assert_eq!(one["ok"], true, "{when}: {one}");
        }
    }
}

fn everything_comes_back(house: &House) {
    let test = house.app.cli(&["restore", "test", "--identity", house.identity()], "");
    assert_eq!(test["passed"], true, "{test}");
}

#[tokio::test]
async fn a_backup_that_is_killed_at_any_step_leaves_no_archive_that_is_not_whole() {
    let (mut house, strike) = Strike::house_with(&[("STRIKE_IN", "/target/strongroom-")]);
    let acme = house.app.tenant("acme");
    let kept = write(&house.app, &acme, "acme", "kept").await;
    let mut struck = true;
    for step in (1..MOST).step_by(stride()) {
        strike.at(step);
        struck = house.app.try_cli(&["backup", "run"], "").code != 0;
        house.app.crash_and_restart();
        nothing_is_damaged(&house, &format!("step {step}"));
        assert_eq!(status(&house.app, &acme, "acme", &kept).await, 200, "step {step}");
        if !struck {
            break;
        }
    }
    assert!(!struck, "there are more steps than were tried");
    house.back_up();
    everything_comes_back(&house);
}

#[tokio::test]
async fn continuous_archiving_that_is_killed_at_any_step_goes_on_without_a_gap() {
    let settings = [("STRIKE_IN", "/changes/"), ("STRONGROOM_BACKUP__ARCHIVE_SECONDS", "1")];
    let (mut house, strike) = Strike::house_with(&settings);
    let acme = house.app.tenant("acme");
    archived(&house.app, &acme, "acme").await;
    for step in (1..24).step_by(stride()) {
        write(&house.app, &acme, "acme", &format!("number {step}")).await;
        strike.at(step);
        // It is struck, or has done all that there was to do.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        house.app.crash_and_restart();
    }
    let last = write(&house.app, &acme, "acme", "the last").await;
    archived(&house.app, &acme, "acme").await;
    house.back_up();
    nothing_is_damaged(&house, "after all steps");
    everything_comes_back(&house);
    let said = house.restore("acme", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(status(&house.app, &acme, "acme", &last).await, 200);
}
