//! One trial at a time, for methods whose every step needs the result of the one before.

use crate::policy::Decision;

/// The decision, if nothing is in flight and there is a slot for it. `waiting` says that something is, from here until the
/// method is told what came of it.
pub(crate) fn one_at_a_time(waiting: &mut bool, slots: usize, decision: Option<Decision>) -> Vec<Decision> {
    if *waiting || slots == 0 {
        return Vec::new();
    }
    *waiting = decision.is_some();
    decision.into_iter().collect()
}
