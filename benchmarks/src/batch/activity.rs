//! What a batch, or a worker of one, is at: numbers for whoever watches it from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Numbers that change while samples are drawn. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    queued: AtomicUsize,
    under_way: AtomicUsize,
    ended: AtomicUsize,
    workers: AtomicUsize,
    slots: AtomicUsize,
}

/// An [`Activity`] read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Samples that wait to be drawn; where workers draw them, all that have no result yet.
    pub queued: usize,
    /// Samples that this process draws or judges right now.
    pub under_way: usize,
    /// Samples that this process was at and is no more, however they ended.
    pub ended: usize,
    /// Workers that were heard of lately.
    pub workers: usize,
    /// Samples that these can draw at a time.
    pub slots: usize,
}

impl Activity {
    /// The numbers now.
    #[must_use]
    pub fn now(&self) -> Moment {
        let Numbers { queued, under_way, ended, workers, slots } = &*self.0;
        Moment {
            queued: queued.load(Relaxed),
            under_way: under_way.load(Relaxed),
            ended: ended.load(Relaxed),
            workers: workers.load(Relaxed),
            slots: slots.load(Relaxed),
        }
    }

    pub(crate) fn set_queued(&self, count: usize) {
        self.0.queued.store(count, Relaxed);
    }

    #[cfg(feature = "nats")]
    pub(crate) fn set_workers(&self, workers: usize, slots: usize) {
        self.0.workers.store(workers, Relaxed);
        self.0.slots.store(slots, Relaxed);
    }

    /// One more sample is under way, until what this gives is dropped.
    pub(crate) fn begin(&self) -> Busy {
        self.0.under_way.fetch_add(1, Relaxed);
        Busy(self.clone())
    }

    /// As [`Self::begin`], for a sample that was queued here.
    pub(crate) fn begin_queued(&self) -> Busy {
        // A sample that was given back and is begun again was no longer counted.
        let _ = self.0.queued.fetch_update(Relaxed, Relaxed, |queued| queued.checked_sub(1));
        self.begin()
    }
}

/// One sample under way; dropping it, also by cancellation, ends it.
#[derive(Debug)]
pub(crate) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Relaxed);
        self.0.0.ended.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_goes_from_the_queue_through_the_work_to_its_end() {
        let activity = Activity::default();
        activity.set_queued(1);
        let busy = activity.begin_queued();
        assert_eq!(activity.now(), Moment { under_way: 1, ..Moment::default() });
        let again = activity.begin_queued();
        assert_eq!(activity.now(), Moment { under_way: 2, ..Moment::default() });
        drop((busy, again));
        assert_eq!(activity.now(), Moment { ended: 2, ..Moment::default() });
    }
}
