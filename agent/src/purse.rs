//! What several searches may spend together, as the samples of a batch do.

use codeagent_search::{Budget, BudgetLimits, Cost, Refusal, Reservation};
use tokio::sync::watch;

/// A budget that searches share, beside the one that each has of its own. Clones are the same purse.
///
/// A search whose next step does not fit waits while others may still free some of it, and stops with
/// [`codeagent_search::policy::StopReason::RunBudget`] when that can't help. Where it stops depends on how fast the
/// others are; what it does until then does not.
#[derive(Debug, Clone)]
pub struct Purse {
    budget: Budget,
    freed: watch::Sender<()>,
}

/// Room held in a purse. Dropped unsettled it is charged in full.
#[derive(Debug)]
pub(crate) struct Share {
    purse: Purse,
    reservation: Option<Reservation>,
}

impl Purse {
    /// A purse of which `spent` is gone already.
    #[must_use]
    pub fn new(limits: BudgetLimits, spent: Cost) -> Self {
        Self { budget: Budget::resumed(limits, spent), freed: watch::Sender::new(()) }
    }

    /// What was spent, steps in flight left out.
    #[must_use]
    pub fn spent(&self) -> Cost {
        self.budget.spent()
    }

    /// Charges what was spent elsewhere, without asking whether it fits.
    pub fn charge(&self, cost: Cost) {
        self.budget.charge(cost);
        self.freed.send_replace(());
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &BudgetLimits {
        self.budget.limits()
    }

    /// Holds room for a step that costs at most `worst`.
    pub(crate) fn hold(&self, worst: Cost) -> Result<Share, Refusal> {
        let reservation = Some(self.budget.reserve(worst)?);
        Ok(Share { purse: self.clone(), reservation })
    }

    /// Tells when room that others held was freed since the last look.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }
}

impl Share {
    /// Charges what the step did cost.
    pub(crate) fn settle(mut self, actual: Cost) {
        if let Some(reservation) = self.reservation.take() {
            self.purse.budget.settle(reservation, actual);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.reservation.take());
        self.purse.freed.send_replace(());
    }
}
