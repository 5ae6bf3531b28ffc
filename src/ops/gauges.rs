//! What is measured at the moment that somebody asks for metrics, in Prometheus' text format.

use std::fmt::Write;

use crate::app::App;
use crate::store::memory;
use crate::tenants::Load;

/// A name, what it is, and its values by their labels.
struct Gauge {
    name: &'static str,
    help: &'static str,
    values: Vec<(&'static str, f64)>,
}

fn one(name: &'static str, help: &'static str, value: f64) -> Gauge {
    Gauge { name, help, values: vec![("", value)] }
}

pub fn render(app: &App) -> String {
    let load = app.tenants.load();
    let uptime = app.runtime.now().since(app.started).as_secs_f64();
    let mut gauges = of_load(&load);
    gauges.push(one("strongroom_uptime_seconds", "Time since the server started", uptime));
    if let Some(bytes) = resident_bytes() {
        let name = "strongroom_resident_memory_bytes";
        gauges.push(one(name, "Memory that the process holds", bytes));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let (name, help) = ("strongroom_open_files", "Files and connections that are open");
        gauges.push(one(name, help, files.count() as f64));
    }
    if let Ok(disk) = rustix::fs::statvfs(&app.settings.store.data_dir) {
        let name = "strongroom_disk_free_bytes";
        let free = disk.f_bavail as f64 * disk.f_frsize as f64;
        gauges.push(one(name, "Space that is left where the data lies", free));
    }
    let mut text = format!(
        "# HELP strongroom_build_info Version and build of the server\n\
         # TYPE strongroom_build_info gauge\n\
         strongroom_build_info{{version=\"{}\",build=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION"),
        crate::BUILD
    );
    for Gauge { name, help, values } in gauges {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    text
}

fn of_load(load: &Load) -> Vec<Gauge> {
    let number = |count: usize| count as f64;
    let by_realm = |platform: f64, tenants: f64| {
        vec![("{realm=\"platform\"}", platform), ("{realm=\"tenants\"}", tenants)]
    };
    vec![
        one("strongroom_tenants", "Tenants of this installation", number(load.tenants)),
        one("strongroom_open_tenants", "Tenants whose files are open", number(load.open)),
        one(
            "strongroom_database_memory_bytes",
            "Memory that the databases take: caches, schemas, statements",
            memory::used() as f64,
        ),
        Gauge {
            name: "strongroom_writer_queue_jobs",
            help: "Writes that wait, of the platform and of all open tenants together",
            values: by_realm(number(load.platform.waiting), number(load.waiting)),
        },
        one(
            "strongroom_writer_queue_longest",
            "Writes that wait at the tenant with most of them",
            number(load.longest),
        ),
        Gauge {
            name: "strongroom_reader_connections_busy",
            help: "Reading connections in use, of the platform and of all open tenants together",
            values: by_realm(number(load.platform.reading), number(load.reading)),
        },
        Gauge {
            name: "strongroom_reader_connections_most",
            help: "Reading connections that there may be, of the platform and of all open tenants",
            values: by_realm(number(load.platform.readers), number(load.readers)),
        },
        Gauge {
            name: "strongroom_audit_log_unsigned_entries",
            help: "Entries after the newest checkpoint, of the platform's log and all open tenants'",
            values: by_realm(load.platform.unsigned as f64, load.unsigned as f64),
        },
        Gauge {
            name: "strongroom_audit_log_entries",
            help: "Entries of the platform's audit log, and of all open tenants' logs together",
            values: by_realm(load.platform.entries as f64, load.entries as f64),
        },
    ]
}

/// `VmRSS` of proc_pid_status(5), which is in KiB.
fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.split_whitespace().next()?.parse().ok()?;
    Some(f64::from(kib) * 1024.0)
}
