//! Texts to tokens, and what tokens spell.

mod gguf;

use std::collections::HashMap;

use tokenizers::Tokenizer;

use super::error::{LoadError, LoadErrorKind};
use super::gguf::Header;
use crate::decode::Vocabulary;

/// A model's tokenizer.
#[derive(Debug)]
pub struct LocalTokenizer {
    inner: Tokenizer,
    spellings: Vec<Vec<u8>>,
    /// Texts of special tokens, the longest first.
    specials: Vec<String>,
}

impl LocalTokenizer {
    /// Reads a `tokenizer.json`. `place` names it in messages.
    ///
    /// # Errors
    /// [`LoadErrorKind::Tokenizer`].
    pub fn from_json(bytes: &[u8], place: &str) -> Result<Self, LoadError> {
        guarded(place, || Tokenizer::from_bytes(bytes).map_err(|error| unreadable(place, &error.to_string())))
            .map(Self::new)
    }

    /// Makes the tokenizer that a GGUF file's metadata describes: byte-level BPE of a known kind.
    ///
    /// # Errors
    /// [`LoadErrorKind::Tokenizer`] for other kinds, whose `tokenizer.json` must lie beside the file.
    pub fn from_gguf(header: &Header, place: &str) -> Result<Self, LoadError> {
        guarded(place, || gguf::tokenizer(header, place)).map(Self::new)
    }

    fn new(mut inner: Tokenizer) -> Self {
        // Files may ask for texts to be cut or filled up to a length; prompts must be neither.
        inner.with_padding(None);
        let _ = inner.with_truncation(None);
        let added = inner.get_added_tokens_decoder();
        let byte_level =
            serde_json::to_string(&inner.get_decoder()).is_ok_and(|json| json.contains("ByteLevel"));
        let bytes_of = if byte_level { byte_level_bytes } else { sentence_piece_bytes };
        let alphabet = alphabet();
        let count = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        let mut spellings = vec![Vec::new(); count.min(1 << 22)];
        for (id, spelling) in (0..).zip(&mut spellings) {
            *spelling = match (added.get(&id), inner.id_to_token(id)) {
                (Some(token), _) if token.special => Vec::new(),
                (Some(token), _) => token.content.clone().into_bytes(),
                (None, Some(token)) => bytes_of(&token, &alphabet),
                (None, None) => Vec::new(),
            };
        }
        let special = added.values().filter(|token| token.special && token.content.chars().nth(1).is_some());
        let mut specials: Vec<String> = special.map(|token| token.content.clone()).collect();
        specials.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { inner, spellings, specials }
    }

    /// How many tokens it knows: the largest id and one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spellings.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spellings.is_empty()
    }

    /// The tokens of a text. Special tokens that are spelt out in it count as such; none are added.
    ///
    /// # Errors
    /// [`LoadErrorKind::Tokenizer`] where its pattern gives up on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LoadError> {
        let encoded = guarded("tokenizer", || {
            self.inner.encode(text, false).map_err(|error| unreadable("tokenizer", &error.to_string()))
        })?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The id of a token by its text.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The text of a token, as the tokenizer file has it.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// A foreign text in which no special token is spelt out any more: a space stands behind its first character.
    #[must_use]
    pub fn defuse(&self, text: &str) -> String {
        self.specials.iter().fold(text.to_owned(), |text, special| {
            if !text.contains(special.as_str()) {
                return text;
            }
            let cut = special.chars().next().map_or(0, char::len_utf8);
            let (first, rest) = special.split_at(cut);
            text.replace(special.as_str(), &format!("{first} {rest}"))
        })
    }

    /// What the tokens spell, with the tokens that end a text.
    #[must_use]
    pub fn vocabulary(&self, ends: Vec<u32>) -> Vocabulary {
        Vocabulary::new(self.spellings.iter().cloned(), ends)
    }
}

/// Foreign files must not end the process, whatever the library makes of them.
fn guarded<T>(place: &str, read: impl FnOnce() -> Result<T, LoadError>) -> Result<T, LoadError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(unreadable(place, "the tokenizer library gave up on it")))
}

fn unreadable(place: &str, problem: &str) -> LoadError {
    let problem = super::error::quoted(problem);
    LoadError::new(
        LoadErrorKind::Tokenizer,
        place,
        format!("the tokenizer cannot be used: {problem}"),
        "take the tokenizer.json that belongs to the model",
    )
}

/// The bytes of a token of byte-level BPE, in which each character stands for a byte.
fn byte_level_bytes(token: &str, alphabet: &HashMap<char, u8>) -> Vec<u8> {
    token.chars().filter_map(|character| alphabet.get(&character).copied()).collect()
}

/// The bytes of a token of SentencePiece: `▁` is a space, `<0x0A>` a byte.
fn sentence_piece_bytes(token: &str, _: &HashMap<char, u8>) -> Vec<u8> {
    let byte = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => vec![byte],
        None => token.replace('▁', " ").into_bytes(),
    }
}

/// The characters of byte-level BPE. Source: `bytes_to_unicode` of GPT-2's published encoder.
pub(crate) fn alphabet() -> HashMap<char, u8> {
    let plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100;
    (0..=u8::MAX)
        .filter_map(|byte| {
            let code = if plain(byte) {
                u32::from(byte)
            } else {
                next += 1;
                next - 1
            };
            Some((char::from_u32(code)?, byte))
        })
        .collect()
}

#[cfg(test)]
mod tests;
