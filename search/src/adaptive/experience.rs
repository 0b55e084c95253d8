//! What is known of operators: how good the programs are that each makes, by where it is applied.
//!
//! Observations are pooled over the whole tree by operator, depth and what the program worked from came to, so that a
//! search learns, for instance, that revising a program that passes nothing seldom helps with this model. The same
//! function reads a finished tree, so that what one problem taught can be carried to the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, Outcome};
use crate::thompson::{Beta, Moments};
use crate::tree::{Node, NodeId, NodeKind, Tree};

/// Weight of an observation from an earlier problem.
const EARLIER: f64 = 0.3;
/// What all earlier observations of one kind weigh together at most.
const EARLIER_MAX: f64 = 20.0;
/// What observations of one kind can weigh, as settings have them.
const WEIGHT_MAX: f64 = 1e6;
/// What a program that fails is worth beside one that passes, per share of visible tests passed.
///
/// Small, for only programs that pass are worth submitting: with the 0.7 of the rewards, revising a program that passes
/// three tests of four would look better than any fresh attempt, though it never helped.
const PARTIAL: f64 = 0.2;
/// What a program that no visible test speaks against is worth.
const STANDING: f64 = 0.9;

/// Depths that are told apart: 0, 1, and 2 for all below.
const DEPTHS: usize = 3;
/// How many classes there are.
const CLASSES: usize = Class::Stands as usize + 1;

/// What a policy does to make programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Programs straight from the statement.
    Resample,
    /// Thoughts on the problem, and the first programs from them.
    Propose,
    /// A program from a thought.
    Implement,
    /// Thoughts that go on from one, and the first programs from them.
    Extend,
    /// A program in the place of a failed or rejected one.
    Refine,
    /// A thought written anew, and the program from it.
    Rethink,
}

impl Move {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Rethink as usize + 1;

    /// Its number, from 0.
    pub(super) const fn number(self) -> usize {
        self as usize
    }
}

/// What the program that a move works from came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// There is none.
    Fresh,
    /// It does not parse.
    Broken,
    /// It passes no visible test.
    PassesNone,
    /// It passes some.
    PassesSome,
    /// No visible test speaks against it.
    Stands,
}

/// A kind of situation: a move, how deep it is made, and from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Situation {
    /// The move.
    pub act: Move,
    /// Depth of the node that it is applied to: 0, 1, or 2 for all below.
    pub depth: u8,
    /// What it works from.
    pub class: Class,
}

/// What moves made of situations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Situation, Moments)>", into = "Vec<(Situation, Moments)>")]
pub struct Experience {
    seen: BTreeMap<Situation, Moments>,
}

impl Class {
    /// The class of a program.
    #[must_use]
    pub fn of(attempt: Option<&Attempt>) -> Self {
        match attempt {
            None => Self::Fresh,
            Some(attempt) if attempt.outcome() != Outcome::Failed => Self::Stands,
            Some(attempt) if !attempt.parses => Self::Broken,
            Some(attempt) if attempt.passed == 0 => Self::PassesNone,
            Some(_) => Self::PassesSome,
        }
    }
}

impl Situation {
    /// How many there are.
    pub(super) const COUNT: usize = Move::COUNT * DEPTHS * CLASSES;

    /// Its number, from 0.
    pub(super) const fn number(self) -> usize {
        (self.act.number() * DEPTHS + self.depth as usize) * CLASSES + self.class as usize
    }

    /// A move applied to a node of this depth.
    #[must_use]
    pub fn new(act: Move, depth: u32, class: Class) -> Self {
        Self { act, depth: u8::try_from(depth.min(2)).unwrap_or(2), class }
    }

    /// What is believed of a move before anything is seen: rough shares of programs that pass, worth two observations.
    pub(super) fn prior(self) -> Beta {
        let mean = match (self.act, self.class) {
            (Move::Resample | Move::Propose, _) | (Move::Implement, Class::Fresh) => 0.3,
            (Move::Refine, Class::PassesSome | Class::Stands) => 0.25,
            (Move::Refine, _) => 0.16,
            (Move::Rethink | Move::Extend, _) => 0.2,
            (Move::Implement, _) => 0.15,
        };
        Beta::around(mean, 2.0)
    }
}

