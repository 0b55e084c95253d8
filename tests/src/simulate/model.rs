//! The simulated model: what each operator gives, by chance.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use codeagent::strategy::FeedbackStyle;
use codeagent_search::choose::consensus::Outputs;
use codeagent_search::policy::{
    Operator, Preference, ReflectionStyle, ThoughtStyle, Trial, TrialResult, VerifyStyle,
};
use codeagent_search::{Attempt, Cost, Draft, NodeId, NodeKind, Tree};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Visible tests of a simulated problem.
const TESTS: u32 = 4;
/// Misconceptions of a simulated problem.
const KINDS: usize = 12;
/// Ways to write the same program.
const WORDINGS: u64 = 15;

/// What a model can do, as probabilities. They are set so that resampling, Reflexion and RethinkMCTS stand to each other
/// roughly as published for small and for large models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// A right program straight from the statement, on average over problems. Problems differ much: half of them are
    /// nearly hopeless or nearly certain.
    pub direct: f64,
    /// How much likelier a thought is right than a direct program, once thoughts are asked for.
    pub ideas: f64,
    /// A right program from a right thought.
    pub implement: f64,
    /// A slip is mended when its failure is shown; a wrong approach is mended a fourth as often.
    pub repair: f64,
    /// A right program is judged right.
    pub trust: f64,
    /// A wrong program is judged wrong.
    pub doubt: f64,
}

impl Skill {
    /// A small model: seldom right, repairs little, believes its own programs.
    pub const WEAK: Self =
        Self { direct: 0.15, ideas: 0.0, implement: 0.85, repair: 0.08, trust: 0.7, doubt: 0.4 };
    /// A model between the two.
    pub const MIDDLE: Self =
        Self { direct: 0.35, ideas: 0.03, implement: 0.9, repair: 0.3, trust: 0.8, doubt: 0.55 };
    /// A large model: often right, repairs well, is a fair judge.
    pub const STRONG: Self =
        Self { direct: 0.6, ideas: 0.05, implement: 0.95, repair: 0.5, trust: 0.9, doubt: 0.7 };
    /// As the middle one, but whatever it revises stays wrong.
    pub const STUBBORN: Self = Self { repair: 0.0, ..Self::MIDDLE };
}

/// A simulated model on one simulated problem, with its memory of what it wrote.
#[derive(Debug, Clone)]
pub struct Model {
    skill: Skill,
    problem: u64,
    /// A right program straight from the statement.
    direct: f64,
    misconceptions: Vec<Misconception>,
    contents: BTreeMap<NodeId, Content>,
    /// Analysing a failure block by block costs a call.
    feedback: FeedbackStyle,
    useless: bool,
}

/// A way to get the problem wrong.
#[derive(Debug, Clone, Copy)]
struct Misconception {
    weight: f64,
    passed: u32,
    /// The approach is right and a detail wrong.
    slip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Content {
    /// A thought that is right, or that leads to a misconception.
    Thought(Option<usize>),
    /// A program that is right, or follows a misconception.
    Program(Option<usize>),
    Text,
}

/// What came of a trial, before the tree has numbered it.
pub struct Answer {
    /// What the policy is told.
    pub result: TrialResult,
    /// What it cost.
    pub cost: Cost,
    contents: Vec<Content>,
}

impl Model {
    /// A model of this skill on the problem of this number.
    #[must_use]
    pub fn new(skill: Skill, problem: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(problem ^ 0x5eed);
        let direct = unaided(skill.direct, &mut dice);
        let misconceptions = (0..KINDS).map(|rank| Misconception::new(rank, &mut dice)).collect();
        Self {
            skill,
            problem,
            direct,
            misconceptions,
            contents: BTreeMap::new(),
            feedback: FeedbackStyle::Tests,
            useless: false,
        }
    }

    /// The same model for a strategy that has failures analysed.
    #[must_use]
    pub const fn told(mut self, feedback: FeedbackStyle) -> Self {
        self.feedback = feedback;
        self
    }

    /// Whether the program of a node is right.
    #[must_use]
    pub fn is_right(&self, node: NodeId) -> bool {
        self.contents.get(&node) == Some(&Content::Program(None))
    }

