//! How far searches are, told while they go on, to whoever listens. Nothing depends on it: what is not heard is lost.

use std::convert::Infallible;

use async_nats::{Client, Subscriber};
use bytes::Bytes;
use codeagent::Event;
use codeagent::event::EventKind;
use tokio::sync::mpsc;

use super::link::{Link, RunNames};
use super::{ClusterError, PAUSE};
use crate::batch::Step;
use crate::queue::Ticket;

/// Steps of one worker that may wait to be told; more are lost.
const BACKLOG: usize = 256;

/// A worker's end.
pub(super) struct Teller {
    client: Client,
    names: RunNames,
    told: mpsc::Receiver<Step>,
}

impl Teller {
    /// Who tells, and where what is to be told goes in.
    pub(super) fn new(link: &Link, names: RunNames) -> (Self, mpsc::Sender<Step>) {
        let (tell, told) = mpsc::channel(BACKLOG);
        (Self { client: link.client(), names, told }, tell)
    }

    /// Tells what there is. Never returns.
    pub(super) async fn tell(&mut self) -> Infallible {
        while let Some(step) = self.told.recv().await {
            let Ok(text) = serde_json::to_vec(&step) else { continue };
            // Lost while no server is there, as it may be.
            drop(self.client.publish(self.names.step_subject(&step.task), Bytes::from(text)).await);
        }
        std::future::pending().await
    }
}

/// What is made of the events of a search.
pub(super) fn look(ticket: &Ticket, worker: &str, tell: mpsc::Sender<Step>) -> Box<dyn FnMut(&Event) + Send> {
    let (task, sample) = (ticket.task.clone(), ticket.sample);
    let mut step = Step { worker: worker.to_owned(), task, sample, ..Step::default() };
    Box::new(move |event| {
        if take_in(&mut step, &event.kind) {
            // Whoever falls behind misses some.
            drop(tell.try_send(step.clone()));
        }
    })
}

/// Takes an event in. Whether it is worth telling.
fn take_in(step: &mut Step, event: &EventKind) -> bool {
    match event {
        EventKind::NodeAdded { .. } => {
            step.nodes = step.nodes.saturating_add(1);
            return false;
        }
        EventKind::CandidateBest { passed, total } => step.best = Some((*passed, *total)),
        EventKind::Budget { calls, .. } => step.calls = *calls,
        EventKind::TaskFinished { .. } => step.ended = true,
        EventKind::TaskStarted { .. } => {}
        _ => return false,
    }
    true
}

/// The coordinator's end.
pub(super) struct Listener(Subscriber);

impl Listener {
    /// Listens to the searches of a run.
    ///
    /// # Errors
    /// [`ClusterError::Server`].
    pub(super) async fn open(link: &Link, names: &RunNames) -> Result<Self, ClusterError> {
        let subscribed = link.client().subscribe(names.step_subjects()).await;
        subscribed.map(Self).map_err(|error| ClusterError::server("tell how far searches are", error))
    }

    /// The next step that is heard.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            match futures_util::StreamExt::next(&mut self.0).await {
                Some(message) => {
                    if let Ok(step) = serde_json::from_slice(&message.payload) {
                        return step;
                    }
                }
                // The connection was given up; nothing comes any more.
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_the_events_before_it_add_up_to() {
        let budget = |calls| EventKind::Budget { calls, generations: 0, tokens: 0, micro_usd: 0 };
        let finished = EventKind::TaskFinished { status: codeagent::Status::Solved, stop_reason: None };
        let events = [
            (EventKind::NodeReverted, false),
            (budget(2), true),
            (EventKind::CandidateBest { passed: 1, total: 3 }, true),
            (EventKind::CandidateBest { passed: 3, total: 3 }, true),
            (budget(5), true),
            (finished, true),
        ];
        let mut step = Step::default();
        for (event, is_told) in events {
            assert_eq!(take_in(&mut step, &event), is_told, "{event:?}");
        }
        assert_eq!(step, Step { calls: 5, best: Some((3, 3)), ended: true, ..Step::default() });
    }
}
