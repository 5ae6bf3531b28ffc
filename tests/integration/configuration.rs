//! `strongroom config`: what is wrong with the configuration, and what is in force.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::app::{Said, cli};
use crate::server::{self, Server};

fn written(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// Runs a verb with a configuration file, and with a directory of its own.
fn with_file(text: &str, settings: server::Settings<'_>, args: &[&str]) -> Said {
    let directory = TempDir::new().unwrap();
    let file = written(directory.path(), "strongroom.toml", text, 0o640);
    let config = ["--config", file.to_str().unwrap()];
    cli(&directory.path().join("data"), settings, &[args, &config].concat(), "")
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn every_problem_is_said_with_file_line_and_cure_and_fails_the_check() {
    let text = "[server]\ntls_key = \"/k.pem\"\nworkers = 0\n\n[limit]\napi_per_minute = 3\n\
                [log]\nlevel = \"loud\"\n";
    let said = with_file(text, &[], &["config", "check"]);
    assert_eq!(said.code, 1, "{said:?}");
    for part in [
        "strongroom.toml:2: server.tls_certificate and server.tls_key go together",
        "strongroom.toml:3: server.workers: expected a whole number from 1 to 1024, found 0",
        "strongroom.toml:5: unknown section `limit`; did you mean `limits`?",
        "3 problems. A server would not start",
    ] {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    // The variable of the tests comes before the file, so its level does not count.
    let json = json(&with_file(text, &[], &["config", "check", "--json"]));
    assert_eq!(json["ok"], false);
    let lines: Vec<_> =
        json["problems"].as_array().unwrap().iter().map(|one| &one["line"]).collect();
    assert_eq!(lines.len(), 3, "{json}");
    assert!(lines.contains(&&5.into()), "{json}");
}

#[test]
fn a_check_that_is_content_is_a_server_that_starts_and_one_that_is_not_is_one_that_does_not() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let key = written(directory.path(), "key", &"0123456789abcdef".repeat(4), 0o600);
    let weak = ("STRONGROOM_MASTER_KEY_FILE", key.to_str().unwrap());
    let said = cli(&data, &[weak], &["config", "check"], "");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("openssl rand -hex 32"), "{said:?}");
    assert!(!data.exists(), "a check makes nothing");
    assert!(Server::try_start(&data, &[weak]).is_err());

    let good = "6f1e5d4c3b2a19087f6e5d4c3b2a19086f7e8d9cabbccddeef0123456789abcd";
    let open = written(directory.path(), "open", good, 0o644);
    let open = ("STRONGROOM_MASTER_KEY_FILE", open.to_str().unwrap());
    let said = cli(&data, &[open], &["config", "check"], "");
    assert!(said.code == 1 && said.out.contains("chmod 600"), "{said:?}");
    assert!(!said.out.contains(good), "{said:?}");

    written(directory.path(), "key", good, 0o600);
    let said = cli(&data, &[weak], &["config", "check"], "");
    assert_eq!(said.code, 0, "{said:?}");
    Server::start(&data, &[weak]).stop();

    let none = written(directory.path(), "cert.pem", "none", 0o644);
    let settings = [
        weak,
        ("STRONGROOM_SERVER__TLS_CERTIFICATE", none.to_str().unwrap()),
        ("STRONGROOM_SERVER__TLS_KEY", key.to_str().unwrap()),
    ];
    let said = cli(&data, &settings, &["config", "check"], "");
    assert!(said.code == 1 && said.out.contains("holds no certificate"), "{said:?}");
    assert!(said.out.contains("environment variable STRONGROOM_SERVER__TLS_CERTIFICATE"));
    assert!(Server::try_start(&data, &settings).is_err());
}

#[test]
fn advice_is_given_where_it_works_and_should_be_another_way() {
    let said = with_file("[server]\ntls_minimum = \"1.2\"\n", &[], &["config", "check"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("is right") && said.out.contains("Advice (tls-minimum)"), "{said:?}");
}

#[test]
fn show_has_every_setting_with_its_origin_and_no_secret() {
    const SECRET: &str = "6f1e5d4c3b2a19087f6e5d4c3b2a19086f7e8d9cabbccddeef0123456789abcd";
    let text = "[server]\nlisten = \"127.0.0.1:9\"\n[jobs]\ntime_zone = \"Europe/Berlin\"\n";
    let env = [("STRONGROOM_MASTER_KEY", SECRET), ("STRONGROOM_SERVER__LISTEN", "127.0.0.1:10")];
    let said = with_file(text, &env, &["config", "show", "--json"]);
    assert!(!said.out.contains(&SECRET[..8]), "{said:?}");
    let json = json(&said);
    let of = |key: &str| {
        let all = json["settings"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap().clone()
    };
    let origin = |key: &str| of(key)["origin"].as_str().unwrap().to_owned();
    assert!(origin("jobs.time_zone").ends_with("strongroom.toml:4"));
    assert_eq!(of("jobs.time_zone")["value"], "\"Europe/Berlin\"");
    assert_eq!(origin("server.listen"), "environment variable STRONGROOM_SERVER__LISTEN");
    assert!(of("server.listen")["hides"][0].as_str().unwrap().ends_with("strongroom.toml:2"));
    assert_eq!(origin("store.queue_depth"), "default");
    assert_eq!(of("root_key.key")["value"], "[redacted]");
    let said = with_file(text, &env, &["config", "show", "--changed"]);
    assert!(said.out.contains("jobs.time_zone") && !said.out.contains("queue_depth"), "{said:?}");
    let said = with_file("[serve]\n", &[], &["config", "show"]);
    assert!(said.code == 1 && said.err.contains("strongroom config check"), "{said:?}");
}

#[test]
fn what_needs_no_configuration_works_while_its_file_is_broken_and_the_rest_says_how_to_mend_it() {
    let broken = "[server]\nworkers = 0\n[limit\n";
    let nowhere = "/nonexistent/strongroom.file";
    for verb in [&["version"][..], &["licences"], &["openapi"], &["--help"]] {
        let said = with_file(broken, &[], verb);
        assert_eq!(said.code, 0, "{verb:?}: {said:?}");
    }
    for verb in [
        &["certificate", nowhere, "--public-key", nowhere][..],
        &["upgrade", "verify", nowhere, "--key", nowhere],
        &["audit", "verify", "--bundle", nowhere, "--public-key", nowhere],
    ] {
        let said = with_file(broken, &[], verb);
        let heard = format!("{}{}", said.out, said.err);
        assert!(heard.contains(nowhere) || said.code == 2, "{verb:?}: {said:?}");
        assert!(!heard.contains("strongroom.toml"), "{verb:?}: {said:?}");
    }
    for verb in [
        &["serve"][..],
        &["serve", "--recovery"],
        &["init"],
        &["doctor"],
        &["tls", "show"],
        &["tenant", "list"],
        &["audit", "verify"],
        &["upgrade", "check"],
        &["rollback"],
        &["config", "show"],
        &["backup", "list"],
    ] {
        let said = with_file(broken, &[], verb);
        assert_eq!(said.code, 1, "{verb:?}: {said:?}");
        assert!(said.err.contains("strongroom.toml:3"), "{verb:?}: {said:?}");
        assert!(said.err.contains("strongroom config check"), "{verb:?}: {said:?}");
    }
}
