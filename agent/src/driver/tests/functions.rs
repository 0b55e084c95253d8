//! Programs put together from functions, with scripted models and the real sandbox.

use super::*;
use crate::event::EventKind;
use crate::sketch::{HoleState, Sketch};

/// What a request asks for: the role that its system message gives, and the section that it ends with.
struct Asked<'r> {
    role: &'r str,
    text: &'r str,
    count: usize,
}

impl Asked<'_> {
    fn is(&self, role: &str) -> bool {
        self.role.contains(role)
    }

    /// Whether the function to write, or to call, is this one.
    fn about(&self, name: &str) -> bool {
        let last = self.text.rsplit("# The function").next().unwrap_or_default();
        last.contains(&format!("def {name}("))
    }
}

/// A model that gives one text per choice.
fn model(say: impl Fn(&Asked<'_>) -> Vec<String> + Send + Sync + 'static) -> Arc<Scripted> {
    Arc::new(Scripted::new(move |request, _| {
        let message =
            |index: usize| request.messages.get(index).map_or("", |message| message.content.as_str());
        let asked = Asked { role: message(0), text: message(1), count: request.n.max(1) as usize };
        let texts = say(&asked);
        let texts: Vec<&str> = texts.iter().map(String::as_str).cycle().take(asked.count).collect();
        Ok(codeagent_models::scripted::reply(request, &texts))
    }))
}

fn code(source: &str) -> String {
    format!("```python\n{source}```")
}

fn squares() -> Problem {
    let mut problem = Problem::function("tests/squares", "total", "Sum the squares of a list of numbers.");
    problem.entry =
        crate::problem::Entry::Function { name: "total".into(), signature: Some("def total(xs)".into()) };
    problem.limits.time = Duration::from_secs(10);
    problem.example("total([1, 2]) == 5").unwrap().example("total([-3]) == 9").unwrap()
}

async fn solve(model: &Arc<Scripted>, strategy: Strategy, problem: Problem) -> (Outcome, Vec<Event>) {
    let agent = Agent::builder()
        .provider(Arc::clone(model) as Arc<dyn Provider>)
        .sandbox(sandbox())
        .strategy(strategy);
    let mut run = agent.build().unwrap().solve(problem);
    let mut events = Vec::new();
    while let Some(event) = run.next().await {
        events.push(event);
    }
    (run.outcome().await, events)
}

fn strategy(name: &str, settings: serde_json::Value) -> Strategy {
    Strategy::by_name(name, &settings).unwrap()
}

fn actions(events: &[Event]) -> Vec<String> {
    let action = |event: &Event| match &event.kind {
        EventKind::NodeAdded { action, .. } => Some(action.clone()),
        _ => None,
    };
    events.iter().filter_map(action).collect()
}

const DIVIDED: &str = "def total(xs):\n    return sum(square(x) for x in xs)\n\n\ndef square(x):\n    \"\"\"Square a number.\"\"\"\n    raise NotImplementedError()\n";

#[tokio::test]
async fn funcoder_outvotes_a_wrong_draft_of_a_helper() {
    let model = model(|asked| {
        vec![match () {
            () if asked.is("software architect") && asked.about("square") => {
                code("def square(x):\n    return x + x\n")
            }
            () if asked.is("software architect") => code(DIVIDED),
            () if asked.is("choose inputs") && asked.about("square") => {
                "square(3)\nsquare(-1.5)\nsquare(0)".into()
            }
            () if asked.is("choose inputs") => "total([1, 2, 3])\ntotal([])\n".into(),
            () if asked.about("square") => {
                return [
                    "def square(x):\n    return x * x\n",
                    "def square(x):\n    y = x ** 2\n    return y\n",
                    "def square(x):\n    return 1 / 0\n",
                ]
                .map(code)
                .to_vec();
            }
            () => code("def total(xs):\n    return sum(map(square, xs))\n"),
        }]
    });
    let (outcome, events) = solve(&model, strategy("funcoder", json!({})), squares()).await;
    assert_eq!(outcome.status, Status::Solved, "{outcome:?}");
    let program = outcome.solution.unwrap().program;
    assert!(
        program.contains("x * x") && !program.contains("x + x") && !program.contains("1 / 0"),
        "{program}"
    );
    assert_eq!(actions(&events)[..4], ["decompose", "decompose", "decompose", "compose"]);
    // Two of four that are right by votes alone: no test of `square` was ever shown.
    let consensus = events.iter().filter_map(|event| match &event.kind {
        EventKind::NodeEvaluated { evaluator: codeagent_search::Evaluator::Consensus, score } => Some(*score),
        _ => None,
    });
    assert!(consensus.count() > 4);
    let asked: Vec<String> =
        model.requests().iter().map(|request| request.messages[1].content.clone()).collect();
    assert!(asked.iter().any(
        |text| text.contains("# The program so far") && text.contains("def square(x):\n    return x * x")
    ));
}

#[tokio::test]
async fn funcoder_composes_a_whole_program_of_its_main() {
    let model = model(|asked| {
        vec![match () {
            () if asked.is("software architect") => code(
                "import sys\n\n\ndef main():\n    print(sum(int(word) for word in sys.stdin.read().split()))\n",
            ),
            () if asked.is("choose inputs") => panic!("a whole program has the inputs of its tests"),
            () => code("def main():\n    print(0)\n"),
        }]
    });
    let problem = Problem::stdio("tests/sum", "Print the sum.").prints("1 2\n", "3\n").prints("5", "5");
    let (outcome, _) = solve(&model, strategy("funcoder", json!({})), problem).await;
    assert_eq!((outcome.status, outcome.passed), (Status::Solved, 2), "{outcome:?}");
    assert!(outcome.solution.unwrap().program.ends_with("if __name__ == \"__main__\":\n    main()\n"));
}

#[tokio::test]
async fn tree_planner_leaves_a_way_that_fails() {
    let model = model(|asked| {
        vec![match () {
            () if asked.is("You plan programs") => {
                return vec![
                    "1. def cube(x): x to the third\n2. def total(xs): sum".into(),
                    "1. def square(x): x squared\n2. def total(xs): sum of squares".into(),
                    "I would rather not.".into(),
                ];
            }
            () if asked.is("choose the next step") => {
                assert!(!asked.text.contains("just failed"), "only one way is left after the failure");
                "The first.\n1".into()
            }
            () if asked.is("choose inputs") && asked.about("total") => "total([1])".into(),
            () if asked.is("choose inputs") => "cube(2)\nsquare(2)".into(),
            () if asked.about("cube") => code("def cube(x):\n    return x.missing\n"),
            () if asked.about("square") => code("def square(x):\n    return x * x\n"),
            () => code("def total(xs):\n    return sum(square(x) for x in xs)\n"),
        }]
    });
    let (outcome, events) = solve(&model, strategy("tree-planner", json!({"plans": 3})), squares()).await;
    assert_eq!(outcome.status, Status::Solved, "{outcome:?}");
    let program = outcome.solution.unwrap().program;
    assert!(program.contains("def square") && !program.contains("cube"), "{program}");
    assert_eq!(actions(&events), [["propose_plans"; 4].as_slice(), &["compose"; 3]].concat());
}

#[tokio::test]
async fn critical_sampling_writes_on_from_the_last_right_line() {
    let right = "def total(xs):\n    sum_ = 0\n    for x in xs:\n        sum_ += x * x\n    return sum_\n";
    let model = model(move |asked| {
        vec![match () {
            () if asked.is("line by line") => "The loop is slow.\n2".into(),
            () if asked.is("continue programs") => {
                assert!(asked.text.contains("def total(xs):\n    sum_ = 0\n```"), "{}", asked.text);
                code("    return sum_ + sum(x ** 2 for x in xs)\n")
            }
            () => code(right),
        }]
    });
    let (outcome, events) = solve(&model, strategy("critical-sampling", json!({})), squares()).await;
    assert_eq!((outcome.status, outcome.cost.generations), (Status::Solved, 10));
    let written = events.iter().filter_map(|event| match &event.kind {
        EventKind::NodeContent { program: Some(program), .. } => Some(program.as_str()),
        _ => None,
    });
    let continued = "def total(xs):\n    sum_ = 0\n    return sum_ + sum(x ** 2 for x in xs)\n";
    assert_eq!(written.collect::<Vec<_>>(), [[right; 5], [continued; 5]].concat());
    assert_eq!(outcome.solution.unwrap().program, continued, "the shorter of two that pass");
}

const SKETCHED: &str = r#"{"root": "total", "holes": [
  {"id": "total", "signature": "def total(xs)", "state": "pinned",
   "body": "def total( xs ) :   # mine\n    return \"add all numbers\"(squares(xs))\n"},
  {"id": "squares", "signature": "def squares(xs)", "doc": "The square of each.", "tests": ["squares([3]) == [9]"]},
  {"id": "unused", "signature": "def unused()", "state": "solved", "body": "def unused():\n  return 'kept'"}
]}"#;

