//! Where to go on in the tree: Thompson sampling between the moves at a node and the children below it.
//!
//! A move's draw comes from what is known of its [`Situation`] in the whole tree, one draw per situation and step, so
//! that twenty failed programs are not twenty chances for an optimistic draw. A child's draw is the draw of what can be
//! done there, corrected by what came of the programs below it. All draws are divided by the move's cost to the power
//! of a quarter, so that of two moves the cheap one wins ties.

use std::collections::{BTreeMap, BTreeSet};

use super::AdaptiveConfig;
use super::experience::{Class, Experience, Move, Situation, gain, lessons, worth};
use crate::budget::Cost;
use crate::policy::{Operator, Trial};
use crate::thompson::{Arms, Beta, Dice, Moments};
use crate::tree::{NodeId, NodeKind, Tree};

/// What the expectation of a situation is worth beside what came of one node, in observations.
const STRENGTH: f64 = 2.0;
/// Power of the relative cost that draws are divided by.
const COST_POWER: f64 = 0.25;
/// What a program's share of visible tests adds to its draw: enough to break ties.
const TIE: f64 = 0.01;
/// Times that thoughts on the bare problem are asked for.
const PROPOSALS: u32 = 3;
/// A subtree of so many programs of which so large a share behaves alike is not gone into.
const STALE: (u32, f64) = (4, 0.75);
/// Draws that decide whether anything is likely to do better, and by how much it must.
const OUTLOOK: (usize, f64) = (64, 0.02);
/// Moves at one node in one batch.
const AT_ONCE: usize = 2;
/// Moves at the root beside which another request for programs from the statement is joined to the one under way.
const JOINED: usize = 3;

/// The tree as the policy sees it.
#[derive(Debug, Clone)]
pub(super) struct Grove {
    plots: Vec<Plot>,
    experience: Experience,
    /// Answer tokens that each move cost, per program where it makes several.
    costs: [Moments; Move::COUNT],
    all_costs: Moments,
    /// What each move costs beside the mean, to the power of a quarter.
    prices: [f64; Move::COUNT],
    /// Every situation that came up.
    offers: BTreeSet<Situation>,
    /// This step's draws, by number of situation.
    drawn: [Option<f64>; Situation::COUNT],
    /// Thoughts that no program was written from yet.
    untried: u32,
    /// Thoughts that were just written anew, whose programs come next.
    due: Vec<NodeId>,
    losses: Losses,
    max_depth: u32,
    rethink: bool,
}

/// What the trials of this batch are expected to lose, until the batch is planned.
#[derive(Debug, Clone, Default)]
struct Losses {
    situations: Vec<(Situation, Moments)>,
    nodes: Vec<(NodeId, Moments)>,
    moves: Vec<(NodeId, Move)>,
}

/// What is known of a node.
#[derive(Debug, Clone)]
struct Plot {
    face: Face,
    parent: Option<NodeId>,
    /// Its place among its parent's arms, if it is one.
    place: Option<usize>,
    /// The last program written from it, or its own.
    last: Option<NodeId>,
    /// Worth of that program.
    worth: f64,
    /// How often each behaviour came below it.
    behaviours: BTreeMap<u64, u32>,
    /// Worth of its last program before it was written anew.
    before: Option<f64>,
    arms: Arms,
}

/// What a choice looks at. A step looks at a hundred nodes from all over the tree, so this fills one line of the
/// processor's cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Face {
    /// Worth of all programs below it.
    below: Moments,
    prior: f64,
    pass_fraction: f64,
    commonest: u32,
    depth: u32,
    /// How often each move was made at it, by number.
    made: [u16; Move::COUNT],
    kind: NodeKind,
    /// Of its own program, or of the last one written from it.
    class: Class,
    has_arms: bool,
}

const _: () = assert!(size_of::<Face>() == 64);