    /// The most that a trial costs.
    #[must_use]
    pub fn worst(&self, trial: &Trial) -> Cost {
        let may_analyse = match trial.operator {
            Operator::Refine { .. } => self.feedback != FeedbackStyle::Tests,
            Operator::Implement => self.feedback == FeedbackStyle::TestsAndTrace,
            _ => false,
        };
        let calls = calls(&trial.operator) + u64::from(may_analyse);
        Cost { calls, generations: trial.operator.generations(), ..Cost::default() }
    }

    /// Whether a failure is analysed block by block: that of a program just made, or that of a revision to be revised.
    fn analyses(&self, tree: &Tree, trial: &Trial, made: &[Content]) -> bool {
        let failed = |made: &Content| matches!(made, Content::Program(Some(kind)) if !self.is_trap(*kind));
        match (self.feedback, &trial.operator) {
            (FeedbackStyle::TestsAndTrace, Operator::Refine { .. } | Operator::Implement) => {
                made.iter().any(failed)
            }
            (FeedbackStyle::TestsThenTrace, Operator::Refine { .. }) => is_revision(tree, trial.node),
            _ => false,
        }
    }

    /// A model that never gives a usable answer.
    #[must_use]
    pub fn useless(problem: u64) -> Self {
        Self { useless: true, ..Self::new(Skill::WEAK, problem) }
    }

    /// Carries a trial out. The same question at temperature 0 has the same answer.
    #[must_use]
    pub fn answer(&self, tree: &Tree, trial: &Trial) -> Answer {
        if self.useless {
            let cost = Cost { calls: self.worst(trial).calls, ..cost(trial, &[], false) };
            return Answer { result: TrialResult::Unusable, cost, contents: Vec::new() };
        }
        let mut hasher = DefaultHasher::new();
        let question = match &trial.operator {
            // What was drawn before is nothing to a model server.
            Operator::Resample { count, style, .. } => {
                format!("Resample {{ count: {count}, style: {style:?} }}")
            }
            other => format!("{other:?}"),
        };
        (self.problem, trial.node, question).hash(&mut hasher);
        let payload = tree.node(trial.node).map(|node| node.payloads.clone());
        (payload, (trial.temperature > 0.0).then_some(trial.seed)).hash(&mut hasher);
        let mut dice = ChaCha8Rng::seed_from_u64(hasher.finish());
        let contents = self.contents_of(tree, trial, &mut dice);
        let result = match (&trial.operator, trial.operator.makes()) {
            (Operator::Rethink { .. }, _) => TrialResult::Replaced,
            (Operator::Verify { style: VerifyStyle::Confidence | VerifyStyle::Verdicts { .. } }, _) => {
                TrialResult::Verified { confidence: Some(self.confidence(tree, trial.node)) }
            }
            (Operator::Verify { .. }, _) => {
                TrialResult::Judged { accepted: Some(self.confidence(tree, trial.node) > 0.0) }
            }
            (Operator::Blame, _) => TrialResult::Blamed { place: self.blamed(tree, trial.node, &mut dice) },
            (Operator::Probe { programs, .. }, _) => {
                let behaviours = programs.iter().map(|node| self.behaviour(*node)).collect();
                TrialResult::Probed { behaviours, inputs: 16 }
            }
            (Operator::Compare { other }, _) => {
                TrialResult::Compared { preference: self.prefers(trial.node, *other, &mut dice) }
            }
            (Operator::Compose { .. }, _) => self.composed(tree, trial, &contents, &mut dice),
            (Operator::ProposePlans { .. }, _) => {
                TrialResult::Planned { steps: codeagent_search::trie::merge(&plans(&mut dice)) }
            }
            (Operator::Decide { options, votes, .. }, _) => {
                let mut counts = vec![0; options.len()];
                for _ in 0..*votes {
                    let chosen = dice.random_range(0..options.len());
                    counts.iter_mut().skip(chosen).take(1).for_each(|count| *count += 1);
                }
                TrialResult::Chosen { votes: counts }
            }
            (Operator::BlameHole { holes }, _) => {
                let seen = !holes.is_empty() && dice.random_bool(self.skill.doubt);
                TrialResult::HoleBlamed { hole: seen.then(|| dice.random_range(0..holes.len())) }
            }
            (Operator::Grade | Operator::RatePlan, _) => {
                TrialResult::Graded { grade: Some(self.grade(trial.node, &mut dice)) }
            }
            (_, Some((kind, _))) => TrialResult::Made {
                drafts: contents.iter().map(|made| self.draft(*made, kind, &mut dice)).collect(),
            },
            (_, None) => TrialResult::Unusable,
        };
        let analysed = self.analyses(tree, trial, &contents);
        Answer { cost: cost(trial, &contents, analysed), result, contents }
    }

