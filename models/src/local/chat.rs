//! Conversations to prompts.
//!
//! A model of the usual kind brings a template in Jinja; a model of another kind brings a [`ChatStyle`] of its own.

use codeagent_prompts::{Message, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind as Jinja, State, context};

use super::checkpoint::ChatTexts;
use super::error::{LoadError, LoadErrorKind, quoted};

/// Steps that a template may take: it is foreign, and must not go on for ever.
const FUEL: u64 = 2_000_000;
/// Longest prompt, in bytes.
const PROMPT_BYTES_MAX: usize = 16 << 20;
const TEMPLATE: &str = "chat";

/// How a conversation becomes the text that a model continues.
///
/// Messages that come from outside spell no special tokens any more when they get here, so what a style writes of them
/// is always of its own making.
pub trait ChatStyle: Send + Sync {
    /// What to give the model to continue, or the answer where it needs no model.
    ///
    /// # Errors
    /// [`ChatError`] where the style cannot say these messages.
    fn ask(&self, messages: &[Message]) -> Result<Asked, ChatError>;
}

/// What a style makes of a conversation.
#[derive(Debug)]
pub enum Asked {
    /// A text to continue.
    Prompt(Prompt),
    /// The answer: this model is not made for the question.
    Known(String),
}

/// A text that a model is to continue.
pub struct Prompt {
    /// Everything up to the first character that is drawn, special tokens spelt out.
    pub text: String,
    /// Texts at which an answer ends, beside the tokens that end it.
    pub stop: Vec<String>,
    /// The answer that a drawn text stands for.
    pub reply: Box<dyn Fn(&str) -> String + Send + Sync>,
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("text", &self.text).field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// A conversation that a model's style cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model's chat style cannot say this conversation: {0}")]
pub struct ChatError(pub String);

/// The style of a model that brings a template.
#[derive(Debug)]
pub struct TemplateStyle {
    environment: Environment<'static>,
    texts: ChatTexts,
}

impl TemplateStyle {
    /// Reads the template of a model's files.
    ///
    /// # Errors
    /// [`LoadErrorKind::Template`] where there is none, or one that is no Jinja.
    pub fn new(texts: &ChatTexts, model: &str) -> Result<Self, LoadError> {
        let failed =
            |problem: String, remedy: &str| LoadError::new(LoadErrorKind::Template, model, problem, remedy);
        let Some(template) = texts.template.clone() else {
            let remedy =
                "lay the tokenizer_config.json or chat_template.jinja of a chat model beside the weights";
            return Err(failed("there is no chat template".to_owned(), remedy));
        };
        let mut environment = Environment::new();
        // As the transformers library sets Jinja up.
        environment.set_syntax(syntax().map_err(|error| failed(quoted(&error.to_string()), "report this"))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(python_method);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(Jinja::InvalidOperation, message))
        });
        // Some templates tell the date; a prompt must not depend on the day.
        environment.add_function("strftime_now", |_: String| "1 January 2025");
        let added = environment.add_template_owned(TEMPLATE, template);
        added.map_err(|error| {
            failed(quoted(&error.to_string()), "take the template that belongs to the model")
        })?;
        Ok(Self { environment, texts: texts.clone() })
    }

    fn rendered(&self, messages: &[Message]) -> Result<String, Error> {
        let text = self.environment.get_template(TEMPLATE)?.render(context! {
            messages => messages.iter().map(value_of).collect::<Value>(),
            add_generation_prompt => true,
            bos_token => self.texts.bos.as_deref().unwrap_or_default(),
            eos_token => self.texts.eos.as_deref().unwrap_or_default(),
            tools => (),
        })?;
        if text.len() > PROMPT_BYTES_MAX {
            return Err(Error::new(Jinja::InvalidOperation, "the prompt is longer than 16 MiB"));
        }
        Ok(text)
    }
}

impl TemplateStyle {
    /// The prompt that the template makes of a conversation.
    ///
    /// # Errors
    /// [`ChatError`] where the template refuses it.
    pub fn render(&self, messages: &[Message]) -> Result<String, ChatError> {
        let rendered = self.rendered(messages).or_else(|error| match without_system(messages) {
            // Templates of models that know no system message refuse one.
            Some(merged) => self.rendered(&merged),
            None => Err(error),
        });
        rendered.map_err(|error| ChatError(quoted(&error.to_string())))
    }
}

impl ChatStyle for TemplateStyle {
    fn ask(&self, messages: &[Message]) -> Result<Asked, ChatError> {
        let text = self.render(messages)?;
        Ok(Asked::Prompt(Prompt { text, stop: Vec::new(), reply: Box::new(str::to_owned) }))
    }
}

fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

fn value_of(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Value::from_pairs([("role", role), ("content", message.content.as_str())])
}

/// The conversation with its system message put in front of the first user message.
fn without_system(messages: &[Message]) -> Option<Vec<Message>> {
    let [system, user, rest @ ..] = messages else { return None };
    if system.role != Role::System || user.role != Role::User {
        return None;
    }
    let merged = Message::user(format!("{}\n\n{}", system.content, user.content));
    Some(std::iter::once(merged).chain(rest.iter().cloned()).collect())
}

/// The methods of Python's strings and dictionaries that templates use.
fn python_method(
    _: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let argument = |index: usize| arguments.get(index).and_then(Value::as_str);
    let unknown = || Error::new(Jinja::UnknownMethod, format!("a template calls {method}"));
    let Some(text) = value.as_str() else {
        return of_dictionary(value, method, arguments).ok_or_else(unknown);
    };
    let set = |c: char| argument(0).map_or_else(|| c.is_whitespace(), |set| set.contains(c));
    Ok(match method {
        "strip" => text.trim_matches(set).into(),
        "lstrip" => text.trim_start_matches(set).into(),
        "rstrip" => text.trim_end_matches(set).into(),
        "upper" => text.to_uppercase().into(),
        "lower" => text.to_lowercase().into(),
        "startswith" => argument(0).is_some_and(|start| text.starts_with(start)).into(),
        "endswith" => argument(0).is_some_and(|end| text.ends_with(end)).into(),
        "replace" => text.replace(argument(0).ok_or_else(unknown)?, argument(1).ok_or_else(unknown)?).into(),
        "split" => match argument(0).filter(|separator| !separator.is_empty()) {
            Some(separator) => text.split(separator).map(Value::from).collect(),
            None => text.split_whitespace().map(Value::from).collect(),
        },
        _ => return Err(unknown()),
    })
}

fn of_dictionary(value: &Value, method: &str, arguments: &[Value]) -> Option<Value> {
    match method {
        "get" => {
            let found = value.get_item(arguments.first()?).ok().filter(|found| !found.is_undefined());
            Some(found.or_else(|| arguments.get(1).cloned()).unwrap_or(Value::from(())))
        }
        "keys" => Some(value.try_iter().ok()?.collect()),
        "items" => {
            let pair = |key: Value| value.get_item(&key).ok().map(|item| Value::from(vec![key, item]));
            Some(value.try_iter().ok()?.filter_map(pair).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
