//! Tests of the budget: no limit is ever passed, whatever is in flight.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

fn calls(calls: u64) -> Cost {
    Cost { calls, ..Cost::default() }
}

fn of_calls(limit: u64) -> Budget {
    Budget::new(BudgetLimits { calls: Some(limit), ..BudgetLimits::default() })
}

#[test]
fn settling_gives_the_rest_back() {
    let budget = of_calls(10);
    let held = budget.reserve(calls(6)).unwrap();
    assert_eq!((budget.spent().calls, budget.reserved().calls), (0, 6));
    budget.settle(held, calls(2));
    assert_eq!((budget.spent().calls, budget.reserved().calls), (2, 0));
    assert!(budget.reserve(calls(8)).is_ok());
}

#[test]
fn a_refusal_says_whether_waiting_helps() {
    let budget = of_calls(10);
    let held = budget.reserve(calls(6)).unwrap();
    assert_eq!(budget.reserve(calls(5)).unwrap_err(), Refusal::Later { which: Resource::Calls });
    assert!(budget.fits_when_idle(calls(5)));
    assert_eq!(budget.reserve(calls(11)).unwrap_err(), Refusal::Exhausted { which: Resource::Calls });
    assert!(!budget.fits_when_idle(calls(11)));
    budget.settle(held, calls(6));
    assert_eq!(budget.reserve(calls(5)).unwrap_err(), Refusal::Exhausted { which: Resource::Calls });
    assert!(budget.reserve(calls(4)).is_ok());
}

#[test]
fn every_resource_has_its_own_limit() {
    let limits = BudgetLimits { micro_usd: Some(100), executions: Some(1), ..BudgetLimits::default() };
    let budget = Budget::new(limits);
    let dear = Cost { micro_usd: 101, calls: 1_000_000, ..Cost::default() };
    assert_eq!(budget.reserve(dear).unwrap_err(), Refusal::Exhausted { which: Resource::Money });
    let runs = Cost { executions: 2, ..Cost::default() };
    let refusal = budget.reserve(runs).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the budget of executions does not allow another step: raise the limit to go on"
    );
}

#[test]
fn remaining_calls_are_those_neither_spent_nor_held() {
    let budget = of_calls(10);
    budget.settle(budget.reserve(calls(3)).unwrap(), calls(2));
    let held = budget.reserve(calls(5)).unwrap();
    assert_eq!(budget.remaining_calls(), 3);
    budget.settle(held, calls(9));
    assert_eq!(budget.remaining_calls(), 0, "a step that cost more than it reserved leaves nothing");
}

#[test]
fn without_limits_everything_fits() {
    let budget = Budget::new(BudgetLimits::default());
    assert_eq!(budget.remaining_calls(), u64::MAX);
    let held = budget.reserve(calls(u64::MAX)).unwrap();
    assert!(budget.reserve(calls(u64::MAX)).is_ok());
    drop(held);
}

#[test]
fn a_step_that_vanishes_is_charged_in_full() {
    let budget = of_calls(10);
    drop(budget.reserve(calls(6)).unwrap());
    assert_eq!((budget.spent().calls, budget.reserved().calls), (6, 0));
}

#[test]
fn a_continued_budget_knows_what_is_gone() {
    let limits = BudgetLimits { calls: Some(10), ..BudgetLimits::default() };
    let budget = Budget::resumed(limits, calls(8));
    assert!(budget.reserve(calls(3)).is_err());
    assert!(budget.reserve(calls(2)).is_ok());
}

#[test]
fn threads_together_never_pass_the_limit() {
    let (budget, spent) = (of_calls(1000), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for step in 0..1000 {
                    let Ok(held) = budget.reserve(calls(3)) else {
                        continue;
                    };
                    assert!(budget.spent().calls + 3 <= 1000);
                    budget.settle(held, calls(step % 4));
                    spent.fetch_add(step % 4, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(budget.spent().calls, spent.load(Ordering::Relaxed));
    assert_eq!(budget.reserved(), Cost::default());
    assert!(budget.spent().calls > 997, "the budget was used up");
}

proptest! {
    /// Steps of random size start and end in random order.
    #[test]
    fn spent_and_reserved_together_never_pass_the_limit(
        limit in 0_u64..60,
        steps in proptest::collection::vec((0_u64..12, 0_u64..12, any::<bool>()), 0..60),
    ) {
        let budget = of_calls(limit);
        let mut flying = Vec::new();
        let mut spent = 0;
        for (worst, actual, ends) in steps {
            match budget.reserve(calls(worst)) {
                Ok(held) => flying.push((held, actual.min(worst))),
                Err(Refusal::Later { .. }) => prop_assert!(!flying.is_empty() && spent + worst <= limit),
                Err(Refusal::Exhausted { .. }) => prop_assert!(spent + worst > limit),
            }
            prop_assert!(budget.spent().calls + budget.reserved().calls <= limit);
            if ends && !flying.is_empty() {
                let (held, actual) = flying.remove(0);
                spent += actual;
                budget.settle(held, calls(actual));
            }
            prop_assert_eq!(budget.spent().calls, spent);
        }
    }

    /// A driver that waits on `Later` and stops on `Exhausted` does the same steps with any number in flight.
    #[test]
    fn the_step_that_is_refused_does_not_depend_on_what_is_in_flight(
        limit in 0_u64..60,
        steps in proptest::collection::vec((0_u64..12, 0_u64..12), 0..30),
        slots in 1_usize..9,
    ) {
        prop_assert_eq!(steps_done(limit, &steps, slots), steps_done(limit, &steps, 1));
    }
}

fn steps_done(limit: u64, steps: &[(u64, u64)], slots: usize) -> usize {
    let budget = of_calls(limit);
    let mut flying = std::collections::VecDeque::new();
    for (done, (worst, actual)) in steps.iter().enumerate() {
        loop {
            let full = flying.len() >= slots;
            match if full { None } else { Some(budget.reserve(calls(*worst))) } {
                Some(Ok(held)) => break flying.push_back((held, (*actual).min(*worst))),
                Some(Err(Refusal::Exhausted { .. })) => return done,
                Some(Err(Refusal::Later { .. })) | None => {
                    let (held, actual) = flying.pop_front().unwrap();
                    budget.settle(held, calls(actual));
                }
            }
        }
    }
    steps.len()
}