    /// Remembers what the new nodes hold.
    pub fn note(&mut self, trial: &Trial, nodes: &[NodeId], answer: Answer) {
        if answer.result == TrialResult::Replaced {
            self.contents.extend(answer.contents.first().map(|content| (trial.node, *content)));
        }
        self.contents.extend(nodes.iter().copied().zip(answer.contents));
    }

    fn contents_of(&self, tree: &Tree, trial: &Trial, dice: &mut ChaCha8Rng) -> Vec<Content> {
        let here = self.contents.get(&trial.node).copied();
        match (&trial.operator, trial.operator.makes()) {
            (Operator::Rethink { .. }, _) => {
                let right = self.helps() * 1.2 * self.idea();
                vec![Content::Thought(self.misconceived(right, dice))]
            }
            (Operator::Refine { reflection, count }, _) => {
                let traced = match self.feedback {
                    FeedbackStyle::Tests => false,
                    FeedbackStyle::TestsAndTrace => true,
                    FeedbackStyle::TestsThenTrace => is_revision(tree, trial.node),
                };
                let helped = reflection.is_some() || traced;
                (0..*count).map(|_| self.revised(here, helped, dice)).collect()
            }
            (Operator::RefineWithHistory { path, count }, _) => {
                let helped = path.iter().any(|past| past.reflection.is_some());
                (0..*count).map(|_| self.revised(here, helped, dice)).collect()
            }
            (Operator::RefineWithPlan | Operator::Mutate { .. }, _) => vec![self.revised(here, false, dice)],
            (Operator::ReviseWithModules { sources, count, .. }, _) => {
                // What the sources have in common is kept; the right parts of wrong programs help a little.
                let right =
                    sources.iter().filter(|node| self.is_right(**node)).count() as f64 / sources.len() as f64;
                let chance =
                    (self.direct * (1.0 + 0.2 * self.helps()) + 0.6 * right * (1.0 - self.direct)).min(0.98);
                (0..*count).map(|_| Content::Program(self.misconceived(chance, dice))).collect()
            }
            (Operator::Propose { style: ThoughtStyle::Open, count }, _) => {
                // As many as the problem needs, which is a few.
                self.ideas(self.idea(), dice.random_range(2..6).min(*count), dice)
            }
            (Operator::Reflect { style: ReflectionStyle::Open, count }, _) => {
                vec![Content::Text; dice.random_range(1..4).min(*count)]
            }
            (Operator::RefineFromPrefix { count }, _) => {
                let kept = here == Some(Content::Program(None));
                let again = |dice: &mut ChaCha8Rng| match here {
                    _ if kept => Content::Program(self.misconceived(self.skill.implement, dice)),
                    _ => self.revised(here, false, dice),
                };
                (0..*count).map(|_| again(dice)).collect()
            }
            // A draft, and the functions that it calls.
            (Operator::Decompose { helpers, .. }, _) => {
                vec![Content::Text; 1 + dice.random_range(0..4).min(*helpers)]
            }
            (Operator::Compose { count, pieces }, _) => {
                let candidates = count + usize::from(pieces.draft.is_some());
                let whole = is_whole(tree, trial.node);
                (0..candidates).map(|_| self.composition(whole, dice)).collect()
            }
            (Operator::ProposePlans { .. }, _) => Vec::new(),
            (_, Some((NodeKind::Thought | NodeKind::Plan, count))) => {
                let chance = match here {
                    Some(Content::Thought(None)) => 0.95,
                    Some(Content::Thought(Some(_))) => 0.5 * self.idea(),
                    _ => self.idea(),
                };
                self.ideas(chance, count, dice)
            }
            (_, Some((NodeKind::Solution | NodeKind::Revision, count))) => {
                (0..count).map(|_| self.written(tree, trial.node, dice)).collect()
            }
            (_, Some((_, count))) => vec![Content::Text; count],
            (_, None) => Vec::new(),
        }
    }

