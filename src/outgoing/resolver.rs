//! Names, for the HTTP client.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Allowed;

/// Asks the system for addresses and gives back those that may be used.
pub struct Guarded(pub Allowed);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, name) = (self.0.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = allowed.resolve(&name, 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
