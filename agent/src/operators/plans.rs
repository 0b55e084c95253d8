//! Plans as lists of functions: many sampled at once and merged, and votes where they part (Tree-Planner).

use codeagent_models::Message;
use codeagent_prompts::Function;
use codeagent_prompts::questions::{DecideStep, SamplePlan};
use codeagent_search::policy::TrialResult;
use codeagent_search::trie::merge;

use super::ask::Conversation;
use super::pieces::entry;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::modules;
use crate::notebook::{Content, Note, Written};
use crate::problem::Problem;

/// Steps of one plan at most.
const STEPS_MAX: usize = 8;

/// A plan with the question and the answer that it came from.
struct Plan {
    steps: Vec<Function>,
    prompt: Vec<Message>,
    text: String,
}

pub(super) async fn propose(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    count: usize,
) -> Result<Made, TrialError> {
    let question = SamplePlan { task: &ports.task, steps: STEPS_MAX };
    let answers = talk.ask("sample_plan", &question, u32::try_from(count).unwrap_or(u32::MAX)).await?;
    let plan = |answered: super::ask::Answered<Vec<Function>>| Plan {
        steps: ended(answered.answer, &ports.problem),
        prompt: answered.prompt,
        text: answered.text,
    };
    let plans: Vec<Plan> = answers.into_iter().map(plan).collect();
    let hashes: Vec<Vec<u64>> =
        plans.iter().map(|plan| plan.steps.iter().map(normalised).collect()).collect();
    let steps = merge(&hashes);
    let note = |step: &codeagent_search::PlannedStep| {
        let plan = plans.get(step.plan)?;
        let content =
            Content::Function(Box::new(Written::stub(plan.steps.get(step.place)?.clone(), Vec::new())));
        Some(Note { prompt: plan.prompt.clone(), answer: plan.text.clone(), content })
    };
    let notes: Vec<Note> = steps.iter().filter_map(note).collect();
    if notes.is_empty() {
        return Ok(unusable());
    }
    Ok((TrialResult::Planned { steps }, notes))
}

pub(super) async fn decide(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    votes: u32,
) -> Result<Made, TrialError> {
    let functions = &inputs.functions;
    let of = |notes: &[std::sync::Arc<Note>]| -> Vec<Function> {
        notes.iter().filter_map(|note| note.function()).map(|written| written.function.clone()).collect()
    };
    let options = of(&functions.others);
    let mut done = of(&functions.above);
    done.extend(functions.subject.as_ref().and_then(|note| note.function()).map(|it| it.function.clone()));
    let error = functions.after.as_ref().and_then(|note| trouble(note));
    let question = DecideStep { task: &ports.task, done: &done, error: error.as_deref(), options: &options };
    let answers = talk.ask("decide_step", &question, votes).await?;
    let mut counts = vec![0_u32; options.len()];
    for answered in &answers {
        if let Some(count) = counts.get_mut(answered.answer) {
            *count += 1;
        }
    }
    Ok((TrialResult::Chosen { votes: counts }, Vec::new()))
}

/// What went wrong with a function, or with the program that it completed.
fn trouble(note: &Note) -> Option<String> {
    match &note.content {
        Content::Function(written) => written.trouble.clone(),
        Content::Program(candidate) => candidate.feedback.as_ref().map(|text| text.as_str().to_owned()),
        _ => None,
    }
}

/// A plan that ends with the entry point, as the problem has it.
fn ended(mut steps: Vec<Function>, problem: &Problem) -> Vec<Function> {
    let last = entry(problem);
    let place = steps.iter().position(|step| step.name == last.name);
    let doc = place.and_then(|place| steps.get(place)).map(|step| step.doc.clone()).unwrap_or_default();
    steps.truncate(place.unwrap_or(steps.len()));
    steps.push(Function { doc, ..last });
    steps
}

/// Steps that are called alike are the same step: types, defaults and wording do not matter.
fn normalised(step: &Function) -> u64 {
    let parameters = modules::parameters_of(&step.signature).unwrap_or_default();
    let text = format!("{}({})", step.name.to_lowercase(), parameters.join(","));
    blake3::hash(text.as_bytes()).as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, signature: &str) -> Function {
        Function { name: name.into(), signature: signature.into(), doc: String::new() }
    }

    #[test]
    fn a_plan_ends_with_the_entry_point() {
        let problem = Problem::function("demo", "solve", "");
        let names = |steps: &[&str]| {
            let steps = steps.iter().map(|name| step(name, "def x()")).collect();
            ended(steps, &problem).into_iter().map(|step| step.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["a", "solve", "b"]), ["a", "solve"]);
        assert_eq!(names(&["a", "b"]), ["a", "b", "solve"]);
        assert_eq!(names(&["solve"]), ["solve"]);
        let main = ended(vec![step("a", "def a()")], &Problem::stdio("demo", ""));
        assert_eq!(main.last().unwrap().signature, "def main() -> None");
    }

    #[test]
    fn steps_are_equal_if_they_are_called_alike() {
        let hash = |signature| normalised(&step("low", signature));
        assert_eq!(hash("def low(a: int, b=2) -> int"), hash("def low(a, b: float) -> str"));
        assert_ne!(hash("def low(a)"), hash("def low(b)"));
        assert_ne!(normalised(&step("low", "def low(a)")), normalised(&step("high", "def high(a)")));
    }
}
