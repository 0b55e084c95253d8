//! The budget: what a search may spend, charged before it is spent.
//!
//! A caller reserves the most that a step can cost, spends, and settles what it did cost; the rest is free again.
//! So limits hold exactly, with any number of steps in flight. A refusal says whether waiting for steps in flight
//! could help: whoever waits on [`Refusal::Later`] and stops on [`Refusal::Exhausted`] stops at the same step
//! whatever the number in flight. Time is not counted here: it belongs to whoever holds a clock.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What a step costs, or what was spent in all. Sums stop at the largest number instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Model calls.
    pub calls: u64,
    /// Complete programs asked for.
    pub generations: u64,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// Money, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Programs run on the visible tests.
    pub executions: u64,
}

/// The most that may be spent of each resource; `None` where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetLimits {
    /// Model calls.
    pub calls: Option<u64>,
    /// Complete programs asked for.
    pub generations: Option<u64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Answer tokens.
    pub output_tokens: Option<u64>,
    /// Prompt and answer tokens together.
    pub tokens: Option<u64>,
    /// Money, in millionths of a US dollar.
    pub micro_usd: Option<u64>,
    /// Programs run on the visible tests.
    pub executions: Option<u64>,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resource {
    /// Model calls.
    Calls,
    /// Complete programs asked for.
    Generations,
    /// Prompt tokens.
    InputTokens,
    /// Answer tokens.
    OutputTokens,
    /// Prompt and answer tokens together.
    Tokens,
    /// Money.
    Money,
    /// Programs run.
    Executions,
}

/// Why a reservation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not fit beside the steps in flight, but may once they have settled. Wait for one and ask again.
    #[error("the budget of {which} is held by steps in flight: wait until one of them settles")]
    Later {
        /// The first resource that does not fit.
        which: Resource,
    },
    /// It does not fit even if every step in flight turns out to cost nothing. It never will.
    #[error("the budget of {which} does not allow another step: raise the limit to go on")]
    Exhausted {
        /// The first resource that does not fit.
        which: Resource,
    },
}

/// Counters with limits, shared by all clones. A lock is held for a few additions at a time.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: BudgetLimits,
    ledger: Arc<Mutex<Ledger>>,
}

/// Room held for one step until [`Budget::settle`].
///
/// Dropping it unsettled charges all of it: nobody can say what a step that vanished has spent.
#[derive(Debug)]
#[must_use = "dropping a reservation charges it in full"]
pub struct Reservation {
    held: Cost,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    spent: Cost,
    reserved: Cost,
}

impl Budget {
    /// A budget with nothing spent.
    #[must_use]
    pub fn new(limits: BudgetLimits) -> Self {
        Self::resumed(limits, Cost::default())
    }

    /// A budget of which `spent` is gone already.
    #[must_use]
    pub fn resumed(limits: BudgetLimits, spent: Cost) -> Self {
        Self { limits, ledger: Arc::new(Mutex::new(Ledger { spent, reserved: Cost::default() })) }
    }

    /// Holds room for a step that costs at most `worst`.
    ///
    /// # Errors
    /// [`Refusal`], which says whether waiting could help.
    pub fn reserve(&self, worst: Cost) -> Result<Reservation, Refusal> {
        let mut ledger = locked(&self.ledger);
        if let Some(which) = self.limits.exceeded_by(ledger.spent + worst) {
            return Err(Refusal::Exhausted { which });
        }
        if let Some(which) = self.limits.exceeded_by(ledger.spent + ledger.reserved + worst) {
            return Err(Refusal::Later { which });
        }
        ledger.reserved += worst;
        Ok(Reservation { held: worst, ledger: Arc::clone(&self.ledger) })
    }

    /// Charges what a step did cost and frees the rest of what was held for it.
    ///
    /// A step that cost more than it reserved is charged in full too: the counters tell the truth, and limits are
    /// exact only as far as the worst cases are.
    pub fn settle(&self, mut reservation: Reservation, actual: Cost) {
        reservation.close(actual);
    }

    /// Charges what was spent without having been held, whether it fits or not.
    pub fn charge(&self, actual: Cost) {
        locked(&self.ledger).spent += actual;
    }

    /// Whether a step that costs at most `worst` would fit if nothing were in flight.
    #[must_use]
    pub fn fits_when_idle(&self, worst: Cost) -> bool {
        self.limits.exceeded_by(self.spent() + worst).is_none()
    }

    /// Model calls that are neither spent nor held; `u64::MAX` where there is no limit.
    #[must_use]
    pub fn remaining_calls(&self) -> u64 {
        let ledger = locked(&self.ledger);
        let gone = (ledger.spent + ledger.reserved).calls;
        self.limits.calls.map_or(u64::MAX, |limit| limit.saturating_sub(gone))
    }

    /// Programs that are neither spent nor held; `u64::MAX` where there is no limit.
    #[must_use]
    pub fn remaining_generations(&self) -> u64 {
        let ledger = locked(&self.ledger);
        let gone = (ledger.spent + ledger.reserved).generations;
        self.limits.generations.map_or(u64::MAX, |limit| limit.saturating_sub(gone))
    }

    /// What was spent, steps in flight left out.
    #[must_use]
    pub fn spent(&self) -> Cost {
        locked(&self.ledger).spent
    }

    /// What steps in flight hold.
    #[must_use]
    pub fn reserved(&self) -> Cost {
        locked(&self.ledger).reserved
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &BudgetLimits {
        &self.limits
    }
}

impl Reservation {
    /// What is held.
    #[must_use]
    pub const fn held(&self) -> Cost {
        self.held
    }

    fn close(&mut self, actual: Cost) {
        let mut ledger = locked(&self.ledger);
        ledger.spent += actual;
        ledger.reserved = ledger.reserved.minus(std::mem::take(&mut self.held));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // Settled reservations hold nothing any more.
        self.close(self.held);
    }
}

impl BudgetLimits {
    fn exceeded_by(&self, cost: Cost) -> Option<Resource> {
        let pairs = [
            (cost.calls, self.calls, Resource::Calls),
            (cost.generations, self.generations, Resource::Generations),
            (cost.input_tokens, self.input_tokens, Resource::InputTokens),
            (cost.output_tokens, self.output_tokens, Resource::OutputTokens),
            (cost.input_tokens.saturating_add(cost.output_tokens), self.tokens, Resource::Tokens),
            (cost.micro_usd, self.micro_usd, Resource::Money),
            (cost.executions, self.executions, Resource::Executions),
        ];
        pairs
            .into_iter()
            .find(|(amount, limit, _)| limit.is_some_and(|limit| *amount > limit))
            .map(|over| over.2)
    }
}

impl Cost {
    fn combine(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: with(self.calls, other.calls),
            generations: with(self.generations, other.generations),
            input_tokens: with(self.input_tokens, other.input_tokens),
            output_tokens: with(self.output_tokens, other.output_tokens),
            micro_usd: with(self.micro_usd, other.micro_usd),
            executions: with(self.executions, other.executions),
        }
    }

    fn minus(self, other: Self) -> Self {
        self.combine(other, u64::saturating_sub)
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combine(other, u64::saturating_add)
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calls => "calls",
            Self::Generations => "generations",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::Tokens => "tokens",
            Self::Money => "money",
            Self::Executions => "executions",
        })
    }
}

/// The counters are numbers and valid at every moment, so a panic elsewhere while the lock was held harms nothing.
fn locked(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
