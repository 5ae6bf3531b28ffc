//! Where links between pages lead: they are written as relative paths of files, which is what works
//! beside the source, and become addresses of the console.

/// The address that a link on `page` leads to; none when it is not among the pages.
pub fn address(page: &str, link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let (path, fragment) = match link.split_once('#') {
        Some((path, fragment)) => (path, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let file = joined(page, path)?;
    if file == "README.md" {
        return Some("/docs".to_owned());
    }
    if let Some(image) = file.strip_prefix("images/") {
        return Some(format!("/docs/images/{image}"));
    }
    file.strip_suffix(".md").map(|page| format!("/docs/{page}{fragment}"))
}

/// A path relative to a page's folder, from the folder of all; none outside of it.
fn joined(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_page_from_every_folder() {
        let to = |page, link| address(page, link).unwrap_or_default();
        assert_eq!(to("backup", "restore.md#after-a-fire"), "/docs/restore#after-a-fire");
        assert_eq!(to("runbooks/fire", "../restore.md"), "/docs/restore");
        assert_eq!(to("runbooks/fire", "damaged-disk.md"), "/docs/runbooks/damaged-disk");
        assert_eq!(to("runbooks/fire", "../images/a.png"), "/docs/images/a.png");
        assert_eq!(to("backup", "#targets"), "#targets");
    }

    #[test]
    fn nothing_leads_out_of_the_folder_or_to_a_script() {
        for link in ["../LICENSE", "../../etc/passwd.md", "javascript:alert(1)", "http://x"] {
            assert_eq!(address("backup", link), None, "{link}");
        }
    }
}