    /// One function; the entry point makes a program, which is right about as often as one that follows a thought.
    fn composition(&self, whole: bool, dice: &mut ChaCha8Rng) -> Content {
        if whole { Content::Program(self.misconceived(self.idea(), dice)) } else { Content::Text }
    }

    /// What candidates do on common inputs: right ones the same, and those of one misconception.
    fn composed(
        &self,
        tree: &Tree,
        trial: &Trial,
        contents: &[Content],
        dice: &mut ChaCha8Rng,
    ) -> TrialResult {
        let kind = if trial.node == NodeId::ROOT { NodeKind::Solution } else { NodeKind::Module };
        let drafts: Vec<Draft> = contents.iter().map(|made| self.draft(*made, kind, dice)).collect();
        let whole = is_whole(tree, trial.node);
        let class = |content: &Content, dice: &mut ChaCha8Rng| match content {
            Content::Program(of) => of.map_or(0, |kind| 1 + kind as u32),
            _ => self.misconceived(self.direct.max(0.5), dice).map_or(0, |kind| 1 + kind as u32),
        };
        let fails =
            |draft: &Draft| whole && draft.attempt.as_ref().is_some_and(|attempt| !attempt.passes_all());
        let behaviours = contents.iter().zip(&drafts).map(|(content, draft)| Outputs {
            outputs: vec![Some(class(content, dice)); 5],
            fails: fails(draft),
        });
        TrialResult::Composed { behaviours: behaviours.collect(), drafts }
    }

    /// Distinct thoughts, the first of which is right with probability `right`.
    fn ideas(&self, right: f64, count: usize, dice: &mut ChaCha8Rng) -> Vec<Content> {
        let (mut ideas, mut left) = (Vec::new(), 10 * count);
        while ideas.len() < count.min(KINDS + 1) && left > 0 {
            let idea = Content::Thought(self.misconceived(right, dice));
            if !ideas.contains(&idea) {
                ideas.push(idea);
            }
            left -= 1;
        }
        ideas
    }

    /// A program from the thoughts above it, or from the statement alone.
    fn written(&self, tree: &Tree, node: NodeId, dice: &mut ChaCha8Rng) -> Content {
        let thought = tree.lineage(node).find_map(|node| match self.contents.get(&node.id) {
            Some(Content::Thought(thought)) => Some(*thought),
            _ => None,
        });
        match thought {
            Some(None) => Content::Program(self.misconceived(self.skill.implement.max(self.direct), dice)),
            Some(Some(kind)) if dice.random_bool(0.65) => Content::Program(Some(kind)),
            Some(Some(_)) => Content::Program(self.misconceived(0.5 * self.direct, dice)),
            None => Content::Program(self.misconceived(self.direct, dice)),
        }
    }

    fn revised(&self, program: Option<Content>, helped: bool, dice: &mut ChaCha8Rng) -> Content {
        let Some(Content::Program(Some(kind))) = program else {
            return Content::Program(self.misconceived(self.direct, dice));
        };
        let slip = self.misconceptions.get(kind).is_some_and(|kind| kind.slip);
        let help = if helped { 1.2 } else { 1.0 };
        let chance =
            self.skill.repair * help * (if slip { 1.0 } else { 0.25 }) * (0.3 + 0.7 * self.direct.sqrt());
        if dice.random_bool(chance.clamp(0.0, 0.95)) {
            return Content::Program(None);
        }
        if dice.random_bool(0.6) {
            Content::Program(Some(kind))
        } else {
            Content::Program(self.misconceived(0.0, dice))
        }
    }

    /// A misconception, or none with probability `right`.
    fn misconceived(&self, right: f64, dice: &mut ChaCha8Rng) -> Option<usize> {
        if dice.random_bool(right.clamp(0.0, 1.0)) {
            return None;
        }
        let mut left =
            dice.random_range(0.0..self.misconceptions.iter().map(|kind| kind.weight).sum::<f64>());
        let chosen = self.misconceptions.iter().position(|kind| {
            left -= kind.weight;
            left <= 0.0
        });
        chosen.or(Some(0))
    }

