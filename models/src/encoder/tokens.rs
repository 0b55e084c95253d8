//! From texts to token numbers, without a vocabulary to carry along: bytes, or lexemes by their hash.

use serde::{Deserialize, Serialize};

/// Begins every input.
const BEGIN: u32 = 0;
/// Stands between the problem and the program.
const BETWEEN: u32 = 1;
/// Ends a whole program.
const END: u32 = 2;
/// Fills rows of a batch.
pub(super) const PAD: u32 = 0;
/// The first token of the text itself.
const FIRST: u32 = 3;

/// How text becomes tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// One token per byte.
    Bytes,
    /// One token per word, number, mark, or line break with its indentation; a hash says which of the buckets it is.
    Lexemes {
        /// Number of buckets, at least 1.
        buckets: u32,
    },
}

/// The tokens of one problem with one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// What comes before the program: a begin, the problem, a mark.
    pub(crate) before: Vec<u32>,
    /// The program, and an end unless it was cut.
    pub(crate) program: Vec<u32>,
    /// Where each token of the program ends in it, in bytes.
    pub(crate) ends: Vec<usize>,
}

/// Most tokens that are read of each text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) problem: usize,
    pub(crate) program: usize,
}

impl Tokens {
    /// Number of different tokens.
    pub(super) const fn vocabulary(self) -> usize {
        let own = match self {
            Self::Bytes => 256,
            Self::Lexemes { buckets } => buckets as usize,
        };
        own + FIRST as usize
    }

    /// The tokens before the program. Of a long problem the beginning and the end are read, in equal parts: the task stands
    /// in the one, examples and signature in the other.
    pub(crate) fn before(self, problem: &str, limits: Limits) -> Vec<u32> {
        let mut tokens: Vec<u32> = self.split(problem).map(|(token, _)| token).collect();
        if tokens.len() > limits.problem {
            let tail = limits.problem / 2;
            let head = limits.problem - tail;
            tokens.drain(head..tokens.len() - tail);
        }
        std::iter::once(BEGIN).chain(tokens).chain([BETWEEN]).collect()
    }

    /// The tokens of the program and where they end. Never empty.
    pub(crate) fn program(self, program: &str, limits: Limits) -> (Vec<u32>, Vec<usize>) {
        let mut pieces = self.split(program);
        let (mut tokens, mut ends): (Vec<u32>, Vec<usize>) = pieces.by_ref().take(limits.program).unzip();
        if pieces.next().is_none() {
            tokens.push(END);
            ends.push(program.len());
        }
        (tokens, ends)
    }

    pub(crate) fn encode(self, problem: &str, program: &str, limits: Limits) -> Encoded {
        let before = self.before(problem, limits);
        let (program, ends) = self.program(program, limits);
        Encoded { before, program, ends }
    }

    fn split(self, text: &str) -> Box<dyn Iterator<Item = (u32, usize)> + '_> {
        match self {
            Self::Bytes => {
                Box::new(text.bytes().enumerate().map(|(at, byte)| (FIRST + u32::from(byte), at + 1)))
            }
            Self::Lexemes { buckets } => Box::new(
                Lexemes { text, at: 0 }.map(move |(piece, end)| (FIRST + hash(piece) % buckets.max(1), end)),
            ),
        }
    }
}

/// Pieces of a text with their ends. Blanks inside a line belong to the piece before them in position and to none in
/// content.
struct Lexemes<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Lexemes<'t> {
    type Item = (&'t str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..)?;
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let rest = rest.get(blank..)?;
        let first = rest.chars().next()?;
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let length = if first == '\n' {
            // The line break with the indentation that follows; empty lines with blanks count as they are written.
            1 + rest.get(1..)?.bytes().take_while(|byte| *byte == b' ' || *byte == b'\t').count()
        } else if is_word(first) {
            rest.find(|it: char| !is_word(it)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        self.at += blank + length;
        Some((rest.get(..length)?, self.at))
    }
}

/// FNV-1a, folded to 32 bits: fixed for all time, as files depend on it.
fn hash(piece: &str) -> u32 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = piece.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    let [a, b, c, d, e, f, g, h] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]) ^ u32::from_le_bytes([e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { problem: 4, program: 8 };

    fn pieces(text: &str) -> Vec<&str> {
        Lexemes { text, at: 0 }.map(|(piece, _)| piece).collect()
    }

    #[test]
    fn lexemes_are_words_marks_and_line_breaks_with_indentation() {
        assert_eq!(
            pieces("def f(x_1):\n    return x_1 + 'é'"),
            ["def", "f", "(", "x_1", ")", ":", "\n    ", "return", "x_1", "+", "'", "é", "'"]
        );
        assert_eq!(pieces("  \r\n \n"), ["\n ", "\n"]);
        assert_eq!(pieces("   "), [""; 0]);
    }

    #[test]
    fn ends_are_places_in_the_program_and_a_cut_program_has_no_end() {
        let tokens = Tokens::Lexemes { buckets: 100 };
        let (short, ends) = tokens.program("a = 1 ", LIMITS);
        assert_eq!((short.len(), short.last(), ends), (4, Some(&END), vec![1, 3, 5, 6]));
        let (long, ends) = Tokens::Bytes.program("123456789", LIMITS);
        assert_eq!((long.len(), long.contains(&END), ends.last()), (8, false, Some(&8)));
        assert_eq!(Tokens::Bytes.program("", LIMITS), (vec![END], vec![0]));
        assert_eq!(Tokens::Bytes.program("12345678", LIMITS).0.last(), Some(&END));
    }

    #[test]
    fn of_a_long_problem_both_ends_are_read() {
        let token = |byte: u8| FIRST + u32::from(byte);
        let expected = [BEGIN, token(b'1'), token(b'2'), token(b'8'), token(b'9'), BETWEEN];
        assert_eq!(Tokens::Bytes.before("123456789", LIMITS), expected);
        assert_eq!(Tokens::Bytes.before("", LIMITS), [BEGIN, BETWEEN]);
    }
}
