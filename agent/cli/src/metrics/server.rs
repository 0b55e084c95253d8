//! The port on which a board is shown.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::board::Board;
use super::page::MEDIA_TYPE;
use crate::failure::Failure;
use crate::web;

/// Where to listen: `PORT` of 127.0.0.1, or `ADDRESS:PORT`. Port 0 is a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(SocketAddr);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(port) = text.parse() {
            return Ok(Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        text.parse().map(Self).map_err(|_| {
            "give a port such as 9464, or an address with one such as 0.0.0.0:9464 or [::1]:9464".to_owned()
        })
    }
}

/// A board that is shown on a port, until this is dropped.
pub struct Server {
    /// The board.
    pub board: Board,
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    /// Shows a new board where one is asked for.
    ///
    /// # Errors
    /// Exit 2 if the port is in use or may not be taken.
    pub async fn asked(place: Option<Place>, quiet: bool) -> Result<Option<Self>, Failure> {
        let Some(place) = place else { return Ok(None) };
        let server = Self::start(place).await?;
        if !quiet {
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "metrics: {}", server.url()));
        }
        Ok(Some(server))
    }

    async fn start(place: Place) -> Result<Self, Failure> {
        let board = Board::default();
        let refused = |error: std::io::Error| {
            Failure::usage(format!("{} can't be listened on", place.0))
                .caused_by(&error)
                .hint("give another --metrics-listen, or port 0 for a free one")
        };
        let listener = TcpListener::bind(place.0).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let router = Router::new()
            .route("/metrics", get(page))
            .with_state(board.clone())
            .layer(middleware::from_fn_with_state(address, guard));
        let mut task = JoinSet::new();
        // It ends with an error only if the system takes the port away, which is no reason to end a batch.
        task.spawn(async move { drop(axum::serve(listener, router).await) });
        if !address.ip().is_loopback() {
            tracing::warn!("everybody who reaches {address} can read the metrics of this batch");
        }
        Ok(Self { board, address, _task: task })
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

async fn page(State(board): State<Board>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], board.text()).into_response()
}

async fn guard(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    let checked = web::check(&request, |host| is_allowed(host, address.ip()));
    match checked {
        Err((StatusCode::FORBIDDEN, _)) => {
            let why = "Ask for this machine by its address: names of others are refused, and other sites.\n";
            web::sealed((StatusCode::FORBIDDEN, why).into_response())
        }
        Err(refusal) => web::sealed(refusal.into_response()),
        Ok(()) => web::sealed(next.run(request).await),
    }
}

/// Whether a `Host` header may stand for an address that is listened on. A name that somebody pointed at this machine is
/// the one danger, so where other machines may ask, every address is as good as another.
fn is_allowed(host: &str, listens: IpAddr) -> bool {
    let given = web::name_of(host).and_then(|name| name.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    web::is_loopback(host) || given.is_some_and(|ip| ip.is_loopback() || !listens.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_ports_and_addresses() {
        let shown = |text: &str| text.parse::<Place>().map(|place| place.0.to_string());
        assert_eq!(shown("9464").unwrap(), "127.0.0.1:9464");
        assert_eq!(shown("0.0.0.0:1").unwrap(), "0.0.0.0:1");
        assert_eq!(shown("[::1]:1").unwrap(), "[::1]:1");
        for bad in ["", "localhost:1", "70000", ":9464", "1.2.3.4"] {
            assert!(shown(bad).unwrap_err().contains("9464"), "{bad}");
        }
    }

    #[test]
    fn names_of_others_are_refused() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let all = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        for host in ["127.0.0.1:9464", "localhost", "[::1]:9464", "[::1]"] {
            assert!(is_allowed(host, loopback) && is_allowed(host, all), "{host}");
        }
        for host in ["10.0.0.7:9464", "[fe80::1]:9464"] {
            assert!(!is_allowed(host, loopback) && is_allowed(host, all), "{host}");
        }
        for host in ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "127.0.0.1:x", ""] {
            assert!(!is_allowed(host, loopback) && !is_allowed(host, all), "{host}");
        }
    }
}
