//! What the tokens of a model spell.

/// The bytes of every token of a model, and the tokens that end a text.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    bytes: Vec<Box<[u8]>>,
    ends: Vec<u32>,
}

impl Vocabulary {
    /// A vocabulary: the bytes of the tokens in the order of their ids (none for special tokens), and the ids of tokens
    /// that end a text.
    #[must_use]
    pub fn new(bytes: impl IntoIterator<Item = Vec<u8>>, ends: Vec<u32>) -> Self {
        Self { bytes: bytes.into_iter().map(Vec::into_boxed_slice).collect(), ends }
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What a token spells: bytes, which need not be a whole character. Empty for special and unknown tokens.
    #[must_use]
    pub fn bytes(&self, token: u32) -> &[u8] {
        usize::try_from(token).ok().and_then(|token| self.bytes.get(token)).map_or(&[], |bytes| bytes)
    }

    /// Whether a token ends the text.
    #[must_use]
    pub fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The tokens that end a text.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }
}
