//! A scripted model that acts with a given skill: it knows a few puzzles with right and wrong programs, tells them apart
//! by chance, and does better where the question helps it, as real models do: a right strategy makes a right program
//! likely, concrete feedback makes a repair likely. Equal requests with equal seeds get equal answers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};

/// A model that knows some puzzles.
pub struct SkilledModel {
    puzzles: Vec<Puzzle>,
    skill: f64,
    /// Whether it never finds the right program.
    hopeless: bool,
    /// Whether what it revises stays wrong.
    stubborn: bool,
}

#[derive(Deserialize)]
struct Puzzle {
    prompt: String,
    entry: Entry,
    public_tests: Vec<PublicTest>,
    meta: Solutions,
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
}

#[derive(Deserialize)]
struct PublicTest {
    r#in: String,
    out: String,
}

#[derive(Deserialize)]
struct Solutions {
    right_thought: String,
    right: String,
    wrong: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Wrong {
    thought: String,
    program: String,
}

/// What a request asks for, told by the role that its system message gives.
enum Asked {
    Thoughts,
    NewThought,
    Blocks,
    Score,
    Diagnosis,
    Strategies,
    Reflections,
    Grade,
    Verdict,
    Memory,
    Plan,
    Confidence,
    Modules,
    Tests,
    Points,
    Solutions,
    Choice,
    Revision,
    Observations,
    Inputs,
    Comparison,
    Division,
    Function,
    Calls,
    Steps,
    Step,
    Hole,
    Line,
    Rest,
    Program,
}

impl SkilledModel {
    /// A model that solves a puzzle unaided with probability `skill`, in `[0, 1]`.
    ///
    /// # Panics
    /// If the puzzles can't be read.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn new(skill: f64) -> Self {
        let mut paths: Vec<_> = std::fs::read_dir(folder())
            .expect("the puzzles")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        let read =
            |path| serde_json::from_slice(&std::fs::read(path).expect("a puzzle")).expect("a puzzle in JSON");
        Self { puzzles: paths.into_iter().map(read).collect(), skill, hopeless: false, stubborn: false }
    }

    /// A model of this skill whose revisions, of programs and of thoughts, never help.
    #[must_use]
    pub fn stubborn(skill: f64) -> Self {
        Self { stubborn: true, ..Self::new(skill) }
    }

    /// A model that answers every question and never finds the right program.
    #[must_use]
    pub fn hopeless() -> Self {
        Self { hopeless: true, ..Self::new(0.0) }
    }

    /// Answers one request body with as many texts as it asks for.
    #[must_use]
    pub fn answer(&self, request: &Value) -> Vec<String> {
        let texts = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        let system = texts.first().map(text).unwrap_or_default();
        let said: String = texts.iter().skip(1).map(text).collect::<Vec<_>>().join("\n");
        let count = request["n"].as_u64().unwrap_or(1);
        let Some(puzzle) = self.puzzles.iter().find(|puzzle| said.contains(&puzzle.prompt)) else {
            return (0..count).map(|_| "I do not know this problem.".to_owned()).collect();
        };
        (0..count)
            .map(|choice| {
                let mut hasher = DefaultHasher::new();
                (&said, request["seed"].as_u64(), choice).hash(&mut hasher);
                let mut dice = ChaCha8Rng::seed_from_u64(hasher.finish());
                self.say(&asked(&system), puzzle, &said, &mut dice)
            })
            .collect()
    }