impl Grove {
    pub(super) fn new(config: &AdaptiveConfig) -> Self {
        let root = Plot::new(NodeKind::Root, None, 0);
        let mut grove = Self {
            plots: vec![root],
            experience: config.experience.clone(),
            costs: [Moments::default(); Move::COUNT],
            all_costs: Moments::default(),
            prices: [1.0; Move::COUNT],
            offers: BTreeSet::new(),
            drawn: [None; Situation::COUNT],
            untried: 0,
            due: Vec::new(),
            losses: Losses::default(),
            max_depth: u32::try_from(config.max_depth.max(1)).unwrap_or(u32::MAX),
            rethink: config.rethink,
        };
        grove.offer(NodeId::ROOT);
        grove
    }

    pub(super) const fn experience(&self) -> &Experience {
        &self.experience
    }

    /// The last program written from a node.
    pub(super) fn last_program(&self, node: NodeId) -> Option<NodeId> {
        self.plot(node)?.last
    }

    /// The next node and the move to make there. `None` if nothing can be done anywhere, or not in this batch.
    pub(super) fn choose(&mut self, dice: &mut Dice) -> Option<(NodeId, Move)> {
        if let Some(thought) = self.due.pop() {
            self.lose(thought, Move::Implement);
            return Some((thought, Move::Implement));
        }
        self.drawn = [None; Situation::COUNT];
        let mut node = NodeId::ROOT;
        loop {
            let act = self.best_move(node, dice);
            let child = self.best_child(node, dice);
            node = match (act, child) {
                (Some((act, value)), child) if child.is_none_or(|(_, below)| value >= below) => {
                    self.lose(node, act);
                    return Some((node, act));
                }
                (_, Some((child, _))) => child,
                (_, None) => return None,
            };
        }
    }

    fn best_move(&mut self, node: NodeId, dice: &mut Dice) -> Option<(Move, f64)> {
        let mut best: Option<(Move, f64)> = None;
        for act in self.moves(node).into_iter().flatten() {
            let plot = self.plot(node)?;
            let (situation, below) = (plot.face.situation(act), plot.face.below);
            let expected = self.draw(situation, dice);
            // At the root everything is known of the situation already.
            let value = if node == NodeId::ROOT { expected } else { corrected(expected, &below, dice) };
            let value = value / self.price(act);
            if best.is_none_or(|(_, largest)| value > largest) {
                best = Some((act, value));
            }
        }
        best
    }

    fn best_child(&mut self, node: NodeId, dice: &mut Dice) -> Option<(NodeId, f64)> {
        let mut arms = std::mem::take(&mut self.plot_mut(node)?.arms);
        let best = arms.best(dice, |child, dice| self.value(child, dice));
        self.plot_mut(node)?.arms = arms;
        best
    }

    /// What going on with a child is worth; `None` if nothing can be done below it.
    fn value(&mut self, child: NodeId, dice: &mut Dice) -> Option<f64> {
        let act = self.moves(child).into_iter().flatten().next();
        let plot = self.plot(child)?;
        if plot.face.is_stale() || (act.is_none() && !plot.face.has_arms) {
            return None;
        }
        let act = act.unwrap_or(Move::Refine);
        let (situation, below, tie) =
            (plot.face.situation(act), plot.face.below, TIE * plot.face.pass_fraction);
        let untried_thought = plot.face.kind == NodeKind::Thought && below.weight <= 0.0;
        let prior = untried_thought.then_some(plot.face.prior);
        let expected = self.draw(situation, dice);
        let value = match prior {
            // One of three equal thoughts is worth what thoughts are worth.
            Some(prior) => expected * (0.8 + 0.6 * prior),
            None => corrected(expected, &below, dice),
        };
        Some((value + tie) / self.price(act))
    }

