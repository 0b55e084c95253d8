//! The operators: each carries one kind of trial out. It asks the model, reads the answer, has the sandbox judge a
//! program, and says what came of it. Operators know no policy; policies know no operator's inside.

mod analyse;
mod ask;
mod blame;
mod blame_hole;
mod combine;
mod compare;
mod compose;
mod decompose;
mod generate_tests;
mod grade;
mod implement;
mod mutate;
mod pieces;
mod plan;
mod plans;
mod probe;
mod program;
mod propose;
mod recall;
mod refine;
mod refine_from_prefix;
mod refine_with_history;
mod reflect;
mod resample;
mod rethink;
mod revise;
mod run_tests;
mod solutions;
mod verify;
mod write_inputs;

use std::sync::Arc;

use codeagent_models::{Embedder, ModelError, PriceTable, Provider, Usage};
use codeagent_prompts::{FeedbackText, PromptError, Task};
use codeagent_sandbox::SandboxError;
use codeagent_search::Cost;
use codeagent_search::policy::{Combined, Operator, ThoughtStyle, Trial, TrialResult, VerifyStyle};
use codeagent_search::tree::{NodeId, NodeKind, Tree};

use crate::event::EventKind;
use crate::examiner::Examiner;
use crate::learned::Appraiser;
use crate::notebook::{Candidate, Exemplar, Note, Notebook};
use crate::problem::Problem;
use crate::sketch::Sketch;
use crate::strategy::FeedbackStyle;
pub(crate) use ask::Conversation;
use pieces::Functions;
pub(crate) use revise::RoundModules;

/// Prompt tokens of one program that was tried before, with its feedback and the reflection on it.
const PAST_TOKENS: u64 = 6_144;

/// Prompt tokens of one function of a program.
const PART_TOKENS: u64 = 1_024;

/// What operators work with; the same for all trials of a search.
pub(crate) struct Ports {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) examiner: Examiner,
    pub(crate) problem: Arc<Problem>,
    pub(crate) task: Task,
    pub(crate) prices: PriceTable,
    pub(crate) sampling: Sampling,
    pub(crate) feedback: FeedbackStyle,
    pub(crate) round_modules: RoundModules,
    /// The user's sketch of the program, where there is one.
    pub(crate) sketch: Option<Arc<Sketch>>,
    /// What compares sub-modules, where that is an embedding model.
    pub(crate) embedder: Option<Embedder>,
    /// Seed of the search.
    pub(crate) seed: u64,
    /// What gives programs learned scores, where there is one.
    pub(crate) appraiser: Option<Appraiser>,
}

/// Sampling settings of the user that override the methods' own.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Sampling {
    /// Temperature of every question, in `[0, 2]`.
    pub temperature: Option<f64>,
    /// Nucleus mass, in `(0, 1]`.
    pub top_p: Option<f64>,
    /// Longest answer, in tokens.
    pub max_output_tokens: Option<u32>,
}

/// What a trial needs to know of the tree, taken when it is asked for, so that it can be carried out alone.
pub(crate) struct Inputs {
    /// The thoughts from the root down to the trial's node, or to the program whose thought is replaced; or those that are
    /// combined.
    thoughts: Vec<String>,
    /// Number of the thought that is replaced, from 1, if it is not the last.
    number: Option<usize>,
    /// The program that the operator works from.
    program: Option<Arc<Note>>,
    /// Whether the trial's node is a revision.
    is_revision: bool,
    /// The reflection to follow.
    reflection: Option<String>,
    /// The plan that the trial's node is or follows, or that is criticised.
    plan: Option<String>,
    /// The recalled problem that the trial's node is or comes from.
    exemplar: Option<Box<Exemplar>>,
    /// Programs whose sub-modules are offered, suites of tests to run, or solutions to choose from.
    sources: Vec<Arc<Note>>,
    /// Inputs that models wrote.
    written: Vec<Arc<Note>>,
    /// Programs that were tried before, each with the reflection on it.
    history: Vec<(Arc<Note>, Option<String>)>,
    /// The functions that the operator works with.
    functions: Functions,
}