    #[expect(clippy::too_many_lines, reason = "a table: an answer per question")]
    fn say(&self, asked: &Asked, puzzle: &Puzzle, said: &str, dice: &mut ChaCha8Rng) -> String {
        match asked {
            Asked::Thoughts => self.thoughts(puzzle, dice),
            Asked::NewThought => {
                let right = !self.never(asked) && dice.random_bool((self.skill + 0.3).min(1.0));
                if right { puzzle.meta.right_thought.clone() } else { puzzle.wrong(dice).thought.clone() }
            }
            Asked::Blocks => blocks(said, dice),
            Asked::Score => {
                let right = said.contains(puzzle.meta.right.trim());
                json!({"score": if right { 0.95 } else { -0.2 }, "reason": "by its structure"}).to_string()
            }
            Asked::Diagnosis => {
                format!("The program does not follow the statement. {}", puzzle.meta.right_thought)
            }
            Asked::Strategies => self.strategies(puzzle, dice),
            Asked::Reflections => format!(
                "1. It does not follow the statement: {}\n2. Write it anew from the statement.",
                puzzle.meta.right_thought.replace('\n', " ")
            ),
            Asked::Grade => format!("Some of the answers differ.\n{}", dice.random_range(1..=4)),
            Asked::Verdict => {
                let right = said.contains(puzzle.meta.right.trim());
                if right { "It is general.\nTrue" } else { "It fails on other inputs.\nFalse" }.to_owned()
            }
            Asked::Memory => {
                let problem = |number: usize| {
                    format!(
                        "# Problem {number}\nA smaller one.\n## Code\n```python\nprint({number})\n```\n## Plan\n1. Go.\n"
                    )
                };
                format!("{}# Tutorial\nStep by step.\n", (1..=3).map(problem).collect::<String>())
            }
            Asked::Plan => {
                let right = !self.hopeless && dice.random_bool((self.skill + 0.2).min(1.0));
                let thought = if right { &puzzle.meta.right_thought } else { &puzzle.wrong(dice).thought };
                format!("1. {thought}\n2. Return what was found.")
            }
            Asked::Confidence => {
                let right = said.contains(&puzzle.meta.right_thought);
                json!({"explanation": "by its steps", "confidence": if right { 90 } else { 40 }}).to_string()
            }
            Asked::Modules => {
                let program = self.program(puzzle, said, dice);
                let headers: Vec<&str> = program.lines().filter(|line| line.starts_with("def ")).collect();
                format!(
                    "STEP 1\n\n```module\n{}\n```\n\nSTEP 2\n\n```python\n{program}```\n",
                    headers.join("\n")
                )
            }
            Asked::Tests => puzzle.tests(),
            Asked::Points => "- Follow the statement to the letter.\n- Mind the edge cases.".to_owned(),
            Asked::Solutions => self.solutions(puzzle, dice),
            Asked::Choice => json!({"choice": 1, "why": "it is the simplest"}).to_string(),
            Asked::Observations => self.observations(puzzle, said, dice),
            Asked::Inputs => "I cannot think of any.".to_owned(),
            Asked::Comparison => compared(puzzle, said),
            Asked::Division => {
                let stub = if self.divides(dice) { HELPER_STUB } else { "" };
                format!("```python\n{}{stub}```\n", self.program(puzzle, said, dice))
            }
            Asked::Function if is_helper(said) => format!("```python\n{HELPER}```\n"),
            Asked::Function => format!("```python\n{}```\n", self.program(puzzle, said, dice)),
            Asked::Calls if is_helper(said) => "prepared([2, 1])\nprepared('')\n".to_owned(),
            Asked::Calls => puzzle.calls(),
            Asked::Steps => {
                let helper =
                    if self.divides(dice) { "def prepared(given): what is given, as it is\n" } else { "" };
                format!("{helper}def {}(...): the answer\n", puzzle.entry.name.as_deref().unwrap_or("main"))
            }
            Asked::Step => "The first is the simplest.\n1".to_owned(),
            Asked::Hole => "It does not do what it is for.\n1".to_owned(),
            Asked::Line => "Its header is right.\n1".to_owned(),
            Asked::Rest => {
                let program = self.program(puzzle, said, dice);
                let rest: Vec<&str> = program.lines().skip(1).collect();
                format!("```python\n{}\n```\n", rest.join("\n"))
            }
            Asked::Revision if self.never(asked) => {
                format!("```python\n{}```\n", puzzle.wrong(dice).program)
            }
            Asked::Revision | Asked::Program => {
                format!("```python\n{}```\n", self.program(puzzle, said, dice))
            }
        }
    }

