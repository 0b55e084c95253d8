//! Properties that hold for every policy, whatever comes back.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::choose::consensus::Outputs;
use crate::testing::{
    cost, made, modules, obliging, passes, probed, program, ran, reflections, run, suite, sure, thoughts,
};
use crate::*;

/// A caller whose luck is a function of the trial alone, as it is with recorded answers. `kind` is its character.
#[expect(clippy::too_many_lines, reason = "a table: an answer per operator")]
fn answer(kind: u64, trial: &Trial) -> TrialResult {
    let mut luck = ChaCha8Rng::seed_from_u64(trial.seed ^ kind);
    let mut roll = |sides: u64| luck.next_u64() % sides;
    if roll(6) == 0 {
        let misplaced = [
            TrialResult::Unusable,
            made([]),
            TrialResult::Replaced,
            sure(f64::NAN),
            TrialResult::Graded { grade: Some(f64::NAN) },
            TrialResult::Judged { accepted: None },
            TrialResult::Blamed { place: Some(usize::MAX) },
        ];
        return misplaced[roll(7) as usize].clone();
    }
    let total = [4, 4, 1, 0][(kind % 4) as usize];
    match (&trial.operator, trial.operator.makes()) {
        (Operator::Blame, _) => TrialResult::Blamed { place: (roll(4) > 0).then(|| roll(6) as usize) },
        (Operator::Grade | Operator::RatePlan, _) => {
            TrialResult::Graded { grade: (roll(4) > 0).then(|| roll(8) as f64 / 5.0 - 0.2) }
        }
        (Operator::Verify { style: VerifyStyle::Verdict }, _) => {
            TrialResult::Judged { accepted: [None, Some(true), Some(false)][roll(3) as usize] }
        }
        (_, Some((NodeKind::Reflection, count))) => reflections(roll(count as u64 + 2) as usize),
        (Operator::Verify { style: VerifyStyle::Confidence | VerifyStyle::Verdicts { .. } }, _) => {
            let confidence = (roll(4) > 0).then(|| roll(30) as f64 / 10.0 - 1.5);
            TrialResult::Verified { confidence }
        }
        (Operator::RunTests { suites, .. }, _) => {
            let number = roll(suites.len() as u64 + 2);
            ran((0..number).map(|_| passes(roll(5) as u32, 4)))
        }
        (_, Some((NodeKind::Tests, count))) => made(vec![suite(); roll(count as u64 + 2) as usize]),
        (_, Some((NodeKind::Thought, count))) => {
            let priors: Vec<f64> = (0..roll(count as u64 + 2)).map(|_| roll(5) as f64 / 2.0 - 0.5).collect();
            thoughts(&priors)
        }
        (_, Some((NodeKind::Solution | NodeKind::Revision, count))) => {
            let number = roll(count as u64 + 2);
            let mut drafts: Vec<Draft> =
                (0..number).map(|_| program(roll(30), roll(u64::from(total) + 2) as u32, total)).collect();
            for attempt in drafts.iter_mut().filter_map(|draft| draft.attempt.as_mut()) {
                attempt.parses = roll(5) > 0;
            }
            if let Some(draft) = drafts.first_mut().filter(|_| roll(8) == 0) {
                draft.attempt = None;
            }
            made(drafts)
        }
        (Operator::Probe { programs, .. }, _) => {
            // Sometimes too few, sometimes too many.
            let number = programs.len() as u64 + roll(3);
            probed((1..number).map(|_| (roll(4) > 0).then(|| roll(3))))
        }
        (Operator::Compare { .. }, _) => {
            let preference = [Preference::Node, Preference::Other, Preference::Tie, Preference::Inconsistent]
                [roll(4) as usize];
            TrialResult::Compared { preference }
        }
        (Operator::Decompose { .. }, _) => made(modules(roll(5) as usize)),
        (Operator::Compose { count, .. }, _) => {
            let (number, inputs) = (roll(*count as u64 + 2), roll(3));
            let mut output = || (roll(4) > 0).then(|| roll(2) as u32);
            let outputs = (0..number).map(|_| (0..inputs).map(|_| output()).collect());
            let behaviours: Vec<Outputs> = outputs.map(|outputs| Outputs { outputs, fails: false }).collect();
            let drafts = if trial.node == NodeId::ROOT || roll(4) == 0 {
                (0..number).map(|_| program(roll(30), roll(u64::from(total) + 2) as u32, total)).collect()
            } else {
                modules(number as usize)
            };
            TrialResult::Composed { drafts, behaviours }
        }
        (Operator::ProposePlans { .. }, _) => {
            let plans: Vec<Vec<u64>> =
                (0..roll(5)).map(|_| (0..roll(4)).map(|_| roll(3)).collect()).collect();
            TrialResult::Planned { steps: crate::trie::merge(&plans) }
        }
        (Operator::Decide { .. }, _) => {
            TrialResult::Chosen { votes: (0..roll(5)).map(|_| roll(20) as u32).collect() }
        }
        (Operator::BlameHole { .. }, _) => {
            TrialResult::HoleBlamed { hole: (roll(3) > 0).then(|| roll(4) as usize) }
        }
        _ => obliging(trial, 0),
    }
}

