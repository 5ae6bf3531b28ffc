//! From file, environment and flags to checked `Settings`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::error::{ConfigError, Origin};
use super::given::Given;
use super::table::Settings;

/// Read when neither `--config` nor `STRONGROOM_CONFIG` names another, if it exists.
pub const DEFAULT_FILE: &str = "/etc/strongroom/strongroom.toml";
pub(super) const PREFIX: &str = "STRONGROOM_";
/// Names the file, so it is no setting.
pub(super) const FILE_VARIABLE: &str = "STRONGROOM_CONFIG";
/// The systemd credential that is the root key.
pub const ROOT_KEY_CREDENTIAL: &str = "strongroom-root-key";

/// Where settings come from; the process's own by [`Sources::process`].
#[derive(Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Read if it exists and no other file is named.
    pub default_file: Option<PathBuf>,
    /// Environment variables; those of other programs are ignored.
    pub env: Vec<(String, String)>,
    /// Where systemd puts the credentials of this service.
    pub credentials: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

impl Sources {
    /// This process's environment and the usual file. A value that is not UTF-8 arrives with
    /// replacement characters, which no setting accepts.
    pub fn process() -> Self {
        let env = std::env::vars_os()
            .map(|(name, value)| (lossy(&name), lossy(&value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { default_file: Some(DEFAULT_FILE.into()), env, credentials, ..Self::default() }
    }

    fn config_file(&self) -> Option<PathBuf> {
        let named = || self.env.iter().find(|(name, _)| name == FILE_VARIABLE);
        self.file
            .clone()
            .or_else(|| named().map(|(_, path)| path.into()))
            .or_else(|| self.default_file.clone().filter(|path| path.exists()))
    }
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

/// What the sources say, with everything that is wrong with it.
pub struct Examined {
    /// Where something is wrong, the default stands instead.
    pub settings: Settings,
    /// Nothing, when a server would start with them.
    pub problems: Vec<ConfigError>,
}

impl Settings {
    /// Reads and checks every setting: flags over environment over file over defaults.
    ///
    /// Errors: a file that cannot be read; an unknown key or variable; a value of another type or
    /// out of range; a secret given twice; a secret that others may read; settings that do not go
    /// together. The first of them; [`Settings::examine`] has all.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let Examined { settings, problems } = Self::examine(sources);
        match problems.into_iter().next() {
            None => Ok(settings),
            Some(first) => Err(first),
        }
    }

    /// The same, and everything that is wrong.
    pub fn examine(sources: Sources) -> Examined {
        let mut given = Given::default();
        let file = sources.config_file();
        let is_read = file.as_deref().is_none_or(|path| given.add_file(path));
        given.add_environment(sources.env);
        given.add_credential(sources.credentials.as_deref());
        let mut settings = Self { file, ..Self::read(&mut given) };
        if let Some(path) = sources.data_dir {
            settings.store.data_dir = path;
            given.replace("store.data_dir", Origin::Flag("--data-dir"));
        }
        if let Some(address) = sources.listen {
            settings.server.listen = address;
            given.replace("server.listen", Origin::Flag("--listen"));
        }
        // What a file would have said cannot be held against what is there.
        if is_read {
            given.refuse_conflicts(&settings);
        }
        let (origins, problems) = given.end();
        Examined { settings: Self { origins, ..settings }, problems }
    }
}
