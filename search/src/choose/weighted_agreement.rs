//! placeholder
use super::evidence::{Class, Evidence};
/// placeholder
#[must_use]
pub fn rank(evidence: &Evidence) -> Vec<Class> {
    super::dual_agreement::rank(evidence)
}
