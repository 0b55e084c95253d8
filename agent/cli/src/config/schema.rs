//! The JSON Schema of the configuration: made from the types, committed for editors, and used to check every value.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;
use toml::Value;

use super::key::Key;
use super::types::Config;
use super::units::{Complaint, check_format};
use crate::escape;

/// The schema as JSON.
#[must_use]
pub fn document() -> &'static Json {
    static DOCUMENT: OnceLock<Json> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
        without_null(&mut schema);
        schema
    })
}

/// The schema as the text that is committed.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// Takes `null` out of types and choices: TOML has none, an optional setting is one that is absent.
fn without_null(schema: &mut Json) {
    match schema {
        Json::Object(fields) => {
            if let Some(Json::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Json::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Json::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    fields.retain(|name, _| name != "anyOf");
                    only.into_iter().for_each(|(name, value)| {
                        fields.entry(name).or_insert(value);
                    });
                }
            }
            fields.retain(|name, value| name != "default" || !value.is_null());
            if let Some(Json::Object(defaults)) = fields.get_mut("default") {
                defaults.retain(|_, value| !value.is_null());
            }
            fields.values_mut().for_each(without_null);
        }
        Json::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A place in the schema.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a>(&'a Json);

impl Node<'static> {
    /// The whole configuration.
    #[must_use]
    pub fn root() -> Self {
        Self(document())
    }

    /// The place of a setting, if there can be one.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        key.0.iter().try_fold(Self::root(), |node, segment| node.child(segment))
    }
}

impl<'a> Node<'a> {
    /// What lies under a name, if anything may.
    #[must_use]
    pub fn child(self, name: &str) -> Option<Self> {
        if self.is_free() {
            return Some(self);
        }
        match self.0.get("properties").and_then(|known| known.get(name)) {
            Some(known) => Some(Self(known)),
            None => match self.0.get("additionalProperties") {
                None | Some(Json::Bool(false)) => None,
                Some(rest) => Some(Self(rest)),
            },
        }
    }

    /// Whether anything may stand here.
    #[must_use]
    pub fn is_free(self) -> bool {
        match self.0 {
            Json::Bool(allowed) => *allowed,
            Json::Object(fields) => !fields.contains_key("type") && self.choices().is_empty(),
            _ => false,
        }
    }

    /// Whether a table stands here.
    #[must_use]
    pub fn is_table(self) -> bool {
        self.has_type("object")
    }

