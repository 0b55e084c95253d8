//! The tokenizer that the metadata of a GGUF file describes.

use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{AddedToken, Tokenizer};

use super::unreadable;
use crate::local::error::{LoadError, LoadErrorKind, quoted};
use crate::local::gguf::{Header, Value};

const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Types of tokens in `tokenizer.ggml.token_type`.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

pub(super) fn tokenizer(header: &Header, place: &str) -> Result<Tokenizer, LoadError> {
    let lists = (header.metadata.get("tokenizer.ggml.tokens"), header.metadata.get("tokenizer.ggml.merges"));
    let (Some(Value::Texts(tokens)), merges) = lists else {
        return Err(missing(place, "no vocabulary is in the file"));
    };
    let Some(Value::Texts(merges)) = merges.filter(|_| header.text("tokenizer.ggml.model") == Some("gpt2"))
    else {
        let kind = quoted(header.text("tokenizer.ggml.model").unwrap_or_default());
        return Err(missing(
            place,
            &format!("the vocabulary is of kind {kind}, and only byte-level BPE is read from GGUF"),
        ));
    };
    let pairs = merges.iter().map(|merge| {
        let pair = merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()));
        pair.ok_or_else(|| unreadable(place, &format!("{merge} is no pair to merge")))
    });
    let vocabulary: Vocab = tokens.iter().cloned().zip(0..).collect();
    // Llama 3 takes a word that is a token as it is.
    let whole_words = header.text("tokenizer.ggml.pre") == Some("llama-bpe");
    let bpe = BPE::builder()
        .vocab_and_merges(vocabulary, pairs.collect::<Result<Vec<_>, _>>()?)
        .ignore_merges(whole_words)
        .build()
        .map_err(|error| unreadable(place, &error.to_string()))?;
    let mut tokenizer = Tokenizer::new(bpe);
    let (pattern, normalised) = pattern(header, place)?;
    if normalised {
        tokenizer.with_normalizer(Some(NFC)).map_err(|error| unreadable(place, &error.to_string()))?;
    }
    tokenizer.with_pre_tokenizer(Some(splitter(pattern, place)?));
    tokenizer.with_decoder(Some(ByteLevel::new(false, false, false)));
    add_specials(&mut tokenizer, header, tokens, place)?;
    Ok(tokenizer)
}

/// How texts are cut before merging (`None`: as GPT-2 does), and whether they are normalised.
fn pattern(header: &Header, place: &str) -> Result<(Option<&'static str>, bool), LoadError> {
    match header.text("tokenizer.ggml.pre") {
        Some("qwen2") => Ok((Some(QWEN2), true)),
        Some("llama-bpe" | "llama3" | "smaug-bpe") => Ok((Some(LLAMA3), false)),
        Some("gpt-2" | "gpt2") => Ok((None, false)),
        other => Err(missing(
            place,
            &format!(
                "texts are cut in a way called {}, which is unknown",
                quoted(other.unwrap_or("default"))
            ),
        )),
    }
}

fn splitter(pattern: Option<&str>, place: &str) -> Result<PreTokenizerWrapper, LoadError> {
    let Some(pattern) = pattern else { return Ok(ByteLevel::new(false, true, true).into()) };
    let pattern = SplitPattern::Regex(pattern.to_owned());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
        .map_err(|error| unreadable(place, &error.to_string()))?;
    Ok(Sequence::new(vec![split.into(), ByteLevel::new(false, false, false).into()]).into())
}

fn add_specials(
    tokenizer: &mut Tokenizer,
    header: &Header,
    tokens: &[String],
    place: &str,
) -> Result<(), LoadError> {
    let Some(Value::Integers(types)) = header.metadata.get("tokenizer.ggml.token_type") else {
        return Ok(());
    };
    let of_type = |wanted: i64| {
        let tokens = tokens.iter().zip(types).filter(move |(_, kind)| **kind == wanted);
        tokens.map(move |(token, _)| AddedToken::from(token.clone(), wanted == CONTROL)).collect::<Vec<_>>()
    };
    let added = tokenizer
        .add_special_tokens(of_type(CONTROL))
        .and_then(|_| tokenizer.add_tokens(of_type(USER_DEFINED)));
    added.map(|_| ()).map_err(|error| unreadable(place, &error.to_string()))
}

fn missing(place: &str, problem: &str) -> LoadError {
    LoadError::new(LoadErrorKind::Tokenizer, place, problem, "lay the model's tokenizer.json beside the file")
}