    /// The moves that can be made at a node, the usual one first.
    fn moves(&self, node: NodeId) -> [Option<Move>; 3] {
        let moves = self.plot(node).map_or([None; 3], |plot| self.moves_at(plot));
        let under_way = || self.losses.moves.iter().filter(|(at, _)| *at == node).map(|(_, act)| *act);
        let count = under_way().count();
        if count == 0 {
            return moves;
        }
        let allowed = |act: &Move| match act {
            // Requests for programs from the statement are joined; any other question would be the same one again.
            Move::Resample => count < JOINED,
            Move::Rethink => false,
            act => count < AT_ONCE && under_way().all(|other| other != Move::Rethink && other != *act),
        };
        moves.map(|act| act.filter(allowed))
    }

    fn moves_at(&self, plot: &Plot) -> [Option<Move>; 3] {
        if plot.face.depth >= self.max_depth {
            return [None; 3];
        }
        let made = |act: Move| plot.face.made.get(act.number()).map_or(0, |made| u32::from(*made));
        let failed = matches!(plot.face.class, Class::Broken | Class::PassesNone | Class::PassesSome);
        match plot.face.kind {
            NodeKind::Root => {
                let proposes = made(Move::Propose) < PROPOSALS && self.untried == 0;
                [Some(Move::Resample), proposes.then_some(Move::Propose), None]
            }
            NodeKind::Thought => {
                let is_last = failed && made(Move::Extend) == 0;
                let rethinks = self.rethink && is_last && made(Move::Rethink) == 0;
                let extends = is_last && plot.face.depth + 1 < self.max_depth;
                [Some(Move::Implement), rethinks.then_some(Move::Rethink), extends.then_some(Move::Extend)]
            }
            _ => [Some(Move::Refine), None, None],
        }
    }

    /// One draw per situation and step.
    fn draw(&mut self, situation: Situation, dice: &mut Dice) -> f64 {
        let mut draw = || self.experience.belief(situation).draw(dice);
        match self.drawn.get_mut(situation.number()) {
            Some(drawn) => *drawn.get_or_insert_with(draw),
            None => draw(),
        }
    }

    fn price(&self, act: Move) -> f64 {
        self.prices.get(act.number()).copied().unwrap_or(1.0)
    }

    /// Books an expected loss for a trial that is on its way: every choice that led to it looks one observation worse,
    /// by a standard deviation, so that the next trial of the batch looks elsewhere.
    fn lose(&mut self, node: NodeId, act: Move) {
        let Some(situation) = self.plot(node).map(|plot| plot.face.situation(act)) else { return };
        let belief = self.experience.belief(situation);
        let loss = (belief.mean() - belief.deviation()).max(0.0);
        self.losses.situations.push((situation, self.experience.get(situation)));
        self.experience.add(situation, loss, 1.0);
        self.losses.moves.push((node, act));
        if let Some(plot) = self.plot_mut(node) {
            plot.face.made(act);
        }
        let mut at = Some(node);
        while let Some(here) = at {
            let Some(plot) = self.plot_mut(here) else { return };
            let (before, parent, place) = (plot.face.below, plot.parent, plot.place);
            plot.face.below.add(loss);
            self.losses.nodes.push((here, before));
            self.changed(parent, place);
            at = parent;
        }
    }

    /// The batch is planned: nothing more is decided before its results are in.
    pub(super) fn forget_losses(&mut self) {
        let losses = std::mem::take(&mut self.losses);
        for (situation, before) in losses.situations.into_iter().rev() {
            self.experience.set(situation, before);
        }
        for (node, before) in losses.nodes.into_iter().rev() {
            if let Some(plot) = self.plot_mut(node) {
                plot.face.below = before;
            }
        }
    }

    /// Whether any situation's draw is better than `best` with less than this probability.
    pub(super) fn hopeless(&self, best: f64, probability: f64, dice: &mut Dice) -> bool {
        let (rounds, by) = OUTLOOK;
        let enough = (probability * rounds as f64).ceil();
        let mut better = 0.0;
        for _ in 0..rounds {
            if better >= enough {
                return false;
            }
            let mut offers = self.offers.iter();
            if offers.any(|offer| self.experience.belief(*offer).draw(dice) > best + by) {
                better += 1.0;
            }
        }
        better < enough
    }

