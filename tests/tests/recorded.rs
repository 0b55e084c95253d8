//! Recorded answers of real models as pools of candidates: every verdict must be the one that was recorded.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use codeagent_benchmarks::ProblemWithHidden;
use codeagent_tests::pool::{self, Candidate};
use serde_json::Value;

/// The program of a row as its experiment judged it.
type Program = fn(&Value) -> &str;

const SOLUTION: Program = |row| row["solution"].as_str().unwrap();
const LAST_SOURCE: Program = |row| row["source_codes"].as_array().unwrap().last().unwrap().as_str().unwrap();

/// Judges the rows of recordings, of which so many were solved, on their hidden tests alone, as the experiments did.
/// Rows with starter code are left out: the one experiment that has them judged functions as if they were programs.
fn check(recordings: &[&str], program: Program, rows: usize, solved: usize) {
    let paths = recordings.iter().map(|recording| format!("data/recorded/{recording}.jsonl.gz"));
    let Some(problems) = paths.map(|path| pool::problems(&path)).collect::<Option<Vec<_>>>() else { return };
    let candidate = |(mut problem, row): (ProblemWithHidden, Value)| {
        problem.problem.visible.clear();
        Candidate { problem, written: program(&row).to_owned(), passes: row["is_solved"].as_bool().unwrap() }
    };
    let is_judged = |(_, row): &(_, Value)| row["starter_code"].as_str().unwrap_or_default().is_empty();
    let candidates: Vec<_> = problems.into_iter().flatten().filter(is_judged).map(candidate).collect();
    let recorded = candidates.iter().filter(|candidate| candidate.passes).count();
    assert_eq!((candidates.len(), recorded), (rows, solved), "{recordings:?}");
    pool::compare(&recordings.join(", "), &candidates, pool::sandboxes(), &[]);
}

#[test]
fn programs_debugged_block_by_block() {
    check(&["ldb_gpt-3.5-turbo-0613_humaneval"], SOLUTION, 164, 136);
    check(&["ldb_codellama_humaneval"], SOLUTION, 164, 91);
}

#[test]
fn programs_from_recalled_problems_and_plans() {
    check(&["mapcoder_chatgpt_mapcoder_humaneval"], LAST_SOURCE, 164, 132);
}

/// Completions without their prompts, some of them empty.
#[test]
fn programs_after_reflection() {
    check(&["reflexion_gpt4_humaneval"], SOLUTION, 164, 150);
    check(&["reflexion_simple_gpt-4_humaneval"], SOLUTION, 164, 134);
}

/// In one pool, since some loop for ever. The experiment compared outputs by lines, then by tokens, numbers with a
/// tolerance, as the reader's choice for such rows does.
#[test]
fn stdin_programs() {
    let recordings = [
        "mapcoder_chatgpt_mapcoder_apps",
        "mapcoder_chatgpt_cot_apps",
        "mapcoder_chatgpt_direct_apps",
        "mapcoder_chatgpt_selfplan_apps",
    ];
    check(&recordings, LAST_SOURCE, 4 * 24, 3 + 2 + 3 + 4);
}
