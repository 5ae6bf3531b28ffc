use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

const KEY: &str = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn load(file: Option<&str>, env: &[(&str, &str)]) -> Result<Settings, String> {
    let dir = TempDir::new().unwrap();
    let path = file.map(|text| written(&dir, "strongroom.toml", text.as_bytes(), 0o640));
    let env = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let sources = Sources { file: path, env, ..Sources::default() };
    Settings::load(sources)
        .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

fn refusal(file: Option<&str>, env: &[(&str, &str)]) -> String {
    load(file, env).unwrap_err()
}

fn written(dir: &TempDir, name: &str, content: &[u8], mode: u32) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let dir = TempDir::new().unwrap();
    let file = written(
        &dir,
        "strongroom.toml",
        b"[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[limits]\napi_per_minute = 7\n",
        0o640,
    );
    let settings = Settings::load(Sources {
        file: Some(file),
        env: vec![
            ("STRONGROOM_SERVER__LISTEN".into(), "127.0.0.1:2".into()),
            ("STRONGROOM_LIMITS__API_PER_MINUTE".into(), "0".into()),
            ("STRONGROOM_DATA_DIR".into(), "/env".into()),
            ("PATH".into(), "/bin".into()),
        ],
        data_dir: Some("/flag".into()),
        listen: Some("127.0.0.1:3".parse().unwrap()),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(settings.server.listen.port(), 3);
    assert_eq!(settings.store.data_dir, PathBuf::from("/flag"));
    assert_eq!(settings.limits.api_per_minute.per_minute(), None);
    assert_eq!(settings.server.workers, Some(3));
    assert_eq!(settings.sessions.idle_minutes, 30);
}

#[test]
fn the_named_file_must_exist_and_the_usual_one_need_not() {
    let usual = || Some(PathBuf::from("/nowhere/strongroom.toml"));
    let load = |sources| Settings::load(sources).map_err(|error| error.to_string());
    assert!(load(Sources { default_file: usual(), ..Sources::default() }).is_ok());
    assert!(
        load(Sources { file: usual(), ..Sources::default() }).unwrap_err().contains("cannot read")
    );
    let env = vec![("STRONGROOM_CONFIG".into(), "/nowhere/other.toml".into())];
    assert!(
        load(Sources { env, ..Sources::default() }).unwrap_err().contains("/nowhere/other.toml")
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    assert_eq!(
        refusal(Some("[limits]\n\nsing_in_per_minute = 3\n"), &[]),
        "strongroom.toml:3: unknown setting `limits.sing_in_per_minute`; \
         did you mean `sign_in_per_minute`?"
    );
    assert_eq!(
        refusal(Some("[server]\nidle_minutes = 3\n"), &[]),
        "strongroom.toml:2: unknown setting `server.idle_minutes`; \
         did you mean `sessions.idle_minutes`?"
    );
    assert_eq!(
        refusal(Some("listen = \"x\"\n"), &[]),
        "strongroom.toml:1: unknown section `listen`; did you mean `server.listen`?"
    );
    assert_eq!(
        refusal(Some("# old\n[telemetry]\nurl = \"x\"\n"), &[]),
        "strongroom.toml:2: unknown section `telemetry`"
    );
    assert_eq!(
        refusal(Some("log = \"debug\"\n"), &[]),
        "strongroom.toml:1: log: expected a table: write [log] and its settings below, \
         found \"debug\""
    );
}

#[test]
fn an_unknown_variable_is_refused_unless_it_is_clearly_not_ours() {
    assert_eq!(
        refusal(None, &[("STRONGROOM_LIMIT__API_PER_MINUTE", "1")]),
        "environment variable STRONGROOM_LIMIT__API_PER_MINUTE: unknown variable \
         `STRONGROOM_LIMIT__API_PER_MINUTE`; did you mean `STRONGROOM_LIMITS__API_PER_MINUTE`?"
    );
    assert!(
        refusal(None, &[("STRONGROOM_X__Y", "1")]).ends_with("unknown variable `STRONGROOM_X__Y`")
    );
    assert!(refusal(None, &[("STRONGROOM_MASTERKEY", KEY)]).contains("`STRONGROOM_MASTER_KEY`"));
    assert!(load(None, &[("STRONGROOM_PORT_8443_TCP", "tcp://10.0.0.1:8443")]).is_ok());
}

#[test]
fn a_value_of_another_type_or_out_of_range_says_what_was_expected() {
    assert_eq!(
        refusal(Some("[store]\nqueue_depth = \"many\"\n"), &[]),
        "strongroom.toml:2: store.queue_depth: expected a whole number from 1 to 1000000, \
         found \"many\""
    );
    assert_eq!(
        refusal(None, &[("STRONGROOM_SESSIONS__IDLE_MINUTES", "0")]),
        "environment variable STRONGROOM_SESSIONS__IDLE_MINUTES: sessions.idle_minutes: \
         expected a whole number from 1 to 1440, found \"0\""
    );
    for (line, word) in [
        ("server.listen = \"localhost\"", "IP address and port"),
        ("server.tls_minimum = 1.3", "in quotes"),
        ("server.trusted_proxies = [\"10.0.0.0/8\"]", "list of IP addresses"),
        ("store.data_dir = \"/a\u{fffd}\"", "UTF-8"),
        ("server.external_url = \"http://vault.example\"", "https://HOST"),
        ("server.external_url = \"https://vault.example/path\"", "https://HOST"),
        ("limits.api_per_minute = -1", "0 for no limit"),
        ("log.level = \"loud\"", "error, warn"),
        ("log.level = \"\"", "error, warn"),
        ("server = ", "not valid TOML"),
    ] {
        let message = refusal(Some(line), &[]);
        assert!(message.starts_with("strongroom.toml:1: ") && message.contains(word), "{message}");
    }
}

#[test]
fn lists_urls_and_off_read_alike_from_file_and_environment() {
    let file = "[server]\nhttp_redirect_listen = \"off\"\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]\n\
                external_url = \"https://vault.example/\"\n";
    let env = [
        ("STRONGROOM_SERVER__HTTP_REDIRECT_LISTEN", "off"),
        ("STRONGROOM_SERVER__TRUSTED_PROXIES", "10.0.0.1, ::1"),
        ("STRONGROOM_SERVER__EXTERNAL_URL", "https://vault.example"),
    ];
    for settings in [load(Some(file), &[]).unwrap(), load(None, &env).unwrap()] {
        assert_eq!(settings.server.http_redirect_listen, OptionalListen::Off);
        assert_eq!(settings.server.trusted_proxies.len(), 2);
        let url = settings.server.base_url(settings.server.listen);
        assert_eq!(url, "https://vault.example");
    }
}

#[test]
fn links_never_point_to_the_unspecified_address() {
    let url = |bound: &str| Server::default().base_url(bound.parse().unwrap());
    assert!(!url("0.0.0.0:8443").contains("0.0.0.0"));
    assert_eq!(url("[::1]:443"), "https://[::1]");
    assert_eq!(url("10.0.0.1:8443"), "https://10.0.0.1:8443");
}

#[test]
fn settings_that_need_each_other_are_checked_together() {
    let one = refusal(Some("server.tls_key = \"/k.pem\""), &[]);
    assert!(one.contains("set both or neither"), "{one}");
    let same = refusal(Some("server.listen = \"127.0.0.1:8080\""), &[]);
    assert!(same.contains("same address"), "{same}");
}

#[test]
fn mail_goes_out_protected_and_with_a_sender_or_not_at_all() {
    let host = "[mail]\nsmtp_host = \"mail.example.org\"\n";
    let from = format!("{host}from = \"Vault <vault@example.org>\"\n");
    assert!(refusal(Some(host), &[]).contains("needs mail.from"));
    for wrong in ["no address", "a@b\nBcc: c@d", "a@b, c@d"] {
        let env = [("STRONGROOM_MAIL__FROM", wrong)];
        assert!(refusal(Some(host), &env).contains("mail.from"), "{wrong}");
    }
    let mail = load(Some(&from), &[]).unwrap().mail;
    assert_eq!((mail.port(), mail.smtp_tls), (587, crate::config::SmtpTls::Starttls));
    let none = refusal(Some(&format!("{from}smtp_tls = \"none\"\n")), &[]);
    assert!(none.contains("on this machine alone"), "{none}");
    let local = from.replace("mail.example.org", "127.0.0.1") + "smtp_tls = \"none\"\n";
    assert_eq!(load(Some(&local), &[]).unwrap().mail.port(), 25);
    let user = refusal(Some(&format!("{from}smtp_username = \"vault\"\n")), &[]);
    assert!(user.contains("go together"), "{user}");
}

#[test]
fn the_password_of_the_mail_server_is_read_from_its_file_and_never_printed() {
    let dir = TempDir::new().unwrap();
    let path = written(&dir, "smtp", b"correct horse\n", 0o600);
    let file = format!(
        "[mail]\nsmtp_host = \"mail.example.org\"\nfrom = \"vault@example.org\"\n\
         smtp_username = \"vault\"\nsmtp_password_file = \"{}\"\n",
        path.display()
    );
    let mail = load(Some(&file), &[]).unwrap().mail;
    let (name, password) = mail.credentials().unwrap().unwrap();
    assert_eq!((name.as_str(), password.expose_secret()), ("vault", "correct horse"));
    assert!(!format!("{mail:?}").contains("horse"));
    let twice = refusal(Some(&file), &[("STRONGROOM_MAIL__SMTP_PASSWORD", "other")]);
    assert!(twice.contains("set one of them") && !twice.contains("horse"), "{twice}");
    let open = written(&dir, "open", b"correct horse", 0o644);
    let refused = refusal(Some(&file.replace(path.to_str().unwrap(), open.to_str().unwrap())), &[]);
    assert!(refused.contains("644") && !refused.contains("horse"), "{refused}");
}

#[test]
fn a_root_key_given_twice_is_refused() {
    let twice = refusal(
        None,
        &[("STRONGROOM_MASTER_KEY", KEY), ("STRONGROOM_MASTER_KEY_FILE", "/etc/key")],
    );
    assert_eq!(
        twice,
        "the root key is given twice, by environment variable STRONGROOM_MASTER_KEY and by \
         environment variable STRONGROOM_MASTER_KEY_FILE: keep one of them"
    );
    let both = refusal(Some("root_key.file = \"/a\""), &[("STRONGROOM_MASTER_KEY", KEY)]);
    assert!(both.starts_with("the root key is given twice, by strongroom.toml:1"), "{both}");
    let names = [("STRONGROOM_DATA_DIR", "/a"), ("STRONGROOM_STORE__DATA_DIR", "/b")];
    assert!(refusal(None, &names).starts_with("store.data_dir is given twice"));
}

#[test]
fn a_root_key_is_read_from_hex_and_base64_and_never_printed() {
    let base64 = "ABEiM0RVZneImaq7zN3u/w8eLTxLWml4h5altMPS4fA=";
    for text in [KEY.to_owned(), KEY.to_uppercase(), base64.into(), base64.replace(['=', '\n'], "")]
    {
        let settings = load(None, &[("STRONGROOM_MASTER_KEY", &text)]).unwrap();
        let key = settings.root_key.source().load().unwrap().unwrap();
        assert_eq!(key.expose_secret()[..3], [0x00, 0x11, 0x22]);
        let debug = format!("{settings:?}").to_lowercase();
        assert!(debug.contains("[redacted]") && !debug.contains("17, 34"), "{debug}");
    }
    assert!(load(None, &[]).unwrap().root_key.source().load().unwrap().is_none());
}

#[test]
fn a_weak_or_missing_root_key_is_refused_with_the_way_to_make_one() {
    let repeated = "ab".repeat(32);
    let few = "0123456789abcdef".repeat(4);
    for text in ["", "short", &repeated, &few, &KEY[2..]] {
        let message = refusal(None, &[("STRONGROOM_MASTER_KEY", text)]);
        assert!(message.contains("openssl rand -hex 32"), "{message}");
        assert!(text.is_empty() || !message.contains(text), "a secret in a message: {message}");
    }
}

#[test]
fn a_key_file_holds_raw_bytes_hex_or_base64() {
    let dir = TempDir::new().unwrap();
    let key = SecretKey32::from_text(KEY).unwrap();
    let raw = key.expose_secret().to_vec();
    let spellings: [Vec<u8>; 4] = [
        raw.clone(),
        [raw.as_slice(), b"\n"].concat(),
        format!("{KEY}\n").into_bytes(),
        data_encoding::BASE64.encode(&raw).into_bytes(),
    ];
    for content in spellings {
        let path = written(&dir, "key", &content, 0o600);
        let read = RootKeyConfig::File(path).load().unwrap().unwrap();
        assert_eq!(read.expose_secret(), key.expose_secret());
    }
    for content in [&b"a password of thirty-two letters"[..], b"", &[0; 32], &[7; 500]] {
        let path = written(&dir, "key", content, 0o600);
        let message = RootKeyConfig::File(path).load().unwrap_err().to_string();
        assert!(message.contains("openssl rand -hex 32"), "{message}");
    }
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let dir = TempDir::new().unwrap();
    for mode in [0o660, 0o604] {
        let key = written(&dir, "key", KEY.as_bytes(), mode);
        let message = RootKeyConfig::File(key).load().unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
        let text = format!("[root_key]\nkey = \"{KEY}\"\n");
        let file = Some(written(&dir, "config", text.as_bytes(), mode));
        let message =
            Settings::load(Sources { file, ..Sources::default() }).unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
    }
}

#[test]
fn a_file_of_root_that_the_service_may_read_can_hold_a_secret() {
    let dir = TempDir::new().unwrap();
    let text = format!("[root_key]\nkey = \"{KEY}\"\n");
    let file = Some(written(&dir, "config", text.as_bytes(), 0o640));
    let read = Settings::load(Sources { file, ..Sources::default() });
    // Anybody else's file has to be their own alone.
    assert_eq!(read.is_ok(), rustix::process::geteuid().is_root(), "{:?}", read.err());
}

#[test]
fn a_credential_of_systemd_is_the_root_key_unless_another_is_given_too() {
    let dir = TempDir::new().unwrap();
    let credentials = Some(dir.path().to_owned());
    let load = |env: &[(&str, &str)]| {
        let env = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Settings::load(Sources { env, credentials: credentials.clone(), ..Sources::default() })
    };
    assert!(matches!(load(&[]).unwrap().root_key.source(), RootKeyConfig::None));
    let path = written(&dir, "strongroom-root-key", KEY.as_bytes(), 0o400);
    let source = load(&[]).unwrap().root_key.source();
    assert!(matches!(&source, RootKeyConfig::Credential(found) if *found == path), "{source:?}");
    assert_eq!(source.load().unwrap().unwrap().expose_secret()[..3], [0x00, 0x11, 0x22]);
    for (name, value) in [
        ("STRONGROOM_MASTER_KEY", KEY),
        ("STRONGROOM_MASTER_KEY_FILE", "/etc/key"),
        ("STRONGROOM_ROOT_KEY__PASSPHRASE_FROM", "terminal"),
    ] {
        let twice = load(&[(name, value)]).unwrap_err().to_string();
        assert!(twice.contains(name) && twice.contains("systemd credential"), "{twice}");
        assert!(twice.contains("keep one of them") && !twice.contains(KEY), "{twice}");
    }
    // Named by a setting too, as units did before: it is one source.
    let named = path.to_str().unwrap();
    let settings = load(&[("STRONGROOM_MASTER_KEY_FILE", named)]).unwrap();
    assert!(matches!(settings.root_key.source(), RootKeyConfig::File(_)));
}

#[test]
fn a_key_or_passphrase_in_the_data_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("key"), KEY).unwrap();
    std::os::unix::fs::symlink(data.join("key"), dir.path().join("link")).unwrap();
    for inside in [data.join("key"), dir.path().join("link"), dir.path().join("data/../data/key")] {
        let refused = RootKeyConfig::File(inside).refuse_beside(&data).unwrap_err().to_string();
        assert!(refused.contains("beside it"), "{refused}");
    }
    let path = data.join("passphrase").display().to_string();
    let settings = load(None, &[("STRONGROOM_ROOT_KEY__PASSPHRASE_FROM", &path)]).unwrap();
    assert!(settings.root_key.source().refuse_beside(&data).is_err());
    let outside = written(&dir, "key", KEY.as_bytes(), 0o600);
    RootKeyConfig::File(outside).refuse_beside(&data).unwrap();
}

#[test]
fn a_passphrase_comes_from_a_place_and_is_no_setting_itself() {
    const NAME: &str = "STRONGROOM_ROOT_KEY__PASSPHRASE_FROM";
    for wrong in ["harbour lantern", "fd:", "fd:x", "relative/file", ""] {
        let said = refusal(None, &[(NAME, wrong)]);
        assert!(said.contains("fd:NUMBER"), "{said}");
        assert!(wrong.is_empty() || !said.contains(&format!("\"{wrong}\"")), "{said}");
    }
    let dir = TempDir::new().unwrap();
    let read = |content: &[u8], mode| {
        let path = written(&dir, "passphrase", content, mode);
        let settings = load(None, &[(NAME, path.to_str().unwrap())]).unwrap();
        let RootKeyConfig::Passphrase(from) = settings.root_key.source() else { panic!() };
        from.read(true).map(|text| text.expose_secret().to_owned())
    };
    assert_eq!(read(b"harbour lantern\nnotes\n", 0o600).unwrap(), "harbour lantern");
    assert!(read(b"harbour lantern", 0o644).unwrap_err().to_string().contains("chmod 600"));
    for bad in [&b""[..], b"\nx", b"\xff\xfe", &[b'x'; 5000]] {
        let said = read(bad, 0o600).unwrap_err().to_string();
        assert!(said.starts_with("passphrase of the root key: /"), "{said}");
    }
}

#[test]
fn the_documentation_lists_every_setting_as_it_is() {
    let docs = include_str!("../../docs/configuration.md");
    let rows = Settings::describe().into_iter().map(|setting| {
        let alias = setting.alias.map(|alias| format!("<br>or `{alias}`")).unwrap_or_default();
        let default = match setting.default.as_str() {
            "" => "unset".to_owned(),
            default => format!("`{default}`"),
        };
        format!("| `{}` | `{}`{alias} | {default} | {} |\n", setting.key, setting.env, setting.doc)
    });
    let table: String = rows.collect();
    assert!(docs.contains(&table), "put this table into docs/configuration.md:\n{table}");
}