    pub(super) fn charge(&mut self, trial: &Trial, cost: &Cost) {
        let Some(act) = act(&trial.operator) else { return };
        // Of a request for several programs, what one of them cost.
        let tokens = cost.output_tokens as f64 / trial.operator.generations().max(1) as f64;
        self.all_costs.add(tokens);
        if let Some(costs) = self.costs.get_mut(act.number()) {
            costs.add(tokens);
        }
        for (price, costs) in self.prices.iter_mut().zip(&self.costs) {
            let relative = if costs.weight > 0.0 { costs.mean / self.all_costs.mean.max(1.0) } else { 1.0 };
            *price = relative.clamp(0.1, 10.0).powf(COST_POWER);
        }
    }

    /// Takes a new node of the tree.
    pub(super) fn add(&mut self, tree: &Tree, id: NodeId) {
        let Some(node) = tree.node(id) else { return };
        let mut plot = Plot::new(node.kind, node.parent, node.depth);
        plot.face.prior = node.prior;
        let program = node.attempt.as_ref();
        if let Some(attempt) = program {
            plot.face.class = Class::of(program);
            plot.face.pass_fraction = attempt.pass_fraction();
            plot.worth = worth(attempt);
            plot.last = Some(id);
        }
        // A policy numbers nodes as its tree does.
        while self.plots.len() < id.0 as usize {
            self.plots.push(Plot::new(NodeKind::Reflection, None, 0));
        }
        self.plots.push(plot);
        if node.kind == NodeKind::Thought {
            self.untried += 1;
        }
        if node.kind == NodeKind::Thought || program.is_some_and(|_| self.fails(id)) {
            self.open(id);
        }
        for (situation, value, weight) in lessons(tree, node) {
            self.experience.add(situation, value, weight);
        }
        if let (Some(attempt), Some(parent)) = (program, node.parent) {
            self.written(parent, id);
            self.observe(parent, gain(tree, node).unwrap_or_default(), attempt.behaviour);
        }
        self.offer(id);
    }

    /// A program that was asked for did not come.
    pub(super) fn failed(&mut self, node: NodeId, operator: &Operator) {
        let (Some(act), Some(plot)) = (act(operator), self.plot(node)) else { return };
        self.experience.add(plot.face.situation(act), 0.0, 1.0);
        self.observe(node, 0.0, None);
    }

    /// A verdict on a program that stands: one that is rejected can be revised.
    pub(super) fn judge(&mut self, node: NodeId, accepted: Option<bool>) {
        let closed = self.plot(node).is_some_and(|plot| plot.place.is_none());
        if accepted == Some(false) && closed {
            self.open(node);
            self.offer(node);
        }
    }

    /// A thought was written anew: the next trial writes a program from it.
    pub(super) fn rethought(&mut self, thought: NodeId) {
        if let Some(plot) = self.plot_mut(thought) {
            plot.before = Some(plot.worth);
            self.due.push(thought);
        }
    }

    /// Whether the program that came of a rewritten thought is worse than the one before; asked once.
    pub(super) fn is_worse(&mut self, thought: NodeId) -> bool {
        let Some(plot) = self.plot_mut(thought) else { return false };
        plot.before.take().is_some_and(|before| plot.worth < before)
    }

    /// Notes the last program of a thought.
    fn written(&mut self, thought: NodeId, program: NodeId) {
        let Some(Plot { worth, face: Face { class, pass_fraction, .. }, .. }) = self.plot(program) else {
            return;
        };
        let (class, worth, pass_fraction) = (*class, *worth, *pass_fraction);
        let Some(plot) = self.plot_mut(thought).filter(|plot| plot.face.kind == NodeKind::Thought) else {
            return;
        };
        let is_first = plot.last.is_none();
        (plot.last, plot.face.class, plot.worth, plot.face.pass_fraction) =
            (Some(program), class, worth, pass_fraction);
        if is_first {
            self.untried = self.untried.saturating_sub(1);
        }
    }

