//! What this binary is made of: the libraries compiled into it, with their licences, as a table for
//! people and as a CycloneDX bill of materials for programs.
//!
//! The table is made from `Cargo.lock` by `packaging/components` and lies in the tree, so that a
//! plain build without network has it too. A test compares.

use serde_json::{Value, json};

const TABLE: &str = include_str!("../../packaging/components.tsv");

/// One library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    pub name: &'static str,
    pub version: &'static str,
    /// An SPDX expression, as its authors wrote it.
    pub licence: &'static str,
    /// SHA-256 of its source as it was fetched, in hexadecimal.
    pub checksum: &'static str,
    /// Of a library in C, which a crate brings: vendor and product, as advisories name it (CPE 2.3).
    pub product: Option<&'static str>,
}

/// All of them by name.
pub fn all() -> impl Iterator<Item = Component> {
    TABLE.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Component {
            name: fields.next()?,
            version: fields.next()?,
            licence: fields.next()?,
            checksum: fields.next()?,
            product: fields.next(),
        })
    })
}

/// CycloneDX 1.5. The same of each copy of a build: no time, no serial number.
pub fn bill_of_materials() -> Value {
    let (version, build) = (env!("CARGO_PKG_VERSION"), crate::BUILD);
    let components: Vec<_> = all().map(component).collect();
    let own = format!("pkg:generic/strongroom@{version}");
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "strongroom",
                "version": version,
                "purl": own,
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
                "properties": [{ "name": "strongroom:build", "value": build }],
            },
        },
        "components": components,
        "dependencies": [{
            "ref": own,
            "dependsOn": all().map(|one| purl(&one)).collect::<Vec<_>>(),
        }],
    })
}

fn purl(Component { name, version, product, .. }: &Component) -> String {
    let kind = if product.is_some() { "generic" } else { "cargo" };
    // What is reserved in a package URL.
    format!("pkg:{kind}/{name}@{}", version.replace('+', "%2B"))
}

fn component(one: Component) -> Value {
    let url = purl(&one);
    let mut component = json!({
        "type": "library",
        "bom-ref": url,
        "name": one.name,
        "version": one.version,
        "purl": url,
        "licenses": [{ "expression": one.licence }],
        "hashes": [{ "alg": "SHA-256", "content": one.checksum }],
    });
    if let Some(product) = one.product {
        component["cpe"] = format!("cpe:2.3:a:{product}:{}:*:*:*:*:*:*:*", one.version).into();
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_what_the_lock_file_says() {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut command = std::process::Command::new(format!("{root}/packaging/components"));
        let said = command.arg("--check").output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }

    #[test]
    fn every_library_has_a_licence_and_the_hash_of_its_source() {
        assert!(all().count() > 100);
        for one in all() {
            assert!(!one.licence.is_empty() && one.checksum.len() == 64, "{one:?}");
        }
        for name in ["rusqlite", "openssl", "sqlcipher", "sqlite"] {
            assert!(all().any(|one| one.name == name), "{name}");
        }
    }

    #[test]
    fn the_bill_of_materials_names_each_of_them_once() {
        let bill = bill_of_materials();
        let components = bill["components"].as_array().unwrap();
        let mut references: Vec<_> =
            components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        references.sort_unstable();
        references.dedup();
        assert_eq!(references.len(), all().count());
        assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
