use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const KEY: &str = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn written(dir: &TempDir, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

fn examined(text: &str, env: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let dir = TempDir::new().unwrap();
    let file = Some(written(&dir, "strongroom.toml", text, 0o600));
    let env = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let Examined { settings, problems } =
        Settings::examine(Sources { file, env, ..Sources::default() });
    let prefix = format!("{}/", dir.path().display());
    let said = |problem: &ConfigError| problem.to_string().replace(&prefix, "");
    (settings, problems.iter().map(said).collect())
}

#[test]
fn everything_that_is_wrong_is_said_at_once_each_with_its_line() {
    let text = "[server]\nlisten = \"here\"\nlissten = 1\n[limits]\nbody_bytes = 3\n\
                [nothing]\na = 1\n[sessions]\nidle_minutes = 1000\nabsolute_hours = 2\n\
                [checkpoints]\npublish_http_header = \"X: y\"\n";
    let (_, said) = examined(text, &[("STRONGROOM_LOG__LEVEL", "loud")]);
    for start in [
        "strongroom.toml:2: server.listen: expected",
        "strongroom.toml:3: unknown setting `server.lissten`",
        "strongroom.toml:5: limits.body_bytes: expected",
        "strongroom.toml:6: unknown section `nothing`",
        "environment variable STRONGROOM_LOG__LEVEL: log.level: expected",
        "strongroom.toml:9 and strongroom.toml:10: sessions.idle_minutes is longer",
        "strongroom.toml:12: checkpoints.publish_http_header goes with nothing",
    ] {
        assert!(said.iter().any(|said| said.starts_with(start)), "{start}: {said:?}");
    }
    assert_eq!(said.len(), 7, "{said:?}");
}

#[test]
fn every_place_where_a_file_is_no_toml_is_said_and_nothing_that_follows_from_it() {
    let text = "[server]\ntls_key = \nlisten = = 3\n[limits]\nbody_bytes = 2048\n";
    let (_, said) = examined(text, &[("STRONGROOM_SERVER__TLS_CERTIFICATE", "/c.pem")]);
    assert!(said.iter().all(|said| said.contains("not valid TOML")), "{said:?}");
    assert!(said.iter().any(|said| said.starts_with("strongroom.toml:2:")), "{said:?}");
    assert!(said.iter().any(|said| said.starts_with("strongroom.toml:3:")), "{said:?}");
    let (_, said) = examined("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", &[]);
    assert!(said.len() == 1 && said[0].starts_with("strongroom.toml:3:"), "{said:?}");
}

#[test]
fn a_wrong_value_is_not_held_against_another_setting() {
    let (_, said) = examined("[server]\ntls_certificate = 3\ntls_key = \"/k.pem\"\n", &[]);
    assert!(said.len() == 1 && said[0].contains("server.tls_certificate: expected"), "{said:?}");
}

#[test]
fn a_secret_in_the_file_and_in_the_environment_is_refused_and_neither_is_shown() {
    let text = "[mail]\nsmtp_host = \"localhost\"\nfrom = \"a@example.org\"\n\
                smtp_username = \"vault\"\nsmtp_password = \"horse\"\n";
    let (_, said) = examined(text, &[("STRONGROOM_MAIL__SMTP_PASSWORD", "battery")]);
    assert_eq!(
        said,
        ["mail.smtp_password is given twice, by strongroom.toml:5 and by environment variable \
          STRONGROOM_MAIL__SMTP_PASSWORD: keep one of them"]
    );
}

#[test]
fn settings_that_would_have_no_effect_or_meet_on_a_port_are_refused() {
    for (text, word) in [
        ("[mail]\nsmtp_username = \"vault\"\n", "without mail.smtp_host"),
        ("[checkpoints]\npublish_ca = \"/ca.pem\"\n", "set one of them too"),
        ("server.listen = \"0.0.0.0:8080\"\n", "same address"),
    ] {
        let (_, said) = examined(text, &[]);
        assert!(said.len() == 1 && said[0].contains(word), "{said:?}");
        assert!(said[0].starts_with("strongroom.toml:"), "{said:?}");
    }
}

#[test]
fn files_that_settings_name_are_all_looked_at_with_the_line_that_names_them() {
    let dir = TempDir::new().unwrap();
    let open = written(&dir, "identity", "x", 0o644);
    let text = format!(
        "[root_key]\nfile = \"/nowhere/key\"\n[backup]\nrecovery_identity_file = \"{}\"\n",
        open.display()
    );
    let (settings, said) = examined(&text, &[]);
    assert!(said.is_empty(), "{said:?}");
    let said: Vec<_> = settings.file_problems().iter().map(ToString::to_string).collect();
    assert!(said[0].contains(":2: root_key.file: cannot read /nowhere/key"), "{said:?}");
    assert!(said[1].contains(":4: backup.recovery_identity_file") && said[1].contains("chmod 600"));
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn every_value_is_shown_with_the_place_that_counts_and_those_that_do_not() {
    let dir = TempDir::new().unwrap();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n[root_key]\nkey = \"{KEY}\"\n"
    );
    let file = Some(written(&dir, "strongroom.toml", &text, 0o600));
    let env = vec![("STRONGROOM_SERVER__LISTEN".into(), "127.0.0.1:2".into())];
    let listen = Some("127.0.0.1:3".parse().unwrap());
    let settings =
        Settings::load(Sources { file, env, listen, ..Sources::default() }).unwrap().shown();
    let of = |key| settings.iter().find(|one| one.key == key).unwrap();
    let place = |one: &ShownSetting| one.origin.as_ref().map(ToString::to_string);
    let listen = of("server.listen");
    assert_eq!(listen.value, "\"127.0.0.1:3\"");
    assert_eq!(place(listen).unwrap(), "flag --listen");
    assert!(listen.hidden[0].to_string().ends_with("strongroom.toml:2"));
    assert_eq!(listen.hidden[1].to_string(), "environment variable STRONGROOM_SERVER__LISTEN");
    assert!(place(of("log.level")).unwrap().ends_with("strongroom.toml:4"));
    assert_eq!((of("log.format").value.as_str(), place(of("log.format"))), ("\"json\"", None));
    assert_eq!(of("root_key.key").value, "[redacted]");
    assert_eq!(settings.len(), Settings::describe().len());
    assert!(!format!("{settings:?}").contains(&KEY[..8]));
}

#[test]
fn what_changed_is_known_also_of_secrets_and_not_when_it_only_moved() {
    let base = "[log]\nlevel = \"warn\"\n";
    let header = |value: &str| {
        format!(
            "[checkpoints]\npublish_http = \"https://a.example/\"\npublish_http_header = \"X: {value}\"\n"
        )
    };
    let (one, _) = examined(&(header("a") + base), &[]);
    let changed = |text: &str, env: &[(&str, &str)]| one.changed(&examined(text, env).0);
    assert_eq!(changed(&format!("\n\n{base}{}", header("a")), &[]), Vec::<&str>::new());
    assert_eq!(changed(&(header("b") + base), &[]), ["checkpoints.publish_http_header"]);
    assert_eq!(changed(&header("a"), &[("STRONGROOM_LOG__LEVEL", "warn")]), Vec::<&str>::new());
    assert_eq!(changed(&header("a"), &[]), ["log.level"]);
    let same = header("a") + base + "[log.format]\n";
    assert!(examined(&same, &[]).1[0].contains("log.format"));
    let port = "[limits]\nconnections = 10000\n";
    assert_eq!(changed(&(header("a") + base + port), &[]), Vec::<&str>::new());
}

#[test]
fn limits_the_log_and_certificates_are_taken_over_by_a_server_that_runs() {
    for key in ["limits.api_per_minute", "limits.body_bytes", "log.level", "server.tls_key"] {
        assert!(is_reloaded(key), "{key}");
    }
    for key in ["limits.connections", "server.listen", "log.format", "root_key.file"] {
        assert!(!is_reloaded(key), "{key}");
    }
}

#[test]
fn what_is_taken_over_is_known_to_be_and_what_needs_a_restart_stays_a_change() {
    let text = |limit: u32, threads: u32| {
        format!(
            "[server]\nworkers = {threads}\n[limits]\napi_per_minute = {limit}\n\
             connections = {}\n[log]\nlevel = \"warn\"\n",
            limit + 100
        )
    };
    let (one, _) = examined(&text(5, 3), &[]);
    let (next, _) = examined(&text(6, 4), &[]);
    let all = ["server.workers", "limits.api_per_minute", "limits.connections"];
    assert_eq!(one.changed(&next), all);
    let taken = one.with_reloaded(&next);
    assert_eq!(taken.changed(&next), [all[0], all[2]]);
    assert_eq!(taken.limits.api_per_minute, Rate::new(6));
    assert_eq!((taken.limits.connections, taken.server.workers), (105, Some(3)));
    // What is not given any more is at its default again.
    let (none, _) = examined("[server]\nworkers = 3\n", &[]);
    let back = taken.with_reloaded(&none);
    assert_eq!(back.limits.api_per_minute, Rate::new(6_000));
    assert!(back.origins.of("log.level").is_none());
}

proptest! {
    /// Whatever stands in a file, it is read or refused, and what is refused has a place.
    #[test]
    fn any_text_is_settings_or_a_refusal_with_its_place(text in "[ -~\n]{0,200}") {
        let (_, said) = examined(&text, &[]);
        for said in said {
            prop_assert!(said.contains("strongroom.toml"), "{}", said);
        }
    }
}
