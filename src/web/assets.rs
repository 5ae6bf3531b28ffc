//! The files under `static/`, carried in the binary: no request of the console leaves the box.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// How much of the hash goes into a URL: enough to tell versions apart.
const VERSION_HEX: usize = 16;

/// A static file as it is sent.
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub content_type: &'static str,
    /// Strong entity tag, quotes included: SHA-256 of the bytes in hex (RFC 9110, 8.8.3).
    pub etag: String,
    version: String,
}

/// The file of this name, as in `/static/{name}`.
pub fn find(name: &str) -> Option<Asset> {
    let content_type = content_type(name)?;
    let file = Files::get(name)?;
    let hash = HEXLOWER.encode(&file.metadata.sha256_hash());
    let version = hash[..VERSION_HEX].to_owned();
    Some(Asset { bytes: file.data, content_type, etag: format!("\"{hash}\""), version })
}

impl Asset {
    /// Whether `v` of the query names these very bytes: then the answer may be kept for ever.
    pub fn is_version(&self, v: &str) -> bool {
        self.version == v
    }
}

/// The URL that pages use: it changes with the content, so browsers may keep what it names.
pub fn url(name: &str) -> String {
    match find(name) {
        Some(asset) => format!("/static/{name}?v={}", asset.version),
        None => format!("/static/{name}"),
    }
}

/// Only kinds that the console serves; anything else is not found.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_file_names_its_content() {
        let css = find("app.css").expect("style sheet");
        let (path, version) = url("app.css").split_once("?v=").map(own).expect("versioned");
        assert_eq!(path, "/static/app.css");
        assert!(css.is_version(&version));
        assert_eq!(css.etag.len(), 64 + 2);
    }

    #[test]
    fn nothing_outside_the_folder_is_found() {
        assert!(find("../Cargo.toml").is_none());
        assert!(find("missing.css").is_none());
    }

    fn own((a, b): (&str, &str)) -> (String, String) {
        (a.to_owned(), b.to_owned())
    }
}