/// What came of a trial, with all that it leaves behind.
pub(crate) struct Carried {
    pub(crate) result: TrialResult,
    /// Contents of the made nodes, in the order of the drafts; or of the node that was replaced or ran; or remarks on the
    /// trial's node.
    pub(crate) notes: Vec<Note>,
    pub(crate) events: Vec<EventKind>,
    pub(crate) cost: Cost,
    pub(crate) cached_tokens: u64,
    pub(crate) priced: bool,
    /// Answers that ended cut for repeating themselves.
    pub(crate) repeated: u64,
}

/// Why a trial could not be carried out. Ends the search, which can be continued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error("the model gave no answer")]
    Model(#[from] ModelError),
    #[error("the sandbox could not run a program")]
    Sandbox(#[from] SandboxError),
    #[error("the store of the run failed")]
    Store(#[from] codeagent_store::StoreError),
    #[error("a question could not be put into words")]
    Prompt(#[from] PromptError),
    #[error("the scorer could not judge a program")]
    Scorer(#[from] codeagent_models::ScorerError),
}

impl Inputs {
    /// Gathers what `trial` needs.
    pub(crate) fn gather(trial: &Trial, tree: &Tree, notebook: &Notebook) -> Self {
        let note = |node: NodeId| notebook.note(node).cloned();
        let program = match &trial.operator {
            Operator::Extend { after, .. } | Operator::Rethink { after } => note(*after),
            Operator::Reflect { .. }
            | Operator::Refine { .. }
            | Operator::RefineWithPlan
            | Operator::Blame
            | Operator::Grade
            | Operator::Verify { .. }
            | Operator::Compare { .. }
            | Operator::Mutate { .. }
            | Operator::RunTests { .. }
            | Operator::RefineFromPrefix { .. }
            | Operator::BlameHole { .. } => note(trial.node),
            _ => None,
        };
        let reflection = match &trial.operator {
            Operator::Refine { reflection: Some(node), .. } => notebook.reflection(*node).map(str::to_owned),
            _ => None,
        };
        let sources = match &trial.operator {
            Operator::ReviseWithModules { sources, .. } => {
                sources.iter().filter_map(|node| note(*node)).collect()
            }
            Operator::Probe { programs, .. } => programs.iter().filter_map(|node| note(*node)).collect(),
            Operator::Mutate { inspirations } => inspirations.iter().filter_map(|node| note(*node)).collect(),
            Operator::Compare { other } => note(*other).into_iter().collect(),
            Operator::RunTests { suites, .. } => suites.iter().filter_map(|node| note(*node)).collect(),
            Operator::ChooseSolution { among } => among.iter().filter_map(|node| note(*node)).collect(),
            _ => Vec::new(),
        };
        let written = match &trial.operator {
            Operator::Probe { inputs, .. } => inputs.iter().filter_map(|node| note(*node)).collect(),
            _ => Vec::new(),
        };
        let history = match &trial.operator {
            Operator::RefineWithHistory { path, .. } => {
                let text = |node: NodeId| notebook.reflection(node).map(str::to_owned);
                let past =
                    path.iter().map(|past| Some((note(past.program)?, past.reflection.and_then(text))));
                past.flatten().collect()
            }
            _ => Vec::new(),
        };
        let above = notebook.thoughts(tree, trial.node);
        let thoughts = match &trial.operator {
            Operator::Rethink { after } => notebook.thoughts(tree, *after),
            Operator::Combine { observations, .. } => {
                observations.iter().filter_map(|node| notebook.thought(*node)).map(str::to_owned).collect()
            }
            _ => above.clone(),
        };
        let plan = match &trial.operator {
            Operator::Combine { wanted: Combined::OtherPlan(node), .. } => notebook.thought(*node),
            _ => notebook.plan(tree, trial.node),
        };
        Self {
            number: Some(above.len()).filter(|number| *number < thoughts.len()),
            thoughts,
            program,
            is_revision: tree.node(trial.node).is_some_and(|node| node.kind == NodeKind::Revision),
            reflection,
            plan: plan.map(str::to_owned),
            exemplar: notebook.exemplar(tree, trial.node).cloned().map(Box::new),
            sources,
            written,
            history,
            functions: Functions::gather(trial, tree, notebook),
        }
    }

    /// The program that the operator works from and what its tests said, if it failed.
    fn failed(&self) -> Option<(&Candidate, &FeedbackText)> {
        let candidate = self.candidate()?;
        Some((candidate, candidate.feedback.as_ref()?))
    }

    /// How the method works that the recalled problems need; empty where nobody said.
    fn tutorial(&self) -> &str {
        self.exemplar.as_deref().map_or("", |exemplar| &exemplar.tutorial)
    }

    fn candidate(&self) -> Option<&Candidate> {
        self.program.as_ref()?.candidate()
    }
}

/// The most that a trial can spend, from what its operator may ask at most (re-asks and analyses included).
pub(crate) fn worst_case(trial: &Trial, ports: &Ports) -> Cost {
    if matches!(trial.operator, Operator::RunTests { .. }) {
        return Cost { executions: 1, ..Cost::default() };
    }
    let tested = !ports.problem.visible.is_empty();
    let analysed = tested && ports.feedback.analyses_failures();
    let calls = match trial.operator {
        Operator::Implement | Operator::Refine { .. } | Operator::RefineWithPlan if analysed => 3,
        Operator::Refine { .. } if tested && ports.feedback.analyses_revisions() => {
            refine::ANALYSIS_CALLS + 1
        }
        Operator::Refine { count, .. } if count > 1 => 1,
        Operator::Resample { count, .. } | Operator::ReviseWithModules { count, .. } if count > 1 => 1,
        Operator::GenerateTests { suites, .. } if suites > 1 => 1,
        Operator::RefineWithHistory { count, .. } if count > 1 => 1,
        Operator::ProposePlans { count } if count > 1 => 1,
        Operator::Decide { votes, .. } if votes > 1 => 1,
        Operator::Verify { style: VerifyStyle::Verdicts { count } } if count > 1 => 1,
        Operator::Decompose { .. } if ports.sketch.is_some() => 0,
        Operator::Compose { count, ref pieces } => compose::calls(count, pieces),
        Operator::RefineFromPrefix { count } => 2 + if count > 1 { 1 } else { 2 },
        Operator::Probe { .. } => 0,
        Operator::Compare { .. } => 6,
        _ => 2,
    };
    let generations = generations(trial, ports);
    let answers = if calls == 0 { 0 } else { calls - 1 + generations.max(samples(&trial.operator)) };
    let prompt = u64::try_from(ports.problem.statement.len()).unwrap_or(u64::MAX) / 2 + 8_192;
    let mut worst = Cost {
        calls,
        generations,
        input_tokens: calls * (prompt + shown(&trial.operator)),
        output_tokens: answers
            * u64::from(ports.sampling.max_output_tokens.unwrap_or(trial.max_output_tokens)),
        micro_usd: 0,
        executions: executions(&trial.operator, &ports.problem),
    };
    if let Some(price) = ports.prices.price(ports.provider.model()) {
        worst.micro_usd = price.cost_micro_usd(&Usage {
            input: worst.input_tokens,
            output: worst.output_tokens,
            ..Default::default()
        });
    }
    if let Some((embedder, tokens)) = embedded(trial, ports) {
        worst.input_tokens += tokens;
        let usage = Usage { input: tokens, ..Usage::default() };
        worst.micro_usd +=
            ports.prices.price(embedder.model()).map_or(0, |price| price.cost_micro_usd(&usage));
    }
    worst
}

/// The embedding model that a trial is charged for, and the most tokens that it may read.
fn embedded<'a>(trial: &Trial, ports: &'a Ports) -> Option<(&'a Embedder, u64)> {
    let Operator::ReviseWithModules { sources, opens_round: true, .. } = &trial.operator else { return None };
    // Modules are disjoint parts of programs; twice their tokens, since another tokenizer may cut them finer.
    let program = ports.sampling.max_output_tokens.unwrap_or(trial.max_output_tokens);
    Some((ports.embedder.as_ref()?, 2 * sources.len() as u64 * u64::from(program)))
}

/// Prompt tokens of what an operator shows beside the problem, at most, where that may be many things.
fn shown(operator: &Operator) -> u64 {
    match operator {
        Operator::RefineWithHistory { path, .. } => path.len() as u64 * PAST_TOKENS,
        Operator::Mutate { inspirations } => inspirations.len() as u64 * PAST_TOKENS,
        Operator::Compose { pieces, .. } => pieces.parts.len() as u64 * PART_TOKENS,
        Operator::ReviseWithModules { clusters, .. } => *clusters as u64 * PART_TOKENS,
        _ => 0,
    }
}

/// Programs and functions that the model is asked for at most. A sketch of the user's is there already.
fn generations(trial: &Trial, ports: &Ports) -> u64 {
    match &trial.operator {
        Operator::Decompose { .. } if ports.sketch.is_some() => 0,
        operator => operator.generations(),
    }
}

/// Answers that one request of the operator gives at most, where they are no programs.
fn samples(operator: &Operator) -> u64 {
    match operator {
        Operator::GenerateTests { suites, .. } => (*suites as u64).max(1),
        Operator::ProposePlans { count } => (*count as u64).max(1),
        Operator::Decide { votes, .. } => u64::from(*votes).max(1),
        Operator::Verify { style: VerifyStyle::Verdicts { count } } => u64::from(*count).max(1),
        _ => 1,
    }
}

/// Runs of a program on tests or inputs at most.
fn executions(operator: &Operator, problem: &Problem) -> u64 {
    match operator {
        Operator::Probe { programs, .. } => programs.len() as u64,
        // Both programs run on the inputs that the model wrote, and, where these tell nothing, on mutations.
        Operator::Compare { .. } => 4,
        // Each candidate runs on tests and on inputs; of a program to mend the calls in each test are recorded.
        Operator::Compose { count, pieces } => {
            let candidates = *count as u64 + u64::from(pieces.draft.is_some());
            let recorded = if pieces.after.is_some() { problem.visible.len() as u64 } else { 0 };
            2 * candidates + recorded
        }
        Operator::BlameHole { .. } => 1,
        _ => operator.generations(),
    }
}

/// Carries a trial out with at most `calls` model calls.
///
/// # Errors
/// [`TrialError`] where the search can't go on; a useless answer is a result.
pub(crate) async fn carry_out(
    ports: &Ports,
    trial: &Trial,
    inputs: &Inputs,
    calls: u64,
) -> Result<Carried, TrialError> {
    let mut talk = Conversation::new(ports, trial, calls);
    let (result, notes) = match &trial.operator {
        Operator::Propose { count, style: ThoughtStyle::Rated } => {
            propose::carry_out(ports, &mut talk, trial, inputs, *count).await?
        }
        Operator::Propose { count, style } => {
            propose::strategies(ports, &mut talk, trial, *count, *style).await?
        }
        Operator::Extend { count, .. } => propose::carry_out(ports, &mut talk, trial, inputs, *count).await?,
        Operator::Recall { count } => recall::carry_out(ports, &mut talk, trial, *count).await?,
        Operator::Plan => plan::carry_out(ports, &mut talk, trial, inputs).await?,
        Operator::RatePlan => plan::rate(ports, &mut talk, trial, inputs).await?,
        Operator::Implement => implement::carry_out(ports, &mut talk, inputs).await?,
        Operator::Resample { count, style, drawn } => {
            talk.drawn = drawn.and_then(|drawn| u32::try_from(drawn).ok());
            resample::carry_out(ports, &mut talk, *count, *style).await?
        }
        Operator::Reflect { count, style } => {
            reflect::carry_out(ports, &mut talk, trial, inputs, *count, *style).await?
        }
        Operator::Refine { count, .. } => refine::carry_out(ports, &mut talk, inputs, *count).await?,
        Operator::RefineWithPlan => refine::with_plan(ports, &mut talk, inputs).await?,
        Operator::Blame => blame::carry_out(ports, &mut talk, trial, inputs).await?,
        Operator::Rethink { .. } => rethink::carry_out(ports, &mut talk, trial, inputs).await?,
        Operator::ReviseWithModules { sources, clusters, count, choice, opens_round } => {
            let round = revise::Round::new(ports, trial, sources, *clusters, *choice);
            revise::carry_out(ports, &mut talk, inputs, round, *count, *opens_round).await?
        }
        Operator::Grade => grade::carry_out(ports, &mut talk, trial, inputs).await?,
        Operator::Verify { style } => verify::carry_out(ports, &mut talk, trial, inputs, *style).await?,
        Operator::Combine { wanted, count, .. } => {
            combine::carry_out(ports, &mut talk, trial, inputs, *wanted, *count).await?
        }
        Operator::Mutate { .. } => mutate::carry_out(ports, &mut talk, inputs).await?,
        Operator::RefineWithHistory { count, .. } => {
            refine_with_history::carry_out(ports, &mut talk, inputs, *count).await?
        }
        Operator::Analyse => analyse::carry_out(ports, &mut talk, trial).await?,
        Operator::ProposeSolutions { count } => {
            solutions::propose(ports, &mut talk, trial, inputs, *count).await?
        }
        Operator::ChooseSolution { .. } => solutions::choose(ports, &mut talk, trial, inputs).await?,
        _ => on_more_tests(ports, &mut talk, trial, inputs).await?,
    };
    let Conversation { cost, cached_tokens, priced, repeated, events, .. } = talk;
    Ok(Carried { result, notes, events, cost, cached_tokens, priced, repeated })
}

/// The operators that try programs on more than the visible tests.
async fn on_more_tests(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    Ok(match &trial.operator {
        Operator::WriteInputs { count } => write_inputs::carry_out(ports, talk, trial, *count).await?,
        Operator::Probe { .. } => probe::carry_out(ports, talk, inputs).await?,
        Operator::Compare { .. } => compare::carry_out(ports, talk, inputs).await?,
        Operator::GenerateTests { tests, suites } => {
            generate_tests::carry_out(ports, talk, inputs, *tests, *suites).await?
        }
        Operator::RunTests { suites, shown } => {
            run_tests::carry_out(ports, talk, inputs, suites, shown).await?
        }
        _ => with_functions(ports, talk, trial, inputs).await?,
    })
}

/// The operators that put programs together from functions.
async fn with_functions(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    Ok(match &trial.operator {
        Operator::Decompose { helpers, .. } => {
            decompose::carry_out(ports, talk, trial, inputs, *helpers).await?
        }
        Operator::Compose { count, pieces } => {
            compose::carry_out(ports, talk, inputs, *count, pieces).await?
        }
        Operator::RefineFromPrefix { count } => {
            refine_from_prefix::carry_out(ports, talk, inputs, *count).await?
        }
        Operator::ProposePlans { count } => plans::propose(ports, talk, *count).await?,
        Operator::Decide { votes, .. } => plans::decide(ports, talk, inputs, *votes).await?,
        Operator::BlameHole { .. } => blame_hole::carry_out(ports, talk, inputs).await?,
        _ => unusable(),
    })
}

/// What an operator hands back: its result and the contents of the nodes that it made.
type Made = (TrialResult, Vec<Note>);

/// Nothing usable came back.
const fn unusable() -> Made {
    (TrialResult::Unusable, Vec::new())
}