    /// Observations as a list, or a plan that follows from some.
    fn observations(&self, puzzle: &Puzzle, said: &str, dice: &mut ChaCha8Rng) -> String {
        if said.contains("numbered list") {
            let wrong = puzzle.meta.wrong.iter().map(|wrong| wrong.thought.as_str());
            let all = wrong.chain([puzzle.meta.right_thought.as_str()]);
            return all.enumerate().map(|(index, thought)| format!("{}. {thought}\n", index + 1)).collect();
        }
        let right = !self.hopeless && dice.random_bool((self.skill + 0.3).min(1.0));
        let plan = if right { &puzzle.meta.right_thought } else { &puzzle.wrong(dice).thought };
        format!("NEW PLAN:\n{plan}")
    }

    /// Whether it never gets this right.
    const fn never(&self, asked: &Asked) -> bool {
        self.hopeless || (self.stubborn && matches!(asked, Asked::Revision | Asked::NewThought))
    }

    /// Whether it divides the problem. One who never finds the right program does not try.
    fn divides(&self, dice: &mut ChaCha8Rng) -> bool {
        !self.hopeless && dice.random_bool(0.5)
    }

    fn thoughts(&self, puzzle: &Puzzle, dice: &mut ChaCha8Rng) -> String {
        let mut thoughts: Vec<&str> = puzzle.meta.wrong.iter().map(|wrong| wrong.thought.as_str()).collect();
        if dice.random_bool((self.skill * 1.5).min(1.0)) {
            let place = dice.random_range(0..=thoughts.len());
            thoughts.insert(place, &puzzle.meta.right_thought);
        } else {
            thoughts.push("Work the answer out step by step from the statement.");
        }
        let rated = thoughts.iter().map(|thought| json!({"thought": thought, "reasonableness": 1.0 / 3.0}));
        Value::Array(rated.collect()).to_string()
    }

    /// The same thoughts as a list in order of preference.
    fn strategies(&self, puzzle: &Puzzle, dice: &mut ChaCha8Rng) -> String {
        let mut thoughts: Vec<&str> = puzzle.meta.wrong.iter().map(|wrong| wrong.thought.as_str()).collect();
        if dice.random_bool((self.skill * 1.5).min(1.0)) {
            let place = dice.random_range(0..=thoughts.len());
            thoughts.insert(place, &puzzle.meta.right_thought);
        }
        let lines = thoughts.iter().enumerate();
        lines.map(|(index, thought)| format!("{}. {}\n", index + 1, thought.replace('\n', " "))).collect()
    }

    /// Two solutions in words; the first is the one that is chosen later.
    fn solutions(&self, puzzle: &Puzzle, dice: &mut ChaCha8Rng) -> String {
        let right = !self.hopeless && dice.random_bool((self.skill * 1.5).min(1.0));
        let wrong = puzzle.wrong(dice).thought.as_str();
        let first = if right { puzzle.meta.right_thought.as_str() } else { wrong };
        json!([{"solution": first}, {"solution": "Work the answer out step by step from the statement."}])
            .to_string()
    }

    /// A right program, more likely the more the question helps.
    fn program(&self, puzzle: &Puzzle, said: &str, dice: &mut ChaCha8Rng) -> String {
        let led_astray = puzzle.meta.wrong.iter().find(|wrong| said.contains(&wrong.thought));
        let chance = if said.contains(&puzzle.meta.right_thought) {
            0.95
        } else if led_astray.is_some() {
            0.05
        } else if said.contains("Expected") {
            self.skill + 0.25
        } else {
            self.skill
        };
        if !self.hopeless && dice.random_bool(chance.min(1.0)) {
            return puzzle.meta.right.clone();
        }
        led_astray.unwrap_or_else(|| puzzle.wrong(dice)).program.clone()
    }
}

impl Puzzle {
    #[expect(clippy::indexing_slicing, reason = "every puzzle has wrong programs")]
    fn wrong(&self, dice: &mut ChaCha8Rng) -> &Wrong {
        &self.meta.wrong[dice.random_range(0..self.meta.wrong.len())]
    }

    /// Calls of the entry point on the inputs of the statement.
    fn calls(&self) -> String {
        let name = self.entry.name.as_deref().unwrap_or("main");
        self.public_tests.iter().map(|test| format!("{name}({})\n", test.arguments())).collect()
    }

