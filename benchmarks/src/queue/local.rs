//! The queue in this process. It lives as long as the process, so leases need no time limit: a worker that dies takes the
//! queue along.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{Control, Lease, Pulled, QueueError, Ticket, WorkQueue};

/// Tasks in the order in which they were published; those that were given back come first.
#[derive(Debug, Default)]
pub struct LocalQueue {
    state: Mutex<State>,
    changed: Notify,
    control: watch::Sender<Control>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    leased: BTreeMap<u64, Waiting>,
    known: BTreeSet<String>,
    leases: u64,
}

/// A task that may be given out from some moment on.
#[derive(Debug, Clone)]
struct Waiting {
    ticket: Ticket,
    deliveries: u32,
    from: Option<Instant>,
}

impl LocalQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to give right now; `None` if there is nothing yet.
    fn take(&self, most: usize) -> Option<Pulled> {
        let control = *self.control.borrow();
        let mut state = self.state();
        match control {
            Control::Cancelled => return Some(Pulled::Over),
            Control::Finished if state.waiting.is_empty() && state.leased.is_empty() => {
                return Some(Pulled::Over);
            }
            Control::Paused => return None,
            Control::Finished | Control::Running => {}
        }
        let leases = state.lease(most);
        (!leases.is_empty()).then_some(Pulled::Leases(leases))
    }
}

impl State {
    fn lease(&mut self, most: usize) -> Vec<Lease> {
        let now = Instant::now();
        let mut leases = Vec::new();
        let mut later = VecDeque::new();
        while leases.len() < most
            && let Some(mut task) = self.waiting.pop_front()
        {
            if task.from.is_some_and(|from| from > now) {
                later.push_back(task);
                continue;
            }
            task.deliveries += 1;
            self.leases += 1;
            leases.push(Lease { ticket: task.ticket.clone(), deliveries: task.deliveries, id: self.leases });
            self.leased.insert(self.leases, task);
        }
        later.into_iter().rev().for_each(|task| self.waiting.push_front(task));
        leases
    }

    /// When the next task that waits for its time may be given out.
    fn next(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|task| task.from).min()
    }
}

impl WorkQueue for LocalQueue {
    fn publish<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<bool, QueueError>> {
        Box::pin(async move {
            {
                let mut state = self.state();
                if !state.known.insert(ticket.id()) {
                    return Ok(false);
                }
                state.waiting.push_back(Waiting { ticket: ticket.clone(), deliveries: 0, from: None });
            }
            self.changed.notify_waiters();
            Ok(true)
        })
    }

    fn pull(&self, most: usize, wait: Duration) -> BoxFuture<'_, Result<Pulled, QueueError>> {
        Box::pin(async move {
            let until = Instant::now() + wait;
            loop {
                // Waits from before the look on, so that nothing is missed between the two.
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(pulled) = self.take(most) {
                    return Ok(pulled);
                }
                let next = self.state().next().map_or(until, |next| next.min(until));
                if Instant::now() >= until {
                    return Ok(Pulled::Leases(Vec::new()));
                }
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(next) => {}
                }
            }
        })
    }

    fn heartbeat<'a>(&'a self, _: &'a Lease) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn ack<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, bool> {
        let was_good = self.state().leased.remove(&lease.id).is_some();
        self.changed.notify_waiters();
        Box::pin(std::future::ready(was_good))
    }

    fn nack<'a>(&'a self, lease: &'a Lease, delay: Duration) -> BoxFuture<'a, ()> {
        {
            let mut state = self.state();
            if let Some(task) = state.leased.remove(&lease.id) {
                let from = (!delay.is_zero()).then(|| Instant::now() + delay);
                state.waiting.push_front(Waiting { from, ..task });
            }
        }
        self.changed.notify_waiters();
        Box::pin(std::future::ready(()))
    }

    fn steer(&self, control: Control) -> BoxFuture<'_, Result<(), QueueError>> {
        self.control.send_replace(control);
        self.changed.notify_waiters();
        Box::pin(std::future::ready(Ok(())))
    }

    fn cancel_events(&self) -> watch::Receiver<Control> {
        self.control.subscribe()
    }

    fn heartbeat_every(&self) -> Duration {
        // Nobody takes a task away from a worker of this process.
        Duration::from_secs(3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::conformance::deviations;

    #[tokio::test]
    async fn the_local_queue_does_what_a_queue_must() {
        assert_eq!(deviations(async || LocalQueue::default()).await, Vec::<String>::new());
    }
}
