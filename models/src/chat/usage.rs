//! Token counts that can be believed: the server's where they make sense, else our estimate, marked as such.

use crate::chat::wire::WireUsage;
use crate::price::{estimate_tokens, prompt_tokens};
use crate::provider::{Choice, Request, Usage};

/// Tokens that a template may add around a conversation.
const TEMPLATE_TOKENS_MAX: u64 = 2048;

/// The usage of a reply.
pub(crate) fn settle(said: Option<&WireUsage>, request: &Request, choices: &[Choice]) -> Usage {
    said.and_then(read).filter(|usage| is_plausible(usage, request, choices)).unwrap_or_else(|| Usage {
        input: prompt_tokens(request),
        output: choices.iter().map(answer_tokens).sum(),
        estimated: true,
        ..Usage::default()
    })
}

fn read(said: &WireUsage) -> Option<Usage> {
    let prompt = said.prompt_tokens_details.0.as_ref();
    let completion = said.completion_tokens_details.0.as_ref();
    Some(Usage {
        input: said.prompt_tokens.0?.0,
        cached: prompt.and_then(|details| details.cached_tokens.0).map_or(0, |count| count.0),
        output: said.completion_tokens.0?.0,
        reasoning: completion.and_then(|details| details.reasoning_tokens.0).map_or(0, |count| count.0),
        estimated: false,
    })
}

/// No token is shorter than a byte, no prompt is without tokens, and no part is larger than its whole.
///
/// An answer may have more tokens than text, for reasoning that the server keeps to itself; but not more than the
/// limit, to which lenient servers get the benefit of a factor 2.
fn is_plausible(usage: &Usage, request: &Request, choices: &[Choice]) -> bool {
    let prompt_bytes: u64 = request.messages.iter().map(|m| m.content.len() as u64 + 64).sum();
    let answer_bytes: u64 = choices.iter().map(answer_bytes).sum();
    let limit = u64::from(request.max_output_tokens) * u64::from(request.n.max(1)) * 2;
    let has_answer = choices.iter().any(|choice| !choice.text.is_empty());
    (1..=prompt_bytes + TEMPLATE_TOKENS_MAX).contains(&usage.input)
        && usage.output <= limit.max(answer_bytes) + TEMPLATE_TOKENS_MAX
        && (usage.output > 0 || !has_answer)
        && usage.cached <= usage.input
        && usage.reasoning <= usage.output
}

fn answer_bytes(choice: &Choice) -> u64 {
    (choice.text.len() + choice.reasoning.as_ref().map_or(0, String::len)) as u64
}

fn answer_tokens(choice: &Choice) -> u64 {
    estimate_tokens(&choice.text) + choice.reasoning.as_deref().map_or(0, estimate_tokens)
}
