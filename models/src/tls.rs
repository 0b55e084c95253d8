//! The cryptography behind https.

/// Makes ring the process's provider of TLS cryptography, unless it has one already. Safe to call again.
pub fn install_tls() {
    // The error says that another provider is installed, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
