//! What verbs of `strongroom restore` answer with.

use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::backup::changes::Window;
use crate::backup::restore::{
    Available, Plan, Rebuilt, RebuiltTenant, Restore, RestoreTest, Tested,
};
use crate::kernel::id::TenantId;

pub fn listed(
    found: &[Available],
    (spans, unread): (&[(String, Window)], &[String]),
    from: Option<&str>,
) -> Report {
    let row = |one: &Available| {
        let manifest = &one.manifest;
        vec![
            manifest.slug.clone().unwrap_or_else(|| format!("({})", manifest.owner)),
            manifest.taken.to_string(),
            manifest.entries.to_string(),
            size(manifest.bytes),
            one.targets.join(", "),
            manifest.id.to_string(),
        ]
    };
    let head = ["TENANT", "AS OF", "ENTRIES", "SIZE", "WHERE", "BACKUP"];
    let mut text = match found {
        [] if !spans.is_empty() => String::new(),
        [] => match from {
            Some(place) => format!("There are no backups of this installation in {place}.\n"),
            None => super::backup::NOTHING.to_owned(),
        },
        _ => table(&head, &found.iter().map(row).collect::<Vec<_>>()),
    };
    for (slug, Window { from, to, .. }) in spans {
        text += &format!("{slug}: any second from {} to {} UTC\n", from.display(), to.display());
    }
    text.extend(unread.iter().map(|target| format!("{LATER}{target}\n")));
    let windows: Vec<_> = spans
        .iter()
        .map(|(slug, window)| json!({ "tenant": slug, "from": window.from, "to": window.to }))
        .collect();
    Report::done(json!({ "items": found, "anySecond": windows, "unread": unread }), text)
}

/// Of a target that does not answer.
const LATER: &str = "Later changes may lie in a target that does not answer: ";

fn size(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

pub fn planned(plan: &Plan) -> Report {
    let lost = match plan.lost {
        None => {
            "What its log tells of after that would be undone; the entries are kept.".to_owned()
        }
        Some(0) => "Nothing that its log tells of would be undone.".to_owned(),
        Some(1) => {
            "What 1 entry of its log tells of would be undone; the entry is kept.".to_owned()
        }
        Some(count) => {
            format!("What {count} entries of its log tell of would be undone; they are kept.")
        }
    };
    let held = match plan.hold {
        None => String::new(),
        Some(hold) => format!(
            "The legal hold {hold} is in force: the state before is kept, and the restore cannot be \
             confirmed, until it is lifted.\n"
        ),
    };
    let unread: String = plan.unread.iter().map(|target| format!("{LATER}{target}\n")).collect();
    let text = format!(
        "{} would be as it was at {}.\n{unread}{lost}\n{held}Used: {} in {}{}.\n\
         Readable with the private key of: {}",
        plan.slug,
        plan.moment,
        plan.backup,
        plan.target,
        if plan.bytes > 0 { format!(", {}", size(plan.bytes)) } else { String::new() },
        plan.recipients.join(", ")
    );
    Report::done(json!(plan), text)
}

pub fn done(slug: &str, restore: &Restore) -> Report {
    let mut text = format!("{slug} is as it was at {}.\n", restore.moment);
    if let Some(past) = restore.past {
        text += &format!("A new audit log began; the one before is kept as {past}.\n");
    }
    if let Some(problem) = &restore.problem {
        text += &format!("Note: {problem}.\n");
    }
    text += &format!(
        "Look at it, then keep it with   strongroom restore confirm {id}\n\
         or put the state before back:   strongroom restore undo {id}",
        id = restore.id
    );
    Report::done(json!(restore), text)
}

pub fn status(operator: &Operator, restores: &[Restore]) -> Report {
    let name = |id: TenantId| {
        operator.tenants.tenant_by_id(id).map_or(id.to_string(), |tenant| tenant.slug.to_string())
    };
    let row = |one: &Restore| {
        vec![
            name(one.tenant),
            one.state.name().to_owned(),
            one.moment.to_string(),
            one.started.to_string(),
            one.id.to_string(),
            one.problem.clone().unwrap_or_default(),
        ]
    };
    let head = ["TENANT", "STATE", "AS OF", "STARTED", "RESTORE", "NOTE"];
    let text = match restores {
        [] => "Nothing was restored so far.\n".to_owned(),
        _ => table(&head, &restores.iter().map(row).collect::<Vec<_>>()),
    };
    Report::done(json!({ "items": restores }), text)
}

pub fn tests(tests: &[RestoreTest]) -> Report {
    let row = |one: &RestoreTest| {
        vec![
            one.started.to_string(),
            if one.passed { "passed" } else { "FAILED" }.to_owned(),
            one.archives.to_string(),
            format!("{} ms", one.millis),
            one.id.to_string(),
            one.problem.clone().unwrap_or_default(),
        ]
    };
    let head = ["TESTED", "RESULT", "BACKUPS", "TOOK", "TEST", "PROBLEM"];
    let text = match tests {
        [] => "Nothing was tested so far; see: strongroom restore test\n".to_owned(),
        _ => table(&head, &tests.iter().map(row).collect::<Vec<_>>()),
    };
    Report::done(json!({ "items": tests }), text)
}

pub fn tested(test: &RestoreTest) -> Report {
    let row = |one: &Tested| {
        vec![
            one.owner.clone(),
            one.taken.to_string(),
            one.second.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            one.entries.to_string(),
            format!("{} ms", one.millis),
            one.problem.clone().unwrap_or_else(|| "ok".to_owned()),
        ]
    };
    let head = ["OWNER", "AS OF", "AND AS OF", "ENTRIES", "TOOK", "RESULT"];
    let mut text = match test.tested.as_slice() {
        [] => String::new(),
        _ => table(&head, &test.tested.iter().map(row).collect::<Vec<_>>()),
    };
    if let Some(problem) = &test.problem {
        text += &format!("\nThe test FAILED: {problem}");
    }
    Report { json: json!(test), text, ok: test.passed }
}

pub fn rebuilt(rebuilt: &Rebuilt) -> Report {
    let row = |one: &RebuiltTenant| {
        vec![
            one.slug.clone(),
            one.moment.map_or_else(|| "-".to_owned(), |moment| moment.to_string()),
            one.entries.to_string(),
            match &one.problem {
                Some(problem) => problem.clone(),
                None if one.destroyed => "destroyed on purpose".to_owned(),
                None => "ok".to_owned(),
            },
        ]
    };
    let head = ["TENANT", "AS OF", "ENTRIES", "RESULT"];
    let mut text = table(&head, &rebuilt.tenants.iter().map(row).collect::<Vec<_>>());
    for note in &rebuilt.notes {
        text += &format!("\nNote: {note}");
    }
    text += &format!(
        "\nErasures: {} lines of the ledger were gone through again, {} keys were destroyed again.\n\
         The ledger was read from {}; its last line is of {}. Whatever was erased later is not in it.\n\
         Start it with: strongroom serve --data-dir {}",
        rebuilt.ledger,
        rebuilt.erased_again,
        rebuilt.ledger_targets.join(", "),
        rebuilt.ledger_until.map_or_else(|| "no time: it is empty".to_owned(), |at| at.to_string()),
        rebuilt.directory.display()
    );
    let ok = rebuilt.tenants.iter().all(|tenant| tenant.problem.is_none());
    Report { json: json!(rebuilt), text, ok }
}
