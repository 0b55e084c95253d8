//! Which files make a model, on disk and in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value as Json;

use super::{ChatTexts, Checkpoint, Format, Located, ModelBytes, names};
use crate::local::config::{DecoderConfig, end_tokens};
use crate::local::error::{LoadError, LoadErrorKind};
use crate::local::gguf::{self, Header, TensorInfo};
use crate::local::safetensors;
use crate::local::source::{Source, read_small};
use crate::local::tokenizer::LocalTokenizer;

const CONFIG_BYTES_MAX: u64 = 16 << 20;
const TOKENIZER_BYTES_MAX: u64 = 128 << 20;

/// Tokens that end a turn in the templates that are in use.
const TURN_ENDS: [&str; 7] =
    ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>", "<end_of_turn>", "</s>"];

/// What stands beside the weights.
#[derive(Default)]
struct Beside {
    config: Option<Bytes>,
    tokenizer: Option<Bytes>,
    generation_config: Option<Bytes>,
    tokenizer_config: Option<Bytes>,
    template: Option<Bytes>,
}

pub(super) fn open(path: &Path) -> Result<Checkpoint, LoadError> {
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    if path.is_dir() {
        return folder(path, name);
    }
    let source = Source::open(path)?;
    let beside = beside(path.parent().unwrap_or(Path::new(".")))?;
    let name = name.strip_suffix(".gguf").map(str::to_owned).unwrap_or(name);
    single(source, &beside, name)
}

pub(super) fn from_bytes(model: ModelBytes) -> Result<Checkpoint, LoadError> {
    let source = Source::memory(&model.name, model.weights);
    let beside = Beside {
        config: model.config,
        tokenizer: model.tokenizer,
        generation_config: model.generation_config,
        tokenizer_config: model.tokenizer_config,
        template: None,
    };
    single(source, &beside, model.name)
}

/// A model of one file of weights.
fn single(mut source: Source, beside: &Beside, name: String) -> Result<Checkpoint, LoadError> {
    let start = source.read_at(0, source.len().min(4))?;
    if gguf::is_gguf(&start) {
        std::io::Seek::rewind(&mut source).map_err(|error| {
            LoadError::new(LoadErrorKind::Unreadable, &name, error.to_string(), "try again")
        })?;
        return of_gguf(source, beside, name);
    }
    let tensors = safetensors::read(&mut source)?;
    of_safetensors(vec![source], vec![tensors], beside, name)
}

fn folder(path: &Path, name: String) -> Result<Checkpoint, LoadError> {
    let beside = beside(path)?;
    let index = path.join("model.safetensors.index.json");
    let files: Vec<PathBuf> = if index.is_file() {
        let shards = safetensors::shards(&index, &read_small(&index, CONFIG_BYTES_MAX)?)?;
        shards.iter().map(|shard| path.join(shard)).collect()
    } else if path.join("model.safetensors").is_file() {
        vec![path.join("model.safetensors")]
    } else {
        return match only_gguf(path)? {
            Some(file) => single(Source::open(&file)?, &beside, name),
            None => Err(LoadError::new(
                LoadErrorKind::NotFound,
                path.display().to_string(),
                "neither model.safetensors nor one .gguf file is in it",
                "name the folder or the file of a model",
            )),
        };
    };
    let mut sources = files.iter().map(|file| Source::open(file)).collect::<Result<Vec<_>, _>>()?;
    let tensors = sources.iter_mut().map(safetensors::read).collect::<Result<Vec<_>, _>>()?;
    of_safetensors(sources, tensors, &beside, name)
}

/// The GGUF file of a folder that has one.
fn only_gguf(folder: &Path) -> Result<Option<PathBuf>, LoadError> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        LoadError::new(
            LoadErrorKind::Unreadable,
            folder.display().to_string(),
            error.to_string(),
            "check its permissions",
        )
    })?;
    let files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "gguf"))
        .collect();
    Ok(match files.as_slice() {
        [file] => Some(file.clone()),
        _ => None,
    })
}

fn beside(folder: &Path) -> Result<Beside, LoadError> {
    let file = |name: &str, max: u64| {
        let path = folder.join(name);
        path.is_file().then(|| read_small(&path, max).map(Bytes::from)).transpose()
    };
    Ok(Beside {
        config: file("config.json", CONFIG_BYTES_MAX)?,
        tokenizer: file("tokenizer.json", TOKENIZER_BYTES_MAX)?,
        generation_config: file("generation_config.json", CONFIG_BYTES_MAX)?,
        tokenizer_config: file("tokenizer_config.json", CONFIG_BYTES_MAX)?,
        template: file("chat_template.jinja", CONFIG_BYTES_MAX)?,
    })
}

