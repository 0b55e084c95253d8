//! Scripted callers for tests: what a model and a sandbox might say, without either.

use crate::{
    Attempt, Change, Cost, Draft, NodeId, NodeKind, Operator, Preference, Search, SearchPolicy, SuiteRun,
    TestOutcome, Tree, Trial, TrialResult, VerifyStyle,
};

/// A program that passes `passed` of `total` tests.
pub(crate) fn program(fingerprint: u64, passed: u32, total: u32) -> Draft {
    let behaviour = (total > 0).then_some(u64::from(passed));
    let attempt =
        Attempt { fingerprint, passed, total, parses: true, behaviour, length: 100, ..Attempt::default() };
    Draft { kind: NodeKind::Solution, prior: None, attempt: Some(attempt) }
}

/// Nodes that the model gave.
pub(crate) fn made(drafts: impl IntoIterator<Item = Draft>) -> TrialResult {
    TrialResult::Made { drafts: drafts.into_iter().collect() }
}

/// Thoughts of the given reasonableness.
pub(crate) fn thoughts(priors: &[f64]) -> TrialResult {
    made(priors.iter().map(|prior| Draft { kind: NodeKind::Thought, prior: Some(*prior), attempt: None }))
}

/// A reflection.
pub(crate) fn reflection() -> TrialResult {
    reflections(1)
}

/// Several reflections.
pub(crate) fn reflections(count: usize) -> TrialResult {
    made((0..count).map(|_| Draft { kind: NodeKind::Reflection, prior: None, attempt: None }))
}

/// A critic's grade, of 5.
pub(crate) fn grade(of_five: u8) -> TrialResult {
    TrialResult::Graded { grade: Some(f64::from(of_five) / 5.0) }
}

/// A critic's verdict.
pub(crate) const fn verdict(accepted: bool) -> TrialResult {
    TrialResult::Judged { accepted: Some(accepted) }
}

/// A node of inputs.
pub(crate) fn inputs() -> TrialResult {
    made([Draft { kind: NodeKind::Inputs, prior: None, attempt: None }])
}

/// What a probe saw on 8 inputs.
pub(crate) fn probed(behaviours: impl IntoIterator<Item = Option<u64>>) -> TrialResult {
    TrialResult::Probed { behaviours: behaviours.into_iter().collect(), inputs: 8 }
}

/// Functions without a program of their own: a draft and `stubs`, or implementations.
pub(crate) fn modules(count: usize) -> Vec<Draft> {
    vec![Draft { kind: NodeKind::Module, prior: None, attempt: None }; count]
}

/// Candidates with what each returned on the inputs.
pub(crate) fn composed(drafts: Vec<Draft>, rows: &[&[Option<u32>]]) -> TrialResult {
    let behaviour =
        |row: &&[Option<u32>]| crate::choose::consensus::Outputs { outputs: row.to_vec(), fails: false };
    TrialResult::Composed { drafts, behaviours: rows.iter().map(behaviour).collect() }
}

/// A self-evaluation.
pub(crate) const fn sure(confidence: f64) -> TrialResult {
    TrialResult::Verified { confidence: Some(confidence) }
}

/// A suite of tests.
pub(crate) fn suite() -> Draft {
    Draft { kind: NodeKind::Tests, prior: None, attempt: None }
}

/// What came of a program on suites.
pub(crate) fn ran(runs: impl IntoIterator<Item = SuiteRun>) -> TrialResult {
    TrialResult::Ran { runs: runs.into_iter().collect() }
}

/// A run that passes the first `passed` of `total` tests, and is as far from each other answer as its number says.
pub(crate) fn passes(passed: u32, total: u32) -> SuiteRun {
    let marks: Vec<bool> = (0..total).map(|index| index < passed).collect();
    marked(&marks)
}

/// A run with these passes and failures, each failure at the distance 1.
pub(crate) fn marked(marks: &[bool]) -> SuiteRun {
    let distance = |passed: bool| Some(if passed { 0.0 } else { 1.0 });
    let outcome = |passed: &bool| TestOutcome {
        passed: *passed,
        answer: u64::from(*passed),
        distance: distance(*passed),
    };
    SuiteRun { outcomes: marks.iter().map(outcome).collect() }
}

/// What came of tests, from the answers given and the answers expected.
pub(crate) fn outcomes(answers: &[u64], expected: &[u64]) -> SuiteRun {
    let outcome = |(answer, expected): (&u64, &u64)| TestOutcome {
        passed: answer == expected,
        answer: *answer,
        distance: Some(answer.abs_diff(*expected) as f64),
    };
    SuiteRun { outcomes: answers.iter().zip(expected).map(outcome).collect() }
}

