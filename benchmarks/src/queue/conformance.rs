//! What every queue must do, for whoever implements one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Control, Lease, Pulled, QueueError, TICKET_VERSION, Ticket, WorkQueue};
use crate::batch::SampleBudget;

/// Waits for what is there already.
const SOON: Duration = Duration::from_secs(2);

/// Waits for what is not to come.
const SHORT: Duration = Duration::from_millis(300);

/// A task that says no more than it must.
#[must_use]
pub fn ticket(task: &str, sample: u32, epoch: u32) -> Ticket {
    Ticket {
        v: TICKET_VERSION,
        run: "conformance".to_owned(),
        task: task.to_owned(),
        sample,
        attempt: 1,
        epoch,
        seed: 7,
        budget: SampleBudget::default(),
        spec_hash: "s".to_owned(),
        problem_hash: "p".to_owned(),
    }
}

type Checked = Result<(), String>;

/// In what a queue differs from what it must do; `open` gives an empty one each time.
pub async fn deviations<Q: WorkQueue>(open: impl AsyncFn() -> Q) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |name: &str, checked: Checked| {
        if let Err(reason) = checked {
            found.push(format!("{name}: {reason}"));
        }
    };
    note("a task is given once", given_once(&open().await).await);
    note("a ticket is taken once", taken_once(&open().await).await);
    note("what is given back comes again", given_back(&open().await).await);
    note("as many as asked for", as_many_as_asked(&open().await).await);
    note("a pause", paused(&open().await).await);
    note("a cancellation", cancelled(&open().await).await);
    note("an end", finished(&open().await).await);
    note("strange names", strange(&open().await).await);
    note("many pullers", many(&open().await).await);
    found
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
}

fn failed(error: QueueError) -> String {
    error.to_string()
}

async fn publish<Q: WorkQueue>(queue: &Q, ticket: &Ticket) -> Result<bool, String> {
    queue.publish(ticket).await.map_err(failed)
}

async fn leases<Q: WorkQueue>(queue: &Q, most: usize, wait: Duration) -> Result<Vec<Lease>, String> {
    match queue.pull(most, wait).await.map_err(failed)? {
        Pulled::Leases(leases) => Ok(leases),
        Pulled::Over => Err("the queue is over".to_owned()),
    }
}

async fn one<Q: WorkQueue>(queue: &Q) -> Result<Lease, String> {
    leases(queue, 1, SOON).await?.pop().ok_or_else(|| "no task came".to_owned())
}

async fn none<Q: WorkQueue>(queue: &Q) -> Checked {
    same(&leases(queue, 1, SHORT).await?, &Vec::new())
}

async fn given_once<Q: WorkQueue>(queue: &Q) -> Checked {
    none(queue).await?;
    let ticket = ticket("a/1", 3, 0);
    same(&publish(queue, &ticket).await?, &true)?;
    let lease = one(queue).await?;
    same(&(&lease.ticket, lease.deliveries), &(&ticket, 1))?;
    none(queue).await?;
    queue.heartbeat(&lease).await;
    same(&queue.ack(&lease).await, &true)?;
    none(queue).await
}

async fn taken_once<Q: WorkQueue>(queue: &Q) -> Checked {
    let first = ticket("a/1", 0, 0);
    same(&publish(queue, &first).await?, &true)?;
    same(&publish(queue, &first).await?, &false)?;
    let lease = one(queue).await?;
    queue.ack(&lease).await;
    // Also when it is done; a later epoch is another ticket.
    same(&publish(queue, &first).await?, &false)?;
    none(queue).await?;
    same(&publish(queue, &ticket("a/1", 0, 1)).await?, &true)?;
    same(&one(queue).await?.ticket.epoch, &1)
}

async fn given_back<Q: WorkQueue>(queue: &Q) -> Checked {
    publish(queue, &ticket("a/1", 0, 0)).await?;
    for deliveries in 1..4 {
        let lease = one(queue).await?;
        same(&lease.deliveries, &deliveries)?;
        queue.nack(&lease, Duration::ZERO).await;
    }
    let lease = one(queue).await?;
    queue.nack(&lease, SHORT * 2).await;
    none(queue).await?;
    let lease = one(queue).await?;
    same(&queue.ack(&lease).await, &true)?;
    none(queue).await
}

async fn as_many_as_asked<Q: WorkQueue>(queue: &Q) -> Checked {
    for sample in 0..5 {
        publish(queue, &ticket("a/1", sample, 0)).await?;
    }
    let two = leases(queue, 2, SOON).await?;
    same(&two.iter().map(|lease| lease.ticket.sample).collect::<Vec<_>>(), &vec![0, 1])?;
    let rest = leases(queue, 9, SOON).await?;
    same(&rest.iter().map(|lease| lease.ticket.sample).collect::<Vec<_>>(), &vec![2, 3, 4])
}

async fn steer<Q: WorkQueue>(queue: &Q, control: Control) -> Checked {
    queue.steer(control).await.map_err(failed)?;
    let mut heard = queue.cancel_events();
    let heard = tokio::time::timeout(SOON * 5, heard.wait_for(|heard| *heard == control)).await;
    heard.map_err(|_| format!("{control:?} was not heard"))?.map_err(|error| error.to_string()).map(drop)
}

async fn paused<Q: WorkQueue>(queue: &Q) -> Checked {
    publish(queue, &ticket("a/1", 0, 0)).await?;
    steer(queue, Control::Paused).await?;
    none(queue).await?;
    steer(queue, Control::Running).await?;
    one(queue).await.map(drop)
}

async fn cancelled<Q: WorkQueue>(queue: &Q) -> Checked {
    publish(queue, &ticket("a/1", 0, 0)).await?;
    steer(queue, Control::Cancelled).await?;
    same(&queue.pull(1, SOON).await.map_err(failed)?, &Pulled::Over)
}

async fn finished<Q: WorkQueue>(queue: &Q) -> Checked {
    publish(queue, &ticket("a/1", 0, 0)).await?;
    steer(queue, Control::Finished).await?;
    let lease = one(queue).await?;
    // Somebody may still give it back.
    none(queue).await?;
    queue.ack(&lease).await;
    same(&queue.pull(1, SOON).await.map_err(failed)?, &Pulled::Over)
}

async fn strange<Q: WorkQueue>(queue: &Q) -> Checked {
    for task in ["", "a b", "x.>.*", "\r\nNats-Msg-Id: 1", "ü/☃", &"long".repeat(2_000)] {
        let ticket = ticket(task, 0, 0);
        same(&publish(queue, &ticket).await?, &true)?;
        let lease = one(queue).await?;
        same(&lease.ticket, &ticket)?;
        queue.ack(&lease).await;
    }
    Ok(())
}

/// Four pull at once; each task comes to one of them.
async fn many<Q: WorkQueue>(queue: &Q) -> Checked {
    const TASKS: u32 = 200;
    for sample in 0..TASKS {
        publish(queue, &ticket("a/1", sample, 0)).await?;
    }
    let puller = async || -> Result<Vec<u32>, String> {
        let mut samples = Vec::new();
        loop {
            let leases = leases(queue, 7, SHORT).await?;
            if leases.is_empty() {
                return Ok(samples);
            }
            for lease in leases {
                samples.push(lease.ticket.sample);
                queue.ack(&lease).await;
            }
        }
    };
    let (a, b, c, d) = tokio::join!(puller(), puller(), puller(), puller());
    let all = [a?, b?, c?, d?].concat();
    let distinct: BTreeSet<u32> = all.iter().copied().collect();
    same(&(all.len(), distinct.len()), &(TASKS as usize, TASKS as usize))
}
