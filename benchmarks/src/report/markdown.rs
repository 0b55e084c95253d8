//! The report as Markdown.

use std::fmt::Write as _;

use super::Report;
use crate::batch::AllPaid;

/// Writes tables of what the batch is, its figures, and its problems. Foreign text can't end a cell.
pub(super) fn text(report: &Report) -> String {
    let results = &report.results;
    let mut text = String::from("# Batch report\n\n| what | value |\n|---|---|\n");
    for (label, value) in report.head() {
        line(&mut text, &[label, &value]);
    }
    text.push_str("\n## Results\n\n| measure | value | 95 % interval | problems |\n|---|---|---|---|\n");
    for (k, it) in &results.pass_at_k {
        let mean = it.mean;
        let interval = format!("{:.2} to {:.2} %", mean.lo * 100.0, mean.hi * 100.0);
        line(
            &mut text,
            &[
                &format!("pass@{k}"),
                &format!("{:.2} %", mean.value * 100.0),
                &interval,
                &it.problems.to_string(),
            ],
        );
    }
    let usd = results.cost.usd.map_or_else(|| "price unknown".to_owned(), |usd| format!("${usd:.4}"));
    // Writing to a string can't fail.
    let _ = write!(
        text,
        "\n{} of {} problems solved; {} calls, {} tokens in, {} out, {usd}{}.\n",
        results.solved,
        results.n_problems,
        results.calls,
        results.tokens.r#in,
        results.tokens.out,
        if results.complete { "" } else { "; **not complete**" },
    );
    if let Some(repetition) = results.repetition {
        let _ = writeln!(text, "\n{repetition}.");
    }
    if let Some(AllPaid { attempts, paid }) = results.paid {
        let usd = paid
            .micro_usd
            .map_or_else(|| "price unknown".to_owned(), |micro| format!("${:.4}", micro as f64 / 1e6));
        let _ = writeln!(
            text,
            "\nPaid for in {attempts} attempts: {} calls, {} tokens in, {} out, {usd}.",
            paid.calls, paid.input_tokens, paid.output_tokens,
        );
    }
    if !results.by_difficulty.is_empty() {
        text.push_str(
            "\n## By difficulty\n\n| difficulty | problems | solved | samples | pass@1 | 95 % interval |\n|---|---|---|---|---|---|\n",
        );
    }
    for (word, group) in results.easiest_first() {
        let (pass_at_1, interval) = group.pass_at_k.get(&1).map_or_else(Default::default, |it| {
            let percent = |share: f64| format!("{:.2} %", share * 100.0);
            (percent(it.mean.value), format!("{:.2} to {}", it.mean.lo * 100.0, percent(it.mean.hi)))
        });
        let [problems, solved, samples] =
            [group.n_problems.to_string(), group.solved.to_string(), group.samples.to_string()];
        line(&mut text, &[word, &problems, &solved, &samples, &pass_at_1, &interval]);
    }
    if !results.failures.is_empty() {
        text.push_str("\n| not passed, by the first failed test | samples |\n|---|---|\n");
        results.failures.iter().for_each(|(class, count)| line(&mut text, &[class, &count.to_string()]));
    }
    text.push_str(
        "\n## Problems\n\n| problem | passed | samples | calls | tokens |\n|---|---|---|---|---|\n",
    );
    for it in report.problems() {
        let numbers = [it.passed, it.samples, it.calls, it.tokens].map(|number| number.to_string());
        let [passed, samples, calls, tokens] = &numbers;
        line(&mut text, &[it.id, passed, samples, calls, tokens]);
    }
    text
}

fn line(text: &mut String, cells: &[&str]) {
    for cell in cells {
        text.push_str("| ");
        text.extend(cell.chars().map(|it| if it.is_control() { ' ' } else { it }).flat_map(escaped));
        text.push(' ');
    }
    text.push_str("|\n");
}

/// Characters that mean something in Markdown, or in the HTML that it may hold, as themselves.
fn escaped(character: char) -> Vec<char> {
    match character {
        '|' | '\\' | '`' | '*' | '[' | ']' | '#' => vec!['\\', character],
        '<' => "&lt;".chars().collect(),
        '&' => "&amp;".chars().collect(),
        _ => vec![character],
    }
}