impl Experience {
    /// What a finished tree teaches.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        let mut experience = Self::default();
        for (situation, value, weight) in tree.nodes().flat_map(|node| lessons(tree, node)) {
            experience.add(situation, value, weight);
        }
        experience
    }

    /// Adds what an earlier problem taught: each of its observations weighs 0.3, and all of a kind at most 20.
    pub fn carry(&mut self, earlier: &Self) {
        for (situation, moments) in &earlier.seen {
            let kept = self.seen.entry(*situation).or_default();
            *kept = kept.with(&moments.scaled(EARLIER));
            if kept.weight > EARLIER_MAX {
                *kept = kept.scaled(EARLIER_MAX / kept.weight);
            }
        }
    }

    /// How many kinds of situation it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// What all observations weigh together.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.seen.values().map(|moments| moments.weight).sum()
    }

    /// What is believed of a situation: the prior, what was seen of it, and what was seen of the same move elsewhere, which
    /// counts as much. So a move that never helped is not tried in every new situation once more.
    pub(super) fn belief(&self, situation: Situation) -> Beta {
        let same_move =
            self.seen.iter().filter(|(other, _)| other.act == situation.act && **other != situation);
        let elsewhere = same_move.fold(Moments::default(), |sum, (_, moments)| sum.with(moments));
        situation.prior().after(&elsewhere).after(&self.get(situation))
    }

    pub(super) fn get(&self, situation: Situation) -> Moments {
        self.seen.get(&situation).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, situation: Situation, value: f64, weight: f64) {
        self.seen.entry(situation).or_default().add_weighted(value, weight);
    }

    pub(super) fn set(&mut self, situation: Situation, moments: Moments) {
        if moments.weight > 0.0 {
            self.seen.insert(situation, moments);
        } else {
            self.seen.remove(&situation);
        }
    }
}

impl TryFrom<Vec<(Situation, Moments)>> for Experience {
    type Error = String;

    fn try_from(seen: Vec<(Situation, Moments)>) -> Result<Self, String> {
        for (situation, Moments { weight, mean, squares }) in &seen {
            let fits = (0.0..=WEIGHT_MAX).contains(weight)
                && (0.0..=1.0).contains(mean)
                && (0.0..=WEIGHT_MAX).contains(squares);
            if !fits {
                return Err(format!(
                    "experience of {situation:?}: weight and squares lie in [0, {WEIGHT_MAX}], the mean in [0, 1]"
                ));
            }
        }
        Ok(Self { seen: seen.into_iter().collect() })
    }
}

impl From<Experience> for Vec<(Situation, Moments)> {
    fn from(experience: Experience) -> Self {
        experience.seen.into_iter().collect()
    }
}

/// What a program is worth to whoever learns which moves pay, in `[0, 1]`.
pub(super) fn worth(attempt: &Attempt) -> f64 {
    match attempt.outcome() {
        Outcome::Failed => PARTIAL * attempt.pass_fraction(),
        Outcome::Passed | Outcome::Untested => STANDING,
    }
}

/// What making a node's program was worth: as [`worth`], but a revision that fails counts for what it passes beyond the
/// program that it revises. Otherwise revising what nearly passes would look good though it never helped.
pub(super) fn gain(tree: &Tree, node: &Node) -> Option<f64> {
    let attempt = node.attempt.as_ref()?;
    let revised = node.parent.and_then(|parent| tree.attempt(parent));
    match revised.filter(|_| attempt.outcome() == Outcome::Failed) {
        Some(revised) => Some(PARTIAL * (attempt.pass_fraction() - revised.pass_fraction()).max(0.0)),
        None => Some(worth(attempt)),
    }
}

/// What a node's program teaches: of the move that made it, and of the one that made the thought that it is the first
/// program of, which counts half.
pub(super) fn lessons(tree: &Tree, node: &Node) -> Vec<(Situation, f64, f64)> {
    let (Some(value), Some(parent)) = (gain(tree, node), node.parent.and_then(|parent| tree.node(parent)))
    else {
        return Vec::new();
    };
    let mut lessons = Vec::with_capacity(2);
    let mut learn = |act, at: &Node, from: Option<&Attempt>, weight| {
        lessons.push((Situation::new(act, at.depth, Class::of(from)), value, weight));
    };
    match parent.kind {
        NodeKind::Root => learn(Move::Resample, parent, None, 1.0),
        NodeKind::Thought => match program_before(tree, parent, node.id) {
            None => {
                learn(Move::Implement, parent, None, 1.0);
                if let Some(above) = parent.parent.and_then(|above| tree.node(above)) {
                    let act = if above.kind == NodeKind::Root { Move::Propose } else { Move::Extend };
                    learn(act, above, program_before(tree, above, parent.id), 0.5);
                }
            }
            before if parent.rethinks > 0 => learn(Move::Rethink, parent, before, 1.0),
            before => learn(Move::Implement, parent, before, 1.0),
        },
        _ => learn(Move::Refine, parent, parent.attempt.as_ref(), 1.0),
    }
    lessons
}

/// The last program below a node that was there before another of its children.
fn program_before<'tree>(tree: &'tree Tree, node: &Node, before: NodeId) -> Option<&'tree Attempt> {
    let older = node.children.iter().rev().filter(|child| **child < before);
    older.filter_map(|child| tree.attempt(*child)).next()
}