    /// Tests as a careful tester would write them: those of the statement.
    fn tests(&self) -> String {
        let Some(name) = &self.entry.name else {
            let tests = self.public_tests.iter().map(|test| json!({"input": test.r#in, "output": test.out}));
            return Value::Array(tests.collect()).to_string();
        };
        let assertion = |test: &PublicTest| format!("assert {name}({}) == {}\n", test.arguments(), test.out);
        format!("```python\n{}```", self.public_tests.iter().map(assertion).collect::<String>())
    }
}

impl PublicTest {
    /// What stands between the brackets of the call.
    fn arguments(&self) -> &str {
        let list = self.r#in.trim();
        list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(list)
    }
}

/// A function that programs are divided into. No right program needs it.
const HELPER: &str = "def prepared(given):\n    return given\n";
/// The same, still to be written.
const HELPER_STUB: &str =
    "\n\ndef prepared(given):\n    \"\"\"What is given, as it is.\"\"\"\n    raise NotImplementedError()\n";

/// Whether the function that is asked for is the helper.
fn is_helper(said: &str) -> bool {
    said.rsplit("# The function").next().is_some_and(|asked| asked.contains("def prepared("))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("puzzles")
}

/// All puzzles, each as one line of JSON, by name.
///
/// # Panics
/// If they can't be read.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn puzzles() -> Vec<Value> {
    let entries = std::fs::read_dir(folder()).expect("the puzzles");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let read =
        |path| serde_json::from_slice(&std::fs::read(path).expect("a puzzle")).expect("a puzzle in JSON");
    paths.into_iter().map(read).collect()
}

/// The problem file of a puzzle.
#[must_use]
pub fn puzzle(name: &str) -> PathBuf {
    folder().join(format!("{name}.json"))
}

fn asked(system: &str) -> Asked {
    let roles = [
        ("think about how to solve", Asked::Thoughts),
        ("learn from experience", Asked::NewThought),
        ("expert at debugging", Asked::Blocks),
        ("evaluator of plans", Asked::Confidence),
        ("strict evaluator", Asked::Score),
        ("know many ways", Asked::Strategies),
        ("tell its author", Asked::Reflections),
        ("critic of programs", Asked::Grade),
        ("strict reviewer", Asked::Verdict),
        ("good memory", Asked::Memory),
        ("planner of programs", Asked::Plan),
        ("reviewer of programs", Asked::Diagnosis),
        ("small, reusable functions", Asked::Modules),
        ("writes tests for programs", Asked::Tests),
        ("analyst of programming problems", Asked::Points),
        ("whole solutions in words", Asked::Solutions),
        ("chooses between the solutions", Asked::Choice),
        ("improves programs", Asked::Revision),
        ("mathematician", Asked::Observations),
        ("tester of programs", Asked::Inputs),
        ("judge of programs", Asked::Comparison),
        ("software architect", Asked::Division),
        ("one function of a larger program", Asked::Function),
        ("inputs that show how a function behaves", Asked::Calls),
        ("plan programs", Asked::Steps),
        ("the next step of a plan", Asked::Step),
        ("function that is to blame", Asked::Hole),
        ("programs line by line", Asked::Line),
        ("continue programs", Asked::Rest),
    ];
    roles.into_iter().find(|(role, _)| system.contains(role)).map_or(Asked::Program, |(_, asked)| asked)
}

/// The program that is right, by where it stands among the two.
fn compared(puzzle: &Puzzle, said: &str) -> String {
    let place = |text: &str| said.find(text);
    match (place(puzzle.meta.right.trim()), place("# Program 2")) {
        (Some(right), Some(second)) => if right < second { "1" } else { "2" }.to_owned(),
        _ => "0".to_owned(),
    }
}

/// A judgement of every block in the listing; one of them is called wrong.
fn blocks(said: &str, dice: &mut impl Rng) -> String {
    let count = (0..100).take_while(|index| said.contains(&format!("[BLOCK-{index}]"))).count().max(1);
    let wrong = dice.random_range(0..count);
    let judged = (0..count).map(|index| {
        let explanation = if index == wrong {
            "The values are not what the statement asks for here."
        } else {
            "As it should be."
        };
        json!({"block": format!("BLOCK-{index}"), "correct": index != wrong, "explanation": explanation})
            .to_string()
    });
    judged.collect::<Vec<_>>().join("\n")
}