    /// How likely a thought is right.
    fn idea(&self) -> f64 {
        (self.direct + self.skill.ideas * (1.0 - self.direct)).min(0.98)
    }

    /// 1, or 0 for a model whose revisions never help.
    fn helps(&self) -> f64 {
        if self.skill.repair > 0.0 { 1.0 } else { 0.0 }
    }

    fn is_trap(&self, kind: usize) -> bool {
        self.misconceptions.get(kind).is_some_and(|kind| kind.passed == TESTS)
    }

    /// The model's opinion of a program; the same whenever it is asked.
    fn confidence(&self, tree: &Tree, node: NodeId) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.problem, "opinion", tree.attempt(node).map(|attempt| attempt.fingerprint)).hash(&mut hasher);
        let mut dice = ChaCha8Rng::seed_from_u64(hasher.finish());
        let says_right = if self.is_right(node) {
            dice.random_bool(self.skill.trust)
        } else {
            !dice.random_bool(self.skill.doubt)
        };
        if says_right { dice.random_range(0.3..1.0) } else { dice.random_range(-0.8..0.0) }
    }

    /// The place of the first wrong thought above a program, or none where the model does not see it.
    fn blamed(&self, tree: &Tree, program: NodeId, dice: &mut ChaCha8Rng) -> Option<usize> {
        let mut chain: Vec<Content> =
            tree.lineage(program).filter_map(|node| self.contents.get(&node.id).copied()).collect();
        chain.reverse();
        let mut thoughts = chain.into_iter().filter(|content| matches!(content, Content::Thought(_)));
        let wrong = thoughts.position(|thought| matches!(thought, Content::Thought(Some(_))));
        wrong.filter(|_| dice.random_bool(self.skill.doubt))
    }

    /// What a program does on probes: right programs do the same, and so do those of one misconception.
    fn behaviour(&self, node: NodeId) -> Option<u64> {
        let Some(Content::Program(of)) = self.contents.get(&node) else { return None };
        let mut hasher = DefaultHasher::new();
        (self.problem, "probes", of).hash(&mut hasher);
        Some(hasher.finish())
    }

    /// A judgement of two programs that differ, with the outputs that tell them apart in sight.
    fn prefers(&self, one: NodeId, other: NodeId, dice: &mut ChaCha8Rng) -> Preference {
        let (first, second) = (self.is_right(one), self.is_right(other));
        if first == second || !dice.random_bool((self.skill.trust + self.skill.doubt) / 2.0) {
            return match dice.random_range(0..3) {
                0 => Preference::Node,
                1 => Preference::Other,
                _ => Preference::Inconsistent,
            };
        }
        if first { Preference::Node } else { Preference::Other }
    }

    /// A critic's grade of outputs: slips look nearer to right than wrong approaches, most of the time.
    fn grade(&self, node: NodeId, dice: &mut ChaCha8Rng) -> f64 {
        let near = match self.contents.get(&node) {
            Some(Content::Program(Some(kind))) => {
                self.misconceptions.get(*kind).is_some_and(|kind| kind.slip)
            }
            _ => true,
        };
        let right = dice.random_bool(self.skill.trust);
        f64::from(dice.random_range(1..4) + i32::from(near == right)) / 5.0
    }

    fn draft(&self, content: Content, kind: NodeKind, dice: &mut ChaCha8Rng) -> Draft {
        match content {
            Content::Program(of) => Draft { kind, prior: None, attempt: Some(self.attempt(of, dice)) },
            Content::Thought(of) => {
                let lean = if of.is_none() { 0.1 } else { 0.0 };
                Draft { kind, prior: Some(dice.random_range(0.2..0.6) + lean), attempt: None }
            }
            Content::Text => Draft { kind, prior: None, attempt: None },
        }
    }

    fn attempt(&self, of: Option<usize>, dice: &mut ChaCha8Rng) -> Attempt {
        let hash = |what: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            self.problem.hash(&mut hasher);
            what(&mut hasher);
            hasher.finish()
        };
        let passed = of.and_then(|kind| self.misconceptions.get(kind)).map_or(TESTS, |kind| kind.passed);
        let wording = dice.random_range(0..WORDINGS);
        Attempt {
            fingerprint: hash(&|hasher| (of, wording).hash(hasher)),
            passed,
            total: TESTS,
            parses: true,
            behaviour: Some(hash(&|hasher| (passed < TESTS).then_some(of).hash(hasher))),
            length: 300 + 20 * wording as u32,
            slow: 0,
            learned: None,
            mean_logprob: None,
        }
    }
}