#[tokio::test]
async fn a_sketch_is_filled_and_mended_and_its_own_text_stays() {
    let sketch = Sketch::parse(SKETCHED).unwrap();
    let model = model(|asked| {
        vec![match () {
            () if asked.is("to blame") => {
                assert!(asked.text.contains("squares([1, 2]) returned [1, 4]"), "{}", asked.text);
                "It forgets the last.\n2".into()
            }
            // The first try of all fails the test, and says what was asked.
            () if asked.about("squares") => code("def squares(xs):\n    return [x * x for x in xs]\n"),
            () if asked.text.contains("# What is wrong") => {
                assert!(
                    asked.text.contains("([9]) == 9"),
                    "what it returned in the test that passes:\n{}",
                    asked.text
                );
                let name = name_in(asked.text);
                return vec![
                    code(&format!("def {name}(xs):\n    return -1\n")),
                    code(&format!("def {name}(xs):\n    return sum(xs)\n")),
                ];
            }
            () => {
                let name = name_in(asked.text);
                code(&format!("def {name}(xs):\n    return xs[0]\n"))
            }
        }]
    });
    let strategy = strategy("anpl", json!({})).with_sketch(sketch.clone()).unwrap();
    let (outcome, events) = solve(&model, strategy, squares()).await;
    assert_eq!(outcome.status, Status::Solved, "{outcome:?}");
    let program = outcome.solution.unwrap().program;
    assert!(program.starts_with(&sketch.fixed_text()), "{program}");
    let filled = sketch.filled(&program);
    assert_eq!(filled.open().count(), 0);
    for hole in sketch.holes.iter().filter(|hole| !hole.is_open()) {
        assert_eq!(filled.hole(&hole.id), Some(hole));
    }
    assert!(filled.holes.iter().any(|hole| hole.state == HoleState::Solved && hole.doc == "add all numbers"));
    // The sketch with two holes; both filled; the whole; five new ones for one hole; the whole again.
    let expected = [["decompose"; 3].as_slice(), &["compose"; 3], &["compose"; 5], &["compose"; 1]].concat();
    assert_eq!(actions(&events), expected);

    // A sketch without open holes asks nobody.
    let calls = model.calls();
    let again = self::strategy("anpl", json!({})).with_sketch(filled).unwrap();
    let (outcome, _) = solve(&model, again, squares()).await;
    assert_eq!((outcome.status, model.calls()), (Status::Solved, calls));
}

