//! What all tasks of a run have in common: how to search, without the model and the sandbox, which each worker has of its
//! own.

use codeagent::models::PriceTable;
use codeagent::sandbox::Limits;
use codeagent::{AgentBuilder, Sampling, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::batch::differing;

/// Version of the order's form.
const VERSION: u8 = 1;

/// Fields of a batch's spec that are not of its agents.
const NOT_OF_AGENTS: &str = "dataset";

/// What the workers of a run are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Version of the form.
    pub v: u8,
    /// The run.
    pub run: String,
    /// The spec of its agents: what their results depend on.
    pub agent: Value,
    /// Prices, for budgets and costs.
    pub prices: PriceTable,
    /// Steps of a search that are carried out at a time.
    pub in_flight: usize,
}

/// A worker would not draw what the run asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this worker is not what the run asks for: it has another value of {}", keys.join(", "))]
pub struct Mismatch {
    /// What differs.
    pub keys: Vec<String>,
}

impl Order {
    /// The order of a batch with this spec.
    #[must_use]
    pub fn new(run: String, spec: &Value, prices: PriceTable, in_flight: usize) -> Self {
        let mut agent = spec.clone();
        agent.as_object_mut().and_then(|fields| fields.remove(NOT_OF_AGENTS));
        Self { v: VERSION, run, agent, prices, in_flight }
    }

    /// An agent that has its model and its sandbox, made to do as ordered.
    ///
    /// # Errors
    /// [`Mismatch`] if it would give other results.
    pub fn agent(&self, base: AgentBuilder) -> Result<AgentBuilder, Mismatch> {
        let unreadable = |key: &str| Mismatch { keys: vec![key.to_owned()] };
        let text = |key: &str| self.agent.get(key).and_then(Value::as_str).ok_or_else(|| unreadable(key));
        let field = |key: &str| self.agent.get(key).cloned().unwrap_or_default();
        if self.v != VERSION {
            return Err(unreadable("v"));
        }
        let strategy = Strategy::by_name(text("strategy")?, &field("settings"));
        let sampling: Sampling =
            serde_json::from_value(field("sampling")).map_err(|_| unreadable("sampling"))?;
        let limits: Limits = serde_json::from_value(field("limits")).map_err(|_| unreadable("limits"))?;
        let mut agent = base
            .strategy(strategy.map_err(|_| unreadable("strategy"))?)
            .sampling(sampling)
            .limits(limits)
            .seed(field("seed").as_u64().unwrap_or_default())
            .prices(self.prices.clone())
            .in_flight(self.in_flight.max(1));
        if let Ok(protocol) = text("protocol") {
            agent = agent.protocol(protocol);
        }
        let spec = agent.clone().build().map_err(|_| unreadable("model"))?.spec();
        // Numbers may have been written otherwise than they are here.
        let spec: Value = serde_json::from_str(&spec.to_string()).unwrap_or_default();
        let keys = differing(&self.agent, &spec);
        if keys.is_empty() { Ok(agent) } else { Err(Mismatch { keys }) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use codeagent::Agent;
    use codeagent::models::Scripted;
    use codeagent::sandbox::wasm::WasmSandbox;
    use codeagent::strategy::NAMES;
    use serde_json::json;

    use super::*;

    fn base() -> AgentBuilder {
        let model = Scripted::answering(|_, _| String::new());
        Agent::builder().provider(Arc::new(model)).sandbox(Arc::new(WasmSandbox::new().unwrap()))
    }

    /// The order of an agent, as a worker reads it.
    fn order(strategy: &str) -> (Order, Value) {
        let strategy = Strategy::by_name(strategy, &Value::Null).unwrap();
        let sampling: Sampling = serde_json::from_value(json!({"temperature": 0.7})).unwrap();
        let agent = base().strategy(strategy).sampling(sampling).seed(9).protocol("strict").build().unwrap();
        let mut spec = agent.spec();
        spec["dataset"] = json!({"hash": "h"});
        let order = Order::new("r".to_owned(), &spec, PriceTable::default(), 3);
        (serde_json::from_str(&serde_json::to_string(&order).unwrap()).unwrap(), agent.spec())
    }

    #[test]
    fn every_strategy_arrives_as_it_was() {
        for name in NAMES {
            let (order, spec) = order(name);
            assert_eq!(order.agent(base()).unwrap().build().unwrap().spec(), spec, "{name}");
        }
    }

    #[test]
    fn a_worker_that_differs_is_told_in_what() {
        for (path, value, keys) in [
            ("/model", json!("other"), vec!["model"]),
            ("/sandbox/backend", json!("local"), vec!["sandbox.backend"]),
            ("/version", json!("9.9.9"), vec!["version"]),
            ("/strategy", json!("magic"), vec!["strategy"]),
            ("/sampling", json!(7), vec!["sampling"]),
        ] {
            let (mut order, _) = order("resample");
            *order.agent.pointer_mut(path).unwrap() = value;
            assert_eq!(order.agent(base()).err().map(|it| it.keys).unwrap(), keys, "{path}");
        }
    }
}
