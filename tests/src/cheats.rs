//! Ways to be paid for a wrong solution, as wrappers that go around any solution: `programs/cheats/*.py`.
//!
//! A section begins with `#% name, weakness: what it does`. The weakness is `naive` where the cheat is paid by a harness
//! that asserts in the candidate's own process, `other` where it aims at something else. A section may use `honest` (the
//! solution's function), `scope` (the solution's own namespace, with builtins of its own, so that patches do not reach
//! the solution) and `ENTRY` (the name under which tests call). A section that defines no `ENTRY` leaves the solution's.
//!
//! A cheat answers as the solution does, or with what equals nothing on fair terms: so a test that passes with the cheat
//! and not without it was won by cheating.

use serde_json::Value;

const FILES: [&str; 9] = [
    include_str!("../programs/cheats/agreeable.py"),
    include_str!("../programs/cheats/channel.py"),
    include_str!("../programs/cheats/driver.py"),
    include_str!("../programs/cheats/endings.py"),
    include_str!("../programs/cheats/exhaustion.py"),
    include_str!("../programs/cheats/patches.py"),
    include_str!("../programs/cheats/results.py"),
    include_str!("../programs/cheats/search.py"),
    include_str!("../programs/cheats/tracing.py"),
];

/// What stands before every section.
const PROLOGUE: &str =
    "import builtins as _builtins\nscope = {'__name__': 'solution', '__builtins__': dict(vars(_builtins))}\n";

/// One way to cheat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cheat {
    /// Its name.
    pub name: &'static str,
    /// Whether a harness that asserts in the candidate's own process falls for it.
    pub fools_naive: bool,
    section: &'static str,
}

/// All of them, in order.
///
/// # Panics
/// If the head of a section is malformed.
#[must_use]
pub fn cheats() -> Vec<Cheat> {
    FILES.iter().flat_map(|file| file.split("\n#% ").skip(1)).map(Cheat::read).collect()
}

impl Cheat {
    #[expect(clippy::expect_used, clippy::panic, reason = "a test helper")]
    fn read(section: &'static str) -> Self {
        let (head, section) = section.split_once('\n').expect("a head");
        let (name, rest) = head.split_once(", ").expect("a name");
        let fools_naive = match rest.split_once(": ") {
            Some(("naive", _)) => true,
            Some(("other", _)) => false,
            _ => panic!("no weakness in {head}"),
        };
        Self { name, fools_naive, section }
    }

    /// A program in which this cheat is around `solution`, whose function is called `entry`.
    #[must_use]
    pub fn around(&self, solution: &str, entry: &str) -> String {
        let quoted = Value::from(solution);
        format!(
            "{PROLOGUE}exec({quoted}, scope)\nglobals().update((k, v) for k, v in scope.items() if k[:2] != '__')\n\
             honest = {entry}\n{}",
            self.section.replace("ENTRY", entry)
        )
    }
}