impl Misconception {
    fn new(rank: usize, dice: &mut ChaCha8Rng) -> Self {
        let slip = dice.random_bool(0.5);
        let trap = dice.random_bool(0.12);
        let passed = match (trap, slip) {
            (true, _) => TESTS,
            (false, true) => dice.random_range(1..TESTS),
            (false, false) => dice.random_range(0..TESTS - 1),
        };
        Self { weight: 1.0 / (rank + 1) as f64, passed, slip }
    }
}

/// A chance with this mean that is seldom near it: problems are easy or hard for a model. It is a power of a uniform
/// number, which is a Beta distribution.
fn unaided(mean: f64, dice: &mut ChaCha8Rng) -> f64 {
    let uniform: f64 = dice.random_range(0.0..1.0);
    // The mean of `u^k` is `1/(k+1)`.
    uniform.powf(1.0 / mean.clamp(0.01, 0.99) - 1.0).clamp(0.0, 0.99)
}

fn is_revision(tree: &Tree, node: NodeId) -> bool {
    tree.node(node).is_some_and(|node| node.kind == NodeKind::Revision)
}

/// Whether the function at `node` is the entry point, with which a program is complete.
fn is_whole(tree: &Tree, node: NodeId) -> bool {
    let is_last = |kind: NodeKind| {
        kind == NodeKind::PlanStep && !tree.children(node).any(|child| child.kind == NodeKind::PlanStep)
    };
    node == NodeId::ROOT || tree.node(node).is_some_and(|node| is_last(node.kind))
}

/// Plans of up to three steps.
fn plans(dice: &mut ChaCha8Rng) -> Vec<Vec<u64>> {
    let mut plan = || (0..dice.random_range(0..3)).map(|_| dice.random_range(0..3)).chain([9]).collect();
    (0..4).map(|_| plan()).collect()
}

/// Questions that an operator asks, failures' analyses aside.
fn calls(operator: &Operator) -> u64 {
    match operator {
        Operator::Probe { .. } => 0,
        Operator::Compare { .. } => 3,
        // The inputs, and the functions.
        Operator::Compose { count: 0, .. } => 0,
        Operator::Compose { pieces, .. } => 1 + u64::from(pieces.inputs > 0 && pieces.earlier.is_empty()),
        Operator::RefineFromPrefix { .. } => 2,
        _ => 1,
    }
}

fn cost(trial: &Trial, contents: &[Content], analysed: bool) -> Cost {
    let programs = contents.iter().filter(|made| matches!(made, Content::Program(_))).count() as u64;
    let thoughts = contents.iter().filter(|made| matches!(made, Content::Thought(_))).count() as u64;
    let texts = contents.len() as u64 - programs - thoughts;
    let shown = match trial.operator {
        Operator::Resample { .. } | Operator::Propose { .. } => 0,
        Operator::Implement => 60,
        _ => 450,
    };
    if matches!(trial.operator, Operator::Probe { .. }) {
        return Cost::default();
    }
    if matches!(trial.operator, Operator::Compare { .. }) {
        return Cost { calls: 3, input_tokens: 3_000, output_tokens: 400, executions: 2, ..Cost::default() };
    }
    let extra = if analysed { (1, 900, 350) } else { (0, 0, 0) };
    let judged = if contents.is_empty() { 80 } else { 0 };
    Cost {
        calls: calls(&trial.operator) + extra.0,
        generations: trial.operator.generations(),
        input_tokens: 400 + shown + extra.1,
        output_tokens: 280 * programs + 60 * thoughts + 150 * texts + judged + extra.2,
        micro_usd: 0,
        executions: programs,
    }
}
