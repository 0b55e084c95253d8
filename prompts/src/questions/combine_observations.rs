//! What follows from a set of observations: more observations, a plan, or another plan than one that is criticised.
//!
//! Source: Wang et al. 2024, *PlanSearch*, section 4 and appendix. Unlike there, observations are asked for as a list at
//! once, and the pseudocode is a part of the plan.

use serde::Serialize;

use super::prose;
use crate::message::Message;
use crate::parse::{AnswerError, list};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// The line before the new plan.
const NEW_PLAN: &str = "NEW PLAN";

/// Asks for what follows from observations.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CombineObservations<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The observations; may be empty.
    pub observations: &'a [String],
    /// What is asked for.
    pub wanted: Wanted<'a>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted<'a> {
    /// This many observations that follow.
    Observations {
        /// How many.
        count: usize,
    },
    /// A plan: the solution in words and pseudocode.
    Plan,
    /// What is wrong with this plan, and another one.
    OtherPlan {
        /// The plan.
        plan: &'a str,
    },
}

impl Question for CombineObservations<'_> {
    /// The observations, or the one plan.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("combine_observations", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        match self.wanted {
            Wanted::Observations { count } => {
                let mut kept: Vec<String> = Vec::new();
                for item in list::items(reply)? {
                    if kept.len() < count && !kept.contains(&item) {
                        kept.push(item);
                    }
                }
                Ok(kept)
            }
            Wanted::Plan => Ok(vec![prose(reply, &["plan"])?]),
            Wanted::OtherPlan { .. } => {
                let plan = after_marker(reply)
                    .ok_or_else(|| AnswerError::FieldMissing { field: NEW_PLAN.to_owned() })?;
                Ok(vec![prose(plan, &[])?])
            }
        }
    }

    fn answer_form(&self) -> String {
        match self.wanted {
            Wanted::Observations { count } => {
                format!("Answer with a numbered list of at most {count} observations, and nothing else.")
            }
            Wanted::Plan => "Answer with the plan in words, and nothing else.".to_owned(),
            Wanted::OtherPlan { .. } => {
                format!("Answer with the criticism, a line `{NEW_PLAN}:`, and the whole new plan below it.")
            }
        }
    }

    /// A criticism without its marker still holds another way to see the problem.
    fn salvage(&self, reply: &str) -> Option<Vec<String>> {
        match self.wanted {
            Wanted::OtherPlan { .. } => prose(reply, &[]).ok().map(|text| vec![text]),
            _ => None,
        }
    }
}

/// The text behind the last line that begins with the marker.
fn after_marker(reply: &str) -> Option<&str> {
    let mut found = None;
    let mut end = 0;
    for line in reply.split_inclusive('\n') {
        let start = end;
        end += line.len();
        let bare = line.trim_start_matches(['*', '#', '_', ' ', '\t']);
        let lead = line.len() - bare.len();
        let Some((head, tail)) = bare.split_at_checked(NEW_PLAN.len()) else { continue };
        if head.eq_ignore_ascii_case(NEW_PLAN) && !tail.starts_with(char::is_alphanumeric) {
            let skipped = tail.len() - tail.trim_start_matches(['*', ':', '_', ' ', '\t']).len();
            found = reply.get(start + lead + NEW_PLAN.len() + skipped..);
        }
    }
    found
}