fn name_in(text: &str) -> String {
    let start = text.rfind("def hole_").unwrap() + 4;
    text[start..].split('(').next().unwrap().to_owned()
}

#[tokio::test]
async fn anpl_sketches_by_itself() {
    let model = model(|asked| {
        vec![match () {
            () if asked.is("software architect") => code(DIVIDED),
            () if asked.about("square") => code("def square(x):\n    return x * x\n"),
            () => panic!("{}", asked.role),
        }]
    });
    let (outcome, events) = solve(&model, strategy("anpl", json!({})), squares()).await;
    assert_eq!((outcome.status, model.calls()), (Status::Solved, 2), "{outcome:?}");
    assert_eq!(actions(&events), ["decompose", "decompose", "compose", "compose"]);
}

#[test]
fn only_anpl_fills_sketches() {
    let sketch = Sketch::parse(SKETCHED).unwrap();
    for name in NAMES {
        let fits = Strategy::by_name(name, &serde_json::Value::Null).unwrap().with_sketch(sketch.clone());
        assert_eq!(fits.is_ok(), name == "anpl");
    }
    assert!(sketch.check_problem(&squares()).is_ok());
    let error = sketch.check_problem(&problem()).unwrap_err();
    assert!(error.to_string().contains("the problem asks for `double`"), "{error}");
}
