//! What one step of a policy costs in a tree of 1,000 nodes (and how it grows with the tree, where a method samples
//! among all its nodes): asking for a trial and telling its result; and what the choice of the best program costs there, which the driver makes after every step.
//!
//! A step's cost depends on what the method does next, so the mean of 100 steps in a row is measured. Every program
//! fails and no two are alike, so that no method ends and nothing is judged twice.

use std::time::{Duration, Instant};

use codeagent::search::tree::NodeKind;
use codeagent::search::{
    AbMcts, AbMctsConfig, AbMctsVariant, Adaptive, AdaptiveConfig, Attempt, CodeChain, CodeChainConfig,
    Draft, Operator, Reflexion, ReflexionConfig, Resample, ResampleConfig, RethinkConfig, RethinkMcts,
    SearchPolicy, Tree, Trial, TrialId, TrialResult, choose,
};
use criterion::Criterion;

/// Nodes of the tree when measuring begins.
const NODES: usize = 1_000;
/// Steps measured in a row.
const STEPS: u32 = 100;
/// Steps before measuring. A copy of a tree has no room to grow, so the first node makes all of it move, which a tree that
/// grows does once in a doubling of its size.
const UNMEASURED: u32 = 10;

fn main() {
    let mut criterion = Criterion::default().measurement_time(Duration::from_secs(3)).configure_from_args();
    let endless = usize::MAX;
    step(
        &mut criterion,
        "resample",
        Resample::new(ResampleConfig { programs: endless, ..ResampleConfig::default() }),
    );
    step(
        &mut criterion,
        "reflexion",
        Reflexion::new(ReflexionConfig { max_iterations: endless, ..ReflexionConfig::default() }),
    );
    step(
        &mut criterion,
        "rethink-mcts",
        RethinkMcts::new(RethinkConfig { rollouts: endless, ..RethinkConfig::default() }),
    );
    step(
        &mut criterion,
        "codechain",
        CodeChain::new(CodeChainConfig { rounds: endless, ..CodeChainConfig::default() }),
    );
    for nodes in [1_000, 10_000, 100_000] {
        let config = AbMctsConfig { generations: endless, exhaust: true, ..AbMctsConfig::default() };
        let mixed = AbMctsConfig { variant: AbMctsVariant::Mixed, ..config.clone() };
        let adaptive = AdaptiveConfig {
            generations: endless,
            calls: endless,
            stop_below: 0.0,
            ..AdaptiveConfig::default()
        };
        scaling(&mut criterion, "ab-mcts", nodes, AbMcts::new(config));
        scaling(&mut criterion, "ab-mcts, mixed", nodes, AbMcts::new(mixed));
        scaling(&mut criterion, "adaptive", nodes, Adaptive::new(adaptive));
    }
    criterion.final_summary();
}

/// Steps in a tree that has grown to so many nodes. It may grow by a tenth more while it is measured.
fn scaling(criterion: &mut Criterion, name: &str, nodes: usize, policy: impl SearchPolicy + Clone) {
    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    let mut grown = None;
    group.bench_function(format!("{name}/step at {nodes} nodes"), |bencher| {
        let grown = grown.get_or_insert_with(|| Grown::to(nodes, policy.clone()));
        bencher.iter_custom(|mut steps| {
            let mut taken = Duration::ZERO;
            while steps > 0 {
                let some = steps.min(nodes as u64 / 10);
                taken += grown.clone().steps(some);
                steps -= some;
            }
            taken
        });
    });
    group.finish();
}

fn step(criterion: &mut Criterion, name: &str, policy: impl SearchPolicy + Clone) {
    let grown = Grown::to(NODES, policy);
    let mut group = criterion.benchmark_group("search");
    group.bench_function(format!("{name}/step"), |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations).map(|_| grown.clone().steps(u64::from(STEPS)) / STEPS).sum()
        });
    });
    group.bench_function(format!("{name}/best"), |bencher| bencher.iter(|| choose::best(&grown.tree)));
    group.finish();
}

/// A policy and its tree, without the numbering of trials that a search adds.
#[derive(Clone)]
struct Grown<P> {
    policy: P,
    tree: Tree,
    trials: u64,
}

impl<P: SearchPolicy> Grown<P> {
    /// Grows a tree to this size.
    fn to(nodes: usize, policy: P) -> Self {
        let mut grown = Self { policy, tree: Tree::new(), trials: 0 };
        while grown.tree.len() < nodes {
            grown.step();
        }
        grown.tree.take_changes();
        grown
    }

    fn steps(mut self, steps: u64) -> Duration {
        for _ in 0..UNMEASURED {
            self.step();
        }
        let start = Instant::now();
        for _ in 0..steps {
            self.step();
        }
        start.elapsed()
    }

    fn step(&mut self) {
        for decision in self.policy.ask(&self.tree, 1) {
            let trial = Trial {
                id: TrialId(self.trials),
                node: decision.node,
                operator: decision.operator,
                temperature: decision.temperature,
                max_output_tokens: decision.max_output_tokens,
                seed: self.trials,
            };
            self.trials += 1;
            self.policy.tell(&mut self.tree, &trial, &result(&trial));
        }
    }
}

/// What a model that always fails would give.
fn result(trial: &Trial) -> TrialResult {
    match (&trial.operator, trial.operator.makes()) {
        (Operator::Rethink { .. }, _) => TrialResult::Replaced,
        (_, Some((kind, count))) => TrialResult::Made {
            drafts: (0..count as u64).map(|index| draft(kind, trial.seed, index)).collect(),
        },
        (_, None) => TrialResult::Unusable,
    }
}

fn draft(kind: NodeKind, trial: u64, index: u64) -> Draft {
    let is_program = matches!(kind, NodeKind::Solution | NodeKind::Revision);
    let attempt = is_program.then_some(Attempt {
        fingerprint: trial << 8 | index,
        passed: 1,
        total: 4,
        parses: true,
        behaviour: Some(trial % 7),
        length: 400,
        slow: 0,
        learned: None,
        mean_logprob: None,
    });
    let prior = (kind == NodeKind::Thought).then_some(0.25);
    Draft { kind, prior, attempt }
}
