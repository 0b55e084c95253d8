//! The block listing of one failing run, as a model reads it.
//!
//! Source: Zhong, Wang, Shang 2024, *Debug like a Human* (LDB), and its use in RethinkMCTS (Li et al. 2025).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::fence::{cut_middle, one_line};

/// Longest source of one block, in characters: 400 tokens of about 4.
const BLOCK_CHARS_MAX: usize = 1600;

/// One executed basic block of the program's entry function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutedBlock {
    /// The executed source lines.
    pub source: String,
    /// Local variables before it, as `name=value` pairs on one line.
    pub before: String,
    /// The same after its last line.
    pub after: String,
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

/// The listing: blocks in order of execution, numbered from 0, with the variables around them as comments. Of a run of
/// `total` blocks, `blocks` are the first and the last ones, as many of each.
#[must_use]
pub fn listing(blocks: &[ExecutedBlock], total: usize) -> String {
    let skipped = total.saturating_sub(blocks.len());
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let after_gap = skipped > 0 && index >= blocks.len() / 2;
        if after_gap && index == blocks.len() / 2 {
            // Writing to a string cannot fail; the same holds below.
            let _ = writeln!(text, "# ... {skipped} blocks left out ...");
        }
        let _ = write_block(&mut text, if after_gap { index + skipped } else { index }, block);
    }
    text
}

fn write_block(text: &mut String, index: usize, block: &ExecutedBlock) -> std::fmt::Result {
    writeln!(text, "[BLOCK-{index}]")?;
    writeln!(text, "    # before: {}", one_line(&block.before))?;
    writeln!(text, "{}", cut_middle(block.source.trim_end(), BLOCK_CHARS_MAX))?;
    writeln!(text, "    # after: {}", one_line(&block.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: usize) -> ExecutedBlock {
        ExecutedBlock {
            source: format!("    total += {number}"),
            before: format!("total={number}"),
            after: format!("total={}", 2 * number),
        }
    }

    #[test]
    fn blocks_carry_their_variables() {
        assert_eq!(
            listing(&[block(3)], 1),
            "[BLOCK-0]\n    # before: total=3\n    total += 3\n    # after: total=6\n"
        );
        assert_eq!(listing(&[], 0), "");
    }

    #[test]
    fn of_a_long_run_both_ends_are_shown() {
        let text = listing(&(0..10).map(block).collect::<Vec<_>>(), 25);
        let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("[BLOCK")).collect();
        assert_eq!(shown.len(), 10);
        assert_eq!(shown.get(4..6), Some(&["[BLOCK-4]", "[BLOCK-20]"][..]));
        assert!(text.contains("# ... 15 blocks left out ..."));
    }
}
