//! The house's rules about who may use what, read off the sources.

use std::path::{Path, PathBuf};

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(below);
    let mut found = Vec::new();
    let mut waiting = vec![root];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "nothing in src/{below}");
    found
}

/// Unit tests in files of their own may look at everything.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    name.ends_with("tests") || name.starts_with("test")
}

/// No file of a room names any of the others.
fn keeps_out(room: &str, others: &[&str]) {
    for (path, text) in sources(room) {
        for other in others {
            let used = text.contains(&format!("crate::{other}::"))
                || text.contains(&format!("crate::{other};"));
            assert!(!used, "{} uses {other}", path.display());
        }
    }
}

const DOMAINS: [&str; 18] = [
    "conversations",
    "users",
    "admins",
    "api_keys",
    "trail",
    "provision",
    "jobs",
    "streams",
    "sessions",
    "approvals",
    "settings",
    "sso",
    "scim",
    "backup",
    "retention",
    "privacy",
    "closing",
    "incident",
];
const EDGES: [&str; 6] = ["http", "api", "web", "cli", "ops", "app"];

#[test]
fn the_inner_rooms_do_not_know_the_outer_ones() {
    keeps_out("kernel", &["store", "crypto", "config", "authz", "authn", "audit", "tenants"]);
    keeps_out("kernel", &EDGES);
    keeps_out("crypto", &["store", "config", "authz", "authn", "audit", "tenants"]);
    keeps_out("store", &["config", "authz", "authn", "audit", "tenants"]);
    keeps_out("authz", &["store", "crypto", "config", "authn", "audit", "tenants"]);
    keeps_out("mail", &["authn"]);
    keeps_out("outgoing", &["store", "crypto", "config", "authz", "authn", "audit", "tenants"]);
    for room in ["crypto", "store", "authz", "audit", "tenants", "mail", "outgoing", "authn"] {
        keeps_out(room, &DOMAINS);
        keeps_out(room, &EDGES);
    }
    for domain in DOMAINS.iter().filter(|domain| **domain != "jobs") {
        keeps_out(domain, &EDGES);
    }
}

#[test]
fn statements_stand_where_a_newcomer_looks_for_them() {
    for room in ["web", "api", "cli", "http", "ops"] {
        for (path, text) in sources(room) {
            let says = ["INSERT INTO", "DELETE FROM", "UPDATE ", "FROM users", "repo::"];
            for word in says {
                assert!(!text.contains(word), "{} says {word}", path.display());
            }
        }
    }
}

#[test]
fn only_the_store_opens_files_and_only_the_doors_open_stores() {
    for (path, text) in sources("") {
        let room = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        let store = room.starts_with("src/store");
        assert!(store || !text.contains("rusqlite::"), "{room} uses rusqlite");
        let doors = store || room.starts_with("src/tenants");
        assert!(doors || !text.contains("Database::open"), "{room} opens a database");
    }
}

#[test]
fn files_stay_small_enough_to_read() {
    let mut lengths: Vec<_> =
        sources("").into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    lengths.sort();
    let (longest, path) = lengths.last().unwrap();
    assert!(*longest <= 600, "{} has {longest} lines", path.display());
    assert!(lengths[lengths.len() / 2].0 <= 150, "the median file has over 150 lines");
}

#[test]
fn the_tree_speaks_of_the_product_alone() {
    for (path, text) in sources("") {
        for word in ["todo!(", "unimplemented!(", "FIXME", "XXX"] {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
    }
}

/// Texts in backticks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

#[test]
fn what_the_page_about_asvs_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let mut code = String::new();
    let mut waiting = vec![root.join("src"), root.join("tests/integration")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code += &std::fs::read_to_string(&path).unwrap();
        }
    }
    for name in quoted(&page) {
        if let Some(file) = name.split(' ').next().filter(|name| name.ends_with(".rs")) {
            assert!(root.join("src").join(file).exists(), "there is no {name}");
        }
        let test = name.rsplit(": ").next().unwrap_or(name);
        let is_test = test.matches('_').count() > 3 && !test.contains(['/', '.', ' ']);
        assert!(!is_test || code.contains(&format!("fn {test}(")), "there is no test {name}");
    }
}