    /// The names that are known here, in order.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.0
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
    }

    /// What the setting is for: the first sentence of its description.
    #[must_use]
    pub fn description(self) -> Option<&'a str> {
        self.0.get("description").and_then(Json::as_str)
    }

    fn types(self) -> Vec<&'a str> {
        match self.0.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn has_type(self, name: &str) -> bool {
        self.types().contains(&name)
    }

    /// The words that may stand here, where it is a choice of words.
    #[must_use]
    pub fn choices(self) -> Vec<&'a str> {
        let constants = self.list("oneOf").filter_map(|choice| choice.get("const"));
        self.list("enum").chain(constants).filter_map(Json::as_str).collect()
    }

    fn list(self, name: &str) -> impl Iterator<Item = &'a Json> {
        self.0.get(name).and_then(Json::as_array).into_iter().flatten()
    }

    /// A text from a flag or variable as the value that may stand here. What does not fit stays a text, so that
    /// [`Node::check`] names the mistake.
    #[must_use]
    pub fn read(self, text: &str) -> Value {
        let typed = literal(text).filter(|value| self.is_free() || self.admits(value));
        match typed {
            Some(value) => value,
            None if self.has_type("array") => {
                Value::Array(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect())
            }
            None => Value::String(text.to_owned()),
        }
    }

    fn admits(self, value: &Value) -> bool {
        let types = self.types();
        match value {
            Value::String(_) => types.contains(&"string") || !self.choices().is_empty(),
            Value::Integer(_) => types.contains(&"integer") || types.contains(&"number"),
            Value::Float(_) => types.contains(&"number"),
            Value::Boolean(_) => types.contains(&"boolean"),
            Value::Array(_) => types.contains(&"array"),
            Value::Table(_) => types.contains(&"object"),
            Value::Datetime(_) => false,
        }
    }

    /// Checks a value that is no table.
    ///
    /// # Errors
    /// What is wrong with it and what may stand here.
    pub fn check(self, value: &Value) -> Result<(), Complaint> {
        if self.is_free() {
            return Ok(());
        }
        if !self.admits(value) {
            let reason = format!("expected {}, found {}", self.form(), kind_of(value));
            return Err(Complaint::new(reason, format!("give {}", self.form_with_range())));
        }
        match value {
            Value::Integer(number) => self.check_integer(*number),
            Value::Float(number) => self.check_number(*number),
            Value::String(text) => self.check_text(text),
            Value::Array(items) => self
                .0
                .get("items")
                .map_or(Ok(()), |item| items.iter().try_for_each(|value| Node(item).check(value))),
            _ => Ok(()),
        }
    }

    fn check_integer(self, number: i64) -> Result<(), Complaint> {
        if let Some("concurrency" | "period") = self.format() {
            return self.check_text(&number.to_string());
        }
        let low = self.0.get("minimum").and_then(Json::as_f64);
        let high = self.0.get("maximum").and_then(Json::as_f64);
        #[expect(
            clippy::cast_precision_loss,
            reason = "bounds are far below 2^53, so rounding cannot cross one"
        )]
        let value = number as f64;
        self.check_bounds(value, low, high)
    }

    fn check_number(self, number: f64) -> Result<(), Complaint> {
        if self.format() == Some("period") {
            return self.check_text(&number.to_string());
        }
        let bound = |name| self.0.get(name).and_then(Json::as_f64);
        self.check_bounds(number, bound("minimum"), bound("maximum"))
    }

    fn check_bounds(self, number: f64, low: Option<f64>, high: Option<f64>) -> Result<(), Complaint> {
        // Not-a-number fails both comparisons, as it must.
        if number.is_finite() && low.is_none_or(|low| number >= low) && high.is_none_or(|high| number <= high)
        {
            Ok(())
        } else {
            Err(Complaint::new(
                format!("{number} is out of range"),
                format!("give {}", self.form_with_range()),
            ))
        }
    }

    fn check_text(self, text: &str) -> Result<(), Complaint> {
        let choices = self.choices();
        if !choices.is_empty() && !choices.contains(&text) {
            let meant = nearest(text, choices.iter().copied());
            let listed = format!("one of: {}", choices.join(", "));
            let remedy = meant
                .map_or(format!("write {listed}"), |word| format!("did you mean \"{word}\"? It is {listed}"));
            return Err(Complaint::new(format!("unknown value \"{}\"", escape::excerpt(text, 40)), remedy));
        }
        if text.contains('\0') {
            return Err(Complaint::new("the text holds a NUL character", "remove it"));
        }
        self.format().map_or(Ok(()), |format| check_format(format, text))
    }

    fn format(self) -> Option<&'a str> {
        self.0.get("format").and_then(Json::as_str)
    }

    /// What may stand here, in words.
    fn form(self) -> String {
        if !self.choices().is_empty() {
            return format!("one of: {}", self.choices().join(", "));
        }
        let words: Vec<_> = self.types().into_iter().map(words_of).collect();
        words.join(" or ")
    }

    fn form_with_range(self) -> String {
        let bound = |name| self.0.get(name).and_then(Json::as_f64);
        match (bound("minimum"), bound("maximum")) {
            (Some(low), Some(high)) => format!("{} from {low} to {high}", self.form()),
            (Some(low), None) => format!("{} from {low}", self.form()),
            _ => self.form(),
        }
    }
}

/// A TOML value written on one line, if the text is one.
fn literal(text: &str) -> Option<Value> {
    let document: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    let mut values = document.into_iter();
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value)
}

fn words_of(kind: &str) -> &'static str {
    match kind {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "a truth value",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The complaint about a name that is not known under `parent`, with the nearest name that is.
#[must_use]
pub fn unknown(parent: &Key, name: &str) -> Complaint {
    let siblings: Vec<&str> = Node::of(parent).into_iter().flat_map(Node::names).collect();
    let reason = format!("unknown key `{}`", escape::excerpt(&parent.child(name).to_string(), 80));
    let remedy = if let Some(secret) = secret_remedy(name) {
        secret.to_owned()
    } else if let Some(meant) = nearest(name, siblings.iter().copied()) {
        format!("did you mean `{}`?", parent.child(meant))
    } else if let Some(elsewhere) = elsewhere(name) {
        format!("did you mean `{elsewhere}`?")
    } else if siblings.is_empty() {
        format!("`{parent}` has no settings of its own")
    } else {
        format!("known here: {}", siblings.join(", "))
    };
    Complaint::new(reason, remedy)
}

/// People put keys into configuration files; the remedy for that is another setting.
fn secret_remedy(name: &str) -> Option<&'static str> {
    matches!(name, "api_key" | "apikey" | "key" | "token" | "api_token").then_some(
        "keys are not kept in files: put it into an environment variable and name that with `api_key_env`",
    )
}

/// A key of this name in another table.
fn elsewhere(name: &str) -> Option<Key> {
    Node::root().names().find_map(|section| {
        let table = Node::root().child(section)?;
        let found = table.names().find(|known| *known == name)?;
        Some(Key::from([section, found].as_slice()))
    })
}

/// The known word that is most like a text, if one is like it.
pub fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (text.chars().count() / 3).clamp(1, 4);
    known
        .map(|word| (strsim::damerau_levenshtein(text, word), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
