//! The block listing of one failing run, as a model reads it.
//!
//! Source: Zhong, Wang, Shang 2024, *Debug like a Human* (LDB), and its use in RethinkMCTS (Li et al. 2025).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::fence::cut_middle;

/// Most blocks that are shown; of a longer run the first and the last half of these.
const BLOCKS_MAX: usize = 10;
/// Longest rendering of the variables at one boundary, in characters.
const BOUNDARY_CHARS_MAX: usize = 100;
/// Longest source of one block, in characters: 400 tokens of about 4.
const BLOCK_CHARS_MAX: usize = 1600;

/// One executed basic block of the program's entry function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutedBlock {
    /// The executed source lines.
    pub source: String,
    /// Local variables before it: names and values as source text.
    pub before: Vec<(String, String)>,
    /// Local variables after its last line.
    pub after: Vec<(String, String)>,
}

/// What a model says of one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockVerdict {
    /// The block's name in the listing: `BLOCK-3`.
    pub block: String,
    /// Whether it does what the task needs.
    pub correct: bool,
    /// Why.
    pub explanation: String,
}

/// The listing: blocks in order of execution, numbered from 0, with the variables around them as comments.
#[must_use]
pub fn listing(blocks: &[ExecutedBlock]) -> String {
    let skipped = blocks.len().saturating_sub(BLOCKS_MAX);
    let head = if skipped > 0 { BLOCKS_MAX / 2 } else { blocks.len() };
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        if skipped > 0 && index == head {
            // Writing to a string cannot fail; the same holds below.
            let _ = writeln!(text, "# ... {skipped} blocks left out ...");
        }
        if index < head || index >= head + skipped {
            let _ = write_block(&mut text, index, block);
        }
    }
    text
}

fn write_block(text: &mut String, index: usize, block: &ExecutedBlock) -> std::fmt::Result {
    writeln!(text, "[BLOCK-{index}]")?;
    writeln!(text, "    # before: {}", variables(&block.before))?;
    writeln!(text, "{}", cut_middle(block.source.trim_end(), BLOCK_CHARS_MAX))?;
    writeln!(text, "    # after: {}", variables(&block.after))
}

fn variables(values: &[(String, String)]) -> String {
    let line = values
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect::<Vec<_>>()
        .join("  ");
    let line = line.replace(['\n', '\r'], " ");
    let length = line.chars().count();
    if length <= BOUNDARY_CHARS_MAX {
        return line;
    }
    let half = BOUNDARY_CHARS_MAX / 2;
    let start: String = line.chars().take(half).collect();
    let end: String = line.chars().skip(length - half).collect();
    format!("{start}...{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: usize) -> ExecutedBlock {
        ExecutedBlock {
            source: format!("    total += {number}"),
            before: vec![("total".into(), number.to_string())],
            after: vec![("total".into(), (2 * number).to_string())],
        }
    }

    #[test]
    fn blocks_carry_their_variables() {
        assert_eq!(
            listing(&[block(3)]),
            "[BLOCK-0]\n    # before: total = 3\n    total += 3\n    # after: total = 6\n"
        );
        assert_eq!(listing(&[]), "");
    }

    #[test]
    fn of_a_long_run_both_ends_are_shown() {
        let text = listing(&(0..25).map(block).collect::<Vec<_>>());
        let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("[BLOCK")).collect();
        assert_eq!(shown.len(), 10);
        assert_eq!(shown.get(4..6), Some(&["[BLOCK-4]", "[BLOCK-20]"][..]));
        assert!(text.contains("# ... 15 blocks left out ..."));
    }

    #[test]
    fn long_values_keep_fifty_characters_of_each_end() {
        let line = variables(&[("s".into(), "x".repeat(500))]);
        assert_eq!(line.len(), 103);
        assert!(line.starts_with("s = xxx") && line.ends_with("xxx"));
    }
}