/// Adds a suite below the root.
pub(crate) fn add_suite(tree: &mut Tree) -> NodeId {
    tree.add(NodeId::ROOT, NodeKind::Tests, "generate_tests", 1.0, None).unwrap()
}

/// Adds a program below the root.
pub(crate) fn add_program(tree: &mut Tree, fingerprint: u64, passed: u32, total: u32) -> NodeId {
    let attempt = program(fingerprint, passed, total).attempt;
    tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, attempt).unwrap()
}

/// Notes what came of a program on a suite.
pub(crate) fn add_run(tree: &mut Tree, node: NodeId, suite: NodeId, run: SuiteRun) {
    tree.apply(Change::Ran { node, suite, run }).unwrap();
}

/// Plays a search to its end against a script: the operators that must be asked for, in order, and the answers.
///
/// # Panics
/// If the policy asks for anything else.
pub(crate) fn play(policy: impl SearchPolicy + 'static, script: Vec<(&str, TrialResult)>) -> Search {
    let mut search = Search::new(Box::new(policy), 1);
    for (step, (operator, result)) in script.into_iter().enumerate() {
        let trials = search.ask(1);
        let [trial] = trials.as_slice() else { panic!("step {step}: {trials:?} instead of {operator}") };
        assert_eq!(trial.operator.name(), operator, "step {step}: {trial:?}");
        search.tell(trial.id, result);
    }
    search
}

/// Plays a search to its end against a function, with up to `slots` trials in flight, told in the order of asking.
///
/// # Panics
/// After 10 000 trials, and where the policy waits for nothing.
pub(crate) fn run(
    policy: impl SearchPolicy + 'static,
    seed: u64,
    slots: usize,
    answer: impl Fn(&Trial) -> TrialResult,
) -> (Search, Vec<Trial>) {
    let mut search = Search::new(Box::new(policy), seed);
    let (mut log, mut flying) = (Vec::new(), std::collections::VecDeque::new());
    while search.stop_reason().is_none() {
        flying.extend(search.ask(slots - flying.len()));
        let trial: Trial = flying.pop_front().expect("a search that goes on asks or waits for a result");
        search.tell_at_cost(trial.id, answer(&trial), cost(&trial));
        log.push(trial);
        assert!(log.len() < 10_000, "the search does not end");
    }
    // What is in flight when the method stops still comes in.
    for trial in flying {
        search.tell_at_cost(trial.id, answer(&trial), cost(&trial));
        log.push(trial);
    }
    (search, log)
}

/// What a trial costs: a call, and tokens that are a function of the trial alone.
pub(crate) fn cost(trial: &Trial) -> Cost {
    Cost { calls: 1, output_tokens: 50 + trial.seed % 500, ..Cost::default() }
}

/// Names of the operators asked for, in order.
pub(crate) fn names(log: &[Trial]) -> Vec<&'static str> {
    log.iter().map(|trial| trial.operator.name()).collect()
}

/// What an operator should give, for a caller that always succeeds: programs pass `passed` of 4 tests.
pub(crate) fn obliging(trial: &Trial, passed: u32) -> TrialResult {
    match (&trial.operator, trial.operator.makes()) {
        (Operator::Rethink { .. }, _) => TrialResult::Replaced,
        (Operator::Blame, _) => TrialResult::Blamed { place: Some(0) },
        (Operator::Verify { style: VerifyStyle::Confidence | VerifyStyle::Verdicts { .. } }, _) => sure(0.5),
        (Operator::Verify { style: VerifyStyle::Verdict }, _) => verdict(false),
        (Operator::Grade | Operator::RatePlan, _) => grade(3),
        (Operator::Plan, _) => made([Draft { kind: NodeKind::Plan, prior: None, attempt: None }]),
        (Operator::RunTests { suites, .. }, _) => ran(suites.iter().map(|_| passes(passed.min(3), 3))),
        (_, Some((NodeKind::Tests, count))) => made(vec![suite(); count]),
        (_, Some((NodeKind::Thought, count))) => thoughts(&vec![0.5; count]),
        (_, Some((NodeKind::Reflection, count))) => reflections(count),
        (Operator::Probe { programs, .. }, _) => probed(programs.iter().map(|_| Some(1))),
        (Operator::Compare { .. }, _) => TrialResult::Compared { preference: Preference::Node },
        (_, Some((NodeKind::Inputs, _))) => inputs(),
        (_, Some((_, count))) => made((0..count as u64).map(|index| program(trial.seed ^ index, passed, 4))),
        (_, None) => TrialResult::Unusable,
    }
}
