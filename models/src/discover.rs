//! Finds model servers on this machine, on the ports where they usually are.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;
use serde::Deserialize;

use crate::chat::client;

/// How long one server may take to answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long a connection may take; the whole probe has its own limit.
const CONNECT: Duration = Duration::from_secs(5);

/// Most bytes of a list of models.
const LIST_BYTES_MAX: usize = 1 << 20;

/// Kinds of servers, with their usual ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// Port 11434.
    Ollama,
    /// Port 8080.
    LlamaCpp,
    /// Port 8000.
    Vllm,
    /// Port 1234.
    LmStudio,
    /// Port 30000.
    SgLang,
    /// Port 4000.
    LiteLlm,
}

impl Server {
    /// All kinds, in the order of trying.
    pub const ALL: [Self; 6] =
        [Self::Ollama, Self::LlamaCpp, Self::Vllm, Self::LmStudio, Self::SgLang, Self::LiteLlm];

    /// The port where it usually is.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Ollama => 11434,
            Self::LlamaCpp => 8080,
            Self::Vllm => 8000,
            Self::LmStudio => 1234,
            Self::SgLang => 30000,
            Self::LiteLlm => 4000,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vLLM",
            Self::LmStudio => "LM Studio",
            Self::SgLang => "SGLang",
            Self::LiteLlm => "litellm",
        }
    }
}

/// A server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What usually is on that port; another server may be there.
    pub server: Server,
    /// Its address for [`crate::ChatConfig`].
    pub base_url: String,
    /// The models that it offers, in its order.
    pub models: Vec<String>,
}

/// Asks all usual ports of this machine at once, for 300 ms; never leaves the machine.
pub async fn discover() -> Vec<Found> {
    discover_at(&Server::ALL.map(|server| (server, server.port())), PATIENCE).await
}

/// The same on other ports and with another patience; results are in the order of the ports.
pub async fn discover_at(ports: &[(Server, u16)], patience: Duration) -> Vec<Found> {
    let probes = ports.iter().map(|&(server, port)| async move {
        tokio::time::timeout(patience, probe(server, port)).await.ok().flatten()
    });
    join_all(probes).await.into_iter().flatten().collect()
}

async fn probe(server: Server, port: u16) -> Option<Found> {
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let url = Url::parse(&format!("{base_url}/models")).ok()?;
    let client = client(&url, CONNECT).build().ok()?;
    let mut response = client.get(url).send().await.ok()?.error_for_status().ok()?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.ok()? {
        body.extend_from_slice(&part);
        if body.len() > LIST_BYTES_MAX {
            return None;
        }
    }
    let list: List = serde_json::from_slice(&body).ok()?;
    let models = list.data.into_iter().map(|model| model.id).filter(|id| !id.contains(char::is_control));
    Some(Found { server, base_url, models: models.collect() })
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}
