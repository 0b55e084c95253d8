//! Templates to messages. A template file is split into messages when it is loaded and not after it is rendered,
//! so that inserted text cannot start a message of its own.

use std::sync::{Arc, LazyLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use serde::Serialize;

use crate::fence::{fenced, one_line};
use crate::message::{Message, Role};

/// A prompt that could not be made. Never happens with the templates that the crate ships.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// The template does not compile, or it names a value that the question does not have.
    #[error("could not render the template `{name}`")]
    Render {
        /// Name of the template, without its extension.
        name: String,
        /// What the template engine says.
        source: Arc<Error>,
    },
    /// There is no such template.
    #[error("there is no template `{0}`")]
    Unknown(String),
}

/// Name and text of every file in `templates/`.
macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../templates/", $name, ".jinja")))),*] };
}

const CONVERSATIONS: &[(&str, &str)] = files![
    "analyse_problem",
    "blame",
    "blame_function",
    "block_analysis",
    "call_inputs",
    "choose_solution",
    "combine_observations",
    "compare_programs",
    "compose_function",
    "continue_program",
    "decide_step",
    "direct_program",
    "divide_function",
    "generate_tests",
    "implement_plan",
    "implement_thoughts",
    "input_validator",
    "last_right_line",
    "modular_program",
    "mutate_program",
    "output_grade",
    "plain_program",
    "plan",
    "plan_confidence",
    "possible_solutions",
    "program_review",
    "pseudocode_program",
    "reask",
    "recall_problems",
    "refine_program",
    "refine_with_history",
    "refine_with_plan",
    "reflect_on_failure",
    "reflections",
    "refute_program",
    "rethink",
    "revise_with_modules",
    "sample_plan",
    "self_evaluation",
    "strategies",
    "thoughts",
    "write_inputs",
];

/// Pieces that conversations include. A part is not a conversation.
const PARTS: &[(&str, &str)] = files![
    "parts/code_rules",
    "parts/function",
    "parts/modular_example",
    "parts/modular_steps",
    "parts/task",
    "parts/tutorial",
    "parts/thoughts",
];

struct Library {
    environment: Environment<'static>,
    conversations: Vec<Conversation>,
}

struct Conversation {
    name: &'static str,
    /// Role and template name of each message.
    messages: Vec<(Role, String)>,
}

static LIBRARY: LazyLock<Result<Library, PromptError>> = LazyLock::new(Library::load);

/// The messages of conversation `name`, filled from `values`. A message that renders to nothing is left out.
pub(crate) fn render(name: &str, values: &impl Serialize) -> Result<Vec<Message>, PromptError> {
    let library = LIBRARY.as_ref().map_err(Clone::clone)?;
    let values = Value::from(Serde(values));
    let conversation = library
        .conversations
        .iter()
        .find(|conversation| conversation.name == name)
        .ok_or_else(|| PromptError::Unknown(name.to_owned()))?;
    let mut messages = Vec::with_capacity(conversation.messages.len());
    for (role, template) in &conversation.messages {
        let text = library
            .environment
            .get_template(template)
            .and_then(|template| template.render(values.clone()))
            .map_err(|error| failed(name, error))?;
        let content = text.trim().to_owned();
        if !content.is_empty() {
            messages.push(Message { role: *role, content });
        }
    }
    Ok(messages)
}

impl Library {
    fn load() -> Result<Self, PromptError> {
        let mut environment = environment().map_err(|error| failed("(syntax)", error))?;
        for (name, source) in PARTS {
            environment.add_template(name, source).map_err(|error| failed(name, error))?;
        }
        let mut conversations = Vec::new();
        for (name, source) in CONVERSATIONS {
            let mut messages = Vec::new();
            for (index, (role, text)) in split(source).into_iter().enumerate() {
                let part = format!("{name}/{index}");
                environment.add_template_owned(part.clone(), text).map_err(|error| failed(name, error))?;
                messages.push((role, part));
            }
            conversations.push(Conversation { name, messages });
        }
        Ok(Self { environment, conversations })
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.add_filter("fenced", |text: String, language: Option<String>| {
        fenced(&text, language.as_deref().unwrap_or("text"))
    });
    environment.add_filter("one_line", |text: String| one_line(&text));
    Ok(environment)
}

/// Splits a template file at lines `--- role ---`. Text before the first one is a comment.
fn split(source: &str) -> Vec<(Role, String)> {
    let mut messages: Vec<(Role, String)> = Vec::new();
    for line in source.lines() {
        if let Some(role) = marker(line) {
            messages.push((role, String::new()));
        } else if let Some((_, text)) = messages.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    messages
}

fn marker(line: &str) -> Option<Role> {
    match line {
        "--- system ---" => Some(Role::System),
        "--- user ---" => Some(Role::User),
        "--- assistant ---" => Some(Role::Assistant),
        _ => None,
    }
}

fn failed(name: &str, error: Error) -> PromptError {
    PromptError::Render { name: name.to_owned(), source: Arc::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_loads() {
        let library = LIBRARY.as_ref().unwrap();
        for conversation in &library.conversations {
            assert!(!conversation.messages.is_empty(), "{} holds no message", conversation.name);
        }
    }

    #[test]
    fn a_missing_value_is_an_error() {
        let error = render("direct_program", &serde_json::json!({ "task": {} })).unwrap_err();
        assert!(error.to_string().contains("direct_program"), "{error}");
        assert!(matches!(render("nothing", &()), Err(PromptError::Unknown(_))));
    }

    #[test]
    fn files_are_split_at_role_lines() {
        let parts = split("a comment\n--- system ---\nBe brief.\n--- user ---\nHi\n --- user ---\n");
        assert_eq!(parts, [(Role::System, "Be brief.\n".into()), (Role::User, "Hi\n --- user ---\n".into())]);
    }
}
