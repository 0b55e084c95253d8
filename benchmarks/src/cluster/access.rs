//! How NATS servers know us, and we them: credentials and certificates, in files.

use std::path::{Path, PathBuf};

use async_nats::ConnectOptions;
use tokio::io::AsyncReadExt as _;

use super::ClusterError;

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Files that a connection needs. Only their names are ever shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// NATS credentials: a user's JWT and its key, as `nsc generate creds` writes them.
    pub creds: Option<PathBuf>,
    /// Certificates (PEM) of who may have signed the servers' ones, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The client's own certificate and its key (PEM).
    pub identity: Option<Identity>,
}

/// A client's certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// File of the certificate.
    pub certificate: PathBuf,
    /// File of its key.
    pub key: PathBuf,
}

impl Access {
    /// Options with these files. With certificates the connection must be encrypted.
    ///
    /// # Errors
    /// [`ClusterError::Access`] for a file that can't be read or holds something else; it quotes none of them.
    pub(super) async fn apply(&self, mut options: ConnectOptions) -> Result<ConnectOptions, ClusterError> {
        if let Some(path) = &self.creds {
            let text = read(path).await?;
            // What is wrong in particular might quote the key.
            let refused =
                |_| refused(path, "it holds no JWT and key of a user, as `nsc generate creds` writes them");
            options = options.credentials(&text).map_err(refused)?;
        }
        if let Some(path) = &self.ca {
            require(path, "-----BEGIN CERTIFICATE-----", "it holds no certificate in PEM").await?;
            options = options.add_root_certificates(path.clone()).require_tls(true);
        }
        if let Some(Identity { certificate, key }) = &self.identity {
            require(certificate, "-----BEGIN CERTIFICATE-----", "it holds no certificate in PEM").await?;
            require(key, "PRIVATE KEY-----", "it holds no private key in PEM").await?;
            options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
        }
        Ok(options)
    }
}

async fn require(path: &Path, mark: &str, reason: &str) -> Result<(), ClusterError> {
    if read(path).await?.contains(mark) { Ok(()) } else { Err(refused(path, reason)) }
}

async fn read(path: &Path) -> Result<String, ClusterError> {
    let failed = |error: std::io::Error| refused(path, error.to_string());
    let metadata = tokio::fs::metadata(path).await.map_err(failed)?;
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(refused(path, "it is no file"));
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).await.map_err(failed)?;
    Ok(text)
}

fn refused(path: &Path, reason: impl Into<String>) -> ClusterError {
    ClusterError::Access { path: path.to_path_buf(), reason: reason.into() }
}