    /// Tells a node and all above it of a program below.
    fn observe(&mut self, node: NodeId, value: f64, behaviour: Option<u64>) {
        let mut at = Some(node);
        while let Some(here) = at {
            let Some(plot) = self.plot_mut(here) else { return };
            plot.face.below.add(value);
            if here != NodeId::ROOT
                && let Some(behaviour) = behaviour
            {
                let count = plot.behaviours.entry(behaviour).or_default();
                *count += 1;
                plot.face.commonest = plot.face.commonest.max(*count);
            }
            let (parent, place) = (plot.parent, plot.place);
            self.changed(parent, place);
            at = parent;
        }
    }

    fn open(&mut self, node: NodeId) {
        let Some(parent) = self.plot(node).and_then(|plot| plot.parent) else { return };
        let place = self.plot_mut(parent).map(|above| {
            above.face.has_arms = true;
            above.arms.push(node)
        });
        if let Some(plot) = self.plot_mut(node) {
            plot.place = place;
        }
    }

    fn offer(&mut self, node: NodeId) {
        let Some(plot) = self.plot(node) else { return };
        let situations: Vec<Situation> =
            self.moves(node).into_iter().flatten().map(|act| plot.face.situation(act)).collect();
        self.offers.extend(situations);
    }

    fn changed(&mut self, parent: Option<NodeId>, place: Option<usize>) {
        if let (Some(parent), Some(place)) = (parent, place)
            && let Some(above) = self.plot_mut(parent)
        {
            above.arms.changed(place);
        }
    }

    fn fails(&self, node: NodeId) -> bool {
        self.plot(node)
            .is_some_and(|plot| plot.face.class != Class::Stands && plot.face.depth < self.max_depth)
    }

    fn plot(&self, node: NodeId) -> Option<&Plot> {
        self.plots.get(node.0 as usize)
    }

    fn plot_mut(&mut self, node: NodeId) -> Option<&mut Plot> {
        self.plots.get_mut(node.0 as usize)
    }
}

impl Plot {
    fn new(kind: NodeKind, parent: Option<NodeId>, depth: u32) -> Self {
        Self {
            face: Face {
                below: Moments::default(),
                prior: 0.0,
                pass_fraction: 0.0,
                commonest: 0,
                depth,
                made: [0; Move::COUNT],
                kind,
                class: Class::Fresh,
                has_arms: false,
            },
            parent,
            place: None,
            last: None,
            worth: 0.0,
            behaviours: BTreeMap::new(),
            before: None,
            arms: Arms::default(),
        }
    }
}

impl Face {
    fn made(&mut self, act: Move) {
        if let Some(made) = self.made.get_mut(act.number()) {
            *made = made.saturating_add(1);
        }
    }

    fn situation(&self, act: Move) -> Situation {
        Situation::new(act, self.depth, self.class)
    }

    fn is_stale(&self) -> bool {
        let (programs, share) = STALE;
        let evaluated = self.below.weight;
        evaluated >= f64::from(programs) && f64::from(self.commonest) >= share * evaluated
    }
}

/// What is expected of a situation, corrected by what came of one node.
fn corrected(expected: f64, below: &Moments, dice: &mut Dice) -> f64 {
    if below.weight > 0.0 { Beta::around(expected, STRENGTH).after(below).draw(dice) } else { expected }
}

/// The move that a trial's operator makes.
const fn act(operator: &Operator) -> Option<Move> {
    match operator {
        Operator::Resample { .. } => Some(Move::Resample),
        Operator::Propose { .. } => Some(Move::Propose),
        Operator::Implement => Some(Move::Implement),
        Operator::Extend { .. } => Some(Move::Extend),
        Operator::Refine { .. } => Some(Move::Refine),
        Operator::Rethink { .. } => Some(Move::Rethink),
        _ => None,
    }
}
