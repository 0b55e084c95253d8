//! Programs that have begun to repeat themselves: four families, each with equal copies and with copies of one shape.
//!
//! As in the source's synthetic part, a prompt is a right program whose last unit was appended 5 to 10 times. Every prompt
//! compiles as it stands, so that what does not compile behind it is the answer's fault.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::RepetitionPrompt;

/// What repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Imports.
    Imports,
    /// Branches of an `elif` chain.
    Elif,
    /// Functions that are near copies of each other.
    Functions,
    /// Assignments of constants.
    Constants,
}

/// How it repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same text again.
    Content,
    /// The same shape with other names or numbers.
    Structure,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Imports, Self::Elif, Self::Functions, Self::Constants];

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imports => "imports",
            Self::Elif => "elif",
            Self::Functions => "functions",
            Self::Constants => "constants",
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Content, Self::Structure];

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Structure => "structure",
        }
    }
}

/// Copies of the last unit.
const COPIES: std::ops::RangeInclusive<u64> = 5..=10;
/// Modules to import, more than there are copies.
const MODULES: [&str; 20] = [
    "abc",
    "bisect",
    "calendar",
    "collections",
    "copy",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "textwrap",
];
const NOUNS: [&str; 12] = [
    "code", "level", "score", "limit", "count", "price", "status", "weight", "size", "rate", "depth", "index",
];
const VERBS: [&str; 8] = ["scale", "shift", "grow", "adjust", "change", "extend", "bound", "convert"];
const OPERATORS: [&str; 4] = ["*", "+", "-", "//"];

/// `count` prompts of each family and kind, the same for the same seed.
#[must_use]
pub fn generate(count: usize, seed: u64) -> Vec<RepetitionPrompt> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut prompts = Vec::new();
    for family in Family::ALL {
        for kind in Kind::ALL {
            prompts.extend((0..count).map(|number| prompt(family, kind, number, &mut random)));
        }
    }
    prompts
}

fn prompt(family: Family, kind: Kind, number: usize, random: &mut ChaCha8Rng) -> RepetitionPrompt {
    let copies = random.random_range(COPIES);
    let words = Words::draw(random);
    // Where copies are equal, all are the first.
    let units = (0..copies).map(|copy| words.unit(family, if kind == Kind::Content { 0 } else { copy }));
    RepetitionPrompt {
        id: format!("{}-{}-{number}", family.name(), kind.name()),
        family: family.name().to_owned(),
        kind: kind.name().to_owned(),
        prompt: words.head(family) + &units.collect::<String>(),
        copies,
        line: 0,
    }
}

/// The words of one prompt.
struct Words {
    modules: Vec<&'static str>,
    noun: &'static str,
    verb: &'static str,
    operator: &'static str,
    first: u64,
    step: u64,
}

impl Words {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let mut modules = MODULES.to_vec();
        for place in (1..modules.len()).rev() {
            modules.swap(place, random.random_range(0..=place));
        }
        Self {
            modules,
            noun: pick(&NOUNS, random),
            verb: pick(&VERBS, random),
            operator: pick(&OPERATORS, random),
            first: random.random_range(1..50),
            step: random.random_range(1..10),
        }
    }

    /// What stands before the copies.
    fn head(&self, family: Family) -> String {
        let (noun, first) = (self.noun, self.first);
        match family {
            Family::Imports => "\"\"\"Tools for texts and numbers.\"\"\"\n\n".to_owned(),
            Family::Elif => {
                format!("def name_of({noun}):\n    if {noun} < 0:\n        return \"none\"\n")
            }
            Family::Functions => format!("START = {first}\n\n\n"),
            Family::Constants => format!("# Bounds of the {noun}.\n"),
        }
    }

    /// The unit of a copy.
    fn unit(&self, family: Family, copy: u64) -> String {
        let Self { noun, verb, operator, .. } = self;
        let number = self.first + copy * self.step;
        match family {
            Family::Imports => {
                let module = usize::try_from(copy).ok().and_then(|copy| self.modules.get(copy));
                format!("import {}\n", module.unwrap_or(&"math"))
            }
            Family::Elif => format!("    elif {noun} == {number}:\n        return \"{noun} {number}\"\n"),
            Family::Functions => {
                format!("def {verb}_by_{number}({noun}):\n    return {noun} {operator} {number}\n\n\n")
            }
            Family::Constants => {
                format!("{}_{} = {number}\n", noun.to_uppercase(), copy + 1)
            }
        }
    }
}

fn pick(words: &[&'static str], random: &mut ChaCha8Rng) -> &'static str {
    words.get(random.random_range(0..words.len())).unwrap_or(&"value")
}

#[cfg(test)]
mod tests {
    use codeagent::models::decode::repetition::Sameness;

    use super::super::Repeated;
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_prompts() {
        let prompts = generate(3, 7);
        assert_eq!((prompts.len(), &prompts), (24, &generate(3, 7)));
        assert_ne!(prompts, generate(3, 8));
        assert!(prompts.iter().all(|prompt| COPIES.contains(&prompt.copies)));
    }

    /// Equal copies repeat as texts; copies of one shape only as terminals.
    #[test]
    fn kinds_repeat_as_they_say() {
        for prompt in generate(20, 1) {
            let (terminals, texts) = (
                Repeated::of(&prompt.prompt, Sameness::Terminals),
                Repeated::of(&prompt.prompt, Sameness::Texts),
            );
            assert!(terminals.statements > 0.5, "{prompt:?} {terminals:?}");
            if prompt.kind == Kind::Content.name() {
                assert!(texts.statements > 0.5, "{prompt:?} {texts:?}");
            } else {
                assert_eq!(texts.statements, 0.0, "{prompt:?}");
            }
        }
    }
}
