//! Tests that look at more than plain data: objects, graphs of them and iterators travel between the tests and the candidate
//! by value.
//!
//! A call carries what its arguments hold, objects as their class and fields, and brings back what they hold afterwards and
//! the answer. So the tests keep objects with their identity and look at fields as if the candidate's were theirs, while
//! the candidate still runs where no expected value is. It keeps nothing between calls. What the tests pass and can't be
//! packed (files, functions) comes back as it was, unused; what the candidate answers or keeps in a field and can't be packed
//! ends the call as an exception, and so fails the test.
//!
//! Only classes that the data set names, or that the tests themselves have, are objects to the tests; their special
//! methods are the candidate's only where the data set has them. So no answer brings an equality of its own along.

use codeagent_sandbox::value::{Value, repr};

use crate::hidden::Harness;

/// What both sides share.
const PACKING: &str = include_str!("objects.py");

/// The candidate's side.
const CANDIDATE: &str = concat!(include_str!("objects.py"), "\n", include_str!("objects_candidate.py"));

/// The tests' side.
const TESTS: &str = include_str!("objects_tests.py");

/// What stands behind the candidate and answers the tests.
pub(crate) const fn harness() -> Harness {
    Harness { source: CANDIDATE, entry: "codeagent_object_call" }
}

/// Code that runs before tests of a function: its name stands for the candidate's.
pub(crate) fn function_setup(name: &str) -> String {
    format!("{PACKING}\n{TESTS}\n{name} = function({})\n", repr(&Value::str(name)))
}

/// Code that runs before tests of a class: its name stands for the candidate's, with the methods that its skeleton has.
pub(crate) fn class_setup(name: &str, skeleton: &str) -> String {
    let (shown, skeleton) = (repr(&Value::str(name)), repr(&Value::str(skeleton)));
    format!("{PACKING}\n{TESTS}\n{name} = mirror({shown}, {skeleton})\n")
}
