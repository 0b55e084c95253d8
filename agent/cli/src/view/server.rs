//! The viewer's server: one port of 127.0.0.1.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::folder::Folder;
use super::guard::Token;
use super::routes::router;
use crate::failure::{Exit, Failure};

/// A viewer that has its port and does not answer yet.
pub struct Server {
    listener: TcpListener,
    token: Token,
    port: u16,
}

impl Server {
    /// Takes a port of 127.0.0.1, a free one for 0.
    ///
    /// # Errors
    /// Exit 2 if the port is in use or may not be taken.
    pub async fn bind(port: u16) -> Result<Self, Failure> {
        let refused = |error: std::io::Error| {
            let what = if error.kind() == std::io::ErrorKind::AddrInUse {
                format!("port {port} of 127.0.0.1 is in use")
            } else {
                format!("port {port} of 127.0.0.1 can't be had")
            };
            Failure::usage(what).caused_by(&error).hint("give another --port, or leave it out for a free one")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        Ok(Self { listener, token: Token::draw(port)?, port })
    }

    /// The address of its page, with the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token.text())
    }

    /// Answers until it is dropped.
    ///
    /// # Errors
    /// Exit 70 if the system takes the port away.
    pub async fn serve(self, folder: Folder) -> Result<(), Failure> {
        let router = router(Arc::new(folder), self.token);
        let served = axum::serve(self.listener, router).await;
        served.map_err(|error| Failure::new(Exit::Internal, "the viewer broke down").caused_by(&error))
    }
}