fn of_safetensors(
    sources: Vec<Source>,
    tensors: Vec<BTreeMap<String, TensorInfo>>,
    beside: &Beside,
    name: String,
) -> Result<Checkpoint, LoadError> {
    let Some(config) = &beside.config else {
        let remedy = "lay the model's config.json beside the weights";
        return Err(LoadError::new(LoadErrorKind::NotFound, name, "there is no config.json", remedy));
    };
    let config = DecoderConfig::from_json(config, &format!("{name}/config.json"))?;
    let Some(tokenizer) = &beside.tokenizer else {
        let remedy = "lay the model's tokenizer.json beside the weights";
        return Err(LoadError::new(LoadErrorKind::Tokenizer, name, "there is no tokenizer.json", remedy));
    };
    let tokenizer = LocalTokenizer::from_json(tokenizer, &format!("{name}/tokenizer.json"))?;
    let located = tensors.into_iter().enumerate().flat_map(|(file, tensors)| {
        tensors.into_iter().map(move |(name, info)| (name, Located { file, info }))
    });
    let tensors = located.collect();
    let chat = chat_texts(beside, None, &tokenizer, &name)?;
    let ends = ends(&config, beside, &chat, &tokenizer);
    Ok(Checkpoint { name, config, format: Format::Safetensors, sources, tensors, tokenizer, chat, ends })
}

fn of_gguf(mut source: Source, beside: &Beside, name: String) -> Result<Checkpoint, LoadError> {
    let header = gguf::read(&mut source)?;
    let place = source.name().to_owned();
    let config = DecoderConfig::from_gguf(&header, &place)?;
    let tokenizer = match &beside.tokenizer {
        Some(json) => LocalTokenizer::from_json(json, &format!("tokenizer.json beside {place}"))?,
        None => LocalTokenizer::from_gguf(&header, &place)?,
    };
    let chat = chat_texts(beside, Some(&header), &tokenizer, &name)?;
    let ends = ends(&config, beside, &chat, &tokenizer);
    let located = header
        .tensors
        .into_iter()
        .filter_map(|(tensor, info)| Some((names::from_gguf(&tensor)?, Located { file: 0, info })));
    let tensors = located.collect();
    Ok(Checkpoint {
        name,
        config,
        format: Format::Gguf,
        sources: vec![source],
        tensors,
        tokenizer,
        chat,
        ends,
    })
}

/// The template and what it may name: of the files beside the weights, else of the GGUF metadata.
fn chat_texts(
    beside: &Beside,
    header: Option<&Header>,
    tokenizer: &LocalTokenizer,
    name: &str,
) -> Result<ChatTexts, LoadError> {
    let config = match &beside.tokenizer_config {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|error| {
            LoadError::corrupt(format!("{name}/tokenizer_config.json, line {}", error.line()), "no JSON")
                .caused_by(error)
        })?,
        None => Json::Null,
    };
    let special = |key: &str| {
        let token = config.get(key)?;
        token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
    };
    let of_header = |key: &str| tokenizer.token(header?.integer(&format!("tokenizer.ggml.{key}_token_id"))?);
    let template = beside.template.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok(ChatTexts {
        template: template
            .or_else(|| template_of(config.get("chat_template")?))
            .or_else(|| header?.text("tokenizer.chat_template").map(str::to_owned)),
        bos: special("bos_token").or_else(|| of_header("bos")),
        eos: special("eos_token").or_else(|| of_header("eos")),
    })
}

/// A template, or the one called `default` of several.
fn template_of(value: &Json) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let default =
        value.as_array()?.iter().find(|entry| entry.get("name").and_then(Json::as_str) == Some("default"))?;
    default.get("template")?.as_str().map(str::to_owned)
}

/// The tokens that end an answer: of both configurations, of the tokenizer's, and the one that ends a turn of the template.
fn ends(config: &DecoderConfig, beside: &Beside, chat: &ChatTexts, tokenizer: &LocalTokenizer) -> Vec<u32> {
    let mut ends = config.ends.clone();
    for file in [&beside.config, &beside.generation_config] {
        let json: Option<Json> = file.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
        ends.extend(end_tokens(json.as_ref().and_then(|json| json.get("eos_token_id"))));
    }
    let template = chat.template.as_deref().unwrap_or_default();
    let of_template = TURN_ENDS.into_iter().filter(|end| template.contains(end));
    ends.extend(chat.eos.as_deref().into_iter().chain(of_template).filter_map(|end| tokenizer.id(end)));
    ends
}
