//! What somebody with an authenticator app and a list of recovery codes does.

use totp_rs::{Builder, Secret};

/// The secret that a page shows to type.
pub fn secret(page: &str) -> String {
    let after = page.split_once("class=\"app-secret\">").unwrap_or_else(|| panic!("{page}")).1;
    after.split('<').next().unwrap().replace(' ', "")
}

/// The code of a secret now.
pub fn code(secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    Builder::new().with_secret(secret).build().unwrap().generate_current().to_string()
}

/// The codes on the page that shows them once.
pub fn recovery_codes(page: &str) -> Vec<String> {
    let list = page.split_once("<ol class=\"codes\">").unwrap_or_else(|| panic!("{page}")).1;
    let list = list.split("</ol>").next().unwrap();
    let codes: Vec<String> =
        list.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap().into()).collect();
    assert_eq!(codes.len(), 10, "{list}");
    codes
}

/// The recovery codes that people of test installations have kept: an app's code works once in
/// thirty seconds, which is longer than tests want to wait.
pub mod kept {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};
    use std::sync::{LazyLock, Mutex};

    type Kept = HashMap<(PathBuf, String, String), Vec<String>>;
    static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

    fn key(data: &Path, page: &str, email: &str) -> (PathBuf, String, String) {
        (data.to_owned(), page.to_owned(), email.to_owned())
    }

    pub fn keep(data: &Path, page: &str, email: &str, codes: Vec<String>) {
        KEPT.lock().unwrap().insert(key(data, page, email), codes);
    }

    /// One that was not used yet.
    pub fn take(data: &Path, page: &str, email: &str) -> String {
        let mut kept = KEPT.lock().unwrap();
        let codes = kept.get_mut(&key(data, page, email));
        codes.and_then(Vec::pop).unwrap_or_else(|| panic!("no recovery code left of {email}"))
    }
}