/// A method's name, the most trials that it may need, and its constructor.
type Row = (&'static str, usize, fn() -> Box<dyn SearchPolicy>);

/// One of each method, in its defaults and in its corners.
#[expect(clippy::too_many_lines, reason = "a table: a row per policy")]
fn policies() -> Vec<Row> {
    vec![
        ("resample", 10, || Box::new(Resample::new(ResampleConfig::default()))),
        ("resample by 4", 3, || {
            Box::new(Resample::new(ResampleConfig { per_request: 4, ..Default::default() }))
        }),
        ("resample to the first", 10, || {
            Box::new(Resample::new(ResampleConfig { stop_at_first: true, ..Default::default() }))
        }),
        ("reflexion", 20, || Box::new(Reflexion::new(ReflexionConfig::default()))),
        ("rethink-mcts", 16 * 6 + 1, || Box::new(RethinkMcts::new(RethinkConfig::default()))),
        ("rethink-mcts to the end", 16 * 6 + 1, || {
            Box::new(RethinkMcts::new(RethinkConfig { exhaust: true, ..Default::default() }))
        }),
        ("reflexion by its own tests", 30, || {
            Box::new(Reflexion::new(ReflexionConfig { tests: TestSource::Generated, ..Default::default() }))
        }),
        ("lats", 2 + 7 + 1 + 8 * 8, || Box::new(Lats::new(LatsConfig::default()))),
        ("lats with its first tests", 2 + 7 + 1 + 8 * 7, || {
            Box::new(Lats::new(LatsConfig { fresh_tests: false, ..Default::default() }))
        }),
        ("lats without iterations", 7, || {
            Box::new(Lats::new(LatsConfig { iterations: 0, revisions: 0, tests: 0, ..Default::default() }))
        }),
        ("agentcoder", 5 * 7, || Box::new(AgentCoder::new(AgentCoderConfig::default()))),
        ("agentcoder with feedback", 5 * 7, || {
            let revision = agentcoder::Revision::Feedback;
            Box::new(AgentCoder::new(AgentCoderConfig { revision, ..Default::default() }))
        }),
        ("agentcoder without anything", 3, || {
            let config = AgentCoderConfig { rounds: 0, programs: 0, suites: 0, ..Default::default() };
            Box::new(AgentCoder::new(AgentCoderConfig { tests: 0, accept_at: 0, ..config }))
        }),
        ("alphacodium", 4 + 16 + 1 + 8 * 3, || Box::new(AlphaCodium::new(AlphaCodiumConfig::default()))),
        ("alphacodium without anything", 40, || {
            let config =
                AlphaCodiumConfig { solutions: 0, tests: 0, first_programs: 0, ..Default::default() };
            Box::new(AlphaCodium::new(AlphaCodiumConfig { visible_fixes: 0, generated_fixes: 0, ..config }))
        }),
        ("codechain", 24, || Box::new(CodeChain::new(CodeChainConfig::default()))),
        ("codechain to the end", 24, || {
            Box::new(CodeChain::new(CodeChainConfig { exhaust: true, ..Default::default() }))
        }),
        ("adaptive", 120, || Box::new(Adaptive::new(AdaptiveConfig::default()))),
        ("adaptive, one by one, to the end", 120, || {
            let config = AdaptiveConfig { batch: 1, stop_below: 0.0, ..Default::default() };
            Box::new(Adaptive::new(AdaptiveConfig { per_request: 1, ..config }))
        }),
        ("adaptive without much", 20, || {
            let config = AdaptiveConfig { generations: 0, calls: 0, batch: 0, ..Default::default() };
            Box::new(Adaptive::new(AdaptiveConfig { per_request: 0, thoughts: 0, max_depth: 0, ..config }))
        }),
        ("ab-mcts", 128, || Box::new(AbMcts::new(AbMctsConfig::default()))),
        ("ab-mcts with Beta, by 3", 42, || {
            let config = AbMctsConfig { variant: AbMctsVariant::Beta, batch: 3, ..Default::default() };
            Box::new(AbMcts::new(AbMctsConfig { generations: 40, exhaust: true, ..config }))
        }),
        ("ab-mcts, mixed", 40, || {
            let config = AbMctsConfig { variant: AbMctsVariant::Mixed, exhaust: true, ..Default::default() };
            Box::new(AbMcts::new(AbMctsConfig { generations: 40, ..config }))
        }),
        ("rethink-mcts that blames", 16 * 7 + 1, || {
            let config = RethinkConfig { rethink_target: RethinkTarget::Blame, ..Default::default() };
            Box::new(RethinkMcts::new(RethinkConfig { exhaust: true, ..config }))
        }),
        // A proposal, then a program, its critic and a reflection each.
        ("codetree", 1 + 20 * 3, || Box::new(CodeTree::new(CodeTreeConfig::default()))),
        ("codetree breadth first", 1 + 20 * 2, || {
            Box::new(UnguidedTree::new(UnguidedTreeConfig::default(), Order::BreadthFirst))
        }),
        ("codetree depth first", 1 + 20 * 2, || {
            Box::new(UnguidedTree::new(UnguidedTreeConfig::default(), Order::DepthFirst))
        }),
        ("mapcoder", 25, || Box::new(MapCoder::new(MapCoderConfig::default()))),
        ("s-star", 16 * 3 + 2 + 3, || Box::new(SStar::new(SStarConfig::default()))),
        ("s-star of many clusters", 6 * 3 + 1 + 15, || {
            Box::new(SStar::new(SStarConfig {
                samples: 6,
                written_inputs: 0,
                clusters: 99,
                ..Default::default()
            }))
        }),
        ("s-star of one", 1, || {
            Box::new(SStar::new(SStarConfig { samples: 0, rounds: 0, clusters: 0, ..Default::default() }))
        }),
        ("plansearch", 1 + 56 * 5 + 20, || Box::new(PlanSearch::new(PlanSearchConfig::default()))),
        ("plansearch of one layer", 1 + 7 + 5, || {
            let config = PlanSearchConfig {
                observations: 3,
                second_layer: false,
                other_plans: false,
                ..Default::default()
            };
            Box::new(PlanSearch::new(PlanSearchConfig { programs: 5, ..config }))
        }),
        ("plansearch of nothing", 4, || {
            Box::new(PlanSearch::new(PlanSearchConfig { observations: 0, programs: 0, ..Default::default() }))
        }),
        ("evolve", 40, || Box::new(Evolve::new(EvolveConfig::default()))),
        ("evolve to the end", 40, || {
            let config = EvolveConfig { exhaust: true, islands: 3, migrate_every: 1, ..Default::default() };
            Box::new(Evolve::new(EvolveConfig { explore: 0.5, exploit: 0.2, archive: 1, ..config }))
        }),
        ("evolve nothing", 1, || {
            let config =
                EvolveConfig { programs: 0, islands: 0, migrate_every: 0, archive: 0, ..Default::default() };
            Box::new(Evolve::new(EvolveConfig { explore: 0.0, exploit: 0.0, ..config }))
        }),
        ("funcoder", 25 * (3 + 11), || Box::new(FunCoder::new(FunCoderConfig::default()))),
        ("funcoder after trial", 1 + 25 * (3 + 11), || {
            Box::new(FunCoder::new(FunCoderConfig { plan_on_failure: true, ..Default::default() }))
        }),
        ("tree-planner", 10 * (1 + 2 * 12) + 1, || Box::new(TreePlanner::new(TreePlannerConfig::default()))),
        ("critical-sampling", 10, || Box::new(CriticalSampling::new(CriticalSamplingConfig::default()))),
        ("anpl", 10 * (1 + 8 * 5 + 1 + 8 * 3), || {
            Box::new(Anpl::new(AnplConfig::default(), anpl::SketchBy::Model))
        }),
        ("anpl of a sketch", 1 + 8 * 5 + 1 + 8 * 3, || {
            Box::new(Anpl::new(AnplConfig::default(), anpl::SketchBy::User))
        }),
        // Values that a configuration file can't hold still come to an end.
        ("no functions", 4, || {
            let config =
                FunCoderConfig { depth: 0, functions: 0, samples: 0, per_request: 0, ..Default::default() };
            Box::new(FunCoder::new(FunCoderConfig {
                divide_attempts: 0,
                agree_after: 0,
                usable: 0,
                ..config
            }))
        }),
        ("no plans", 1 + 2 * 12 + 1, || {
            let config = TreePlannerConfig { plans: 0, votes: 0, corrections: 0, ..Default::default() };
            Box::new(TreePlanner::new(config))
        }),
        ("nothing", 30, || {
            Box::new(RethinkMcts::new(RethinkConfig { rollouts: 0, thoughts: 0, ..Default::default() }))
        }),
        ("no rounds", 2, || {
            let config = CodeChainConfig { samples: 0, per_request: 0, rounds: 1, ..Default::default() };
            Box::new(CodeChain::new(CodeChainConfig { clusters: vec![], ..config }))
        }),
        ("no width", 10, || {
            let config = CodeTreeConfig { generations: 0, width: 0, max_depth: 0, ..Default::default() };
            Box::new(CodeTree::new(config))
        }),
        ("no depth", 10, || {
            let config = UnguidedTreeConfig { generations: 0, width: 0, max_depth: 0, ..Default::default() };
            Box::new(UnguidedTree::new(config, Order::DepthFirst))
        }),
        ("no plans", 5, || {
            Box::new(MapCoder::new(MapCoderConfig { plans: 0, fixes: 0, ..Default::default() }))
        }),
        ("no programs", 1, || Box::new(Resample::new(ResampleConfig { programs: 0, ..Default::default() }))),
    ]
}

impl SearchPolicy for Box<dyn SearchPolicy> {
    fn ask(&mut self, tree: &Tree, slots: usize) -> Vec<Decision> {
        (**self).ask(tree, slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        (**self).tell(tree, trial, result)
    }

    fn stop_reason(&self, tree: &Tree) -> Option<StopReason> {
        (**self).stop_reason(tree)
    }

    fn charge(&mut self, trial: &Trial, cost: &Cost) {
        (**self).charge(trial, cost);
    }
}

/// Plays a search with results told in a shuffled order; gives the tree and every change, in the order of telling.
fn shuffled(policy: Box<dyn SearchPolicy>, seed: u64, kind: u64, slots: usize) -> (Search, Vec<Change>) {
    let (mut search, mut changes) = (Search::new(policy, seed), Vec::new());
    let (mut flying, mut luck) = (Vec::new(), ChaCha8Rng::seed_from_u64(kind));
    while search.stop_reason().is_none() || !flying.is_empty() {
        if search.stop_reason().is_none() {
            flying.extend(search.ask(slots - flying.len()));
        }
        assert!(!flying.is_empty(), "the search waits for nothing");
        let trial: Trial = flying.swap_remove((luck.next_u64() % flying.len() as u64) as usize);
        let told = search.tell_at_cost(trial.id, answer(kind, &trial), cost(&trial));
        changes.extend(told.changes);
        assert_eq!(search.tell(trial.id, answer(kind, &trial)), Told::default(), "telling is idempotent");
    }
    (search, changes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The number of trials in flight changes neither the trials nor the tree.
    #[test]
    fn slots_do_not_matter(seed: u64, kind: u64, slots in 2_usize..9) {
        for (name, _, policy) in policies() {
            let (one, one_log) = run(policy(), seed, 1, |trial| answer(kind, trial));
            let (many, many_log) = run(policy(), seed, slots, |trial| answer(kind, trial));
            prop_assert_eq!(one_log, many_log, "{}", name);
            prop_assert_eq!(one.tree(), many.tree(), "{}", name);
            prop_assert_eq!((one.stop_reason(), one.best()), (many.stop_reason(), many.best()), "{}", name);
        }
    }

    /// Results may come in any order, and the changes told are the tree's whole history.
    #[test]
    fn the_order_of_telling_does_not_matter(seed: u64, kind: u64, slots in 1_usize..9) {
        for (name, _, policy) in policies() {
            let (ordered, _) = run(policy(), seed, 1, |trial| answer(kind, trial));
            let (shuffled, changes) = shuffled(policy(), seed, kind, slots);
            prop_assert_eq!(ordered.tree(), shuffled.tree(), "{}", name);
            prop_assert_eq!(&Tree::replay(changes).unwrap(), shuffled.tree(), "{}", name);
            prop_assert_eq!(shuffled.in_flight(), 0);
        }
    }

    /// Every method ends within its bound, and its trials make sense.
    #[test]
    fn every_policy_ends(seed: u64, kind: u64) {
        for (name, bound, policy) in policies() {
            let (search, log) = run(policy(), seed, 4, |trial| answer(kind, trial));
            prop_assert!(log.len() <= bound, "{} asked for {} trials", name, log.len());
            for (number, trial) in log.iter().enumerate() {
                prop_assert_eq!(trial.id, TrialId(number as u64));
                check_sense(search.tree(), trial);
            }
        }
    }

    /// Even if nothing usable ever comes back.
    #[test]
    fn every_policy_ends_on_rubbish(seed: u64, which in 0_usize..4) {
        let rubbish = [TrialResult::Unusable, made([]), TrialResult::Replaced, sure(f64::INFINITY)];
        for (name, bound, policy) in policies() {
            let (search, log) = run(policy(), seed, 4, |_| rubbish[which].clone());
            prop_assert!(log.len() <= bound, "{} asked for {} trials", name, log.len());
            prop_assert_eq!(search.best(), None);
        }
    }

    /// If any program passes, the chosen one does; and a search that says Accepted has one to show.
    #[test]
    fn the_best_is_kept(seed: u64, kind: u64) {
        for (name, _, policy) in policies() {
            let (search, _) = run(policy(), seed, 4, |trial| answer(kind, trial));
            let attempts = || search.tree().nodes().filter_map(|node| node.attempt.as_ref());
            let best = search.best().and_then(|node| search.tree().attempt(node));
            prop_assert_eq!(best.is_some(), attempts().next().is_some(), "{}", name);
            let passes = best.is_some_and(Attempt::passes_all);
            prop_assert_eq!(passes, attempts().any(Attempt::passes_all), "{}", name);
            let untested = attempts().all(|attempt| attempt.total == 0);
            prop_assert!(search.stop_reason() != Some(StopReason::Accepted) || passes || untested, "{}", name);
        }
    }

    /// Visits add up: every rollout is one return at the root, and a node has as many as its thoughts and its own.
    #[test]
    fn visits_add_up(seed: u64, kind: u64) {
        let policy = RethinkMcts::new(RethinkConfig { exhaust: true, ..Default::default() });
        let (search, _) = run(policy, seed, 1, |trial| answer(kind, trial));
        let tree = search.tree();
        prop_assert_eq!(tree.node(NodeId::ROOT).map(|root| root.stats.visits), Some(16));
        for node in tree.nodes() {
            let below: u32 = tree.children(node.id).map(|child| child.stats.visits).sum();
            prop_assert!(node.stats.visits >= below);
            let thoughts = || tree.children(node.id).filter(|child| child.kind == NodeKind::Thought);
            let priors: f64 = thoughts().map(|child| child.prior).sum();
            prop_assert!(thoughts().next().is_none() || (priors - 1.0).abs() < 1e-9);
        }
    }

    /// A larger budget of trials never gives a worse program.
    #[test]
    fn more_trials_are_never_worse(seed: u64, kind: u64) {
        for (name, _, policy) in policies() {
            let mut search = Search::new(policy(), seed);
            let mut passed = false;
            while search.stop_reason().is_none() {
                for trial in search.ask(1) {
                    search.tell_at_cost(trial.id, answer(kind, &trial), cost(&trial));
                }
                let best = search.best().and_then(|node| search.tree().attempt(node));
                let passes = best.is_some_and(Attempt::passes_all);
                prop_assert!(passes || !passed, "{}", name);
                passed = passes;
            }
        }
    }
}

/// A trial names nodes of the tree, of the kind that its operator works on.
#[expect(clippy::too_many_lines, clippy::cognitive_complexity, reason = "a table: a rule per operator")]
fn check_sense(tree: &Tree, trial: &Trial) {
    let kind = |node: NodeId| tree.node(node).map(|node| node.kind).expect("trials name nodes that exist");
    let holds_program = |node: NodeId| assert!(tree.attempt(node).is_some(), "{trial:?}");
    match &trial.operator {
        Operator::Propose { .. } | Operator::Recall { .. } | Operator::Resample { .. } => {
            assert_eq!(trial.node, NodeId::ROOT);
        }
        Operator::Plan => assert!(matches!(kind(trial.node), NodeKind::Root | NodeKind::Thought)),
        Operator::RatePlan => assert_eq!(kind(trial.node), NodeKind::Plan),
        Operator::ReviseWithModules { sources, .. } => {
            assert!(!sources.is_empty());
            sources.iter().for_each(|node| holds_program(*node));
        }
        Operator::Extend { after, .. } => {
            assert_eq!(kind(trial.node), NodeKind::Thought);
            holds_program(*after);
            assert_eq!(tree.node(*after).and_then(|node| node.parent), Some(trial.node));
        }
        Operator::Rethink { after } => {
            assert_eq!(kind(trial.node), NodeKind::Thought);
            holds_program(*after);
            assert!(tree.lineage(*after).any(|node| node.id == trial.node));
        }
        Operator::Implement => {
            let sources = [NodeKind::Root, NodeKind::Thought, NodeKind::Plan];
            assert!(sources.contains(&kind(trial.node)), "{trial:?}");
        }
        Operator::RefineWithPlan
        | Operator::Blame
        | Operator::Reflect { .. }
        | Operator::Grade
        | Operator::Verify { .. } => holds_program(trial.node),
        Operator::Mutate { inspirations } => {
            holds_program(trial.node);
            inspirations.iter().for_each(|node| holds_program(*node));
        }
        Operator::Combine { observations, wanted, .. } => {
            assert!(matches!(kind(trial.node), NodeKind::Root | NodeKind::Thought));
            assert!(observations.iter().all(|node| kind(*node) == NodeKind::Thought));
            if let Combined::OtherPlan(plan) = wanted {
                assert_eq!(kind(*plan), NodeKind::Thought);
            }
        }
        Operator::WriteInputs { .. } => assert_eq!(trial.node, NodeId::ROOT),
        Operator::Probe { programs, inputs } => {
            assert!(!programs.is_empty());
            programs.iter().for_each(|node| holds_program(*node));
            assert!(inputs.iter().all(|node| kind(*node) == NodeKind::Inputs));
        }
        Operator::Compare { other } => {
            holds_program(trial.node);
            holds_program(*other);
            assert_ne!(trial.node, *other);
        }
        Operator::RefineWithHistory { path, .. } => {
            path.iter().for_each(|past| holds_program(past.program));
            assert_eq!(path.last().map(|past| past.program), Some(trial.node));
            assert!(
                path.iter().filter_map(|past| past.reflection).all(|node| kind(node) == NodeKind::Reflection)
            );
        }
        Operator::Analyse => assert_eq!(trial.node, NodeId::ROOT),
        Operator::ChooseSolution { among } => {
            assert!(!among.is_empty() && among.iter().all(|node| kind(*node) == NodeKind::Thought));
        }
        Operator::GenerateTests { .. } | Operator::ProposeSolutions { .. } => {
            assert!(matches!(kind(trial.node), NodeKind::Root | NodeKind::Thought));
        }
        Operator::RunTests { suites, .. } => {
            holds_program(trial.node);
            assert!(suites.iter().all(|node| matches!(kind(*node), NodeKind::Root | NodeKind::Tests)));
        }
        Operator::Refine { reflection, .. } => {
            holds_program(trial.node);
            assert!(reflection.is_none_or(|node| kind(node) == NodeKind::Reflection));
        }
        Operator::Decompose { known, .. } => {
            assert!(matches!(kind(trial.node), NodeKind::Root | NodeKind::Module));
            known.iter().for_each(|node| assert_eq!(kind(*node), NodeKind::Module));
        }
        Operator::Compose { count, pieces } => {
            assert!(matches!(kind(trial.node), NodeKind::Root | NodeKind::Module | NodeKind::PlanStep));
            assert!(*count > 0 || pieces.draft.is_some());
            pieces
                .parts
                .iter()
                .chain(&pieces.draft)
                .for_each(|node| assert_eq!(kind(*node), NodeKind::Module));
            pieces.after.iter().for_each(|node| holds_program(*node));
        }
        Operator::RefineFromPrefix { .. } => holds_program(trial.node),
        Operator::ProposePlans { .. } => assert_eq!(trial.node, NodeId::ROOT),
        Operator::Decide { options, .. } => {
            assert!(options.len() > 1);
            for option in options {
                assert_eq!(tree.node(*option).and_then(|node| node.parent), Some(trial.node));
            }
        }
        Operator::BlameHole { holes } => {
            holds_program(trial.node);
            holes.iter().for_each(|hole| assert_eq!(kind(*hole), NodeKind::Module));
        }
    }
}

#[test]
fn an_early_result_waits_and_is_released_with_the_one_before_it() {
    let mut search = Search::new(Box::new(Resample::new(ResampleConfig::default())), 1);
    let trials = search.ask(3);
    assert_eq!(search.tell(trials[2].id, obliging(&trials[2], 4)), Told::default());
    assert_eq!(search.tell(trials[1].id, obliging(&trials[1], 3)), Told::default());
    assert_eq!((search.best(), search.in_flight()), (None, 3));
    let told = search.tell(trials[0].id, obliging(&trials[0], 2));
    assert_eq!(told.nodes, [NodeId(1)]);
    assert_eq!(told.released, [(trials[1].id, vec![NodeId(2)]), (trials[2].id, vec![NodeId(3)])]);
    assert_eq!(told.changes.len(), 6, "three nodes and their pass fractions");
    assert_eq!((search.best(), search.in_flight()), (Some(NodeId(3)), 0));
}

#[test]
fn a_trial_that_was_never_asked_for_is_ignored() {
    let mut search = Search::new(Box::new(Resample::new(ResampleConfig::default())), 1);
    assert_eq!(search.tell(TrialId(5), made([program(1, 4, 4)])), Told::default());
    assert_eq!(search.tree(), &Tree::new());
}

#[test]
fn seeds_depend_on_the_search_and_the_number_alone() {
    let seeds = |seed: u64, slots: usize| {
        let (_, log) = run(Resample::new(ResampleConfig::default()), seed, slots, |trial| obliging(trial, 1));
        log.into_iter().map(|trial| trial.seed).collect::<Vec<_>>()
    };
    assert_eq!(seeds(7, 1), seeds(7, 4));
    let all: BTreeSet<u64> = (0..20).flat_map(|seed| seeds(seed, 1)).collect();
    assert_eq!(all.len(), 200, "no two trials share a seed");
    assert!(all.iter().all(|seed| *seed < 1 << 63));
    // The stream is part of the format: stored runs are continued with it.
    assert_eq!(trial_seed(7, 0), PINNED[0]);
    assert_eq!(trial_seed(7, 1), PINNED[1]);
}

const PINNED: [u64; 2] = [1_455_412_108_784_804_317, 9_150_588_334_914_655_587];
