//! Closing a tenant: time of grace, then destruction with a certificate.
